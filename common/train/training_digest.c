#include "train/training_digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cli/hash.h"

static int add_tensors(XXH64_state_t *state, const struct engine *engine,
                       const struct parameter_table *table, float *buffer)
{
    static const enum engine_tensor kinds[] = {ENGINE_WEIGHT, ENGINE_FIRST_MOMENT,
                                               ENGINE_SECOND_MOMENT};
    for (size_t i = 0; i < table->count; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            if (engine_export(engine, kinds[k], i, buffer))
                return -1;
            XXH64_update(state, buffer, table->items[i].count * sizeof *buffer);
        }
    return 0;
}

int training_digest(const struct engine *engine, const struct parameter_table *table,
                    const json_t *record, float *buffer, char digest[TRAINING_DIGEST_SIZE])
{
    XXH64_state_t *state = hash_new();
    char *text = json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS);
    uint64_t step = engine_step(engine);
    int result = add_tensors(state, engine, table, buffer);
    if (text)
        XXH64_update(state, text, strlen(text));
    XXH64_update(state, &step, sizeof step);
    snprintf(digest, TRAINING_DIGEST_SIZE, "%016" PRIx64, XXH64_digest(state));
    XXH64_freeState(state);
    free(text);
    return result;
}
