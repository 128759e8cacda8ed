#include "train/evaluate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "data/batches.h"
#include "metrics/summary.h"
#include "nn/loss.h"
#include "train/assembly.h"

enum outcome_kind evaluate_outcome_kind(enum target_kind target)
{
    return target == TARGET_MULTI  ? OUTCOME_SET
           : target == TARGET_REAL ? OUTCOME_NUMBERS
                                   : OUTCOME_CLASS;
}

/* Room for one row. */
struct row {
    float *outputs;
    double *values, *gold;
    uint8_t *set;
};

void evaluate_outputs(enum target_kind target, const float *logits, uint32_t labels, float *values)
{
    if (target == TARGET_MULTI)
        sigmoid_row(logits, labels, values);
    else if (target == TARGET_REAL)
        memmove(values, logits, labels * sizeof *values);
    else
        softmax_row(logits, labels, values);
}

uint32_t evaluate_argmax(const float *logits, uint32_t classes)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < classes; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

uint32_t evaluate_not_finite(const float *logits, uint32_t labels, uint32_t rows)
{
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t j = 0; j < labels; j++)
            if (!isfinite(logits[(size_t)r * labels + j]))
                return r;
    return rows;
}

/* batch: of one row. */
static int add_row(struct outcomes *outcomes, const struct row *row, const struct batch *batch,
                   const struct loss_form *form, const float *logits)
{
    double loss = 0;
    uint64_t counted = 0;
    if (loss_rows(batch, form, outcomes->labels, logits, 1, NULL, &loss, &counted))
        return -1;
    if (counted == 0)
        return 0;
    evaluate_outputs(batch->target, logits, outcomes->labels, row->outputs);
    for (uint32_t j = 0; j < outcomes->labels; j++)
        row->values[j] = row->outputs[j];
    for (uint32_t j = 0; batch->values && j < outcomes->labels; j++) {
        row->gold[j] = batch->values[j];
        row->set[j] = batch->values[j] >= 0.5f;
    }
    if (batch->target == TARGET_MULTI)
        outcomes_add_set(outcomes, row->set, NULL, row->values, &loss);
    else if (batch->target == TARGET_REAL)
        outcomes_add_numbers(outcomes, row->gold, row->values);
    else
        outcomes_add_class(outcomes, (uint32_t)batch->classes[0],
                           evaluate_argmax(logits, outcomes->labels), row->values, &loss);
    return 0;
}

int evaluate_add_batch(struct outcomes *outcomes, const struct batch *batch,
                       const struct loss_form *form, const float *logits)
{
    size_t labels = outcomes->labels;
    struct row row = {
        .outputs = mem_realloc_array(NULL, labels, sizeof *row.outputs),
        .values = mem_realloc_array(NULL, labels, sizeof *row.values),
        .gold = mem_realloc_array(NULL, labels, sizeof *row.gold),
        .set = mem_alloc(labels),
    };
    int result = 0;
    for (uint32_t r = 0; r < batch->rows && result == 0; r++) {
        const struct batch one = {
            .rows = 1,
            .target = batch->target,
            .classes = batch->classes ? batch->classes + r : NULL,
            .values = batch->values ? batch->values + r * labels : NULL,
        };
        result = add_row(outcomes, &row, &one, form, logits + r * labels);
    }
    free(row.outputs);
    free(row.values);
    free(row.gold);
    free(row.set);
    return result;
}

/* Runs the engine over every sample. */
static int forward_all(struct engine *engine, const struct dataset *dataset,
                       const struct evaluate_limits *limits, enum target_kind target,
                       struct outcomes *outcomes, evaluate_progress *progress, void *context)
{
    const struct loss_form form = {.label_smoothing = limits->label_smoothing};
    struct assembly assembly;
    struct batches batches;
    uint32_t first, sequences;
    uint64_t tokens;
    int result = 0;
    float *logits =
        mem_realloc_array(NULL, (size_t)limits->max_sequences * outcomes->labels, sizeof *logits);
    assembly_init(&assembly, limits->position_offset);
    if (progress)
        progress(context, 0);
    batches_init(&batches, dataset, NULL, limits->max_sequences, limits->max_tokens);
    while (result == 0 && (sequences = batches_next(&batches, &first, &tokens)) > 0) {
        assembly_clear(&assembly);
        for (uint32_t i = 0; i < sequences; i++)
            assembly_add_sample(&assembly, dataset, batches_sample(&batches, first + i), 0);
        const struct batch *batch = assembly_batch(&assembly, target);
        result = engine_forward(engine, batch, logits);
        uint32_t row =
            result ? batch->rows : evaluate_not_finite(logits, outcomes->labels, batch->rows);
        if (row < batch->rows)
            result = diag_error("evaluation: record %" PRIu32 ": the model's output is not finite",
                                batches_sample(&batches, first + row) + 1);
        if (result == 0)
            result = evaluate_add_batch(outcomes, batch, &form, logits);
        if (result == 0 && progress)
            progress(context, (uint64_t)first + sequences);
    }
    assembly_free(&assembly);
    free(logits);
    return result;
}

int evaluate_scores(struct engine *engine, const struct dataset *dataset,
                    const struct evaluate_limits *limits, enum target_kind target, uint32_t labels,
                    struct scores *scores, evaluate_progress *progress, void *context)
{
    struct outcomes outcomes;
    outcomes_init(&outcomes, evaluate_outcome_kind(target), labels);
    int result = forward_all(engine, dataset, limits, target, &outcomes, progress, context);
    if (result == 0) {
        struct summary *summary = summary_open(&outcomes, &SUMMARY_OPTIONS_DEFAULT);
        summary_scores(summary, NULL, scores);
        summary_close(summary);
    }
    outcomes_free(&outcomes);
    return result;
}
