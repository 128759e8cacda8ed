/*
 * Putting a batch together: sequences end to end, without padding, and the first token of each as
 * the head's row.
 */
#ifndef TRAIN_ASSEMBLY_H
#define TRAIN_ASSEMBLY_H

#include <stddef.h>
#include <stdint.h>

#include "data/dataset.h"
#include "nn/batch.h"
#include "stream/record.h"

struct assembly {
    struct batch batch; /* what assembly_batch gives */
    uint32_t position_offset;
    uint32_t *ids, *types, *positions, *cu_seqlens, *row_tokens;
    uint64_t *ordinals;
    int32_t *classes;
    float *values; /* [sequences, dataset->values] */
    size_t token_capacity[3], sequence_capacity[4], value_capacity;
};

/* position_offset: the index of a text's first position embedding (the architecture's). */
void assembly_init(struct assembly *assembly, uint32_t position_offset);
void assembly_free(struct assembly *assembly);
void assembly_clear(struct assembly *assembly);

/* One sequence; a batch is of one dataset, or of records. ordinal: samples that training consumed
 * before it. */
void assembly_add_sample(struct assembly *assembly, const struct dataset *dataset, uint32_t index,
                         uint64_t ordinal);
void assembly_add_record(struct assembly *assembly, const struct rec_tokens *tokens);

/* The batch so far: valid until the next change. */
const struct batch *assembly_batch(struct assembly *assembly, enum target_kind target);

#endif
