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
    /* From 16 - size on: as many bytes of ones, then zeros. */
    static const unsigned char ones[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct chunk_key key, mask;
    memcpy(&key, data, sizeof key);
    memcpy(&mask, ones + sizeof mask - size, sizeof mask);
    key.low &= mask.low;
    key.high = (key.high & mask.high) | (uint64_t)size << 56;
    return key;
}

static inline bool chunk_key_equal(struct chunk_key a, struct chunk_key b)
{
    return ((a.low ^ b.low) | (a.high ^ b.high)) == 0;
}

/* Keys of entries that threads share: free (zero) → claimed by one thread, which writes the rest of
 * the entry → published. */
#define CHUNK_KEY_CLAIMED UINT64_MAX

static inline bool chunk_key_claim(struct chunk_key *slot)
{
    uint64_t none = 0;
    return __atomic_compare_exchange_n(&slot->high, &none, CHUNK_KEY_CLAIMED, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void chunk_key_publish(struct chunk_key *slot, struct chunk_key key)
{
    __atomic_store_n(&slot->low, key.low, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->high, key.high, __ATOMIC_RELEASE);
}

/* Whether the slot has the key, and with it an entry that does not change any more. */
static inline bool chunk_key_published(const struct chunk_key *slot, struct chunk_key key)
{
    uint64_t high = __atomic_load_n(&slot->high, __ATOMIC_ACQUIRE);
    uint64_t low = __atomic_load_n(&slot->low, __ATOMIC_RELAXED);
    return ((high ^ key.high) | (low ^ key.low)) == 0;
}

static inline uint64_t chunk_key_hash(struct chunk_key key)
{
    uint64_t mixed =
        key.low * UINT64_C(0x9e3779b97f4a7c15) ^ key.high * UINT64_C(0xd6e8feb86659fd93);
    return (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

#endif
