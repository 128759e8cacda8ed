/*
 * The order of an epoch: that of Hugging Face's Trainer, so that loss curves can be laid over each
 * other.
 *
 * Source: torch.randperm for fewer than 2^32 / 20 numbers, with a Mersenne Twister (MT19937,
 * Matsumoto and Nishimura 1998) seeded by init_genrand; the Trainer seeds it with seed + epoch.
 * Groups by length are those of transformers' get_length_grouped_indices.
 */
#ifndef DATA_SAMPLER_H
#define DATA_SAMPLER_H

#include <stdint.h>

#include "data/dataset.h"

struct mt19937 {
    uint32_t state[624];
    unsigned next; /* index of the next word to give out */
};

void mt19937_init(struct mt19937 *generator, uint32_t seed);
uint32_t mt19937_next(struct mt19937 *generator);

/* order: [count], a permutation of 0 .. count - 1. Epochs count from 0. */
void sampler_permute(uint32_t *order, uint32_t count, uint64_t seed, uint64_t epoch);

enum sampler_kind {
    SAMPLER_RANDOM,     /* sampler_permute */
    SAMPLER_SEQUENTIAL, /* as they came */
    /*
     * The random order, sorted by decreasing length within groups of up to 50 optimiser steps, and
     * the longest sample of all first. The Trainer draws this permutation from torch's global
     * generator, so its own order depends on whatever else drew from that before; here it is that
     * of a generator seeded with seed + epoch.
     */
    SAMPLER_GROUP_BY_LENGTH,
};

struct sampler {
    enum sampler_kind kind;
    const struct dataset *dataset;
    uint64_t seed;
    uint64_t step_samples; /* samples of an optimiser step; SAMPLER_GROUP_BY_LENGTH */
};

/* order: [dataset->count]. It depends on the epoch alone, not on orders made before. */
void sampler_epoch(const struct sampler *sampler, uint64_t epoch, uint32_t *order);

#endif
