#include "train/evaluate.h"

#include <stdlib.h>

#include "cli/memory.h"
#include "data/batches.h"
#include "train/assembly.h"

int evaluate_dataset(struct engine *engine, const struct dataset *dataset,
                     const struct evaluate_limits *limits, struct class_metrics *metrics,
                     evaluate_progress *progress, void *context)
{
    struct assembly assembly;
    struct batches batches;
    uint32_t first, sequences;
    uint64_t tokens;
    int result = 0;
    float *logits =
        mem_realloc_array(NULL, (size_t)limits->max_sequences * metrics->classes, sizeof *logits);
    assembly_init(&assembly, limits->position_offset);
    if (progress)
        progress(context, 0);
    batches_init(&batches, dataset, NULL, limits->max_sequences, limits->max_tokens);
    while (result == 0 && (sequences = batches_next(&batches, &first, &tokens)) > 0) {
        assembly_clear(&assembly);
        for (uint32_t i = 0; i < sequences; i++)
            assembly_add_sample(&assembly, dataset, batches_sample(&batches, first + i), 0);
        const struct batch *batch = assembly_batch(&assembly, TARGET_CLASS);
        result = engine_forward(engine, batch, logits);
        if (result == 0)
            result = class_metrics_add(metrics, batch, logits);
        if (result == 0 && progress)
            progress(context, (uint64_t)first + sequences);
    }
    assembly_free(&assembly);
    free(logits);
    return result;
}
