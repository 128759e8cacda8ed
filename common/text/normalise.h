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

/* For each byte of a normal form, where the character of the raw text begins that it comes from;
 * zeroed is empty. */
struct sources {
    uint32_t *begins; /* owned */
    size_t count, capacity;
    uint32_t at; /* set by the caller: where the text that is normalised next begins */
};

/*
 * Appends the normal form of text, which must be valid UTF-8. sources, unless NULL, gets an item
 * for each byte that was appended, as tokenizers' NormalizedString keeps its alignments: then the
 * raw text has less than 4 GiB.
 */
void normalise(const struct normaliser *normaliser, const char *text, size_t size,
               struct buffer *out, struct sources *sources);

/* Whether the normal forms of what is before this character and of what begins with it, one after
 * the other, are that of both together, whatever they are. */
bool normalise_may_cut_before(const struct normaliser *normaliser, uint32_t code_point);

#endif
