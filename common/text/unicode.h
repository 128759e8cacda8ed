/*
 * What the reference (tokenizers 0.23.3) knows of each code point.
 *
 * Its category tables are older than its case tables, so no Unicode library of one version
 * gives the same answers; generate-tables.py asks the reference itself about every code point
 * and writes unicode_tables.h.
 */
#ifndef TEXT_UNICODE_H
#define TEXT_UNICODE_H

#include <stddef.h>
#include <stdint.h>

enum unicode_property {
    UNICODE_DROP = 1,        /* deleted by clean_text: NUL, U+FFFD, control, format, private use */
    UNICODE_SPACE = 2,       /* white space: becomes a space (unless dropped), or splits words */
    UNICODE_CJK = 4,         /* gets a space on either side */
    UNICODE_PUNCTUATION = 8, /* a word of its own */
    UNICODE_MARK = 16,       /* Mn, and not changed by NFD: deleted by strip_accents */
    UNICODE_LOWER = 32,      /* lower-casing changes it */
    UNICODE_DECOMPOSE = 64,  /* NFD changes it */
    UNICODE_COMBINING = 128, /* its combining class is not 0 */
    UNICODE_WORD = 256,      /* \w: what touches a single_word added token */
};

enum { UNICODE_LOWER_MAX = 3, UNICODE_DECOMPOSE_MAX = 4 };

/* Properties of a code point up to U+10FFFF, or-ed together. */
unsigned unicode_properties(uint32_t code_point);

/* Lower case of one character, without context; writes up to UNICODE_LOWER_MAX, returns how many.
 */
size_t unicode_lower(uint32_t code_point, uint32_t *out);

/* Full canonical decomposition; writes up to UNICODE_DECOMPOSE_MAX, returns how many. */
size_t unicode_decompose(uint32_t code_point, uint32_t *out);

/* A number that orders combining characters as their canonical combining class does; 0: a starter.
 */
unsigned unicode_combining_rank(uint32_t code_point);

#endif
