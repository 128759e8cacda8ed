#include "train/assembly.h"

#include <stdlib.h>

#include "cli/memory.h"

void assembly_init(struct assembly *assembly, uint32_t position_offset)
{
    *assembly = (struct assembly){.position_offset = position_offset};
    mem_grow(&assembly->cu_seqlens, &assembly->sequence_capacity[0], 1,
             sizeof *assembly->cu_seqlens);
    assembly->cu_seqlens[0] = 0;
}

void assembly_free(struct assembly *assembly)
{
    free(assembly->ids);
    free(assembly->types);
    free(assembly->positions);
    free(assembly->cu_seqlens);
    free(assembly->row_tokens);
    free(assembly->ordinals);
    free(assembly->classes);
    free(assembly->values);
    *assembly = (struct assembly){0};
}

void assembly_clear(struct assembly *assembly)
{
    assembly->batch.tokens = 0;
    assembly->batch.sequences = 0;
}

/* Makes room for a sequence, lays down all that does not depend on its source; its first token's
 * position. */
static uint32_t begin(struct assembly *assembly, uint32_t length, uint64_t ordinal, int32_t class)
{
    struct batch *batch = &assembly->batch;
    uint32_t first = batch->tokens, sequence = batch->sequences;
    size_t tokens = (size_t)first + length;
    mem_grow(&assembly->ids, &assembly->token_capacity[0], tokens, sizeof(uint32_t));
    mem_grow(&assembly->types, &assembly->token_capacity[1], tokens, sizeof(uint32_t));
    mem_grow(&assembly->positions, &assembly->token_capacity[2], tokens, sizeof(uint32_t));
    size_t sequences = (size_t)sequence + 1;
    mem_grow(&assembly->cu_seqlens, &assembly->sequence_capacity[0], sequences + 1,
             sizeof(uint32_t));
    mem_grow(&assembly->row_tokens, &assembly->sequence_capacity[1], sequences, sizeof(uint32_t));
    mem_grow(&assembly->ordinals, &assembly->sequence_capacity[2], sequences, sizeof(uint64_t));
    mem_grow(&assembly->classes, &assembly->sequence_capacity[3], sequences, sizeof(int32_t));
    for (uint32_t i = 0; i < length; i++)
        assembly->positions[first + i] = assembly->position_offset + i;
    assembly->cu_seqlens[sequence + 1] = first + length;
    assembly->row_tokens[sequence] = first;
    assembly->ordinals[sequence] = ordinal;
    assembly->classes[sequence] = class;
    batch->tokens += length;
    batch->sequences++;
    return first;
}

void assembly_add_sample(struct assembly *assembly, const struct dataset *dataset, uint32_t index,
                         uint64_t ordinal)
{
    size_t width = dataset->values, row = assembly->batch.sequences;
    int32_t class = width > 0 ? TARGET_IGNORED : dataset_class(dataset, index);
    uint32_t first = begin(assembly, dataset_length(dataset, index), ordinal, class);
    if (width > 0) {
        mem_grow(&assembly->values, &assembly->value_capacity, (row + 1) * width, sizeof(float));
        dataset_values(dataset, index, assembly->values + row * width);
    }
    dataset_ids(dataset, index, assembly->ids + first);
    dataset_types(dataset, index, assembly->types + first);
}

void assembly_add_record(struct assembly *assembly, const struct rec_tokens *tokens)
{
    uint32_t length = (uint32_t)rec_token_count(tokens);
    uint32_t first = begin(assembly, length, 0, TARGET_IGNORED);
    rec_token_ids(tokens, assembly->ids + first);
    for (uint32_t i = 0; i < length; i++)
        assembly->types[first + i] = tokens->types.data ? (unsigned char)tokens->types.data[i] : 0;
}

const struct batch *assembly_batch(struct assembly *assembly, enum target_kind target)
{
    struct batch *batch = &assembly->batch;
    batch->ids = assembly->ids;
    batch->types = assembly->types;
    batch->positions = assembly->positions;
    batch->cu_seqlens = assembly->cu_seqlens;
    batch->ordinals = assembly->ordinals;
    batch->rows = batch->sequences;
    batch->row_tokens = assembly->row_tokens;
    batch->target = target;
    batch->classes = target == TARGET_CLASS ? assembly->classes : NULL;
    batch->values = target == TARGET_MULTI || target == TARGET_REAL ? assembly->values : NULL;
    return batch;
}
