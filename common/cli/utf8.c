#include "cli/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BLOCK 32 /* bytes that are looked at together where they are not ASCII */

/*
 * Reads one character's bytes: *matched counts those that are well-formed so far. True when the
 * character is whole. The bounds of the second byte exclude overlong forms, surrogates and code
 * points above U+10FFFF.
 */
static bool match_character(const unsigned char *bytes, size_t size, size_t *matched)
{
    unsigned char first = bytes[0], low = 0x80, high = 0xbf;
    size_t length;

    *matched = 0;
    if (first < 0x80)
        length = 1;
    else if (first >= 0xc2 && first <= 0xdf)
        length = 2;
    else if (first >= 0xe0 && first <= 0xef)
        length = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        length = 4;
    else
        return false;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    for (*matched = 1; *matched < length; ++*matched) {
        if (*matched >= size || bytes[*matched] < low || bytes[*matched] > high)
            return false;
        low = 0x80;
        high = 0xbf;
    }
    return true;
}

/* Bytes at the start that are ASCII: not all of them, but as many as can be told quickly. */
static size_t ascii_prefix(const unsigned char *bytes, size_t size)
{
    size_t i = 0;

    while (size - i >= 64) {
        unsigned char any = 0;

        for (size_t k = 0; k < 64; k++)
            any |= bytes[i + k];
        if (any >= 0x80)
            break;
        i += 64;
    }
    for (uint64_t eight; size - i >= 8; i += 8) {
        memcpy(&eight, bytes + i, 8);
        if ((eight & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    return i;
}

/*
 * The same rules as a machine that takes a byte at a time. A state is where the next one stands in
 * the row of a byte, so that a step is one shift (P. Vognsen, Shift-based DFAs, 2020).
 */
enum {
    WHOLE = 0, /* between characters */
    WRONG = 6,
    ONE = 12, /* so many bytes follow */
    TWO = 18,
    THREE = 24,
    AFTER_E0 = 30, /* the next byte is bounded */
    AFTER_ED = 36,
    AFTER_F0 = 42,
    AFTER_F4 = 48,
};

#define ROW(whole, one, two, three, e0, ed, f0, f4)                                                \
    ((uint64_t)(whole) | (uint64_t)WRONG << WRONG | (uint64_t)(one) << ONE |                       \
     (uint64_t)(two) << TWO | (uint64_t)(three) << THREE | (uint64_t)(e0) << AFTER_E0 |            \
     (uint64_t)(ed) << AFTER_ED | (uint64_t)(f0) << AFTER_F0 | (uint64_t)(f4) << AFTER_F4)
#define FIRST(next)           ROW(next, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG)
#define LATER(e0, ed, f0, f4) ROW(WRONG, WHOLE, ONE, TWO, e0, ed, f0, f4)
#define TIMES4(row)           row, row, row, row
#define TIMES16(row)          TIMES4(row), TIMES4(row), TIMES4(row), TIMES4(row)

static const uint64_t rows[256] = {
    TIMES16(FIRST(WHOLE)), /* 00 to 7f */
    TIMES16(FIRST(WHOLE)),
    TIMES16(FIRST(WHOLE)),
    TIMES16(FIRST(WHOLE)),
    TIMES16(FIRST(WHOLE)),
    TIMES16(FIRST(WHOLE)),
    TIMES16(FIRST(WHOLE)),
    TIMES16(FIRST(WHOLE)),
    TIMES16(LATER(WRONG, ONE, WRONG, TWO)), /* 80 to 8f */
    TIMES16(LATER(WRONG, ONE, TWO, WRONG)), /* 90 to 9f */
    TIMES16(LATER(ONE, WRONG, TWO, WRONG)), /* a0 to bf */
    TIMES16(LATER(ONE, WRONG, TWO, WRONG)),
    FIRST(WRONG), /* c0 to df */
    FIRST(WRONG),
    FIRST(ONE),
    FIRST(ONE),
    TIMES4(FIRST(ONE)),
    TIMES4(FIRST(ONE)),
    TIMES4(FIRST(ONE)),
    TIMES16(FIRST(ONE)),
    FIRST(AFTER_E0), /* e0 to ef */
    TIMES4(FIRST(TWO)),
    TIMES4(FIRST(TWO)),
    TIMES4(FIRST(TWO)),
    FIRST(AFTER_ED),
    FIRST(TWO),
    FIRST(TWO),
    FIRST(AFTER_F0), /* f0 to ff */
    FIRST(THREE),
    FIRST(THREE),
    FIRST(THREE),
    FIRST(AFTER_F4),
    FIRST(WRONG),
    FIRST(WRONG),
    FIRST(WRONG),
    TIMES4(FIRST(WRONG)),
    TIMES4(FIRST(WRONG)),
};

/* Of BLOCK bytes, those of the whole characters at the start; 0 when there is a wrong one. */
static size_t whole_in_block(const unsigned char *bytes)
{
    uint64_t state = WHOLE;
    size_t end = BLOCK;

    for (size_t k = 0; k < BLOCK; k++)
        state = rows[bytes[k]] >> (state & 63);
    state &= 63;
    if (state == WRONG)
        return 0;
    if (state != WHOLE)
        do
            end--;
        while ((bytes[end] & 0xc0) == 0x80);
    return end;
}

size_t utf8_valid_prefix(const char *data, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)data;
    size_t i = 0, matched;

    while (i < size) {
        /* Most text is ASCII. */
        i += ascii_prefix(bytes + i, size - i);
        if (i == size)
            break;
        if (size - i >= BLOCK && (matched = whole_in_block(bytes + i)) > 0) {
            i += matched;
            continue;
        }
        if (!match_character(bytes + i, size - i, &matched))
            return i;
        i += matched;
    }
    return i;
}

size_t utf8_invalid_length(const char *data, size_t size)
{
    size_t matched;

    match_character((const unsigned char *)data, size, &matched);
    return matched > 0 ? matched : 1;
}

void utf8_append_repaired(struct buffer *out, const char *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t valid = utf8_valid_prefix(data + done, size - done);

        buffer_append(out, data + done, valid);
        done += valid;
        if (done == size)
            break;
        buffer_append_string(out, "\xef\xbf\xbd");
        done += utf8_invalid_length(data + done, size - done);
    }
}
