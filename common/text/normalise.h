/*
 * The first stage: raw text to normalised text, as tokenizers' BertNormalizer does it.
 *
 * In this order: drop NUL, U+FFFD and control characters and turn white space into spaces
 * (clean_text); put spaces around CJK ideographs (chinese_chars); decompose (NFD) and drop
 * accents (strip_accents); lower-case character by character (lowercase).
 */
#ifndef TEXT_NORMALISE_H
#define TEXT_NORMALISE_H

#include <stdbool.h>

#include "cli/buffer.h"

struct normaliser {
    bool clean_text;
    bool chinese_chars;
    bool strip_accents; /* resolved: null in the model's files means "as lowercase" */
    bool lowercase;
};

/* Appends the normal form of text, which must be valid UTF-8. */
void normalise(const struct normaliser *normaliser, const char *text, size_t size,
               struct buffer *out);

#endif
