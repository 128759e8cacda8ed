#include "cli/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

size_t utf8_valid_prefix(const char *data, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)data;
    size_t i = 0, matched;

    while (i < size) {
        /* Most text is ASCII. */
        i += ascii_prefix(bytes + i, size - i);
        if (i == size)
            break;
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
