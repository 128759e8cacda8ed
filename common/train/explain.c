#include "train/explain.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "model/manifest.h"
#include "model/safetensors.h"
#include "stream/text_form.h"
#include "train/arguments.h"
#include "train/engine_options.h"
#include "train/run_record.h"

/* ---- finding the record ---- */

static int read_manifest(const char *folder, json_t **run)
{
    char *path = mem_format("%s/" MANIFEST_NAME, folder);
    json_t *json;
    int result = json_file_read_optional(path, 0, &json);
    if (result == 0 && json)
        *run = json_incref(json_object_get(json, "run"));
    json_decref(json);
    free(path);
    return result;
}

static int read_metadata(const char *folder, json_t **run)
{
    struct safetensors set;
    if (safetensors_open_folder(&set, folder))
        return -1;
    *run = set.metadata ? run_record_of_metadata(set.metadata) : NULL;
    safetensors_close(&set);
    return 0;
}

/* A new reference, or NULL with a message. */
static json_t *read_record(const char *folder)
{
    json_t *run = NULL;
    if (read_manifest(folder, &run))
        return NULL;
    if (!json_is_object(json_object_get(run, "arguments"))) {
        json_decref(run);
        run = NULL;
        if (read_metadata(folder, &run))
            return NULL;
    }
    if (!run)
        diag_error("%s: no record of what made this model", folder);
    return run;
}

/* ---- the command ---- */

/* One word for a shell. */
static void put_word(struct buffer *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:,=+@%-";
    buffer_append_char(out, ' ');
    if (word[0] && strspn(word, plain) == strlen(word)) {
        buffer_append_string(out, word);
        return;
    }
    buffer_append_char(out, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            buffer_append_string(out, "'\\''");
        else
            buffer_append_char(out, *word);
    }
    buffer_append_char(out, '\'');
}

/* An option and its value as the command line takes them. */
static void put_option(struct buffer *out, const char *name, const json_t *value)
{
    if (json_is_boolean(value)) {
        buffer_format(out, " --%s%s", json_is_true(value) ? "" : "no-", name);
        return;
    }
    buffer_format(out, " --%s", name);
    if (json_is_string(value)) {
        put_word(out, json_string_value(value));
        return;
    }
    char *text = json_is_real(value)
                     ? mem_format("%.15g", json_real_value(value))
                     : mem_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    put_word(out, text);
    free(text);
}

/* Options that say nothing new: defaults, and those that follow from others. */
static bool is_implied(const char *field, const json_t *value, const json_t *recorded,
                       const json_t *defaults)
{
    const json_t *usual = json_object_get(defaults, field);
    if (json_is_number(value) && json_is_number(usual))
        return json_number_value(value) == json_number_value(usual);
    if (strcmp(field, "data_seed") == 0)
        return json_number_value(value) == json_number_value(json_object_get(recorded, "seed"));
    return json_equal(value, usual);
}

static void put_arguments(struct buffer *out, const json_t *recorded)
{
    struct train_arguments usual;
    train_arguments_init(&usual);
    json_t *defaults = train_arguments_json(&usual);
    for (const struct option_row *row = train_argument_rows; !option_row_is_last(row); row++) {
        char *field = option_row_is_section(row) ? NULL : mem_strdup(row->name);
        for (char *c = field; c && (c = strchr(c, '-'));)
            *c = '_';
        const json_t *value = field ? json_object_get(recorded, field) : NULL;
        if (value && !is_implied(field, value, recorded, defaults))
            put_option(out, row->name, value);
        free(field);
    }
    json_decref(defaults);
}

/* "--device ref" where the record has another engine than the first of the names, the default. */
static void put_engine(struct buffer *out, const json_t *run, const char *name, const char *usual)
{
    const char *value = json_member_string(json_object_get(run, "engine"), name);
    if (value && strcmp(value, usual) != 0) {
        buffer_format(out, " --%s", name);
        put_word(out, value);
    }
}

static int put_command(struct buffer *out, const json_t *run, const char *folder)
{
    const char *parent = json_member_string(json_object_get(run, "parent"), "name");
    const char *labels = json_member_string(run, "labels");
    char *name = run_record_model_name(folder);
    if (!name)
        return -1;
    const char *slash = strrchr(name, '/');
    buffer_append_string(out, "bert-train -m");
    put_word(out, parent ? parent : "MODEL");
    buffer_append_string(out, " -o");
    put_word(out, slash ? slash + 1 : name);
    if (json_object_get(run, "eval"))
        buffer_append_string(out, " --eval eval.mp");
    if (labels) {
        buffer_append_string(out, " --labels");
        put_word(out, labels);
    }
    put_arguments(out, json_object_get(run, "arguments"));
    put_engine(out, run, "device", engine_device_names[0]);
    put_engine(out, run, "dtype", engine_dtype_names[0]);
    buffer_append_string(out, " train.mp\n");
    free(name);
    return 0;
}

/* ---- comments ---- */

/* A member, without what could end the comment. */
static void put_text(struct buffer *out, const char *before, const json_t *object, const char *key)
{
    const char *text = json_member_string(object, key);
    buffer_append_string(out, before);
    text_show(out, rec_span_of(text && text[0] ? text : "unknown"));
}

static void put_data(struct buffer *out, const char *name, const json_t *data)
{
    if (!data)
        return;
    buffer_format(out, "\n# %s: %" JSON_INTEGER_FORMAT " records, %" JSON_INTEGER_FORMAT " tokens",
                  name, json_integer_value(json_object_get(data, "records")),
                  json_integer_value(json_object_get(data, "tokens")));
    put_text(out, ", xxh64 ", data, "xxh64");
}

static void put_comments(struct buffer *out, const json_t *run)
{
    const json_t *parent = json_object_get(run, "parent");
    const json_t *steps = json_object_get(run, "steps"), *best = json_object_get(run, "best_step");
    put_text(out, "# made by ", run, "tool");
    put_text(out, " ", run, "version");
    if (json_is_integer(steps))
        buffer_format(out, "\n# steps: %" JSON_INTEGER_FORMAT, json_integer_value(steps));
    if (json_is_integer(best)) {
        buffer_format(out, "\n# best step: %" JSON_INTEGER_FORMAT, json_integer_value(best));
        put_text(out, ", eval ", run, "best_metric_name");
        buffer_format(out, " %.15g", json_number_value(json_object_get(run, "best_metric")));
    }
    put_text(out, "\n# parent: ", parent, "name");
    put_text(out, ", digest ", parent, "digest");
    put_text(out, "\n# tokenizer: ", run, "tokenizer");
    put_data(out, "train.mp", json_object_get(run, "train"));
    put_data(out, "eval.mp", json_object_get(run, "eval"));
    buffer_append_char(out, '\n');
}

int explain_model(struct buffer *out, const char *folder)
{
    json_t *run = read_record(folder);
    int result = run ? 0 : -1;
    if (run) {
        put_comments(out, run);
        result = put_command(out, run, folder);
    }
    json_decref(run);
    return result;
}
