/*
 * Encoding. Text is cut into runs at ASCII white space and ASCII punctuation, which always end a
 * word and never depend on what stands beside them. What a run becomes depends on its bytes alone,
 * so that frequent short runs are answered from a cache; the others go through normalise,
 * pretokenise and wordpiece.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "cli/utf8.h"
#include "text/fit.h"
#include "text/pretokenise.h"
#include "text/tokeniser.h"
#include "text/tokeniser_build.h"
#include "text/unicode.h"

enum byte_class {
    BYTE_RUN,         /* part of a run */
    BYTE_SPACE,       /* between runs */
    BYTE_PUNCTUATION, /* a run of its own */
};

enum { CACHE_BITS = 15, CACHE_KEY = 15, CACHE_IDS = 3 };

/* A run of at most CACHE_KEY bytes and what it becomes; key[1]'s last byte is its length, 0 for a
 * free entry. */
struct cache_entry {
    uint64_t key[2];
    uint32_t count;
    uint32_t ids[CACHE_IDS];
};

struct tokeniser_state {
    struct cache_entry *cache; /* [1 << CACHE_BITS] */
    struct buffer normal;
};

struct tokeniser_state *tokeniser_state_new(void)
{
    struct tokeniser_state *state = mem_calloc(1, sizeof(*state));
    state->cache = mem_calloc((size_t)1 << CACHE_BITS, sizeof(*state->cache));
    return state;
}

void tokeniser_state_free(struct tokeniser_state *state)
{
    if (state == NULL)
        return;
    free(state->cache);
    buffer_free(&state->normal);
    free(state);
}

void encoding_free(struct encoding *encoding)
{
    free(encoding->ids);
    *encoding = (struct encoding){0};
}

void encoding_types(const struct encoding *encoding, uint8_t *types)
{
    memset(types, 0, encoding->first_segment);
    memset(types + encoding->first_segment, 1, encoding->count - encoding->first_segment);
}

void tokeniser_classify_bytes(struct tokeniser *tokeniser)
{
    for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
        unsigned properties = byte < 0x80 ? unicode_properties(byte) : 0;
        bool dropped = tokeniser->normaliser.clean_text && properties & UNICODE_DROP;
        tokeniser->byte_class[byte] = BYTE_RUN;
        if (properties & UNICODE_SPACE && !dropped)
            tokeniser->byte_class[byte] = BYTE_SPACE;
        else if (properties & UNICODE_PUNCTUATION)
            tokeniser->byte_class[byte] = BYTE_PUNCTUATION;
    }
}

static void reserve_ids(struct encoding *out, size_t more)
{
    if (out->capacity - out->count < more)
        mem_grow(&out->ids, &out->capacity, out->count + more, sizeof(*out->ids));
}

static void push_id(struct encoding *out, uint32_t id)
{
    reserve_ids(out, 1);
    out->ids[out->count++] = id;
}

static void encode_word(const struct wordpiece *wordpiece, const char *word, size_t size,
                        struct encoding *out)
{
    reserve_ids(out, wordpiece_room(wordpiece, size));
    out->count += wordpiece_match(wordpiece, word, size, out->ids + out->count);
}

static void encode_normal(const struct tokeniser *tokeniser, const char *normal, size_t size,
                          struct encoding *out)
{
    const char *cursor = normal, *end = normal + size;
    struct word word;
    while (pretokenise_next(&cursor, end, &word))
        encode_word(&tokeniser->wordpiece, word.data, word.size, out);
}

/* One run, or any text, through all the stages. */
static void encode_stages(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                          const char *text, size_t size, struct encoding *out)
{
    struct added_cursor cursor;
    struct added_match match;
    state->normal.size = 0;
    normalise(&tokeniser->normaliser, text, size, &state->normal);
    cursor = (struct added_cursor){.text = state->normal.data, .size = state->normal.size};
    while (added_tokens_next(&tokeniser->added, ADDED_NORMALISED, &cursor, &match)) {
        encode_normal(tokeniser, match.text, match.size, out);
        if (match.id != TOKEN_NONE)
            push_id(out, match.id);
    }
}

/* The run's bytes with zeroes behind them, and its length in the last byte. */
static void make_key(const char *run, size_t size, const char *end, uint64_t key[2])
{
    key[0] = key[1] = 0;
    if ((size_t)(end - run) >= sizeof(uint64_t[2])) {
        memcpy(key, run, sizeof(uint64_t[2]));
        if (size < 8) {
            key[0] &= (UINT64_C(1) << 8 * size) - 1;
            key[1] = 0;
        } else {
            key[1] &= (UINT64_C(1) << 8 * (size - 8)) - 1;
        }
    } else {
        memcpy(key, run, size);
    }
    key[1] |= (uint64_t)size << 56;
}

static struct cache_entry *cache_slot(struct tokeniser_state *state, const uint64_t key[2])
{
    uint64_t mixed =
        (key[0] ^ key[1] * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return &state->cache[mixed >> (64 - CACHE_BITS)];
}

static void encode_run(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                       const char *run, size_t size, const char *end, struct encoding *out)
{
    struct cache_entry *entry;
    uint64_t key[2];
    size_t before = out->count;
    if (size > CACHE_KEY) {
        encode_stages(tokeniser, state, run, size, out);
        return;
    }
    make_key(run, size, end, key);
    entry = cache_slot(state, key);
    reserve_ids(out, CACHE_IDS);
    if (entry->key[0] == key[0] && entry->key[1] == key[1]) {
        memcpy(out->ids + out->count, entry->ids, sizeof(entry->ids));
        out->count += entry->count;
        return;
    }
    encode_stages(tokeniser, state, run, size, out);
    if (out->count - before > CACHE_IDS)
        return;
    *entry = (struct cache_entry){{key[0], key[1]}, (uint32_t)(out->count - before), {0}};
    memcpy(entry->ids, out->ids + before, entry->count * sizeof(*entry->ids));
}

/* Text without raw added tokens. Tokens that are found in the normal form may span runs: then there
 * is one run only. */
static void encode_text(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                        const char *text, size_t size, struct encoding *out)
{
    const uint8_t *class = tokeniser->byte_class;
    const char *p = text, *end = text + size;
    if (tokeniser->added.forms[ADDED_NORMALISED].pattern_count > 0) {
        encode_stages(tokeniser, state, text, size, out);
        return;
    }
    while (p < end) {
        const char *start = p;
        while (p < end && class[(unsigned char)*p] == BYTE_RUN)
            p++;
        if (p > start)
            encode_run(tokeniser, state, start, (size_t)(p - start), end, out);
        if (p < end && class[(unsigned char)*p] == BYTE_PUNCTUATION)
            encode_run(tokeniser, state, p, 1, end, out);
        p++;
    }
}

static void encode_segment(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                           struct text_span text, struct encoding *out)
{
    struct added_cursor cursor = {.text = text.data, .size = text.size};
    struct added_match match;
    if (text.size == 0)
        return;
    while (added_tokens_next(&tokeniser->added, ADDED_RAW, &cursor, &match)) {
        encode_text(tokeniser, state, match.text, match.size, out);
        if (match.id != TOKEN_NONE)
            push_id(out, match.id);
    }
}

static size_t count_id(const uint32_t *ids, size_t count, uint32_t id)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += ids[i] == id;
    return found;
}

/* Truncates [CLS] a b, as it stands in out, and puts in the [SEP]s; first: tokens of a. */
static void assemble(const struct tokeniser *tokeniser, size_t first, bool paired,
                     size_t max_length, struct encoding *out)
{
    size_t second = out->tokens - first, room = SIZE_MAX;
    reserve_ids(out, 2);
    const uint32_t *second_ids = out->ids + 1 + first;
    if (max_length > 0)
        room = max_length - (paired ? 3 : 2);
    fit_share_room(&first, &second, room);
    out->cut = out->tokens - first - second;
    out->count = out->first_segment = first + 2;
    if (paired) {
        memmove(out->ids + out->count, second_ids, second * sizeof(*out->ids));
        out->count += second;
        out->ids[out->count++] = tokeniser->special.sep;
    }
    out->ids[first + 1] = tokeniser->special.sep;
}

size_t tokeniser_encode(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                        struct text_span text, struct text_span pair, size_t max_length,
                        struct encoding *out)
{
    size_t first, valid = utf8_valid_prefix(text.data, text.size);
    if (valid < text.size)
        return valid + 1;
    if (pair.data != NULL && (valid = utf8_valid_prefix(pair.data, pair.size)) < pair.size)
        return text.size + valid + 1;
    out->count = 0;
    push_id(out, tokeniser->special.cls);
    encode_segment(tokeniser, state, text, out);
    first = out->count - 1;
    encode_segment(tokeniser, state, pair, out);
    out->tokens = out->count - 1;
    out->unknown = count_id(out->ids + 1, out->tokens, tokeniser->special.unk);
    assemble(tokeniser, first, pair.data != NULL, max_length, out);
    return 0;
}
