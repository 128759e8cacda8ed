#include "train/state.h"

#include <math.h>

void train_state_init(struct train_state *state)
{
    *state = (struct train_state){.log_history = json_array()};
}

void train_state_free(struct train_state *state)
{
    json_decref(state->log_history);
    state->log_history = NULL;
}

void train_state_log(struct train_state *state, const struct metrics *metrics)
{
    json_array_append_new(state->log_history, metrics_json(metrics));
}

static void set_integer(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

json_t *train_state_json(const struct train_state *state, const struct train_arguments *arguments,
                         const struct train_plan *plan, const char *best_folder)
{
    json_t *json = json_object();
    bool best = state->has_best && isfinite(state->best_metric);
    json_object_set_new(json, "best_global_step",
                        state->has_best ? json_integer((json_int_t)state->best_step) : json_null());
    json_object_set_new(json, "best_metric", best ? json_real(state->best_metric) : json_null());
    json_object_set_new(json, "best_model_checkpoint",
                        best_folder ? json_string(best_folder) : json_null());
    json_object_set_new(json, "epoch", json_real(state->epoch));
    set_integer(json, "eval_steps",
                arguments->eval_steps ? arguments->eval_steps : arguments->logging_steps);
    set_integer(json, "global_step", state->step);
    json_object_set_new(json, "is_hyper_param_search", json_false());
    json_object_set_new(json, "is_local_process_zero", json_true());
    json_object_set_new(json, "is_world_process_zero", json_true());
    json_object_set_new(json, "log_history", json_deep_copy(state->log_history));
    set_integer(json, "logging_steps", arguments->logging_steps);
    set_integer(json, "max_steps", plan->steps);
    set_integer(json, "num_input_tokens_seen", state->tokens);
    set_integer(json, "num_train_epochs", plan->epochs);
    set_integer(json, "save_steps", arguments->save_steps);
    json_object_set_new(json, "stateful_callbacks", json_object());
    set_integer(json, "train_batch_size", arguments->per_device_train_batch_size);
    return json;
}
