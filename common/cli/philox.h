/*
 * Philox 4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3" (SC 2011): 128 random bits from a 64-bit key and a 128-bit counter, with no state.
 */
#ifndef CLI_PHILOX_H
#define CLI_PHILOX_H

#include <stdint.h>

struct philox_block {
    uint32_t word[4];
};

static inline struct philox_block philox(struct philox_block counter, uint32_t key0, uint32_t key1)
{
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)0xD2511F53u * counter.word[0];
        uint64_t product1 = (uint64_t)0xCD9E8D57u * counter.word[2];
        struct philox_block next = {{
            (uint32_t)(product1 >> 32) ^ counter.word[1] ^ key0,
            (uint32_t)product1,
            (uint32_t)(product0 >> 32) ^ counter.word[3] ^ key1,
            (uint32_t)product0,
        }};
        counter = next;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return counter;
}

/* 64 random bits: the ordinal-th number of a use (any tag) of the seed. */
static inline uint64_t philox_u64(uint64_t seed, uint32_t use, uint64_t ordinal)
{
    struct philox_block counter = {{(uint32_t)ordinal, (uint32_t)(ordinal >> 32), use, 0}};

    counter = philox(counter, (uint32_t)seed, (uint32_t)(seed >> 32));
    return counter.word[0] | (uint64_t)counter.word[1] << 32;
}

#endif
