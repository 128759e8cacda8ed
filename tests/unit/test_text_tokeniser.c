/* The whole tokeniser, its files and their being written, against tokenizers
 * (tests/fixtures/generate-text.py). */
#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "text/fit.h"
#include "text/text_decoder.h"
#include "text_json.h"

static const struct text_span no_pair = {NULL, 0};

static struct tokeniser *open_fixture(const char *name)
{
    char *path = mem_format(TEXT_FIXTURES "%s", name);
    struct tokeniser *tokeniser = tokeniser_open_folder(path);
    CHECK(tokeniser != NULL, "%s cannot be opened", path);
    free(path);
    return tokeniser;
}

/* Encodes each text twice, so that the second time comes from the cache, and then with offsets. */
static void test_expected(const char *folder, const char *expected)
{
    char *name = mem_format("%s/expected.json", expected);
    json_t *rows = load_fixture(name), *row;
    struct tokeniser *tokeniser = open_fixture(folder);
    struct tokeniser_state *state = tokeniser_state_new(tokeniser, TOKENISER_CACHE);
    struct encoding encoding = {0}, traced = {.traced = true};
    size_t i;
    json_array_foreach(rows, i, row)
    {
        struct text_span text = span_of(json_array_get(row, 0));
        for (int pass = 1; pass <= 2 && tokeniser != NULL; pass++) {
            size_t bad = tokeniser_encode(tokeniser, state, text, no_pair, 0, &encoding);
            CHECK(bad == 0 && same_ids(json_array_get(row, 1), encoding.ids, encoding.count),
                  "%s: pass %d: text %zu '%s'", folder, pass, i, text.data);
        }
        if (tokeniser != NULL)
            tokeniser_encode(tokeniser, state, text, no_pair, 0, &traced);
        CHECK(same_ids(json_array_get(row, 1), traced.ids, traced.count) &&
                  same_offsets(json_array_get(row, 2), &traced),
              "%s: offsets of text %zu '%s'", folder, i, text.data);
    }
    encoding_free(&traced);
    encoding_free(&encoding);
    tokeniser_state_free(state);
    tokeniser_close(tokeniser);
    json_decref(rows);
    free(name);
}

static void check_decoded(struct text_decoder *decoder, const json_t *row, bool keep_special,
                          const char *expected, const char *place)
{
    const json_t *ids = json_array_get(row, 0);
    uint32_t list[4096];
    struct buffer text = {0};
    size_t count = 0;
    for (; count < json_array_size(ids) && count < 4096; count++)
        list[count] = (uint32_t)json_integer_value(json_array_get(ids, count));
    text_decoder_append(decoder, list, count, keep_special, &text);
    CHECK(strcmp(buffer_string(&text), expected) == 0, "%s: decoded '%s', expected '%s'", place,
          text.data, expected);
    buffer_free(&text);
}

static void test_decoded(const char *folder)
{
    char *name = mem_format("%s/decoded.json", folder);
    json_t *rows = load_fixture(name), *row;
    struct tokeniser *tokeniser = open_fixture(folder);
    struct text_decoder *decoder = text_decoder_new(tokeniser);
    bool supported = strcmp(folder, "good-other-decoder") != 0;
    size_t i;
    CHECK((decoder != NULL) == supported, "%s: its decoder is %s", folder,
          supported ? "refused" : "not refused");
    if (decoder != NULL)
        json_array_foreach(rows, i, row)
        {
            check_decoded(decoder, row, false, json_string_value(json_array_get(row, 1)), name);
            check_decoded(decoder, row, true, json_string_value(json_array_get(row, 2)), name);
        }
    text_decoder_free(decoder);
    tokeniser_close(tokeniser);
    json_decref(rows);
    free(name);
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool fixture_exists(const char *name, const char *file)
{
    char *path = mem_format(TEXT_FIXTURES "%s/%s", name, file);
    bool exists = access(path, F_OK) == 0;
    free(path);
    return exists;
}

static void test_refused(const char *name)
{
    char *path = mem_format(TEXT_FIXTURES "%s", name);
    struct tokeniser *tokeniser = tokeniser_open_folder(path);
    CHECK(tokeniser == NULL, "%s is not refused", path);
    tokeniser_close(tokeniser);
    free(path);
}

/* Every folder: good-* as expected, good-NAME-text as good-NAME, bad-* and unsupported-* refused.
 */
static void test_folders(void)
{
    DIR *directory = opendir(TEXT_FIXTURES);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        const char *name = entry->d_name;
        size_t length = strlen(name);
        if (begins(name, "bad-") || begins(name, "unsupported-"))
            test_refused(name);
        else if (begins(name, "good-") && fixture_exists(name, "expected.json"))
            test_expected(name, name);
        if (begins(name, "good-") && fixture_exists(name, "decoded.json"))
            test_decoded(name);
        if (begins(name, "good-") && length > 5 && strcmp(name + length - 5, "-text") == 0) {
            char *other = mem_strndup(name, length - 5);
            struct tokeniser *a = open_fixture(name), *b = open_fixture(other);
            test_expected(name, other);
            if (a != NULL && b != NULL)
                CHECK(strcmp(a->digest, b->digest) == 0, "digests of %s and %s differ", name,
                      other);
            tokeniser_close(a);
            tokeniser_close(b);
            free(other);
        }
    }
    CHECK(directory != NULL, TEXT_FIXTURES " cannot be read");
    closedir(directory);
}

static void test_bert(void)
{
    json_t *cases = load_fixture("bert-cases.json"), *pairs = load_fixture("bert-pairs.json"),
           *item;
    struct tokeniser *tokeniser = open_fixture("bert-base-uncased");
    struct tokeniser_state *state = tokeniser_state_new(tokeniser, TOKENISER_CACHE);
    struct encoding encoding = {0}, traced = {.traced = true};
    size_t i;
    CHECK(tokeniser->special.cls == 101 && tokeniser->special.sep == 102 &&
              tokeniser->special.pad == 0 && tokeniser->special.unk == 100 &&
              tokeniser->special.mask == 103 && tokeniser->vocabulary.size == 30522,
          "special ids of bert-base-uncased");
    CHECK(tokeniser->model_max_length == 512, "its length");
    json_array_foreach(cases, i, item)
    {
        struct text_span text = span_of(json_object_get(item, "text"));
        tokeniser_encode(tokeniser, state, text, no_pair, 0, &encoding);
        CHECK(same_ids(json_object_get(item, "ids"), encoding.ids, encoding.count),
              "bert-cases.json: case %zu: '%s'", i, text.data);
        CHECK(encoding.cut == 0 && encoding.tokens + 2 == encoding.count, "nothing is cut");
    }
    json_array_foreach(pairs, i, item)
    {
        const json_t *types = json_object_get(item, "types");
        struct text_span pair = span_of(json_object_get(item, "pair"));
        size_t length = (size_t)json_integer_value(json_object_get(item, "length"));
        tokeniser_encode(tokeniser, state, span_of(json_object_get(item, "text")), pair, length,
                         &encoding);
        CHECK(same_ids(json_object_get(item, "ids"), encoding.ids, encoding.count),
              "bert-pairs.json: pair %zu at %zu", i, length);
        CHECK(encoding.cut + encoding.count == encoding.tokens + (pair.data != NULL ? 3 : 2),
              "pair %zu: %zu of %zu cut, %zu left", i, encoding.cut, encoding.tokens,
              encoding.count);
        uint8_t ours[64];
        encoding_types(&encoding, ours);
        for (size_t k = 0; k < encoding.count; k++)
            if (ours[k] != json_integer_value(json_array_get(types, k)))
                CHECK(false, "pair %zu: type of token %zu", i, k);
        tokeniser_encode(tokeniser, state, span_of(json_object_get(item, "text")), pair, length,
                         &traced);
        CHECK(same_ids(json_object_get(item, "ids"), traced.ids, traced.count) &&
                  same_offsets(json_object_get(item, "offsets"), &traced),
              "bert-pairs.json: offsets of pair %zu at %zu", i, length);
    }
    encoding_free(&traced);
    encoding_free(&encoding);
    tokeniser_state_free(state);
    tokeniser_close(tokeniser);
    json_decref(cases);
    json_decref(pairs);
}

static bool is_one_run(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x80 && !isalnum((unsigned char)*text))
            return false;
    return true;
}

/* Texts with an ideograph between them, which stands alone, are the tokens of each; together they
 * are far longer than what is normalised at a time. */
static void test_long_run(void)
{
    enum { SIZE = 1 << 20 };
    static const char between[] = "\u4e2d";
    json_t *cases = load_fixture("bert-cases.json"), *item;
    struct tokeniser *tokeniser = open_fixture("bert-base-uncased");
    struct tokeniser_state *state = tokeniser_state_new(tokeniser, TOKENISER_CACHE);
    struct encoding encoding = {.traced = true}, expected = {0};
    struct buffer text = {0};
    uint32_t middle = vocabulary_find_string(&tokeniser->vocabulary, between);
    size_t i, used = 0;
    while (text.size < SIZE) {
        json_array_foreach(cases, i, item)
        {
            const json_t *ids = json_object_get(item, "ids");
            const struct text_span part = span_of(json_object_get(item, "text"));
            if (strlen(part.data) != part.size || !is_one_run(part.data))
                continue;
            buffer_append(&text, part.data, part.size);
            buffer_append_string(&text, between);
            for (size_t k = 1; k + 1 < json_array_size(ids); k++)
                encoding_push(&expected, (uint32_t)json_integer_value(json_array_get(ids, k)),
                              (struct source){0});
            encoding_push(&expected, middle, (struct source){0});
            used++;
        }
    }
    CHECK(used > 20, "%zu texts", used);
    tokeniser_encode(tokeniser, state, (struct text_span){text.data, text.size}, no_pair, 0,
                     &encoding);
    CHECK(encoding.count == expected.count + 2 &&
              memcmp(encoding.ids + 1, expected.ids, expected.count * sizeof *expected.ids) == 0,
          "a long run: %zu tokens, not %zu", encoding.tokens, expected.count);
    CHECK(encoding.count > 2 && encoding.offsets[encoding.count - 2].end == text.size,
          "its last token is at its end");
    buffer_free(&text);
    encoding_free(&encoding);
    encoding_free(&expected);
    tokeniser_state_free(state);
    tokeniser_close(tokeniser);
    json_decref(cases);
}

static void test_counts_and_errors(void)
{
    static const struct text_span text = {"the \xf0\x9f\x98\x80 zzz [UNK]", 18};
    struct tokeniser *tokeniser = open_fixture("bert-base-uncased");
    struct tokeniser_state *state = tokeniser_state_new(tokeniser, TOKENISER_CACHE);
    struct encoding encoding = {0};
    size_t bad = tokeniser_encode(tokeniser, state, text, no_pair, 4, &encoding);
    CHECK(bad == 0 && encoding.unknown == 2, "%zu unknown tokens, expected 2", encoding.unknown);
    CHECK(encoding.count == 4 && encoding.cut == encoding.tokens - 2, "two tokens are kept");
    bad =
        tokeniser_encode(tokeniser, state, (struct text_span){"ab\xc3", 3}, no_pair, 0, &encoding);
    CHECK(bad == 3, "invalid UTF-8 at byte %zu, expected 3", bad);
    bad = tokeniser_encode(tokeniser, state, (struct text_span){"ab", 2},
                           (struct text_span){"c\xed\xa0\x80", 4}, 0, &encoding);
    CHECK(bad == 4, "invalid UTF-8 of the pair at byte %zu, expected 4", bad);
    encoding_free(&encoding);
    tokeniser_state_free(state);
    tokeniser_close(tokeniser);
}

/* Whether the longer one begins with all but the last of the shorter's tokens. */
static bool begins_with(const struct encoding *longer, const struct encoding *shorter)
{
    size_t count = shorter->count - 1;
    return longer->count >= count &&
           memcmp(longer->ids, shorter->ids, count * sizeof *shorter->ids) == 0;
}

/* One word of 16 MiB, unknown characters, alternating accents: time is linear, so this ends at
 * once. Whatever the length, the counts are those of the text and the tokens its first ones; and
 * those that are not kept are not held. */
static void test_hostile(void)
{
    enum { SIZE = 16 << 20, HELD = 1 << 16 };
    static const char *const parts[] = {"x",    "\u0378",       "e\u0301", "a\u200b",
                                        "[SEP", "\u302e\u0301", "e.",      "\u0378 the "};
    struct tokeniser *tokeniser = open_fixture("bert-base-uncased");
    struct tokeniser_state *state = tokeniser_state_new(tokeniser, TOKENISER_CACHE);
    struct encoding encoding = {0}, traced = {.traced = true}, whole = {0};
    struct buffer text = {0};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        text.size = 0;
        while (text.size < SIZE)
            buffer_append_string(&text, parts[i]);
        size_t bad = tokeniser_encode(tokeniser, state, (struct text_span){text.data, text.size},
                                      no_pair, 512, &encoding);
        CHECK(bad == 0 && encoding.count >= 3 && encoding.count <= 512, "%s repeated: %zu ids",
              parts[i], encoding.count);
        CHECK(encoding.capacity < HELD, "%s repeated: room for %zu ids", parts[i],
              encoding.capacity);
        tokeniser_encode(tokeniser, state, (struct text_span){text.data, text.size}, no_pair, 0,
                         &whole);
        CHECK(whole.tokens == encoding.tokens && whole.unknown == encoding.unknown &&
                  begins_with(&whole, &encoding),
              "%s repeated: %zu tokens, %zu unknown, not %zu, %zu", parts[i], encoding.tokens,
              encoding.unknown, whole.tokens, whole.unknown);
        tokeniser_encode(tokeniser, state, (struct text_span){text.data, text.size}, no_pair, 512,
                         &traced);
        CHECK(traced.tokens == whole.tokens && traced.unknown == whole.unknown &&
                  begins_with(&whole, &traced) && traced.capacity < HELD,
              "%s repeated: with offsets", parts[i]);
    }
    buffer_free(&text);
    encoding_free(&encoding);
    encoding_free(&traced);
    encoding_free(&whole);
    tokeniser_state_free(state);
    tokeniser_close(tokeniser);
}

static void remove_folder(const char *folder)
{
    for (const char *const *name = tokeniser_file_names; *name != NULL; name++) {
        char *path = mem_format("%s/%s", folder, *name);
        unlink(path);
        free(path);
    }
    rmdir(folder);
}

/* Written and read again, from tokenizer.json and from vocab.txt, it is the same tokeniser. */
static void test_save(const char *name, bool with_source)
{
    char folder[] = "/tmp/bertpipe-text-XXXXXX";
    char *source = with_source ? mem_format(TEXT_FIXTURES "%s", name) : NULL, *json;
    struct tokeniser *tokeniser = open_fixture(name), *again;
    if (tokeniser == NULL || mkdtemp(folder) == NULL) {
        CHECK(false, "no temporary folder");
        return;
    }
    CHECK(source == NULL || tokeniser_keep_files(tokeniser, source) == 0, "%s is not kept", name);
    CHECK(tokeniser_save_folder(tokeniser, folder) == 0, "%s cannot be saved", name);
    again = tokeniser_open_folder(folder);
    CHECK(again != NULL && strcmp(again->digest, tokeniser->digest) == 0,
          "%s: another digest after saving", name);
    tokeniser_close(again);
    json = mem_format("%s/tokenizer.json", folder);
    json_t *saved = json_load_file(json, JSON_ALLOW_NUL, NULL);
    CHECK(json_is_null(json_object_get(saved, "truncation")) &&
              json_is_null(json_object_get(saved, "padding")),
          "%s: truncation or padding is saved", name);
    json_decref(saved);
    unlink(json);
    again = begins(name, "good-added") || begins(name, "good-no-n") ||
                    strcmp(name, "good-no-added") == 0
                ? NULL
                : tokeniser_open_folder(folder);
    if (again != NULL && tokeniser->normaliser.clean_text)
        CHECK(strcmp(again->digest, tokeniser->digest) == 0, "%s: another digest from vocab.txt",
              name);
    tokeniser_close(again);
    tokeniser_close(tokeniser);
    remove_folder(folder);
    free(json);
    free(source);
}

static void test_saving(void)
{
    static const char *const names[] = {"bert-base-uncased",
                                        "good-small",
                                        "good-cased-text",
                                        "good-lower-with-accents",
                                        "good-other-special-text",
                                        "good-saved-truncation",
                                        "good-added",
                                        "good-no-mask",
                                        "good-prefix",
                                        "good-gap",
                                        "good-no-cleaning",
                                        "good-no-normaliser",
                                        "good-short-words",
                                        "good-decoded-as-is",
                                        "good-no-decoder",
                                        "good-other-decoder",
                                        "good-no-added"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        test_save(names[i], true);
        test_save(names[i], false);
    }
}

/* A token that vocab.txt cannot hold, and folders that cannot be written to or read. */
static void test_saving_fails(void)
{
    char folder[] = "/tmp/bertpipe-text-XXXXXX";
    struct tokeniser *broken = open_fixture("good-line-break"), *good = open_fixture("good-small");
    CHECK(mkdtemp(folder) != NULL, "no temporary folder");
    CHECK(tokeniser_save_folder(broken, folder) == -1, "a token with a line break is saved");
    CHECK(tokeniser_save_folder(good, "/nonexistent") == -1, "saved in no folder");
    for (const char *const *name = tokeniser_file_names; *name != NULL; name++) {
        char *path = mem_format("%s/%s", folder, *name);
        remove_folder(folder);
        CHECK(mkdir(folder, 0700) == 0 && mkdir(path, 0700) == 0, "no folder %s", path);
        CHECK(tokeniser_save_folder(good, folder) == -1, "a folder is written as %s", *name);
        rmdir(path);
        free(path);
    }
    CHECK(tokeniser_keep_files(good, TEXT_FIXTURES "bad-not-json") == -1,
          "files that cannot be read are kept");
    remove_folder(folder);
    tokeniser_close(broken);
    tokeniser_close(good);
    tokeniser_close(NULL);
}

static void check_window(const json_t *expected, const struct encoding *got, size_t at, size_t k)
{
    uint8_t types[64];
    CHECK(same_ids(json_object_get(expected, "ids"), got->ids, got->count),
          "bert-windows.json: case %zu: window %zu", at, k);
    CHECK(same_offsets(json_object_get(expected, "offsets"), got),
          "bert-windows.json: case %zu: offsets of window %zu", at, k);
    encoding_types(got, types);
    for (size_t t = 0; t < got->count; t++)
        CHECK(types[t] == json_integer_value(json_array_get(json_object_get(expected, "types"), t)),
              "bert-windows.json: case %zu: window %zu: type of token %zu", at, k, t);
}

static void test_windows(void)
{
    json_t *cases = load_fixture("bert-windows.json"), *item;
    struct tokeniser *tokeniser = open_fixture("bert-base-uncased");
    struct tokeniser_state *state = tokeniser_state_new(tokeniser, TOKENISER_CACHE);
    struct encoding whole = {.traced = true}, window = {0};
    size_t i, windows = 0;
    json_array_foreach(cases, i, item)
    {
        const json_t *expected = json_object_get(item, "windows");
        struct text_span pair = span_of(json_object_get(item, "pair"));
        struct fit fit = {.on_long = FIT_WINDOW,
                          .max_length = (size_t)json_integer_value(json_object_get(item, "length")),
                          .stride = (size_t)json_integer_value(json_object_get(item, "stride"))};
        bool paired = pair.data != NULL;
        tokeniser_encode(tokeniser, state, span_of(json_object_get(item, "text")), pair, 0, &whole);
        size_t count = fit_count(&fit, &whole, paired), begin, room = SIZE_MAX;
        CHECK(count == json_array_size(expected), "case %zu: %zu windows, not %zu", i, count,
              json_array_size(expected));
        for (size_t k = 0; k < count && k < json_array_size(expected); k++, windows++) {
            fit_take(&fit, &whole, paired, k, &window, &begin);
            check_window(json_array_get(expected, k), &window, i, k);
            CHECK(window.cut == 0, "nothing is cut");
            if (k == 0)
                room = window.count - 2 - (paired ? window.first_segment - 1 : 0);
            CHECK(begin == k * (room - fit.stride), "case %zu: window %zu begins at %zu", i, k,
                  begin);
        }
    }
    CHECK(windows > 200, "%zu windows", windows);
    encoding_free(&whole);
    encoding_free(&window);
    tokeniser_state_free(state);
    tokeniser_close(tokeniser);
    json_decref(cases);
}

/* Tokens 10, 11, ... of a text and 50, 51, ... of a pair's second, by hand. */
static void check_ends(size_t first, size_t second, bool paired, const uint32_t *expected,
                       size_t count, size_t cut)
{
    uint32_t ids[64] = {1};
    struct encoding whole = {.ids = ids, .count = 1}, got = {0};
    const struct fit fit = {.on_long = FIT_HEAD_TAIL, .max_length = 10, .head = 2};
    size_t begin;
    for (uint32_t i = 0; i < first; i++)
        ids[whole.count++] = 10 + i;
    ids[whole.count++] = 2;
    whole.first_segment = whole.count;
    for (uint32_t i = 0; paired && i < second; i++)
        ids[whole.count++] = 50 + i;
    if (paired)
        ids[whole.count++] = 2;
    CHECK(fit_count(&fit, &whole, paired) == 1, "one sequence");
    fit_take(&fit, &whole, paired, 0, &got, &begin);
    CHECK(got.count == count && memcmp(got.ids, expected, count * sizeof *expected) == 0,
          "head and tail of %zu and %zu", first, second);
    CHECK(got.cut == cut, "%zu cut of %zu and %zu", got.cut, first, second);
    encoding_free(&got);
}

static void test_head_tail(void)
{
    check_ends(8, 0, false, (uint32_t[]){1, 10, 11, 12, 13, 14, 15, 16, 17, 2}, 10, 0);
    check_ends(9, 0, false, (uint32_t[]){1, 10, 11, 13, 14, 15, 16, 17, 18, 2}, 10, 1);
    check_ends(20, 0, false, (uint32_t[]){1, 10, 11, 24, 25, 26, 27, 28, 29, 2}, 10, 12);
    check_ends(0, 0, false, (uint32_t[]){1, 2}, 2, 0);
    /* Room for 7: 3 and 4; a quarter of 4 is 1. */
    check_ends(3, 9, true, (uint32_t[]){1, 10, 11, 12, 2, 50, 56, 57, 58, 2}, 10, 5);
    CHECK(fit_default_head(512) == 128 && fit_default_head(256) == 63, "128 of 510");
}

struct sharing {
    struct tokeniser *tokeniser;
    struct tokeniser_state *state;
    json_t *rows;
    size_t wrong;
    pthread_t id;
};

/* Each thread begins with another text, and words of its own drive the table to grow. */
static void *encode_rows(void *argument)
{
    struct sharing *sharing = argument;
    struct encoding encoding = {0};
    size_t count = json_array_size(sharing->rows);
    for (size_t i = 0; i < 20 * count; i++) {
        const json_t *row =
            json_array_get(sharing->rows, (i + (size_t)sharing->state / 64 % count) % count);
        char own[64];
        tokeniser_encode(sharing->tokeniser, sharing->state, span_of(json_array_get(row, 0)),
                         no_pair, 0, &encoding);
        sharing->wrong += !same_ids(json_array_get(row, 1), encoding.ids, encoding.count);
        size_t size = (size_t)snprintf(own, sizeof own, "%zx %zx %zx", i, i * 7919, i * 104729);
        tokeniser_encode(sharing->tokeniser, sharing->state, (struct text_span){own, size}, no_pair,
                         0, &encoding);
    }
    encoding_free(&encoding);
    return NULL;
}

/* Threads with one cache, large and so small that it is emptied again and again. */
static void test_sharing(size_t cache)
{
    enum { THREADS = 4 };
    struct sharing threads[THREADS];
    struct tokeniser *tokeniser = open_fixture("good-small");
    json_t *rows = load_fixture("good-small/expected.json");
    for (int i = 0; i < THREADS; i++)
        threads[i] = (struct sharing){tokeniser,
                                      i > 0 ? tokeniser_state_share(threads[0].state)
                                            : tokeniser_state_new(tokeniser, cache),
                                      rows, 0, 0};
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i].id, NULL, encode_rows, &threads[i]) == 0, "thread %d", i);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i].id, NULL);
        CHECK(threads[i].wrong == 0, "cache of %zu: thread %d: %zu texts are wrong", cache, i,
              threads[i].wrong);
        tokeniser_state_free(threads[i].state);
    }
    json_decref(rows);
    tokeniser_close(tokeniser);
}

int main(void)
{
    diag_init("test_text_tokeniser");
    test_folders();
    test_bert();
    test_windows();
    test_head_tail();
    test_long_run();
    test_counts_and_errors();
    test_hostile();
    test_saving();
    test_saving_fails();
    test_sharing(TOKENISER_CACHE);
    test_sharing(0);
    return check_report();
}
