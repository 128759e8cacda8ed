/*
 * One stretch of text through the stages: normalise.h → pretokenise.h → wordpiece.h → tokens, each
 * with its place in the raw text when the encoding is traced.
 *
 * Memory does not grow with the text: it is normalised in parts, and of its tokens no more are held
 * than can be kept. The others are counted.
 */
#ifndef TEXT_RUN_H
#define TEXT_RUN_H

#include "cli/buffer.h"
#include "text/tokeniser.h"

/* Buffers, and the text at work. */
struct run_state {
    struct buffer normal;
    struct sources sources; /* of the bytes of normal */
    uint32_t *ends;         /* of a word's pieces */
    size_t end_capacity;
    /* Set before each text. */
    const char *text;        /* raw */
    size_t first, most;      /* of its tokens: number in the encoding; how many may be kept */
    size_t dropped, unknown; /* tokens that are not in the encoding any more; how many unknown */
    /* Set before each run: whether its tokens may be dropped before its end. */
    bool may_drop;
};

void run_state_free(struct run_state *state);

/* Appends the tokens of a stretch of the text; nothing beside it has a part in them. */
void run_encode(const struct tokeniser *tokeniser, struct run_state *state, const char *text,
                size_t size, struct encoding *out);
/* The same for one word of plain ASCII, which only is lower-cased. */
void run_encode_plain(const struct tokeniser *tokeniser, struct run_state *state, const char *run,
                      size_t size, struct encoding *out);
/* The same, with the added tokens that are found in the normal form, which is made whole. */
void run_encode_with_added(const struct tokeniser *tokeniser, struct run_state *state,
                           const char *text, size_t size, struct encoding *out);

/* Drops the tokens that truncation would, when they are many. */
void run_drop_tokens(const struct tokeniser *tokeniser, struct run_state *state,
                     struct encoding *out);

#endif
