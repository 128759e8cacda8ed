#include "train/run_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/utf8.h"
#include "cli/version.h"
#include "data/dataset_digest.h"
#include "model/manifest.h"

#define PREFIX "bertpipe."
#define EXACT  JSON_REAL_PRECISION(15)

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* ---- the parent ---- */

/* ".../models--ORG--NAME/snapshots/COMMIT", as hub caches lay them out, to "ORG/NAME"; else NULL.
 */
static char *hub_name(const char *path)
{
    const char *folder = strstr(path, "/models--"), *end;
    if (!folder || !(end = strstr(folder, "/snapshots/")))
        return NULL;
    char *name =
        mem_strndup(folder + strlen("/models--"), (size_t)(end - folder) - strlen("/models--"));
    char *dashes = strstr(name, "--");
    if (dashes && dashes > name) {
        *dashes = '/';
        memmove(dashes + 1, dashes + 2, strlen(dashes + 2) + 1);
    }
    return name;
}

/* The last part of a path; to be freed by the caller. */
static char *last_part(const char *path)
{
    size_t end = strlen(path), first;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (first = end; first > 0 && path[first - 1] != '/';)
        first--;
    return mem_strndup(path + first, end - first);
}

/* Takes over a name that may be any bytes. */
static char *as_utf8(char *name)
{
    struct buffer repaired = {0};
    utf8_append_repaired(&repaired, name, strlen(name));
    free(name);
    buffer_append_char(&repaired, '\0');
    return repaired.data;
}

char *run_record_model_name(const char *folder)
{
    char *path = realpath(folder, NULL), *name = path ? hub_name(path) : NULL;
    if (!path) {
        diag_errno(errno, "%s", folder);
        return NULL;
    }
    if (!name) {
        name = last_part(folder);
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
            free(name);
            name = last_part(path);
        }
    }
    free(path);
    return as_utf8(name);
}

static json_t *parent_json(const struct model *parent)
{
    char digest[MANIFEST_DIGEST_SIZE];
    const char *known = parent->digest;
    if (!known[0] && manifest_digest(parent->folder, digest))
        return NULL;
    char *name = run_record_model_name(parent->folder);
    if (!name)
        return NULL;
    json_t *json = json_object();
    json_object_set_new(json, "name", json_string(name));
    json_object_set_new(json, "digest", json_string(known[0] ? known : digest));
    free(name);
    return json;
}

/* ---- the record ---- */

static json_t *dataset_json(const struct dataset *dataset)
{
    char digest[DATASET_DIGEST_SIZE];
    json_t *json = json_object();
    dataset_digest(dataset, digest);
    json_object_set_new(json, "records", integer(dataset->count));
    json_object_set_new(json, "tokens", integer(dataset->tokens));
    json_object_set_new(json, "xxh64", json_string(digest));
    return json;
}

static json_t *engine_json(const struct engine_options *engine)
{
    json_t *json = json_object();
    json_object_set_new(json, "device", json_string(engine_device_names[engine->device]));
    json_object_set_new(json, "dtype", json_string(engine_dtype_names[engine->dtype]));
    return json;
}

json_t *run_record(const struct run_sources *sources)
{
    json_t *parent = parent_json(sources->parent);
    if (!parent)
        return NULL;
    json_t *run = json_object(), *arguments = train_arguments_json(sources->arguments);
    /* Where things lie on one machine, and how far an interrupted run had come. */
    json_object_del(arguments, "logging_dir");
    json_object_del(arguments, "resume_from_checkpoint");
    json_object_set_new(run, "tool", json_string(diag_program()));
    json_object_set_new(run, "version", json_string(BERTPIPE_VERSION));
    json_object_set_new(run, "arguments", arguments);
    json_object_set_new(run, "engine", engine_json(sources->engine));
    if (sources->labels)
        json_object_set_new(run, "labels", json_string(sources->labels));
    json_object_set_new(run, "parent", parent);
    json_object_set_new(run, "tokenizer", json_string(sources->tokeniser->digest));
    json_object_set_new(run, "train", dataset_json(sources->train));
    if (sources->eval)
        json_object_set_new(run, "eval", dataset_json(sources->eval));
    return run;
}

void run_record_result(json_t *run, const struct train_state *state, const char *metric)
{
    json_object_set_new(run, "steps", integer(state->step));
    if (!state->has_best)
        return;
    json_object_set_new(run, "best_step", integer(state->best_step));
    json_object_set_new(run, "best_metric_name", json_string(metric));
    json_object_set_new(run, "best_metric", json_real(state->best_metric));
}

/* ---- metadata ---- */

/* The arguments that change the result. */
static json_t *resulting(const json_t *arguments)
{
    json_t *json = json_object();
    for (const struct option_row *row = train_argument_rows; !option_row_is_last(row); row++) {
        char *field = row->changes_result ? mem_strdup(row->name) : NULL;
        for (char *c = field; c && (c = strchr(c, '-'));)
            *c = '_';
        json_t *value = field ? json_object_get(arguments, field) : NULL;
        if (value)
            json_object_set(json, field, value);
        free(field);
    }
    return json;
}

static void set_text(json_t *metadata, const char *key, const json_t *value)
{
    char *full = mem_format(PREFIX "%s", key);
    if (json_is_string(value)) {
        json_object_set_new(metadata, full, json_string(json_string_value(value)));
    } else {
        char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | EXACT);
        json_object_set_new(metadata, full, json_string(text ? text : ""));
        free(text);
    }
    free(full);
}

json_t *run_record_metadata(const json_t *run)
{
    json_t *metadata = json_object(), *value;
    const json_t *arguments = json_object_get(run, "arguments");
    json_t *result = resulting(arguments);
    const char *key;
    json_object_foreach((json_t *)run, key, value)
    {
        set_text(metadata, key, value == arguments ? result : value);
    }
    set_text(metadata, "seed", json_object_get(arguments, "seed"));
    json_decref(result);
    return metadata;
}

json_t *run_record_of_metadata(const json_t *metadata)
{
    json_t *run = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)metadata, key, value)
    {
        const char *text = json_string_value(value);
        if (strncmp(key, PREFIX, strlen(PREFIX)) != 0 || !text)
            continue;
        struct json_fault fault;
        json_t *object = text[0] == '{' ? json_parse(text, strlen(text), 0, &fault) : NULL;
        json_object_set_new(run, key + strlen(PREFIX), object ? object : json_string(text));
    }
    if (json_is_object(json_object_get(run, "arguments")))
        return run;
    json_decref(run);
    return NULL;
}
