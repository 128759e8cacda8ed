#include "text/run.h"

#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "text/pretokenise.h"
#include "text/utf8.h"

#define DROP_AT    4096      /* tokens that are dropped together */
#define PART_BYTES (1 << 16) /* of a run that is normalised together */

void run_state_free(struct run_state *state)
{
    free(state->sources.begins);
    free(state->ends);
    buffer_free(&state->normal);
}

/* Where the words of a normal form come from. */
struct origin {
    const char *normal;
    uint32_t at;            /* of the raw text: where it begins; without begins */
    const uint32_t *begins; /* of its bytes, as in struct sources; NULL: they are the raw text's */
};

void run_drop_tokens(const struct tokeniser *tokeniser, struct run_state *state,
                     struct encoding *out)
{
    size_t kept = state->first + state->most;
    if (out->count < kept + DROP_AT)
        return;
    state->dropped += out->count - kept;
    state->unknown += encoding_count_id(out, kept, tokeniser->special.unk);
    out->count = kept;
}

/* Bytes [from, to) of a normal form. */
static struct source source_of(const struct run_state *state, const struct origin *origin,
                               size_t from, size_t to)
{
    if (origin->begins == NULL)
        return (struct source){origin->at + (uint32_t)from, origin->at + (uint32_t)to};
    uint32_t last = origin->begins[to - 1];
    return (struct source){origin->begins[from], last + (uint32_t)utf8_length(state->text[last])};
}

static void trace_pieces(const struct run_state *state, const struct origin *origin,
                         const char *word, size_t count, struct encoding *out)
{
    size_t begin = (size_t)(word - origin->normal), from = begin;
    for (size_t i = 0; i < count; i++) {
        size_t to = begin + state->ends[i];
        out->offsets[out->count + i] = source_of(state, origin, from, to);
        from = to;
    }
}

static void encode_word(const struct tokeniser *tokeniser, struct run_state *state,
                        const struct origin *origin, const char *word, size_t size,
                        struct encoding *out)
{
    const struct wordpiece *wordpiece = &tokeniser->wordpiece;
    size_t room = wordpiece_room(wordpiece, size), count;
    encoding_reserve(out, room);
    if (out->traced)
        mem_grow(&state->ends, &state->end_capacity, room, sizeof(*state->ends));
    count = wordpiece_match(wordpiece, word, size, out->ids + out->count,
                            out->traced ? state->ends : NULL);
    if (out->traced)
        trace_pieces(state, origin, word, count, out);
    out->count += count;
    if (state->may_drop)
        run_drop_tokens(tokeniser, state, out);
}

static void normalise_part(const struct tokeniser *tokeniser, struct run_state *state,
                           const char *text, size_t size, bool traced)
{
    state->sources.at = (uint32_t)(text - state->text);
    normalise(&tokeniser->normaliser, text, size, &state->normal, traced ? &state->sources : NULL);
}

/* The origin of all that is in state->normal. */
static struct origin origin_of_normal(const struct run_state *state)
{
    return (struct origin){.normal = state->normal.data, .begins = state->sources.begins};
}

/* Added tokens are looked for in the whole normal form. */
void run_encode_with_added(const struct tokeniser *tokeniser, struct run_state *state,
                           const char *text, size_t size, struct encoding *out)
{
    struct added_match match;
    state->normal.size = state->sources.count = 0;
    normalise_part(tokeniser, state, text, size, out->traced);
    if (state->normal.size == 0)
        return;
    const struct origin origin = origin_of_normal(state);
    struct added_cursor cursor = {.text = state->normal.data, .size = state->normal.size};
    while (added_tokens_next(&tokeniser->added, ADDED_NORMALISED, &cursor, &match)) {
        const char *next = match.text, *end = match.text + match.size;
        struct source source = {0};
        struct word word;
        while (pretokenise_next(&next, end, &word))
            encode_word(tokeniser, state, &origin, word.data, word.size, out);
        if (out->traced && match.id != TOKEN_NONE)
            source = source_of(state, &origin, match.start, match.stop);
        if (match.id != TOKEN_NONE)
            encoding_push(out, match.id, source);
    }
}

/* Where a part of the text ends: at PART_BYTES, or at the next place that it may be cut at. */
static const char *part_end(const struct tokeniser *tokeniser, const char *text, const char *end)
{
    if (end - text <= PART_BYTES)
        return end;
    const char *stop = text + utf8_previous(text, PART_BYTES + 1);
    while (stop < end) {
        const char *next = stop;
        if (normalise_may_cut_before(&tokeniser->normaliser, utf8_next(&next)))
            break;
        stop = next;
    }
    return stop;
}

/* Leaves in the normal form only a word that may go on. Of one that is too long, and so unknown
 * however it goes on, just enough to be that: its first characters, and the last. */
static void keep_word(const struct tokeniser *tokeniser, struct run_state *state, struct word word,
                      bool traced)
{
    const size_t most = tokeniser->wordpiece.max_characters;
    if (word.size == 0) {
        state->normal.size = state->sources.count = 0;
        return;
    }
    char *normal = state->normal.data;
    uint32_t *begins = state->sources.begins;
    size_t from = (size_t)(word.data - normal), kept = word.size, last = 0;
    if (word.size > most && utf8_count(word.data, word.size) > most + 1) {
        const char *cursor = word.data;
        for (size_t i = 0; i < most; i++)
            cursor += utf8_length(*cursor);
        kept = (size_t)(cursor - word.data);
        last = word.size - utf8_previous(word.data, word.size);
    }
    memmove(normal, normal + from, kept);
    memmove(normal + kept, normal + from + word.size - last, last);
    if (traced) {
        memmove(begins, begins + from, kept * sizeof(*begins));
        memmove(begins + kept, begins + from + word.size - last, last * sizeof(*begins));
    }
    state->normal.size = state->sources.count = kept + last;
}

/* One run through all the stages, in parts: the normal form of a long text is longer still. */
void run_encode(const struct tokeniser *tokeniser, struct run_state *state, const char *text,
                size_t size, struct encoding *out)
{
    const char *end = text + size;
    state->normal.size = state->sources.count = 0;
    while (text < end) {
        const char *stop = part_end(tokeniser, text, end);
        normalise_part(tokeniser, state, text, (size_t)(stop - text), out->traced);
        const struct origin origin = origin_of_normal(state);
        const char *cursor = state->normal.data, *normal_end = cursor + state->normal.size;
        struct word word = {cursor, 0};
        while (pretokenise_next(&cursor, normal_end, &word) && (cursor < normal_end || stop == end))
            encode_word(tokeniser, state, &origin, word.data, word.size, out);
        keep_word(tokeniser, state, word, out->traced);
        text = stop;
    }
}

/* A run of plain ASCII. */
void run_encode_plain(const struct tokeniser *tokeniser, struct run_state *state, const char *run,
                      size_t size, struct encoding *out)
{
    struct buffer *normal = &state->normal;
    normal->size = 0;
    buffer_append(normal, run, size);
    for (size_t i = 0; tokeniser->normaliser.lowercase && i < size; i++)
        if (normal->data[i] >= 'A' && normal->data[i] <= 'Z')
            normal->data[i] = (char)(normal->data[i] - 'A' + 'a');
    const struct origin origin = {.normal = normal->data, .at = (uint32_t)(run - state->text)};
    encode_word(tokeniser, state, &origin, normal->data, size, out);
}
