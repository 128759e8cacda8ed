/*
 * From memory to ids, one thread: how fast the library in common/text is.
 *
 * usage: tokenise MODEL FILE PASSES [IDS]
 *
 * FILE holds texts, each closed with a NUL. Every pass encodes all of them; the first begins with
 * an empty cache. Prints the seconds of each pass; IDS gets the ids of all texts, special tokens
 * included, as 32-bit numbers of the machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "text/tokeniser.h"

static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    *size = (size_t)ftell(file);
    rewind(file);
    char *data = mem_alloc(*size + 1);
    if (fread(data, 1, *size, file) != *size)
        return NULL;
    fclose(file);
    return data;
}

/* ids: written to, unless NULL. */
static int encode_all(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                      const char *data, size_t size, FILE *ids)
{
    struct encoding encoding = {0};
    int result = 0;
    for (const char *text = data; text < data + size && result == 0;) {
        struct text_span span = {text, strlen(text)};
        tokeniser_encode(tokeniser, state, span, (struct text_span){0}, 0, &encoding);
        if (ids && fwrite(encoding.ids, sizeof(uint32_t), encoding.count, ids) != encoding.count)
            result = -1;
        text += span.size + 1;
    }
    encoding_free(&encoding);
    return result;
}

int main(int argc, char **argv)
{
    size_t size = 0;
    int status = 0;
    diag_init("tokenise");
    if (argc < 4)
        return 2;
    struct tokeniser *tokeniser = tokeniser_open_folder(argv[1]);
    char *data = read_file(argv[2], &size);
    if (!tokeniser || !data)
        return 1;
    struct tokeniser_state *state = tokeniser_state_new(tokeniser, TOKENISER_CACHE);
    for (long pass = strtol(argv[3], NULL, 10); pass-- > 0;) {
        double started = clock_monotonic();
        encode_all(tokeniser, state, data, size, NULL);
        printf("%.6f\n", clock_monotonic() - started);
    }
    if (argc > 4) {
        FILE *ids = fopen(argv[4], "wb");
        status = !ids || encode_all(tokeniser, state, data, size, ids) || fclose(ids) != 0;
    }
    tokeniser_state_free(state);
    tokeniser_close(tokeniser);
    free(data);
    return status;
}
