#include "train/results.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"

double results_flops_per_token(const struct parameter_table *table)
{
    uint64_t count = table->total;
    for (size_t i = 0; i < table->count; i++)
        if (table->items[i].role <= PARAMETER_TYPE_EMBEDDINGS)
            count -= table->items[i].count;
    return 6 * (double)count;
}

/* The last entry of log_history with that key, of that step unless it is 0; or NULL. */
static const json_t *find(const json_t *history, const char *key, uint64_t step)
{
    for (size_t i = json_array_size(history); i > 0; i--) {
        const json_t *entry = json_array_get(history, i - 1);
        json_int_t at = json_integer_value(json_object_get(entry, "step"));
        if (json_object_get(entry, key) && (step == 0 || (uint64_t)at == step))
            return entry;
    }
    return NULL;
}

/* As Trainer.evaluate and Trainer.train return it: the epoch is the run's. */
static json_t *result(const json_t *entry, double epoch, const char *samples, uint32_t count)
{
    json_t *json = json_copy((json_t *)entry);
    json_object_del(json, "step");
    json_object_set_new(json, "epoch", json_real(epoch));
    json_object_set_new(json, samples, json_integer(count));
    return json;
}

static int put(const char *out, const char *name, const json_t *json)
{
    char *path = mem_format("%s/%s", out, name);
    int status = json_file_write(path, json, JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    free(path);
    return status;
}

static int remove_file(const char *out, const char *name)
{
    char *path = mem_format("%s/%s", out, name);
    int status = 0;
    if (unlink(path) && errno != ENOENT)
        status = diag_errno(errno, "%s: cannot remove", path);
    free(path);
    return status;
}

static int write_all(const char *out, const json_t *train, const json_t *eval)
{
    json_t *all = json_copy((json_t *)train);
    if (eval)
        json_object_update(all, (json_t *)eval);
    int status = put(out, "train_results.json", train) ||
                         (eval ? put(out, "eval_results.json", eval)
                               : remove_file(out, "eval_results.json")) ||
                         put(out, "all_results.json", all)
                     ? -1
                     : 0;
    json_decref(all);
    return status;
}

int results_write(const char *out, const struct train_state *state, uint64_t best_step,
                  const struct dataset *train, const struct dataset *eval,
                  const json_t *trainer_state)
{
    const json_t *trained = find(state->log_history, "train_runtime", 0);
    const json_t *evaluated = eval ? find(state->log_history, "eval_runtime", best_step) : NULL;
    json_t *train_json =
        trained ? result(trained, state->epoch, "train_samples", train->count) : json_object();
    json_t *eval_json =
        evaluated ? result(evaluated, state->epoch, "eval_samples", eval->count) : NULL;
    int status = write_all(out, train_json, eval_json);
    json_decref(train_json);
    json_decref(eval_json);
    return status ? -1 : put(out, "trainer_state.json", trainer_state);
}
