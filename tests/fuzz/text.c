/*
 * Bytes through tokenisers with all kinds of options. The first byte of an input says which, the
 * second what length records have; then comes the text and, behind a byte 0xff, its pair.
 */
#include <string.h>

#include "cli/buffer.h"
#include "cli/utf8.h"
#include "fuzz.h"
#include "text/fit.h"
#include "text/text_decoder.h"
#include "text/tokeniser.h"

#define FIXTURES "tests/fixtures/text/"

static const char *const folders[] = {
    "bert-base-uncased",
    "good-small",
    "good-added",
    "good-cased",
    "good-all-off",
    "good-no-chinese",
    "good-no-cleaning",
    "good-prefix",
    "good-short-words",
    "good-cased-no-accents",
    "good-decoded",
    "good-gap-added",
    "good-lower-with-accents",
    "good-no-prefix",
    "good-no-normaliser",
    "good-unlike",
};
enum { FOLDERS = sizeof folders / sizeof folders[0] };

static struct setting {
    struct tokeniser *tokeniser;
    struct tokeniser_state *warm, *sharing; /* used for all inputs */
    struct text_decoder *decoder;
} settings[FOLDERS];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    for (int i = 0; i < FOLDERS; i++) {
        char path[100];
        snprintf(path, sizeof path, FIXTURES "%s", folders[i]);
        struct tokeniser *tokeniser = tokeniser_open_folder(path);
        REQUIRE(tokeniser != NULL, "%s: to be run in the folder of the repository", path);
        struct tokeniser_state *warm = tokeniser_state_new(tokeniser, 1 << 18);
        settings[i] = (struct setting){tokeniser, warm, tokeniser_state_share(warm),
                                       text_decoder_new(tokeniser)};
        REQUIRE(settings[i].decoder != NULL, "%s", path);
    }
    return 0;
}

/* By Unicode's table 3-7, a byte at a time. */
static size_t valid_prefix(const unsigned char *p, size_t size)
{
    size_t i = 0;
    while (i < size) {
        unsigned char lead = p[i], low = 0x80, high = 0xbf;
        size_t more = lead < 0x80 ? 0 : lead >= 0xc2 && lead <= 0xdf ? 1 : lead >> 4 == 0xe ? 2 : 3;
        if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || size - i <= more)
            return i;
        if (lead == 0xe0 || lead == 0xf0)
            low = lead == 0xe0 ? 0xa0 : 0x90;
        if (lead == 0xed || lead == 0xf4)
            high = lead == 0xed ? 0x9f : 0x8f;
        for (size_t k = 1; k <= more; k++, low = 0x80, high = 0xbf)
            if (p[i + k] < low || p[i + k] > high)
                return i;
        i += more + 1;
    }
    return size;
}

static void check_spaces(const struct spaces *set, const char *data, size_t size)
{
    static const char *const ways[] = {"avx2", "avx512"};
    size_t blocks = (size + 63) / 64;
    uint64_t *expected = calloc(blocks + 1, sizeof *expected);
    uint64_t *got = calloc(blocks + 1, sizeof *got);
    spaces_way("portable")(set, data, size, expected);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)data[i];
        bool space = byte < 0x80 && (set->low[byte & 15] >> (byte >> 4) & 1);
        REQUIRE((expected[i / 64] >> i % 64 & 1) == space, "byte %zu", i);
    }
    for (int w = 0; w < 2; w++) {
        spaces_function *way = spaces_way(ways[w]);
        if (way == NULL)
            continue;
        way(set, data, size, got);
        REQUIRE(memcmp(got, expected, blocks * sizeof *got) == 0, "%s", ways[w]);
    }
    free(expected);
    free(got);
}

static void require_same(const struct encoding *a, const struct encoding *b, const char *what)
{
    REQUIRE(a->count == b->count && a->tokens == b->tokens && a->cut == b->cut &&
                a->unknown == b->unknown && a->first_segment == b->first_segment,
            "%s: %zu ids, not %zu", what, a->count, b->count);
    REQUIRE(memcmp(a->ids, b->ids, a->count * sizeof *a->ids) == 0, "%s: other ids", what);
}

/* Each token lies within its text, and begins where or after the one before it does. */
static void check_offsets(const struct encoding *traced, size_t text, size_t pair)
{
    for (size_t i = 1; i < traced->count; i++) {
        struct source place = traced->offsets[i];
        size_t size = i < traced->first_segment ? text : pair;
        if (place.end == 0)
            continue;
        REQUIRE(place.begin <= place.end && place.end <= size, "token %zu: %u to %u of %zu", i,
                place.begin, place.end, size);
        REQUIRE(place.begin >= traced->offsets[i - 1].begin, "token %zu: %u after %u", i,
                place.begin, traced->offsets[i - 1].begin);
    }
}

static void check_cut(const struct setting *setting, struct text_span text, size_t length,
                      const struct encoding *whole)
{
    struct encoding cut = {0};
    tokeniser_encode(setting->tokeniser, setting->warm, text, (struct text_span){0}, length, &cut);
    size_t kept = whole->count <= length ? whole->count : length;
    REQUIRE(cut.count == kept && cut.cut == whole->count - kept, "%zu of %zu", cut.count, length);
    REQUIRE(memcmp(cut.ids, whole->ids, (kept - 1) * sizeof *cut.ids) == 0, "%zu kept", kept);
    encoding_free(&cut);
}

static void check_decoding(const struct setting *setting, const struct encoding *whole)
{
    struct buffer decoded = {0};
    text_decoder_append(setting->decoder, whole->ids, whole->count, true, &decoded);
    text_decoder_append(setting->decoder, whole->ids, whole->count, false, &decoded);
    REQUIRE(utf8_valid_prefix(decoded.data, decoded.size) == decoded.size, "%zu bytes",
            decoded.size);
    buffer_free(&decoded);
}

static void check_texts(const struct setting *setting, struct text_span text, struct text_span pair,
                        size_t length)
{
    struct encoding fresh = {0}, got = {0}, traced = {.traced = true};
    struct tokeniser_state *state = tokeniser_state_new(setting->tokeniser, 0);
    size_t bad = tokeniser_encode(setting->tokeniser, state, text, pair, 0, &fresh);
    const unsigned char *bytes[] = {(const unsigned char *)text.data,
                                    (const unsigned char *)pair.data};
    size_t valid = valid_prefix(bytes[0], text.size), expected = valid + 1;
    if (valid == text.size) {
        valid = pair.data != NULL ? valid_prefix(bytes[1], pair.size) : 0;
        expected = pair.data != NULL && valid < pair.size ? text.size + valid + 1 : 0;
    }
    REQUIRE(bad == expected, "byte %zu, not %zu", bad, expected);
    if (bad == 0) {
        tokeniser_encode(setting->tokeniser, setting->warm, text, pair, 0, &got);
        require_same(&got, &fresh, "a cache in use");
        tokeniser_encode(setting->tokeniser, setting->sharing, text, pair, 0, &got);
        require_same(&got, &fresh, "a shared cache");
        tokeniser_encode(setting->tokeniser, state, text, pair, 0, &traced);
        require_same(&traced, &fresh, "with offsets");
        check_offsets(&traced, text.size, pair.size);
        check_decoding(setting, &fresh);
        if (pair.data == NULL)
            check_cut(setting, text, length, &fresh);
    }
    tokeniser_state_free(state);
    encoding_free(&fresh);
    encoding_free(&got);
    encoding_free(&traced);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return -1;
    const struct setting *setting = &settings[data[0] % FOLDERS];
    size_t length = TOKENISER_MIN_LENGTH + data[1];
    /* A block of its own, so that a read behind its end is seen. */
    char *copy = malloc(size - 1);
    memcpy(copy, data + 2, size - 2);
    char *second = memchr(copy, 0xff, size - 2);
    struct text_span text = {copy, size - 2}, pair = {0};
    char *pair_copy = NULL;
    if (second != NULL) {
        text.size = (size_t)(second - copy);
        pair.size = size - 2 - text.size - 1;
        pair.data = pair_copy = malloc(pair.size + 1);
        memcpy(pair_copy, second + 1, pair.size);
    }
    check_spaces(&setting->tokeniser->spaces, text.data, text.size);
    check_texts(setting, text, pair, length);
    free(copy);
    free(pair_copy);
    return 0;
}
