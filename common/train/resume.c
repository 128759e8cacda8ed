#include "train/resume.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/version.h"
#include "model/checkpoint.h"
#include "model/manifest.h"
#include "train/arguments.h"

#define LAST "last"

/* ---- which checkpoint ---- */

struct candidate {
    char *folder;
    uint64_t step;
    struct timespec time; /* of its bertpipe.json, which is written last */
};

/* The newest first; of two that cannot be told apart, the one of the later step. */
static int newest_first(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->time.tv_sec != b->time.tv_sec)
        return a->time.tv_sec > b->time.tv_sec ? -1 : 1;
    if (a->time.tv_nsec != b->time.tv_nsec)
        return a->time.tv_nsec > b->time.tv_nsec ? -1 : 1;
    return a->step > b->step ? -1 : a->step < b->step;
}

static struct candidate make_candidate(const char *out, uint64_t step)
{
    struct candidate candidate = {mem_format("%s/checkpoint-%" PRIu64, out, step), step, {0, 0}};
    char *path = mem_format("%s/" MANIFEST_NAME, candidate.folder);
    struct stat status;
    if (stat(path, &status) == 0 || stat(candidate.folder, &status) == 0)
        candidate.time = status.st_mtim;
    free(path);
    return candidate;
}

/* Says in one line why it is not, where it is not whole. */
static bool is_whole(const char *folder)
{
    struct diag_held held = {0};
    diag_hold(&held);
    bool whole = checkpoint_verify(folder) == 0;
    diag_hold(NULL);
    if (!whole)
        diag_warn("%s: this checkpoint is passed over", diag_held_reason(&held));
    return whole;
}

static int find_last(struct resume *resume, const char *out)
{
    uint64_t *steps;
    int64_t count = checkpoint_list(out, &steps);
    if (count <= 0)
        return (int)count;
    struct candidate *candidates = mem_calloc((size_t)count, sizeof *candidates);
    for (int64_t i = 0; i < count; i++)
        candidates[i] = make_candidate(out, steps[i]);
    qsort(candidates, (size_t)count, sizeof *candidates, newest_first);
    for (int64_t i = 0; i < count && !resume->folder; i++)
        if (is_whole(candidates[i].folder))
            resume->folder = mem_strdup(candidates[i].folder);
    for (int64_t i = 0; i < count; i++)
        free(candidates[i].folder);
    free(candidates);
    free(steps);
    return resume->folder ? 0 : diag_error("%s: no checkpoint in it is whole", out);
}

static int read_record(struct resume *resume)
{
    char *path = mem_format("%s/" MANIFEST_NAME, resume->folder);
    json_t *json = json_file_read(path, 0);
    resume->run = json_incref(json_object_get(json, "run"));
    int result = json ? 0 : -1;
    if (json && !json_is_object(json_object_get(resume->run, "arguments")))
        result = diag_error("%s: no record of the run", path);
    json_decref(json);
    free(path);
    return result;
}

int resume_find(struct resume *resume, const char *wanted, const char *out)
{
    *resume = (struct resume){0};
    if (!wanted)
        return 0;
    if (strcmp(wanted, LAST) == 0) {
        if (find_last(resume, out))
            return -1;
        if (!resume->folder) {
            diag_note("%s: no checkpoint to resume from: the run begins at its first step", out);
            return 0;
        }
    } else {
        if (checkpoint_verify(wanted))
            return -1;
        resume->folder = mem_strdup(wanted);
    }
    return read_record(resume);
}

void resume_free(struct resume *resume)
{
    free(resume->folder);
    json_decref(resume->run);
    *resume = (struct resume){0};
}

/* ---- whether it is the same run ---- */

/* A value as a run record spells it: its numbers have 15 digits there. */
static char *spell(const json_t *value)
{
    char *text = NULL;
    if (json_is_string(value))
        return mem_strdup(json_string_value(value));
    if (value)
        text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY |
                                     JSON_REAL_PRECISION(15));
    return text ? text : mem_strdup("not given");
}

static void compare(struct buffer *differences, const char *name, const json_t *was,
                    const json_t *is)
{
    char *before = spell(was), *now = spell(is);
    if (strcmp(before, now) != 0)
        buffer_format(differences, "%s%s was %s and is %s", differences->size ? "; " : "", name,
                      before, now);
    free(before);
    free(now);
}

static void compare_arguments(struct buffer *differences, const json_t *was, const json_t *is)
{
    for (const struct option_row *row = train_argument_rows; !option_row_is_last(row); row++) {
        if (!row->changes_result)
            continue;
        char *field = mem_strdup(row->name), *option = mem_format("--%s", row->name);
        for (char *c = field; (c = strchr(c, '-'));)
            *c = '_';
        compare(differences, option, json_object_get(was, field), json_object_get(is, field));
        free(option);
        free(field);
    }
}

int resume_check(const struct resume *resume, const struct model *model, json_t *run)
{
    static const char *const parts[][2] = {
        {"engine", "the engine"},        {"labels", "--labels"},
        {"tokenizer", "the tokenizer"},  {"train", "the training data"},
        {"eval", "the evaluation data"},
    };
    struct buffer differences = {0};
    compare_arguments(&differences, json_object_get(resume->run, "arguments"),
                      json_object_get(run, "arguments"));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        compare(&differences, parts[i][1], json_object_get(resume->run, parts[i][0]),
                json_object_get(run, parts[i][0]));
    if (differences.size == 0 && model->missing_count > 0)
        buffer_append_string(&differences, "the classes of the data are others");
    int result = 0;
    if (differences.size > 0)
        result = diag_error("%s: cannot be resumed, for the run is another: %s", resume->folder,
                            buffer_string(&differences));
    buffer_free(&differences);
    const char *version = json_string_value(json_object_get(resume->run, "version"));
    if (result == 0 && version && strcmp(version, BERTPIPE_VERSION) != 0)
        diag_warn("%s: written by bertpipe %s, this is %s: results may differ in their last bits",
                  resume->folder, version, BERTPIPE_VERSION);
    json_object_set(run, "parent", json_object_get(resume->run, "parent"));
    return result;
}

int resume_check_parent(const struct resume *resume, const char *model)
{
    const json_t *parent = json_object_get(resume->run, "parent");
    const char *was = json_member_string(parent, "digest");
    const char *was_name = json_member_string(parent, "name");
    char digest[MANIFEST_DIGEST_SIZE];
    if (!resume->folder || !model)
        return 0;
    if (manifest_verify(model, digest) || (!digest[0] && manifest_digest(model, digest)))
        return -1;
    if (was && strcmp(was, digest) == 0)
        return 0;
    return diag_error("%s: cannot be resumed, for the run is another: it started from the model "
                      "%s, digest %s, and %s has digest %s",
                      resume->folder, was_name ? was_name : "unknown", was ? was : "unknown", model,
                      digest);
}

/* ---- putting it back ---- */

static int import_moments(const struct checkpoint_state *checkpoint, struct engine *engine,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (engine_import(engine, ENGINE_FIRST_MOMENT, i, checkpoint->exp_avg[i]) ||
            engine_import(engine, ENGINE_SECOND_MOMENT, i, checkpoint->exp_avg_sq[i]))
            return -1;
    engine_set_step(engine, checkpoint->step);
    return 0;
}

int resume_restore(const struct resume *resume, struct engine *engine, struct train_state *state,
                   struct saver *saver)
{
    struct checkpoint_state checkpoint;
    const struct parameter_table *table = &saver->model->table;
    char *path = mem_format("%s/trainer_state.json", resume->folder);
    int result = checkpoint_load(&checkpoint, resume->folder, table);
    if (result == 0) {
        result = train_state_restore(state, checkpoint.trainer_state, path);
        if (result == 0 && (state->step != checkpoint.step || state->step == 0 ||
                            state->step > saver->plan->steps))
            result = diag_error("%s: step %" PRIu64 " is not the optimizer's %" PRIu64
                                " or beyond the run's %" PRIu64,
                                path, state->step, checkpoint.step, saver->plan->steps);
        if (result == 0)
            result = import_moments(&checkpoint, engine, table->count);
        checkpoint_state_free(&checkpoint);
    }
    if (result == 0)
        result = saver_resume(saver, resume->folder, state);
    if (result == 0)
        diag_note("%s: going on after step %" PRIu64 " of %" PRIu64, resume->folder, state->step,
                  saver->plan->steps);
    free(path);
    return result;
}
