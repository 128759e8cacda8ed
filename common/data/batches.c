#include "data/batches.h"

void batches_init(struct batches *batches, const struct dataset *dataset, const uint32_t *order,
                  uint32_t max_sequences, uint64_t max_tokens)
{
    *batches = (struct batches){
        .dataset = dataset,
        .order = order,
        .count = dataset->count,
        .max_sequences = max_sequences,
        .max_tokens = max_tokens,
    };
}

uint32_t batches_next(struct batches *batches, uint32_t *first, uint64_t *tokens)
{
    uint32_t sequences = 0;
    *first = batches->next;
    *tokens = 0;
    while (batches->next < batches->count && sequences < batches->max_sequences) {
        uint32_t length = dataset_length(batches->dataset, batches_sample(batches, batches->next));
        if (batches->max_tokens > 0 && sequences > 0 && *tokens + length > batches->max_tokens)
            break;
        *tokens += length;
        sequences++;
        batches->next++;
    }
    return sequences;
}
