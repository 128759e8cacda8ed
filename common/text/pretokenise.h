/*
 * The second stage: normalised text to words, as tokenizers' BertPreTokenizer does it.
 *
 * White space separates words and vanishes; every punctuation character is a word of its own.
 */
#ifndef TEXT_PRETOKENISE_H
#define TEXT_PRETOKENISE_H

#include <stdbool.h>
#include <stddef.h>

struct word {
    const char *data; /* into the normalised text */
    size_t size;      /* bytes, never 0 */
};

/* Finds the next word in [*cursor, end), valid UTF-8, and moves the cursor past it; false at the
 * end. */
bool pretokenise_next(const char **cursor, const char *end, struct word *word);

#endif
