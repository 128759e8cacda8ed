#include "train/scorer.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "train/evaluate.h"
#include "train/gold.h"
#include "train/match.h"

int scorer_open(struct scorer *scorer, const struct model *model, const struct scorer_plan *plan,
                scorer_scored *scored, void *context)
{
    struct engine_plan engine;
    engine_plan_init(&engine, model);
    engine_options_apply(plan->engine, &engine);
    engine.max_length = model_config_max_length(&model->config);
    engine.max_tokens = (uint32_t)plan->batches.max_tokens;
    if (engine.max_tokens < engine.max_length)
        engine.max_tokens = engine.max_length;
    engine.max_sequences = (uint32_t)plan->batches.max_sequences;
    if (engine.max_sequences > engine.max_tokens)
        engine.max_sequences = engine.max_tokens; /* a text has at least one token */
    *scorer = (struct scorer){
        .limits = match_limits(model),
        .max_sequences = engine.max_sequences,
        .max_tokens = engine.max_tokens,
        .labels = model->config.num_labels,
        .keep = plan->keep,
        .target = gold_target(&model->config),
        .scored = scored,
        .context = context,
    };
    if (engine_open(&scorer->engine, model, &engine))
        return -1;
    diag_verbose("%s; %.1f MB planned", engine_describe(scorer->engine),
                 (double)engine_memory(scorer->engine) / 1e6);
    assembly_init(&scorer->assembly, model->config.architecture->position_offset);
    scorer->records = mem_calloc(scorer->max_sequences, sizeof(struct stream_record *));
    scorer->windows = mem_calloc(scorer->max_sequences, sizeof *scorer->windows);
    scorer->places = mem_calloc(scorer->max_sequences, sizeof *scorer->places);
    scorer->logits = mem_realloc_array(NULL, scorer->max_sequences, sizeof(float) * scorer->labels);
    scorer->sums = mem_calloc(scorer->labels, sizeof *scorer->sums);
    scorer->outputs = mem_calloc(scorer->labels, sizeof *scorer->outputs);
    return 0;
}

static void clear(struct scorer *scorer)
{
    for (uint32_t i = 0; i < scorer->assembly.batch.sequences; i++) {
        free(scorer->records[i]);
        free(scorer->places[i]);
        scorer->records[i] = NULL;
    }
    assembly_clear(&scorer->assembly);
}

void scorer_close(struct scorer *scorer)
{
    if (!scorer->records)
        return;
    clear(scorer);
    assembly_free(&scorer->assembly);
    free(scorer->records);
    free(scorer->windows);
    free(scorer->places);
    free(scorer->logits);
    free(scorer->first);
    free(scorer->sums);
    free(scorer->outputs);
    engine_close(scorer->engine);
    scorer->engine = NULL;
    scorer->records = NULL;
}

/* Adds a window's row to the sums; takes its record when it is the first. */
static void add_window(struct scorer *scorer, uint32_t row)
{
    const float *logits = scorer->logits + (size_t)row * scorer->labels;
    bool first = scorer->windows[row].k == 1;
    evaluate_outputs(scorer->target, logits, scorer->labels, scorer->outputs);
    for (uint32_t j = 0; j < scorer->labels; j++)
        scorer->sums[j] = (first ? 0 : scorer->sums[j]) + scorer->outputs[j];
    if (first) {
        free(scorer->first);
        scorer->first = scorer->records[row];
    } else {
        free(scorer->records[row]);
    }
    scorer->records[row] = NULL;
}

/* The logits whose probabilities are the mean. */
static void mean_logits(const struct scorer *scorer, double windows, float *logits)
{
    for (uint32_t j = 0; j < scorer->labels; j++) {
        double mean = scorer->sums[j] / windows;
        if (scorer->target == TARGET_MULTI)
            mean = log(fmax(mean, FLT_MIN)) - log(fmax(1 - mean, FLT_MIN));
        else if (scorer->target == TARGET_CLASS)
            mean = log(fmax(mean, FLT_MIN));
        logits[j] = (float)mean;
    }
}

/* Texts in windows become one row each, those that are not complete none: the rows that are left,
 * at the beginning of records and logits. */
static uint32_t join_windows(struct scorer *scorer, uint32_t rows)
{
    uint32_t done = 0;
    for (uint32_t row = 0; row < rows; row++) {
        const struct rec_window *window = &scorer->windows[row];
        float *to = scorer->logits + (size_t)done * scorer->labels;
        if (window->n > 1) {
            add_window(scorer, row);
            if (window->k < window->n)
                continue;
            mean_logits(scorer, (double)window->n, to);
            scorer->records[done++] = scorer->first;
            scorer->first = NULL;
        } else {
            struct stream_record *record = scorer->records[row];
            memmove(to, scorer->logits + (size_t)row * scorer->labels, scorer->labels * sizeof *to);
            scorer->records[row] = NULL;
            scorer->records[done++] = record;
        }
    }
    return done;
}

int scorer_flush(struct scorer *scorer)
{
    if (scorer->assembly.batch.sequences == 0)
        return 0;
    const struct batch *batch = assembly_batch(&scorer->assembly, TARGET_NONE);
    int result = engine_forward(scorer->engine, batch, scorer->logits);
    uint32_t row =
        result ? batch->rows : evaluate_not_finite(scorer->logits, scorer->labels, batch->rows);
    if (row < batch->rows)
        result = diag_error("%s: the model's output is not finite", scorer->places[row]);
    if (result == 0) {
        uint32_t rows = join_windows(scorer, batch->rows);
        result = scorer->scored(scorer->context, rows, scorer->records, scorer->logits);
    }
    clear(scorer);
    return result;
}

int scorer_add(struct scorer *scorer, const struct stream_record *record, const char *place)
{
    const struct batch *batch = &scorer->assembly.batch;
    if (dataset_check(&record->tokens, &scorer->limits, place))
        return -1;
    size_t length = rec_token_count(&record->tokens);
    if ((batch->sequences == scorer->max_sequences ||
         batch->tokens + length > scorer->max_tokens) &&
        scorer_flush(scorer))
        return -1;
    scorer->windows[batch->sequences] = record->tokens.window;
    scorer->places[batch->sequences] = mem_strdup(place);
    /* Of a text in windows only the first one's record is handed on. */
    if (scorer->keep && record->tokens.window.k <= 1)
        scorer->records[batch->sequences] = stream_record_clone(record);
    assembly_add_record(&scorer->assembly, &record->tokens);
    return 0;
}
