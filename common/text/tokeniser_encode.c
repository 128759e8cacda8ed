/*
 * Encoding. Text is cut into chunks at ASCII white space, which always ends a word and never
 * depends on what stands beside it. What a chunk becomes depends on its bytes alone, so that
 * frequent short chunks are answered from a cache.
 *
 * Other chunks are cut into runs at ASCII punctuation, each of which is a word. A run of plain
 * ASCII is lower-cased and matched; any other goes through all the stages (run.h).
 *
 * Where the time goes: `perf record wp-tokenize < text.mp`, IMDB's reviews four times over, one
 * thread of a Sapphire Rapids. That is 340 MB/s, 17 ns a chunk, which is 5.7 bytes on average and
 * 1.3 ids. 30 % is finding chunks and asking for their lines of the cache (encode_segment, which
 * holds add_chunk), 13 % comparing keys and copying ids (look_up), 16 % the chunks that are not
 * there, one in fifty, in equal parts waiting for the lines of their runs and for the trie's
 * (encode_chunk, wordpiece_match, chunk_cache_store); checking UTF-8 takes 4 %, finding the spaces
 * 2 %, and 6 % is the system's clearing of pages for caches that grow, most of it in the first
 * pass. Memory limits the first three: chunks are collected before they are looked up, so that the
 * lines are on their way meanwhile. The rest is the filter's: 14 % reading, of which hashing is 4,
 * and 11 % writing.
 *
 * Threads share the cache (word_cache.h): one each would be filled by each, and of half the size
 * for the same memory, which cost two threads 15 % more.
 *
 * With offsets there is no cache: it knows tokens, not where each ends.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "cli/utf8.h"
#include "text/fit.h"
#include "text/run.h"
#include "text/tokeniser.h"
#include "text/tokeniser_build.h"
#include "text/unicode.h"
#include "text/word_cache.h"

enum byte_class {
    BYTE_PLAIN,       /* part of a run; nothing happens to it but lower-casing */
    BYTE_OTHER,       /* part of a run that takes all stages */
    BYTE_SPACE,       /* between chunks */
    BYTE_PUNCTUATION, /* a run of its own */
};

#define PENDING 64 /* chunks that are looked up together */

struct pending {
    struct chunk_key key;
    struct chunk_line *line; /* NULL: too long for the chunk cache */
    const char *data;
    size_t size;
};

struct tokeniser_state {
    struct word_cache_user words;
    const char *end; /* of what may be read of the text at work */
    struct pending pending[PENDING];
    size_t pending_count;
    uint64_t *masks; /* of a text's spaces */
    size_t mask_capacity;
    struct run_state run;
};

struct tokeniser_state *tokeniser_state_new(const struct tokeniser *tokeniser, size_t cache_bytes)
{
    struct tokeniser_state *state = mem_calloc(1, sizeof(*state));
    word_cache_open(&state->words, cache_bytes, tokeniser->vocabulary.size);
    return state;
}

struct tokeniser_state *tokeniser_state_share(struct tokeniser_state *other)
{
    struct tokeniser_state *state = mem_calloc(1, sizeof(*state));
    word_cache_join(&state->words, &other->words);
    return state;
}

void tokeniser_state_free(struct tokeniser_state *state)
{
    if (state == NULL)
        return;
    word_cache_close(&state->words);
    free(state->masks);
    run_state_free(&state->run);
    free(state);
}

void tokeniser_classify_bytes(struct tokeniser *tokeniser)
{
    for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
        unsigned properties = byte < 0x80 ? unicode_properties(byte) : 0;
        bool dropped = tokeniser->normaliser.clean_text && properties & UNICODE_DROP;
        tokeniser->byte_class[byte] = byte < 0x80 && !dropped ? BYTE_PLAIN : BYTE_OTHER;
        if (properties & UNICODE_SPACE && !dropped) {
            tokeniser->byte_class[byte] = BYTE_SPACE;
            spaces_add(&tokeniser->spaces, (unsigned char)byte);
        } else if (properties & UNICODE_PUNCTUATION) {
            tokeniser->byte_class[byte] = BYTE_PUNCTUATION;
        }
    }
}

/* size: at most CHUNK_BYTES; end: of what may be read. */
static struct chunk_key key_of(const char *chunk, size_t size, const char *end)
{
    char last[sizeof(struct chunk_key)] = {0};
    if ((size_t)(end - chunk) < sizeof(last))
        chunk = memcpy(last, chunk, size);
    return chunk_key_of(chunk, size);
}

static void encode_run(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                       const char *run, size_t size, bool plain, struct encoding *out)
{
    state->run.may_drop = size > LONG_BYTES;
    if (plain)
        run_encode_plain(tokeniser, &state->run, run, size, out);
    else
        run_encode(tokeniser, &state->run, run, size, out);
}

/* size: from CHUNK_BYTES + 1 to LONG_BYTES. */
static struct long_key long_key_within(const char *chunk, size_t size, const char *end)
{
    char last[sizeof(struct long_key)] = {0};
    if ((size_t)(end - chunk) < sizeof(last))
        chunk = memcpy(last, chunk, size);
    return long_key_of(chunk, size);
}

/* A run within a chunk: "film" of "film." is likely to be there. */
static void find_run(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                     const char *run, size_t size, bool plain, const char *end,
                     struct encoding *out)
{
    struct chunk_key key = key_of(run, size, end);
    struct chunk_line *line = chunk_cache_line(&state->words.chunks, key);
    const struct chunk_entry *entry = chunk_line_find(line, key);
    size_t before = out->count;
    if (entry != NULL) {
        encoding_reserve(out, CHUNK_ROOM);
        out->count += chunk_entry_copy(entry, state->words.chunks.narrow, out->ids + out->count);
        return;
    }
    encode_run(tokeniser, state, run, size, plain, out);
    chunk_cache_store(&state->words.chunks, line, key, out->ids + before, out->count - before);
}

/* What the cache does not have, or cannot tell. */
static void encode_chunk(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                         const char *chunk, size_t size, struct encoding *out)
{
    const uint8_t *class = tokeniser->byte_class;
    const char *p = chunk, *end = chunk + size;
    while (p < end) {
        const char *start = p;
        bool plain = true;
        for (; p < end && class[(unsigned char)*p] <= BYTE_OTHER; p++)
            plain = plain && class[(unsigned char)*p] == BYTE_PLAIN;
        size_t run = (size_t)(p - start);
        if (run > 0 && run < size && run <= CHUNK_BYTES && !out->traced)
            find_run(tokeniser, state, start, run, plain, end, out);
        else if (run > 0)
            encode_run(tokeniser, state, start, run, plain, out);
        if (p < end)
            encode_run(tokeniser, state, p++, 1, true, out);
        if (size > LONG_BYTES)
            run_drop_tokens(tokeniser, &state->run, out);
    }
}

static void encode_long(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                        const char *chunk, size_t size, struct encoding *out)
{
    struct long_key key = long_key_within(chunk, size, state->end);
    const struct long_line *line = long_cache_line(&state->words.longs, &key);
    size_t before = out->count;
    if (long_line_holds(line, &key)) {
        encoding_reserve(out, LONG_NARROW);
        out->count += long_line_copy(line, state->words.longs.narrow, out->ids + out->count);
        return;
    }
    encode_chunk(tokeniser, state, chunk, size, out);
    long_cache_store(&state->words.longs, &key, out->ids + before, out->count - before);
}

static void encode_missed(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                          const struct pending *missed, struct encoding *out)
{
    size_t before = out->count;
    if (missed->line == NULL && missed->size <= LONG_BYTES)
        encode_long(tokeniser, state, missed->data, missed->size, out);
    else
        encode_chunk(tokeniser, state, missed->data, missed->size, out);
    if (missed->line != NULL)
        chunk_cache_store(&state->words.chunks, missed->line, missed->key, out->ids + before,
                          out->count - before);
}

static void look_up(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                    struct encoding *out)
{
    bool narrow = state->words.chunks.narrow;
    encoding_reserve(out, PENDING * CHUNK_ROOM);
    uint32_t *next = out->ids + out->count;
    for (size_t i = 0; i < state->pending_count; i++) {
        const struct pending *pending = &state->pending[i];
        const struct chunk_entry *entry =
            pending->line != NULL ? chunk_line_find(pending->line, pending->key) : NULL;
        if (entry != NULL) {
            next += chunk_entry_copy(entry, narrow, next);
            continue;
        }
        out->count = (size_t)(next - out->ids);
        encode_missed(tokeniser, state, pending, out);
        encoding_reserve(out, PENDING * CHUNK_ROOM);
        next = out->ids + out->count;
    }
    out->count = (size_t)(next - out->ids);
    state->pending_count = 0;
    word_cache_grow(&state->words);
    run_drop_tokens(tokeniser, &state->run, out);
}

static void add_chunk(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                      const char *chunk, size_t size, struct encoding *out)
{
    if (size == 0)
        return;
    if (out->traced) {
        encode_chunk(tokeniser, state, chunk, size, out);
        run_drop_tokens(tokeniser, &state->run, out);
        return;
    }
    struct pending *pending = &state->pending[state->pending_count++];
    pending->data = chunk;
    pending->size = size;
    pending->line = NULL;
    if (size <= CHUNK_BYTES) {
        pending->key = key_of(chunk, size, state->end);
        pending->line = chunk_cache_line(&state->words.chunks, pending->key);
        __builtin_prefetch(pending->line);
    } else if (size <= LONG_BYTES) {
        struct long_key key = long_key_within(chunk, size, state->end);
        __builtin_prefetch(long_cache_line(&state->words.longs, &key));
    }
    if (state->pending_count == PENDING)
        look_up(tokeniser, state, out);
}

/* Text without raw added tokens. Tokens that are found in the normal form may span chunks: then
 * there is one only. */
static void encode_text(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                        const char *text, size_t size, struct encoding *out)
{
    const char *begin = text, *end = text + size;
    size_t blocks = (size + 63) / 64;
    if (tokeniser->added.forms[ADDED_NORMALISED].pattern_count > 0) {
        state->run.may_drop = true;
        run_encode_with_added(tokeniser, &state->run, text, size, out);
        return;
    }
    state->end = end;
    mem_grow(&state->masks, &state->mask_capacity, blocks + 1, sizeof(*state->masks));
    spaces_find(&tokeniser->spaces, text, size, state->masks);
    for (size_t k = 0; k < blocks; k++) {
        for (uint64_t mask = state->masks[k]; mask != 0; mask &= mask - 1) {
            const char *space = text + 64 * k + (unsigned)__builtin_ctzll(mask);
            add_chunk(tokeniser, state, begin, (size_t)(space - begin), out);
            begin = space + 1;
        }
    }
    if (begin < end)
        add_chunk(tokeniser, state, begin, (size_t)(end - begin), out);
    look_up(tokeniser, state, out);
}

/* Appends a text's tokens, of which at least the first `most` are kept; how many there are. */
static size_t encode_segment(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                             struct text_span text, size_t most, struct encoding *out)
{
    struct added_cursor cursor = {.text = text.data, .size = text.size};
    struct added_match match;
    state->run.text = text.data;
    state->run.first = out->count;
    state->run.most = most;
    state->run.dropped = state->run.unknown = 0;
    if (text.size == 0)
        return 0;
    while (added_tokens_next(&tokeniser->added, ADDED_RAW, &cursor, &match)) {
        encode_text(tokeniser, state, match.text, match.size, out);
        if (match.id != TOKEN_NONE)
            encoding_push(out, match.id,
                          (struct source){(uint32_t)match.start, (uint32_t)match.stop});
    }
    size_t held = out->count - state->run.first;
    out->unknown +=
        state->run.unknown + encoding_count_id(out, state->run.first, tokeniser->special.unk);
    if (held > most)
        out->count = state->run.first + most;
    return state->run.dropped + held;
}

/* Truncates [CLS] a b, as it stands in out, and puts in the [SEP]s; first and second: how many
 * tokens a and b have, which are there as far as they can be kept. */
static void assemble(const struct tokeniser *tokeniser, size_t first, size_t second, size_t held,
                     bool paired, size_t max_length, struct encoding *out)
{
    const uint32_t sep = tokeniser->special.sep;
    size_t room = max_length > 0 ? max_length - (paired ? 3 : 2) : SIZE_MAX;
    fit_share_room(&first, &second, room);
    encoding_reserve(out, 2);
    out->cut = out->tokens - first - second;
    out->count = out->first_segment = first + 2;
    if (paired) {
        memmove(out->ids + first + 2, out->ids + 1 + held, second * sizeof(*out->ids));
        if (out->traced)
            memmove(out->offsets + first + 2, out->offsets + 1 + held,
                    second * sizeof(*out->offsets));
        out->count += second;
        encoding_push(out, sep, (struct source){0});
    }
    out->ids[first + 1] = sep;
    if (out->traced)
        out->offsets[first + 1] = (struct source){0};
}

size_t tokeniser_encode(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                        struct text_span text, struct text_span pair, size_t max_length,
                        struct encoding *out)
{
    size_t first, second, held, valid = utf8_valid_prefix(text.data, text.size);
    size_t most = max_length > 0 ? max_length : SIZE_MAX / 2;
    if (valid < text.size)
        return valid + 1;
    if (pair.data != NULL && (valid = utf8_valid_prefix(pair.data, pair.size)) < pair.size)
        return text.size + valid + 1;
    out->count = out->unknown = 0;
    encoding_push(out, tokeniser->special.cls, (struct source){0});
    word_cache_enter(&state->words);
    first = encode_segment(tokeniser, state, text, most, out);
    held = out->count - 1;
    second = encode_segment(tokeniser, state, pair, most, out);
    word_cache_leave(&state->words);
    out->tokens = first + second;
    assemble(tokeniser, first, second, held, pair.data != NULL, max_length, out);
    return 0;
}
