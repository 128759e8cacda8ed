#include "text/unicode.h"

#include <string.h>

#include "text/unicode_tables.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { HANGUL_FIRST = 0xac00, HANGUL_COUNT = 11172, HANGUL_VOWELS = 21, HANGUL_TAILS = 28 };
enum { SPAN_LENGTH_BITS = 3 };

unsigned unicode_properties(uint32_t code_point)
{
    unsigned page = property_pages[code_point >> 12];
    unsigned block = property_blocks[page * 64 + (code_point >> 6 & 63)];
    return property_kinds[property_letters[block][code_point & 63] - 'A'];
}

/* The code point's place in a sorted array, or count when it is not there. */
static size_t find_code(const uint32_t *codes, size_t count, uint32_t code_point)
{
    size_t start = 0, end = count;
    while (start < end) {
        size_t middle = start + (end - start) / 2;
        if (codes[middle] < code_point)
            start = middle + 1;
        else
            end = middle;
    }
    return start < count && codes[start] == code_point ? start : count;
}

static size_t copy_span(uint16_t span, const uint32_t *pool, uint32_t *out)
{
    size_t length = span & ((1u << SPAN_LENGTH_BITS) - 1);
    memcpy(out, pool + (span >> SPAN_LENGTH_BITS), length * sizeof(*out));
    return length;
}

size_t unicode_lower(uint32_t code_point, uint32_t *out)
{
    size_t found = find_code(lower_codes, COUNT(lower_codes), code_point);
    if (found < COUNT(lower_codes))
        return copy_span(lower_spans[found], lower_pool, out);
    out[0] = code_point;
    return 1;
}

/* A Hangul syllable is made of a leading consonant, a vowel and perhaps a trailing consonant. */
static size_t decompose_hangul(uint32_t index, uint32_t *out)
{
    uint32_t tail = index % HANGUL_TAILS;
    out[0] = 0x1100 + index / (HANGUL_VOWELS * HANGUL_TAILS);
    out[1] = 0x1161 + index / HANGUL_TAILS % HANGUL_VOWELS;
    out[2] = 0x11a7 + tail;
    return tail > 0 ? 3 : 2;
}

size_t unicode_decompose(uint32_t code_point, uint32_t *out)
{
    if (code_point - HANGUL_FIRST < HANGUL_COUNT)
        return decompose_hangul(code_point - HANGUL_FIRST, out);
    size_t found = find_code(decompose_codes, COUNT(decompose_codes), code_point);
    if (found < COUNT(decompose_codes))
        return copy_span(decompose_spans[found], decompose_pool, out);
    out[0] = code_point;
    return 1;
}

unsigned unicode_combining_rank(uint32_t code_point)
{
    size_t found = find_code(combining_codes, COUNT(combining_codes), code_point);
    return found < COUNT(combining_codes) ? combining_ranks[found] : 0;
}
