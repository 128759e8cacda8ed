/*
 * Cutting an order of samples into batches: by number of samples, by number of tokens, or both.
 */
#ifndef DATA_BATCHES_H
#define DATA_BATCHES_H

#include <stdint.h>

#include "data/dataset.h"

struct batches {
    const struct dataset *dataset;
    const uint32_t *order; /* [count] indices of samples; NULL: 0, 1, 2, ... */
    uint32_t count;
    uint32_t max_sequences; /* at least 1 */
    uint64_t max_tokens;    /* 0: no limit; a longer sample makes a batch alone */
    uint32_t next;          /* position in order */
};

void batches_init(struct batches *batches, const struct dataset *dataset, const uint32_t *order,
                  uint32_t max_sequences, uint64_t max_tokens);
/* The next batch is the samples batches_sample(first) .. of the returned number; 0 at the end. */
uint32_t batches_next(struct batches *batches, uint32_t *first, uint64_t *tokens);

static inline uint32_t batches_sample(const struct batches *batches, uint32_t position)
{
    return batches->order ? batches->order[position] : position;
}

#endif
