/* Each stage of text/ by itself, against what tokenizers gives (tests/fixtures/generate-text.py).
 */
#include <openssl/evp.h>
#include <string.h>

#include "check.h"
#include "cli/buffer.h"
#include "cli/diag.h"
#include "text/pretokenise.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "text_json.h"

static const struct normaliser all_on = {true, true, true, true};

static void test_cases(void)
{
    json_t *cases = load_fixture("bert-cases.json"), *item;
    struct buffer normal = {0};
    size_t i;
    json_array_foreach(cases, i, item)
    {
        struct text_span text = span_of(json_object_get(item, "text"));
        struct text_span expected = span_of(json_object_get(item, "normal"));
        const json_t *words = json_object_get(item, "words");
        const char *cursor, *end;
        struct word word;
        size_t count = 0;
        normal.size = 0;
        normalise(&all_on, text.data, text.size, &normal, NULL);
        CHECK(normal.size == expected.size && memcmp(normal.data, expected.data, normal.size) == 0,
              "case %zu: normal form of '%s' is '%s', expected '%s'", i, text.data,
              buffer_string(&normal), expected.data);
        cursor = expected.data, end = expected.data + expected.size;
        while (pretokenise_next(&cursor, end, &word)) {
            struct text_span wanted = span_of(json_array_get(words, count++));
            CHECK(word.size == wanted.size && memcmp(word.data, wanted.data, word.size) == 0,
                  "case %zu: word %zu is '%.*s', expected '%s'", i, count, (int)word.size,
                  word.data, wanted.data);
        }
        CHECK(count == json_array_size(words), "case %zu: %zu words, expected %zu", i, count,
              json_array_size(words));
        CHECK(cursor == end, "case %zu: stopped before the end", i);
    }
    buffer_free(&normal);
    json_decref(cases);
}

static void hash_number(EVP_MD_CTX *hash, size_t number)
{
    unsigned char bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    EVP_DigestUpdate(hash, bytes, sizeof(bytes));
}

static void hash_bytes(EVP_MD_CTX *hash, const char *data, size_t size)
{
    hash_number(hash, size);
    EVP_DigestUpdate(hash, data, size);
}

static void hash_words(EVP_MD_CTX *hash, const struct buffer *text)
{
    const char *cursor = text->data, *end = text->data + text->size;
    struct word word;
    size_t count = 0;
    while (pretokenise_next(&cursor, end, &word))
        count++;
    hash_number(hash, count);
    cursor = text->data;
    while (pretokenise_next(&cursor, end, &word))
        hash_bytes(hash, word.data, word.size);
}

static struct normaliser normaliser_of(const json_t *options)
{
    return (struct normaliser){
        .clean_text = json_is_true(json_object_get(options, "clean_text")),
        .chinese_chars = json_is_true(json_object_get(options, "handle_chinese_chars")),
        .strip_accents = json_is_true(json_object_get(options, "strip_accents")),
        .lowercase = json_is_true(json_object_get(options, "lowercase")),
    };
}

/* Every code point in its surroundings, as one digest. */
static void test_scalars(const json_t *row, size_t number)
{
    const char *before = json_string_value(json_object_get(row, "before"));
    const char *after = json_string_value(json_object_get(row, "after"));
    const char *expected = json_string_value(json_object_get(row, "sha256"));
    const struct normaliser normaliser = normaliser_of(json_object_get(row, "options"));
    bool words = strcmp(json_string_value(json_object_get(row, "stage")), "pretokenise") == 0;
    struct buffer text = {0}, normal = {0};
    unsigned char digest[32];
    char hex[65];
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code >= 0xd800 && code < 0xe000)
            continue;
        text.size = normal.size = 0;
        buffer_append_string(&text, before);
        buffer_reserve(&text, 4);
        text.size += utf8_encode(code, text.data + text.size);
        buffer_append_string(&text, after);
        if (words) {
            hash_words(hash, &text);
        } else {
            normalise(&normaliser, text.data, text.size, &normal, NULL);
            hash_bytes(hash, normal.data, normal.size);
        }
    }
    EVP_DigestFinal_ex(hash, digest, NULL);
    EVP_MD_CTX_free(hash);
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    CHECK(strcmp(hex, expected) == 0, "scalars.json row %zu: digest of all code points is %s",
          number, hex);
    buffer_free(&text);
    buffer_free(&normal);
}

static void test_all_scalars(void)
{
    json_t *rows = load_fixture("scalars.json"), *row;
    size_t i;
    json_array_foreach(rows, i, row) test_scalars(row, i);
    json_decref(rows);
}

static void test_utf8(void)
{
    char bytes[4];
    for (uint32_t code = 0; code < 0x110000; code++) {
        const char *cursor = bytes;
        size_t length = utf8_encode(code, bytes);
        uint32_t back = utf8_next(&cursor);
        if (back != code || cursor != bytes + length)
            CHECK(false, "U+%04X comes back as U+%04X", code, back);
    }
    CHECK(utf8_count("a\u00e9\u4e2d\U0001f600", 10) == 4, "characters are not counted right");
}

/* A run of marks that are kept must be ordered in linear time: a quadratic sort would take minutes.
 */
static void test_long_run(void)
{
    enum { MARKS = 2000000 };
    static const char low[] = "\u302e", high[] = "\u302f"; /* classes 224, neither is Mn there */
    struct buffer text = {0}, normal = {0};
    for (int i = 0; i < MARKS; i++)
        buffer_append_string(&text, i % 2 ? low : high);
    normalise(&all_on, text.data, text.size, &normal, NULL);
    CHECK(normal.size <= text.size, "%zu bytes became %zu", text.size, normal.size);
    buffer_free(&text);
    buffer_free(&normal);
}

static void test_unicode(void)
{
    uint32_t parts[UNICODE_DECOMPOSE_MAX];
    CHECK(unicode_decompose(0xac01, parts) == 3 && parts[2] == 0x11a8, "U+AC01 has three parts");
    CHECK(unicode_decompose(0xac00, parts) == 2 && parts[1] == 0x1161, "U+AC00 has two parts");
    CHECK(unicode_decompose('a', parts) == 1 && parts[0] == 'a', "a stays");
    CHECK(unicode_lower('a', parts) == 1 && parts[0] == 'a', "a is lower case");
    CHECK(unicode_lower(0x130, parts) == 2 && parts[1] == 0x307, "U+0130 becomes i and a dot");
    CHECK(unicode_lower(0x10ffff, parts) == 1 && parts[0] == 0x10ffff &&
              unicode_decompose(0x10ffff, parts) == 1 && parts[0] == 0x10ffff &&
              unicode_combining_rank(0x10ffff) == 0,
          "U+10FFFF is no character");
    CHECK(unicode_combining_rank('a') == 0, "a is a starter");
    CHECK(unicode_combining_rank(0x334) < unicode_combining_rank(0x345), "class 1 is before 240");
}

/* Whether the text's normal form is that of its two halves, one after the other. */
static bool cut_is_harmless(const struct normaliser *normaliser, struct text_span text, size_t at)
{
    struct buffer whole = {0}, halves = {0};
    normalise(normaliser, text.data, text.size, &whole, NULL);
    normalise(normaliser, text.data, at, &halves, NULL);
    normalise(normaliser, text.data + at, text.size - at, &halves, NULL);
    bool same = whole.size == halves.size && memcmp(whole.data, halves.data, whole.size) == 0;
    buffer_free(&whole);
    buffer_free(&halves);
    return same;
}

/* Wherever a text may be cut, cutting it changes nothing, with any options. */
static void test_cuts(void)
{
    json_t *cases = load_fixture("bert-cases.json");
    size_t allowed = 0, denied = 0;
    for (unsigned bits = 0; bits < 16; bits++) {
        const struct normaliser normaliser = {bits & 1, bits & 2, bits & 4, bits & 8};
        for (size_t i = 0; i < 200 && i < json_array_size(cases); i++) {
            struct text_span text = span_of(json_object_get(json_array_get(cases, i), "text"));
            const char *cursor = text.data, *end = text.data + (text.size < 60 ? text.size : 0);
            while (cursor < end) {
                size_t at = (size_t)(cursor - text.data);
                uint32_t code_point = utf8_next(&cursor);
                bool may = normalise_may_cut_before(&normaliser, code_point);
                allowed += may;
                denied += !may;
                if (may && !cut_is_harmless(&normaliser, text, at))
                    CHECK(false, "options %x: case %zu must not be cut at byte %zu", bits, i, at);
            }
        }
    }
    CHECK(allowed > 10000 && denied > 1000, "%zu cuts, %zu places without", allowed, denied);
    CHECK(normalise_may_cut_before(&all_on, ' ') && normalise_may_cut_before(&all_on, 0xe9) &&
              !normalise_may_cut_before(&all_on, 0x301) &&
              !normalise_may_cut_before(&all_on, 0x344),
          "before letters, and not before marks or what becomes them");
    json_decref(cases);
}

int main(void)
{
    diag_init("test_text_stages");
    test_cases();
    test_utf8();
    test_unicode();
    test_long_run();
    test_cuts();
    test_all_scalars();
    return check_report();
}
