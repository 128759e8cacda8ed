/*
 * Added tokens: strings that are found in the text before it is split into words.
 *
 * [SEP] written in a review is one. Tokens that are not `normalized` are found in the raw text, the
 * others in the normal form of what is left. The leftmost match wins, and of those the longest.
 */
#ifndef TEXT_ADDED_TOKENS_H
#define TEXT_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/normalise.h"
#include "text/trie.h"

enum added_form { ADDED_RAW, ADDED_NORMALISED, ADDED_FORMS };

struct added_token {
    char *content; /* at least one byte, closed with NUL */
    uint32_t id;
    bool in_model;       /* the model's own vocabulary has it too, so words are matched with it */
    bool special;        /* what decoding leaves out; no part in encoding */
    bool normalized;     /* found in the normal form, by its own normal form */
    bool single_word;    /* only where no word character touches it */
    bool lstrip, rstrip; /* takes the white space on that side with it */
};

struct added_tokens {
    struct added_token *items; /* contents are owned */
    size_t count, capacity;
    struct {
        struct trie patterns; /* → index of the item */
        size_t pattern_count;
        bool first[UINT8_MAX + 1]; /* bytes that a pattern begins with */
        int only_first;            /* the byte that all patterns begin with, or -1 */
    } forms[ADDED_FORMS];
};

void added_tokens_init(struct added_tokens *added);
void added_tokens_free(struct added_tokens *added);

/* Appends a token; its content is copied. */
void added_tokens_append(struct added_tokens *added, const struct added_token *token);

/*
 * Makes the patterns, after the last append and once. -1 with `place: ...` when a normal form is
 * empty, or two patterns are the same.
 */
int added_tokens_prepare(struct added_tokens *added, const struct normaliser *normaliser,
                         const char *place);

/* Where a search stands; start with {.text = ..., .size = ...}. */
struct added_cursor {
    const char *text;
    size_t size;
    size_t searched; /* matches begin here or later */
    size_t covered;  /* text before this has been handed out */
    bool finished;
};

/* Text without an added token in it, and the token that follows it. */
struct added_match {
    const char *text;
    size_t size;        /* may be 0 */
    uint32_t id;        /* TOKEN_NONE at the end of the text */
    size_t start, stop; /* of the token in the cursor's text */
};

/* The next stretch of the text; false when all of it has been handed out. */
bool added_tokens_next(const struct added_tokens *added, enum added_form form,
                       struct added_cursor *cursor, struct added_match *match);

#endif
