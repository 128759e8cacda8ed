/*
 * The readers of a tokeniser's files. The first byte of an input says which file of the folder it
 * is; where that needs a vocabulary beside it, there is one. What opens must encode, and be the
 * same when it has been written and read again, unless it cannot be written.
 */
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"
#include "fuzz.h"
#include "text/tokeniser.h"

static const char *const names[] = {"tokenizer.json", "vocab.txt", "tokenizer_config.json",
                                    "special_tokens_map.json"};
static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\nthe\n##s\n";
static char folder[] = "/tmp/bertpipe-fuzz-XXXXXX", saved[] = "/tmp/bertpipe-fuzz-XXXXXX";

static void in_folder(char *path, size_t size, const char *place, const char *name)
{
    snprintf(path, size, "%s/%s", place, name);
}

static void write_file(const char *name, const void *data, size_t size)
{
    char path[100];
    in_folder(path, sizeof path, folder, name);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0, "%s", path);
}

static void clean(const char *place)
{
    char path[100];
    for (int i = 0; i < 4; i++) {
        in_folder(path, sizeof path, place, names[i]);
        unlink(path);
    }
}

static void remove_folders(void)
{
    clean(folder);
    clean(saved);
    rmdir(folder);
    rmdir(saved);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    diag_init("fuzz");
    REQUIRE(mkdtemp(folder) != NULL && mkdtemp(saved) != NULL, "%s", folder);
    atexit(remove_folders);
    return 0;
}

static void check_encoding(const struct tokeniser *tokeniser)
{
    static const char text[] = "The [MASK] of a\xc3\xa9, ab s\xe4\xb8\x80 [SEP] \xce\xa9";
    struct tokeniser_state *state = tokeniser_state_new(tokeniser, 0);
    struct encoding encoding = {0};
    const struct text_span span = {text, sizeof text - 1};
    REQUIRE(tokeniser_encode(tokeniser, state, span, span, 0, &encoding) == 0, "a valid text");
    for (size_t i = 0; i < encoding.count; i++)
        REQUIRE(encoding.ids[i] < tokeniser->vocabulary.size, "id %u", encoding.ids[i]);
    encoding_free(&encoding);
    tokeniser_state_free(state);
}

static void check_saving(const struct tokeniser *tokeniser)
{
    if (tokeniser_save_folder(tokeniser, NULL, saved) != 0)
        return;
    struct tokeniser *again = tokeniser_open_folder(saved);
    REQUIRE(again != NULL, "what was saved does not open");
    REQUIRE(strcmp(again->digest, tokeniser->digest) == 0, "it has become another");
    tokeniser_close(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return -1;
    int which = data[0] % 4;
    clean(folder);
    clean(saved);
    if (which >= 2)
        write_file("vocab.txt", vocabulary, sizeof vocabulary - 1);
    write_file(names[which], data + 1, size - 1);
    struct tokeniser *tokeniser = tokeniser_open_folder(folder);
    if (tokeniser == NULL)
        return 0;
    check_encoding(tokeniser);
    check_saving(tokeniser);
    tokeniser_close(tokeniser);
    return 0;
}
