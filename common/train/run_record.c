#include "train/run_record.h"

#include <inttypes.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/version.h"

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *arguments_json(const struct train_arguments *a)
{
    json_t *json = json_object();
    json_object_set_new(json, "num_train_epochs", json_real(a->num_train_epochs));
    json_object_set_new(json, "max_steps", integer(a->max_steps));
    json_object_set_new(json, "per_device_train_batch_size",
                        integer(a->per_device_train_batch_size));
    json_object_set_new(json, "per_device_eval_batch_size", integer(a->per_device_eval_batch_size));
    json_object_set_new(json, "gradient_accumulation_steps",
                        integer(a->gradient_accumulation_steps));
    json_object_set_new(json, "learning_rate", json_real(a->learning_rate));
    json_object_set_new(json, "warmup_steps", json_real(a->warmup_steps));
    json_object_set_new(json, "weight_decay", json_real(a->weight_decay));
    json_object_set_new(json, "max_grad_norm", json_real(a->max_grad_norm));
    json_object_set_new(json, "logging_steps", integer(a->logging_steps));
    json_object_set_new(json, "eval_steps", integer(a->eval_steps));
    json_object_set_new(json, "save_steps", integer(a->save_steps));
    json_object_set_new(json, "eval_strategy", json_string(train_when_names[a->eval_strategy]));
    json_object_set_new(json, "save_strategy", json_string(train_when_names[a->save_strategy]));
    json_object_set_new(json, "load_best_model_at_end", json_boolean(a->load_best_model_at_end));
    json_object_set_new(json, "seed", integer(a->seed));
    return json;
}

static json_t *dataset_json(const struct dataset *dataset)
{
    json_t *json = json_object();
    json_object_set_new(json, "records", integer(dataset->count));
    json_object_set_new(json, "tokens", integer(dataset->tokens));
    return json;
}

json_t *run_record(const struct train_arguments *arguments, const struct model *parent,
                   const struct tokeniser *tokeniser, const struct dataset *train,
                   const struct dataset *eval)
{
    json_t *run = json_object(), *from = json_object();
    const char *slash = strrchr(parent->folder, '/');
    const char *name = slash && slash[1] ? slash + 1 : parent->folder;
    json_object_set_new(from, "name", json_string(name));
    json_object_set_new(from, "digest", json_string(parent->digest));
    json_object_set_new(run, "tool", json_string(diag_program()));
    json_object_set_new(run, "version", json_string(BERTPIPE_VERSION));
    json_object_set_new(run, "arguments", arguments_json(arguments));
    json_object_set_new(run, "parent", from);
    json_object_set_new(run, "tokenizer", json_string(tokeniser->digest));
    json_object_set_new(run, "train", dataset_json(train));
    if (eval)
        json_object_set_new(run, "eval", dataset_json(eval));
    return run;
}

void run_record_result(json_t *run, const struct train_state *state)
{
    json_object_set_new(run, "steps", integer(state->step));
    if (!state->has_best)
        return;
    json_object_set_new(run, "best_step", integer(state->best_step));
    json_object_set_new(run, "best_eval_loss", json_real(state->best_metric));
}

void run_record_history(struct stream_header *header, const struct train_arguments *a)
{
    stream_history_option(header, "num_train_epochs", "%g", a->num_train_epochs);
    stream_history_option(header, "max_steps", "%" PRIu64, a->max_steps);
    stream_history_option(header, "per_device_train_batch_size", "%" PRIu64,
                          a->per_device_train_batch_size);
    stream_history_option(header, "gradient_accumulation_steps", "%" PRIu64,
                          a->gradient_accumulation_steps);
    stream_history_option(header, "learning_rate", "%g", a->learning_rate);
    stream_history_option(header, "warmup_steps", "%g", a->warmup_steps);
    stream_history_option(header, "weight_decay", "%g", a->weight_decay);
    stream_history_option(header, "max_grad_norm", "%g", a->max_grad_norm);
    stream_history_option(header, "seed", "%" PRIu64, a->seed);
}
