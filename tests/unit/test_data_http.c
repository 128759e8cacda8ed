/* common/data/http: where a token may go, what of a URL may be shown, where a range begins. */
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
        {"https://host/a/b.zip", "https://host/a/b.zip"},
        {"https://host/a?token=secret#part", "https://host/a"},
        {"https://user:secret@host:443/a", "https://host:443/a"},
        {"https://user:sec@ret@host/a", "https://host/a"},
        {"https://host/a@b", "https://host/a@b"},
        {"https://user@host?x=@y", "https://host"},
        {"host/a?to=https://x?token=secret", "host/a"},
        {"user:secret@host/a", "host/a"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *shown = http_shown(rows[i][0]);

        CHECK(strcmp(shown, rows[i][1]) == 0, "%s is shown as %s", rows[i][0], shown);
        free(shown);
    }
}

static void test_range(void)
{
    uint64_t first = 0;
    CHECK(http_range_first("bytes 17-99/100", &first) == 0 && first == 17, "%d", (int)first);
    CHECK(http_range_first("Bytes 18446744073709551615-", &first) == 0 && first == UINT64_MAX,
          "the largest");
    static const char *const bad[] = {"",
                                      "bytes",
                                      "bytes */100",
                                      "bytes -5",
                                      "items 0-",
                                      "bytes 1x-",
                                      "bytes 18446744073709551616-",
                                      NULL};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(http_range_first(bad[i], &first) == -1, "%s", bad[i] != NULL ? bad[i] : "none");
}

int main(void)
{
    diag_init("test_data_http");
    test_origins();
    test_shown();
    test_range();
    return check_report();
}
