/*
 * A stretch of up to 15 bytes as a number: the bytes, zeros, and their number as the 16th.
 */
#ifndef TEXT_CHUNK_KEY_H
#define TEXT_CHUNK_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CHUNK_BYTES 15

struct chunk_key {
    uint64_t low, high;
};

/* size: at most CHUNK_BYTES. Reads 16 bytes from data whatever the size. */
static inline struct chunk_key chunk_key_of(const char *data, size_t size)
{
    static const uint64_t low[CHUNK_BYTES + 1] = {
        0,
        UINT64_C(0xff),
        UINT64_C(0xffff),
        UINT64_C(0xffffff),
        UINT64_C(0xffffffff),
        UINT64_C(0xffffffffff),
        UINT64_C(0xffffffffffff),
        UINT64_C(0xffffffffffffff),
        UINT64_MAX,
        UINT64_MAX,
        UINT64_MAX,
        UINT64_MAX,
        UINT64_MAX,
        UINT64_MAX,
        UINT64_MAX,
        UINT64_MAX,
    };
    static const uint64_t high[CHUNK_BYTES + 1] = {
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        UINT64_C(0xff),
        UINT64_C(0xffff),
        UINT64_C(0xffffff),
        UINT64_C(0xffffffff),
        UINT64_C(0xffffffffff),
        UINT64_C(0xffffffffffff),
        UINT64_C(0xffffffffffffff),
    };
    struct chunk_key key;
    memcpy(&key, data, sizeof key);
    key.low &= low[size];
    key.high = (key.high & high[size]) | (uint64_t)size << 56;
    return key;
}

static inline bool chunk_key_equal(struct chunk_key a, struct chunk_key b)
{
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0;
}

static inline uint64_t chunk_key_hash(struct chunk_key key)
{
    uint64_t mixed =
        key.low * UINT64_C(0x9e3779b97f4a7c15) ^ key.high * UINT64_C(0xd6e8feb86659fd93);
    return (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

#endif
