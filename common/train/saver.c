#include "train/saver.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/memory.h"
#include "model/checkpoint.h"

void saver_init(struct saver *saver, const struct engine *engine, const struct model *model,
                const struct tokeniser *tokeniser, const char *out)
{
    *saver = (struct saver){
        .engine = engine,
        .model = model,
        .tokeniser = tokeniser,
        .source = model->folder,
        .out = out,
        .buffer = mem_realloc_array(NULL, model->table.largest, sizeof *saver->buffer),
    };
}

void saver_free(struct saver *saver)
{
    free(saver->buffer);
    saver->buffer = NULL;
}

static const float *export(const struct saver *saver, enum engine_tensor kind, size_t index)
{
    return engine_export(saver->engine, kind, index, saver->buffer) ? NULL : saver->buffer;
}

static const float *get_weight(void *saver, size_t index)
{
    return export(saver, ENGINE_WEIGHT, index);
}

static const float *get_first_moment(void *saver, size_t index)
{
    return export(saver, ENGINE_FIRST_MOMENT, index);
}

static const float *get_second_moment(void *saver, size_t index)
{
    return export(saver, ENGINE_SECOND_MOMENT, index);
}

static int write_tokenizer(void *context, const char *folder)
{
    const struct saver *saver = context;
    return tokeniser_save_folder(saver->tokeniser, saver->source, folder);
}

static struct model_source engine_source(struct saver *saver)
{
    return (struct model_source){
        .config = &saver->model->config,
        .table = &saver->model->table,
        .get = get_weight,
        .context = saver,
        .metadata = saver->metadata,
    };
}

char *saver_checkpoint_folder(const struct saver *saver, uint64_t step)
{
    return mem_format("%s/checkpoint-%" PRIu64, saver->out, step);
}

int saver_checkpoint(struct saver *saver, uint64_t step, const json_t *trainer_state)
{
    struct checkpoint checkpoint = {
        .model = engine_source(saver),
        .exp_avg = get_first_moment,
        .exp_avg_sq = get_second_moment,
        .optimizer = saver,
        .step = step,
        .trainer_state = trainer_state,
        .run = saver->run,
        .write_tokenizer = write_tokenizer,
        .tokenizer = saver,
    };
    return checkpoint_write(&checkpoint, saver->out);
}

static int save_best(struct saver *saver, uint64_t best_step)
{
    struct model best;
    char *folder = saver_checkpoint_folder(saver, best_step);
    int result = model_load(&best, folder, MODEL_LOAD_COMPLETE);
    if (result == 0) {
        struct model_source source = {
            .config = &saver->model->config,
            .table = &best.table,
            .get = model_get_weights,
            .context = &best,
            .metadata = saver->metadata,
        };
        result = model_save(&source, saver->out, saver->run);
        model_free(&best);
    }
    free(folder);
    return result;
}

int saver_finish(struct saver *saver, uint64_t best_step)
{
    if (write_tokenizer(saver, saver->out))
        return -1;
    if (best_step > 0)
        return save_best(saver, best_step);
    struct model_source source = engine_source(saver);
    return model_save(&source, saver->out, saver->run);
}
