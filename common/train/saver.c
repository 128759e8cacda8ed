#include "train/saver.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/paths.h"
#include "model/checkpoint.h"
#include "model/manifest.h"
#include "train/training_digest.h"

void saver_init(struct saver *saver)
{
    saver->buffer = mem_realloc_array(NULL, saver->model->table.largest, sizeof *saver->buffer);
}

void saver_free(struct saver *saver)
{
    free(saver->best_elsewhere);
    free(saver->buffer);
    saver->best_elsewhere = NULL;
    saver->buffer = NULL;
}

/* ---- what is written ---- */

static const float *export(const struct saver *saver, enum engine_tensor kind, size_t index)
{
    return engine_export(saver->engine, kind, index, saver->buffer) ? NULL : saver->buffer;
}

/* Weights that are not finite are never saved. */
static const float *get_weight(void *context, size_t index)
{
    const struct saver *saver = context;
    const float *values = export(saver, ENGINE_WEIGHT, index);

    for (uint64_t i = 0; values && i < saver->model->table.items[index].count; i++)
        if (!isfinite(values[i])) {
            diag_error("the weights after step %" PRIu64 " are not finite: lower --learning-rate, "
                       "raise --warmup-steps, or start from another model",
                       engine_step(saver->engine));
            return NULL;
        }
    return values;
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
    return tokeniser_save_folder(saver->tokeniser, folder);
}

static struct model_source engine_source(struct saver *saver)
{
    return (struct model_source){
        .config = &saver->model->config,
        .table = &saver->model->table,
        .get = get_weight,
        .context = saver,
        .metadata = saver->metadata,
        .write_tokenizer = write_tokenizer,
        .tokenizer = saver,
    };
}

static int record_digest(struct saver *saver)
{
    char digest[TRAINING_DIGEST_SIZE];
    if (training_digest(saver->engine, &saver->model->table, saver->metadata, saver->buffer,
                        digest))
        return -1;
    json_object_set_new(saver->run, "training_digest", json_string(digest));
    diag_verbose("step %" PRIu64 ": training digest %s", engine_step(saver->engine), digest);
    return 0;
}

/* ---- which checkpoints there are ---- */

static char *checkpoint_folder(const struct saver *saver, uint64_t step)
{
    return mem_format("%s/checkpoint-%" PRIu64, saver->out, step);
}

/* The best checkpoint's folder, to be freed by the caller; NULL when, as the Trainer puts it,
 * nobody wrote it. */
static char *best_folder(const struct saver *saver, const struct train_state *state)
{
    if (!state->has_best)
        return NULL;
    if (saver->best_elsewhere && saver->best_elsewhere_step == state->best_step)
        return mem_strdup(saver->best_elsewhere);
    char *folder = checkpoint_folder(saver, state->best_step);
    if (saver->writing == state->best_step || !path_missing(folder))
        return folder;
    free(folder);
    return NULL;
}

uint64_t saver_best_step(const struct saver *saver, const struct train_state *state)
{
    char *folder = saver->arguments->load_best_model_at_end ? best_folder(saver, state) : NULL;
    uint64_t step = folder ? state->best_step : 0;
    free(folder);
    return step;
}

json_t *saver_state(const struct saver *saver, const struct train_state *state)
{
    char *best = best_folder(saver, state);
    json_t *json = train_state_json(state, saver->arguments, saver->plan, best);
    free(best);
    return json;
}

static void list_checkpoint(struct train_state *state, uint64_t step)
{
    json_t *list = state->checkpoints;
    size_t at = 0, count = json_array_size(list);
    while (at < count && (uint64_t)json_integer_value(json_array_get(list, at)) < step)
        at++;
    if (at == count || (uint64_t)json_integer_value(json_array_get(list, at)) != step)
        json_array_insert_new(list, at, json_integer((json_int_t)step));
}

static bool is_protected(const struct train_state *state, uint64_t step)
{
    return step == state->step || (state->has_best && step == state->best_step);
}

/* As the Trainer's rotate_checkpoints, but only for what this run wrote. */
static int rotate(struct saver *saver, struct train_state *state)
{
    json_t *list = state->checkpoints;
    size_t limit = saver->arguments->save_total_limit;
    for (size_t i = 0; limit > 0 && json_array_size(list) > limit && i < json_array_size(list);) {
        uint64_t step = (uint64_t)json_integer_value(json_array_get(list, i));
        if (is_protected(state, step)) {
            i++;
            continue;
        }
        char *folder = checkpoint_folder(saver, step);
        int result = path_missing(folder) ? 0 : checkpoint_discard(saver->out, step);
        free(folder);
        if (result)
            return -1;
        json_array_remove(list, i);
    }
    return 0;
}

/* 1, 0, or -1 with a message. */
static int is_same_folder(const char *left, const char *right)
{
    struct stat a, b;
    if (stat(left, &a))
        return diag_errno(errno, "%s", left);
    if (stat(right, &b))
        return diag_errno(errno, "%s", right);
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Leaves those that are still there. */
static void look_for_checkpoints(const struct saver *saver, struct train_state *state)
{
    for (size_t i = json_array_size(state->checkpoints); i-- > 0;) {
        json_t *step = json_array_get(state->checkpoints, i);
        char *folder = checkpoint_folder(saver, (uint64_t)json_integer_value(step));
        if (path_missing(folder))
            json_array_remove(state->checkpoints, i);
        free(folder);
    }
}

int saver_resume(struct saver *saver, const char *folder, struct train_state *state)
{
    char *parent = mem_format("%s/..", folder);
    int same = is_same_folder(parent, saver->out);
    if (same > 0) {
        look_for_checkpoints(saver, state);
    } else {
        json_array_clear(state->checkpoints);
        saver->best_elsewhere_step = state->best_step;
        saver->best_elsewhere =
            state->best_step == state->step
                ? mem_strdup(folder)
                : mem_format("%s/checkpoint-%" PRIu64, parent, state->best_step);
        if (!state->has_best || path_missing(saver->best_elsewhere)) {
            free(saver->best_elsewhere);
            saver->best_elsewhere = NULL;
        }
    }
    free(parent);
    char *best = best_folder(saver, state);
    int result = same < 0 ? -1 : 0;
    if (result == 0 && saver->arguments->load_best_model_at_end && state->has_best && !best)
        result = diag_error("%s: the best checkpoint so far, that of step %" PRIu64
                            ", is not there: put it back, or resume from an earlier one",
                            folder, state->best_step);
    free(best);
    return result ? result : rotate(saver, state); /* for a run that was killed before it could */
}

/* ---- writing ---- */

int saver_checkpoint(struct saver *saver, struct train_state *state, bool asked)
{
    bool whole = asked || !saver->arguments->save_only_model;
    list_checkpoint(state, state->step);
    saver->writing = state->step;
    json_t *json = saver_state(saver, state);
    struct checkpoint checkpoint = {
        .model = engine_source(saver),
        .exp_avg = whole ? get_first_moment : NULL,
        .exp_avg_sq = whole ? get_second_moment : NULL,
        .optimizer = saver,
        .step = state->step,
        .trainer_state = json,
        .run = saver->run,
    };
    int result = record_digest(saver) || checkpoint_write(&checkpoint, saver->out) ? -1 : 0;
    json_decref(json);
    saver->writing = 0;
    return result ? -1 : rotate(saver, state);
}

static int finish_with_best(struct saver *saver, const char *folder)
{
    struct model best;
    if (model_load(&best, folder, MODEL_LOAD_COMPLETE))
        return -1;
    struct model_source source = engine_source(saver);
    source.table = &best.table;
    source.get = model_get_weights;
    source.context = &best;
    int result = best.digest[0]
                     ? model_save(&source, saver->out, saver->run)
                     : diag_error("%s: this checkpoint is the best, which was to be the result, "
                                  "and its " MANIFEST_NAME " is gone",
                                  folder);
    model_free(&best);
    return result;
}

/* Whether the best checkpoint, which the run wrote, is not there any more. */
static bool best_is_gone(const struct saver *saver, const struct train_state *state)
{
    bool listed = false;
    for (size_t i = 0; i < json_array_size(state->checkpoints); i++)
        listed |=
            (uint64_t)json_integer_value(json_array_get(state->checkpoints, i)) == state->best_step;
    char *folder = checkpoint_folder(saver, state->best_step);
    bool gone = state->has_best && listed && path_missing(folder);
    if (gone)
        diag_error("%s: this checkpoint is the best, which was to be the result, and it is gone",
                   folder);
    free(folder);
    return gone;
}

int saver_finish(struct saver *saver, const struct train_state *state)
{
    char *best = saver->arguments->load_best_model_at_end ? best_folder(saver, state) : NULL;
    int result = -1;
    if (!best && saver->arguments->load_best_model_at_end && best_is_gone(saver, state))
        return -1;
    if (record_digest(saver) == 0) {
        struct model_source source = engine_source(saver);
        result = best ? finish_with_best(saver, best) : model_save(&source, saver->out, saver->run);
    }
    free(best);
    return result;
}
