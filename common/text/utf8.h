/*
 * Reading and writing the code points of UTF-8 that is known to be valid (see cli/utf8.h).
 */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Number of code points in valid UTF-8. */
size_t utf8_count(const char *data, size_t size);

/* Appends the code point's 1 to 4 bytes at out, and returns how many. */
size_t utf8_encode(uint32_t code_point, char *out);

/* Where the character that ends at `stop` > 0 of valid UTF-8 begins. */
static inline size_t utf8_previous(const char *text, size_t stop)
{
    do
        stop--;
    while (((unsigned char)text[stop] & 0xc0) == 0x80);
    return stop;
}

/* Bytes of the character that begins with this byte. */
static inline size_t utf8_length(char first)
{
    unsigned char byte = (unsigned char)first;
    return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/* Reads the code point at *cursor of *valid* UTF-8 and moves the cursor past it. */
static inline uint32_t utf8_next(const char **cursor)
{
    const unsigned char *p = (const unsigned char *)*cursor;
    if (p[0] < 0x80) {
        *cursor += 1;
        return p[0];
    }
    if (p[0] < 0xe0) {
        *cursor += 2;
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    }
    if (p[0] < 0xf0) {
        *cursor += 3;
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    }
    *cursor += 4;
    return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
           (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
}

#endif
