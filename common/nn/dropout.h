/*
 * Dropout from a counter: which elements are dropped depends on the seed, the sample, the place in
 * the network and the element alone, so it is the same for every backend, thread count, micro-batch
 * and rank, and no mask need be kept. The generator is Philox 4x32-10 (Salmon et al., "Parallel
 * random numbers: as easy as 1, 2, 3", SC 2011).
 *
 *     key     = the seed's low and high 32 bits
 *     counter = { (column / 128) * 16 + column % 16,
 *                 row + (ordinal >> 32 << 16),
 *                 ordinal & 0xffffffff,
 *                 layer << 16 | kind << 12 | head }
 *     random  = the 16 bits number (column / 16) % 8 of that counter's output, from word 0's low
 * ones dropped = random < floor(probability * 2^16); otherwise scaled by 1 / (1 - the share
 * dropped)
 *
 * Row and column count within the sample: token and hidden unit, or query token and key token of
 * one head. The column's split lets 16 neighbouring counters fill 128 neighbouring columns
 * without a transposition, on vectors of 4, 8 or 16 words.
 */
#ifndef NN_DROPOUT_H
#define NN_DROPOUT_H

#include <stdint.h>

enum dropout_kind {
    DROPOUT_EMBEDDINGS,       /* layer 0 */
    DROPOUT_ATTENTION,        /* probabilities, by head */
    DROPOUT_ATTENTION_OUTPUT, /* after the attention's output projection */
    DROPOUT_OUTPUT,           /* after the feed-forward's second projection */
    DROPOUT_HEAD,             /* before the classifier, layer 0 */
};

/* One Philox 4x32-10 block. */
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

static inline uint32_t dropout_site(uint32_t layer, enum dropout_kind kind, uint32_t head)
{
    return layer << 16 | (uint32_t)kind << 12 | head;
}

/* floor(probability * 2^16), for probability in [0, 1), and the scale of what is kept. */
uint32_t dropout_threshold(double probability);
float dropout_scale(double probability);

/* The definition above, one element: 0 or the scale. Slow; the backends' own kernels must equal it.
 */
float dropout_factor(uint64_t seed, uint64_t ordinal, uint32_t site, uint32_t row, uint32_t column,
                     double probability);

#endif
