#include <stdlib.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/paths.h"
#include "model/checkpoint.h"
#include "model/manifest.h"

#define OPTIMIZER "optimizer.safetensors"
#define STATE     "trainer_state.json"

/* One moment of one tensor, in place. */
static const float *find_moment(const struct safetensors *set, const char *prefix,
                                const struct parameter *parameter)
{
    char *name = mem_format("%s%s", prefix, parameter->name);
    const struct safetensors_tensor *tensor = safetensors_find(set, name);
    const char *path = set->files[0]->path;
    const float *values = NULL;

    if (tensor == NULL)
        diag_error("%s: no tensor '%s'", path, name);
    else if (!safetensors_is_float(tensor) || tensor->rank != parameter->rank ||
             tensor->shape[0] != parameter->shape[0] ||
             (tensor->rank == 2 && tensor->shape[1] != parameter->shape[1]))
        diag_error("%s: tensor '%s' is not a float32 tensor of the model's shape", path, name);
    else
        values = tensor->data;
    free(name);
    return values;
}

static int find_moments(struct checkpoint_state *state, const struct parameter_table *table)
{
    const struct safetensors *set = &state->optimizer;
    const char *step = json_string_value(json_object_get(set->metadata, "step"));

    if (step == NULL || parse_unsigned(step, &state->step) != 0)
        return diag_error("%s: no step in its metadata", set->files[0]->path);
    if (set->count != 2 * table->count)
        return diag_error("%s: %zu tensors, but the model needs %zu", set->files[0]->path,
                          set->count, 2 * table->count);
    state->exp_avg = mem_calloc(table->count, sizeof *state->exp_avg);
    state->exp_avg_sq = mem_calloc(table->count, sizeof *state->exp_avg_sq);
    for (size_t i = 0; i < table->count; i++) {
        state->exp_avg[i] = find_moment(set, CHECKPOINT_EXP_AVG, &table->items[i]);
        if (state->exp_avg[i] == NULL)
            return -1;
        state->exp_avg_sq[i] = find_moment(set, CHECKPOINT_EXP_AVG_SQ, &table->items[i]);
        if (state->exp_avg_sq[i] == NULL)
            return -1;
    }
    return 0;
}

static int load_trainer_state(struct checkpoint_state *state, const char *folder)
{
    char *path = mem_format("%s/" STATE, folder);
    int status = 0;

    if (!path_missing(path)) {
        state->trainer_state = json_file_read(path, JSON_ANY_SIZE);
        status = state->trainer_state != NULL ? 0 : -1;
    }
    free(path);
    return status;
}

int checkpoint_load(struct checkpoint_state *state, const char *folder,
                    const struct parameter_table *table)
{
    char *path = mem_format("%s/" OPTIMIZER, folder);
    int status;

    *state = (struct checkpoint_state){0};
    status = manifest_verify_file(folder, OPTIMIZER);
    if (status == 0)
        status = manifest_verify_file(folder, STATE);
    if (status == 0)
        status = safetensors_open(&state->optimizer, path);
    if (status == 0)
        status = find_moments(state, table);
    if (status == 0)
        status = load_trainer_state(state, folder);
    if (status != 0)
        checkpoint_state_free(state);
    free(path);
    return status;
}

void checkpoint_state_free(struct checkpoint_state *state)
{
    json_decref(state->trainer_state);
    free(state->exp_avg);
    free(state->exp_avg_sq);
    safetensors_close(&state->optimizer);
    *state = (struct checkpoint_state){0};
}
