/*
 * The readers of a tokeniser's files. The first byte of an input says which file of the folder it
 * is; where that needs a vocabulary beside it, there is one. What opens must encode, and be the
 * same when it has been written and read again, unless it cannot be written.
 */
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "reading.h"
#include "text/tokeniser.h"

static const char *const names[] = {"tokenizer.json", "vocab.txt", "tokenizer_config.json",
                                    "special_tokens_map.json"};
static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\nthe\n##s\n";
static void clean(const char *place)
{
    char path[100];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", place, names[i]);
        unlink(reading_path(path));
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    reading_init();
    mkdir(reading_path("in"), 0777);
    mkdir(reading_path("saved"), 0777);
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
    static struct reading reading;
    reading_begin(&reading);
    bool saved = tokeniser_save_folder(tokeniser, reading_path("saved")) == 0;
    reading_end(&reading, saved, 0);
    if (!saved)
        return;
    struct tokeniser *again = tokeniser_open_folder(reading_path("saved"));
    REQUIRE(again != NULL, "what was saved does not open");
    REQUIRE(strcmp(again->digest, tokeniser->digest) == 0, "it has become another");
    tokeniser_close(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return -1;
    static struct reading reading;
    int which = data[0] % 4;
    char path[100];
    clean("in");
    clean("saved");
    if (which >= 2)
        reading_write("in/vocab.txt", vocabulary, sizeof vocabulary - 1);
    snprintf(path, sizeof path, "in/%s", names[which]);
    reading_write(path, data + 1, size - 1);
    reading_begin(&reading);
    struct tokeniser *tokeniser = tokeniser_open_folder(reading_path("in"));
    reading_end(&reading, tokeniser != NULL, size);
    if (tokeniser == NULL)
        return 0;
    check_encoding(tokeniser);
    check_saving(tokeniser);
    tokeniser_close(tokeniser);
    return 0;
}
