/*
 * Added tokens: strings that are found in the text before it is split into words.
 *
 * [SEP] written in a review is one. Tokens that are not `normalized` are found in the raw text, the others
 * in the normal form of what is left. The leftmost match wins, then the longest.
 */
#ifndef TEXT_ADDED_TOKENS_H
#define TEXT_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct normaliser;

struct added_token {
    char *content; /* owned */
    size_t size;
    uint32_t id;
    bool special;
    bool normalized;  /* found in the normal form, by its own normal form */
    bool single_word; /* only where no word character touches it */
    bool lstrip, rstrip; /* takes the white space on that side with it */
    char *pattern; /* what is searched: the content, or its normal form; owned */
    size_t pattern_size;
};

struct added_tokens {
    struct added_token *items; /* in the order they were given */
    size_t count, capacity;
    unsigned char first[2][32]; /* bit set of first bytes of the raw and of the normalised patterns */
    bool any[2];                /* whether there are raw, normalised patterns */
};

void added_tokens_init(struct added_tokens *added);
void added_tokens_free(struct added_tokens *added);

/* Appends a token; content is copied. */
void added_tokens_append(struct added_tokens *added, const struct added_token *token);
/* Makes the patterns, after the last append. */
void added_tokens_prepare(struct added_tokens *added, const struct normaliser *normaliser);

struct added_match {
    size_t start, stop; /* bytes of the text, white space taken included */
    uint32_t id;
};

/* Finds the next match in text[from, size) among the raw (normalised: false) or normalised patterns. */
bool added_tokens_next(const struct added_tokens *added, bool normalised, const char *text,
                       size_t size, size_t from, struct added_match *match);

#endif
