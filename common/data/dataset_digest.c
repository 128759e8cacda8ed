#include "data/dataset_digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "cli/hash.h"
#include "cli/memory.h"

void dataset_digest(const struct dataset *dataset, char digest[DATASET_DIGEST_SIZE])
{
    uint32_t *values = mem_realloc_array(NULL, dataset->longest, sizeof *values);
    float *targets = mem_realloc_array(NULL, dataset->values + 1, sizeof *targets);
    XXH64_state_t *state = hash_new();
    for (uint32_t i = 0; i < dataset->count; i++) {
        uint32_t length = dataset_length(dataset, i);
        XXH64_update(state, &length, sizeof length);
        dataset_ids(dataset, i, values);
        XXH64_update(state, values, length * sizeof *values);
        dataset_types(dataset, i, values);
        XXH64_update(state, values, length * sizeof *values);
        if (dataset->values > 0) {
            dataset_values(dataset, i, targets);
            XXH64_update(state, targets, dataset->values * sizeof *targets);
        } else {
            int32_t class = dataset_class(dataset, i);
            XXH64_update(state, &class, sizeof class);
        }
    }
    snprintf(digest, DATASET_DIGEST_SIZE, "%016" PRIx64, XXH64_digest(state));
    XXH64_freeState(state);
    free(values);
    free(targets);
}
