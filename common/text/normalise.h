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
#include <stdint.h>

#include "cli/buffer.h"

struct normaliser {
    bool clean_text;
    bool chinese_chars;
    bool strip_accents; /* resolved: null in the model's files means "as lowercase" */
    bool lowercase;
};

/* Where in the raw text something comes from: its first byte, and the one after its last. */
struct source {
    uint32_t begin, end;
};

/* The source of each byte of a normal form; zeroed is empty. */
struct sources {
    struct source *items; /* owned */
    size_t count, capacity;
};

/*
 * Appends the normal form of text, which must be valid UTF-8. sources, unless NULL, gets an item
 * for each byte that was appended, as tokenizers' NormalizedString keeps its alignments: then text
 * has less than 4 GiB.
 */
void normalise(const struct normaliser *normaliser, const char *text, size_t size,
               struct buffer *out, struct sources *sources);

#endif
