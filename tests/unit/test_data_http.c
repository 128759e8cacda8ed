/* common/data: where a token may go, and what of a URL may be shown. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli/diag.h"
#include "data/http.h"

static void test_origins(void)
{
    static const struct {
        const char *one, *other;
        bool same;
    } rows[] = {
        {"https://huggingface.co/a", "https://huggingface.co/b?c#d", true},
        {"https://huggingface.co/a", "https://huggingface.co:443/a", true},
        {"https://huggingface.co/a", "HTTPS://HuggingFace.co/a", true},
        {"http://localhost:80/", "http://localhost/", true},
        {"https://huggingface.co/a", "http://huggingface.co/a", false},
        {"http://huggingface.co/a", "https://huggingface.co/a", false},
        {"https://huggingface.co/a", "https://huggingface.co:8443/a", false},
        {"https://huggingface.co/a", "https://cdn.huggingface.co/a", false},
        {"https://huggingface.co/a", "https://huggingface.co.example.org/a", false},
        {"https://huggingface.co/a", "https://huggingface.co@example.org/a", false},
        {"https://huggingface.co/a", "https://example.org/https://huggingface.co/a", false},
        {"http://127.0.0.1:8000/", "http://localhost:8000/", false},
        {"https://huggingface.co/a", "", false},
        {"", "", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK(http_same_origin(rows[i].one, rows[i].other) == rows[i].same, "'%s' and '%s'",
              rows[i].one, rows[i].other);
}

static void test_shown(void)
{
    static const char *const rows[][2] = {
        {"https://user:secret@example.org/a?signature=secret#secret", "https://example.org/a"},
        {"https://secret@example.org", "https://example.org"},
        {"https://example.org/a@b", "https://example.org/a@b"},
        {"example.org?secret", "example.org"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *shown = http_shown(rows[i][0]);

        CHECK(strcmp(shown, rows[i][1]) == 0, "%s is shown as %s", rows[i][0], shown);
        free(shown);
    }
}

int main(void)
{
    diag_init("test_data_http");
    test_origins();
    test_shown();
    return check_report();
}
