/*
 * The order of an epoch: that of Hugging Face's Trainer, so that loss curves can be laid over each
 * other.
 *
 * Source: torch.randperm for fewer than 2^32 / 20 numbers, with a Mersenne Twister (MT19937,
 * Matsumoto and Nishimura 1998) seeded by init_genrand; the Trainer seeds it with seed + epoch.
 */
#ifndef DATA_SAMPLER_H
#define DATA_SAMPLER_H

#include <stdint.h>

struct mt19937 {
    uint32_t state[624];
    unsigned next; /* index of the next word to give out */
};

void mt19937_init(struct mt19937 *generator, uint32_t seed);
uint32_t mt19937_next(struct mt19937 *generator);

/* order: [count], a permutation of 0 .. count - 1. Epochs count from 0. */
void sampler_permute(uint32_t *order, uint32_t count, uint64_t seed, uint64_t epoch);

#endif
