#include "train/scorer.h"

#include <stdlib.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "train/match.h"

int scorer_open(struct scorer *scorer, const struct model *model, const struct scorer_plan *plan,
                scorer_scored *scored, void *context)
{
    struct engine_plan engine;
    engine_plan_init(&engine, model);
    engine_options_apply(plan->engine, &engine);
    engine.max_length = model_config_max_length(&model->config);
    engine.max_sequences = (uint32_t)plan->max_sequences;
    engine.max_tokens = (uint32_t)plan->max_tokens;
    if (engine.max_tokens < engine.max_length)
        engine.max_tokens = engine.max_length;
    *scorer = (struct scorer){
        .limits = match_limits(model),
        .max_sequences = engine.max_sequences,
        .max_tokens = engine.max_tokens,
        .keep = plan->keep,
        .target = plan->target,
        .scored = scored,
        .context = context,
    };
    if (engine_open(&scorer->engine, model, &engine))
        return -1;
    diag_verbose("%s; %.1f MB planned", engine_describe(scorer->engine),
                 (double)engine_memory(scorer->engine) / 1e6);
    assembly_init(&scorer->assembly, model->config.architecture->position_offset);
    scorer->records = mem_calloc(scorer->max_sequences, sizeof(struct stream_record *));
    scorer->logits =
        mem_realloc_array(NULL, scorer->max_sequences, sizeof(float) * model->config.num_labels);
    return 0;
}

static void clear(struct scorer *scorer)
{
    for (uint32_t i = 0; i < scorer->assembly.batch.sequences; i++) {
        free(scorer->records[i]);
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
    free(scorer->logits);
    engine_close(scorer->engine);
    scorer->records = NULL;
}

int scorer_flush(struct scorer *scorer)
{
    if (scorer->assembly.batch.sequences == 0)
        return 0;
    const struct batch *batch = assembly_batch(&scorer->assembly, scorer->target);
    int result = engine_forward(scorer->engine, batch, scorer->logits);
    if (result == 0)
        result = scorer->scored(scorer->context, batch, scorer->records, scorer->logits);
    clear(scorer);
    return result;
}

int scorer_add(struct scorer *scorer, const struct stream_record *record, int32_t class,
               const char *place)
{
    const struct batch *batch = &scorer->assembly.batch;
    if (dataset_check(&record->tokens, &scorer->limits, place))
        return -1;
    size_t length = rec_token_count(&record->tokens);
    if ((batch->sequences == scorer->max_sequences ||
         batch->tokens + length > scorer->max_tokens) &&
        scorer_flush(scorer))
        return -1;
    if (scorer->keep)
        scorer->records[batch->sequences] = stream_record_clone(record);
    assembly_add_record(&scorer->assembly, &record->tokens, class);
    return 0;
}
