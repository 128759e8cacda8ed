#include "train/run_record.h"

#include <string.h>

#include "cli/diag.h"
#include "cli/version.h"

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
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
    json_object_set_new(run, "arguments", train_arguments_json(arguments));
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
