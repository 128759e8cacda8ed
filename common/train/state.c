#include "train/state.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "cli/diag.h"

#define OWN  "bertpipe"
#define EVAL "eval_"

/* ---- the loop's own values ---- */

enum field_kind { FIELD_INTEGER, FIELD_REAL, FIELD_BOOLEAN };

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
};

#define INTEGER(member)                                                                            \
    {                                                                                              \
#member, FIELD_INTEGER, offsetof(struct train_state, member)                               \
    }
#define REAL(member)                                                                               \
    {                                                                                              \
#member, FIELD_REAL, offsetof(struct train_state, member)                                  \
    }
#define BOOLEAN(member)                                                                            \
    {                                                                                              \
#member, FIELD_BOOLEAN, offsetof(struct train_state, member)                               \
    }

static const struct field fields[] = {
    INTEGER(step),       REAL(epoch),         INTEGER(samples),     INTEGER(tokens),
    REAL(seconds),       REAL(step_seconds),  REAL(loss_sum),       REAL(loss_total),
    REAL(grad_norm),     REAL(learning_rate), INTEGER(logged_step), INTEGER(evaluated_step),
    INTEGER(saved_step), BOOLEAN(has_best),   REAL(best_metric),    INTEGER(best_step),
    BOOLEAN(compared),   INTEGER(worse),      BOOLEAN(stopped),
};

static json_t *get_field(const struct train_state *state, const struct field *field)
{
    const void *value = (const char *)state + field->offset;
    if (field->kind == FIELD_INTEGER)
        return json_integer((json_int_t) * (const uint64_t *)value);
    if (field->kind == FIELD_BOOLEAN)
        return json_boolean(*(const bool *)value);
    return json_real(*(const double *)value);
}

static int set_field(struct train_state *state, const struct field *field, const json_t *value)
{
    void *target = (char *)state + field->offset;
    if (field->kind == FIELD_INTEGER && json_is_integer(value) && json_integer_value(value) >= 0)
        *(uint64_t *)target = (uint64_t)json_integer_value(value);
    else if (field->kind == FIELD_BOOLEAN && json_is_boolean(value))
        *(bool *)target = json_is_true(value);
    else if (field->kind == FIELD_REAL && json_is_number(value))
        *(double *)target = json_number_value(value);
    else
        return -1;
    return 0;
}

/* In the shape of the Trainer's own callbacks. */
static json_t *own_json(const struct train_state *state)
{
    json_t *json = json_object(), *attributes = json_object();
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        json_object_set_new(attributes, fields[i].name, get_field(state, &fields[i]));
    json_object_set_new(attributes, "log_times", json_deep_copy(state->log_times));
    json_object_set_new(attributes, "checkpoints", json_deep_copy(state->checkpoints));
    json_object_set_new(json, "args", json_object());
    json_object_set_new(json, "attributes", attributes);
    return json;
}

int train_state_restore(struct train_state *state, const json_t *json, const char *place)
{
    const json_t *callbacks = json_object_get(json, "stateful_callbacks");
    const json_t *own = json_object_get(json_object_get(callbacks, OWN), "attributes");
    const json_t *times = json_object_get(own, "log_times");
    const json_t *checkpoints = json_object_get(own, "checkpoints");
    const json_t *history = json_object_get(json, "log_history");
    if (!own)
        return diag_error("%s: not written by bert-train: there is no '" OWN
                          "' in its stateful_callbacks",
                          place);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (set_field(state, &fields[i], json_object_get(own, fields[i].name)))
            return diag_error("%s: '%s' is missing or no value of its kind", place, fields[i].name);
    if (!json_is_array(history) || !json_is_array(times) ||
        json_array_size(history) != json_array_size(times))
        return diag_error("%s: log_history and its times do not match", place);
    if (!json_is_array(checkpoints))
        return diag_error("%s: no list of checkpoints", place);
    train_state_free(state);
    state->log_history = json_deep_copy(history);
    state->log_times = json_deep_copy(times);
    state->checkpoints = json_deep_copy(checkpoints);
    return 0;
}

/* ---- the log ---- */

void train_state_init(struct train_state *state)
{
    *state = (struct train_state){
        .log_history = json_array(),
        .log_times = json_array(),
        .checkpoints = json_array(),
    };
}

void train_state_free(struct train_state *state)
{
    json_decref(state->log_history);
    json_decref(state->log_times);
    json_decref(state->checkpoints);
    state->log_history = state->log_times = state->checkpoints = NULL;
}

void train_state_log(struct train_state *state, const struct metrics *metrics)
{
    json_array_append_new(state->log_history, metrics_json(metrics));
    json_array_append_new(state->log_times, json_real(metrics->time));
}

/* The names are the entry's own. */
static void read_entry(struct metrics *metrics, const json_t *entry)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)entry, key, value)
    {
        bool eval = strncmp(key, EVAL, strlen(EVAL)) == 0;
        if (eval)
            metrics->split = "eval";
        if (strcmp(key, "epoch") != 0 && strcmp(key, "step") != 0)
            metrics_add(metrics, eval ? key + strlen(EVAL) : key,
                        json_is_number(value) ? json_number_value(value) : NAN);
    }
}

int train_state_replay(const struct train_state *state, struct stream_writer *writer)
{
    size_t i;
    json_t *entry;
    json_array_foreach(state->log_history, i, entry)
    {
        struct metrics metrics;
        metrics_init(&metrics, "train",
                     (uint64_t)json_integer_value(json_object_get(entry, "step")),
                     json_number_value(json_object_get(entry, "epoch")));
        metrics.time = json_number_value(json_array_get(state->log_times, i));
        read_entry(&metrics, entry);
        if (metrics_write(&metrics, writer))
            return -1;
    }
    return stream_writer_flush(writer);
}

/* ---- trainer_state.json ---- */

static void set_integer(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* As the EarlyStoppingCallback keeps itself. */
static json_t *early_stopping_json(const struct train_state *state,
                                   const struct train_arguments *arguments)
{
    return json_pack("{s:{s:I, s:f}, s:{s:I}}", "args", "early_stopping_patience",
                     (json_int_t)arguments->early_stopping_patience, "early_stopping_threshold",
                     arguments->early_stopping_threshold, "attributes",
                     "early_stopping_patience_counter", (json_int_t)state->worse);
}

json_t *train_state_json(const struct train_state *state, const struct train_arguments *arguments,
                         const struct train_plan *plan, const char *best_folder)
{
    json_t *json = json_object(), *callbacks = json_object();
    json_object_set_new(json, "best_global_step",
                        state->has_best ? json_integer((json_int_t)state->best_step) : json_null());
    json_object_set_new(json, "best_metric",
                        state->has_best ? json_real(state->best_metric) : json_null());
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
    if (arguments->early_stopping_patience > 0)
        json_object_set_new(callbacks, "EarlyStoppingCallback",
                            early_stopping_json(state, arguments));
    json_object_set_new(callbacks, OWN, own_json(state));
    json_object_set_new(json, "stateful_callbacks", callbacks);
    json_object_set_new(json, "total_flos",
                        json_real((double)state->tokens * state->flops_per_token));
    set_integer(json, "train_batch_size", arguments->per_device_train_batch_size);
    json_object_set_new(json, "trial_name", json_null());
    json_object_set_new(json, "trial_params", json_null());
    return json;
}
