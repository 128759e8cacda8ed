/* JSON lines: one object per record. */
#include <string.h>

#include "stream/load_internal.h"

static bool is_key(const struct load_field *field, const char *key)
{
    return field->name != NULL && strcmp(field->name, key) == 0;
}

static int string_from_json(struct loader *loader, const char *key, const json_t *json,
                            struct rec_span *span)
{
    const char *string = json_string_value(json);

    if (string == NULL)
        return load_fail(loader, "'%s' is no string", key);
    *span = (struct rec_span){string, json_string_length(json)};
    return 0;
}

/* Ids may be numbers in JSON; in records they are strings. */
static int id_from_json(struct loader *loader, const char *key, const json_t *json,
                        struct rec_span *span)
{
    if (json_typeof(json) != JSON_INTEGER)
        return string_from_json(loader, key, json, span);
    loader->id.size = 0;
    buffer_format(&loader->id, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    *span = (struct rec_span){loader->id.data, loader->id.size};
    return 0;
}

/* 0: the member became a field of the record; 1: it belongs into x; -1 after a message. */
static int set_member(struct loader *loader, const char *key, const json_t *value,
                      struct rec_text *text)
{
    const struct load_options *options = loader->options;

    if (is_key(&options->text, key))
        return string_from_json(loader, key, value, &text->text);
    if (is_key(&options->id, key))
        return id_from_json(loader, key, value, &text->id);
    if (is_key(&options->label, key))
        return load_label_from_json(loader, value, &text->label);
    if (is_key(&options->pair, key))
        return json_typeof(value) == JSON_NULL ? 0
                                               : string_from_json(loader, key, value, &text->pair);
    if (strcmp(key, "words") == 0)
        return load_words_from_json(loader, value, text);
    if (strcmp(key, "tags") == 0)
        return load_tags_from_json(loader, value, text);
    return 1;
}

/* Members of an object `x` stand beside the other keys, so that what rec-dump wrote comes back as
 * it was. */
static int build_x(struct loader *loader, json_t *others, bool had_x, struct rec_text *text)
{
    if (json_object_size(others) == 0 && !had_x)
        return 0;
    if (load_check_depth(loader, others) != 0)
        return -1;
    loader->x.size = 0;
    load_pack_json(&loader->x, others);
    text->x = (struct rec_span){loader->x.data, loader->x.size};
    return 0;
}

/* A key of x may stand beside the record's own or in an object `x`, but not in both. */
static int add_other(struct loader *loader, json_t *others, const char *key, json_t *value)
{
    if (json_object_get(others, key) != NULL)
        return load_fail(loader, "key '%s' is there twice: in 'x' and beside it", key);
    json_object_set(others, key, value);
    return 0;
}

static int add_others(struct loader *loader, json_t *others, json_t *x)
{
    const char *key;
    json_t *value;

    json_object_foreach(x, key, value)
    {
        if (add_other(loader, others, key, value) != 0)
            return -1;
    }
    return 0;
}

static int emit_object(struct loader *loader, json_t *object, json_t *others)
{
    const struct load_options *options = loader->options;
    struct stream_record record = {.type = STREAM_TEXT};
    bool had_x = false;
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        int status = set_member(loader, key, value, &record.text);

        if (status < 0)
            return -1;
        if (status == 0)
            continue;
        if (strcmp(key, "x") == 0 && json_typeof(value) == JSON_OBJECT) {
            had_x = true;
            status = add_others(loader, others, value);
        } else {
            status = add_other(loader, others, key, value);
        }
        if (status != 0)
            return -1;
    }
    if (record.text.text.data == NULL)
        return load_fail(loader, "no key '%s'", options->text.name);
    if (options->label.given && record.text.label.kind == LABEL_NONE)
        return load_fail(loader, "no key '%s'", options->label.name);
    if (options->id.given && record.text.id.data == NULL)
        return load_fail(loader, "no key '%s'", options->id.name);
    if (options->pair.given && record.text.pair.data == NULL)
        return load_fail(loader, "no key '%s'", options->pair.name);
    if (build_x(loader, others, had_x, &record.text) != 0)
        return -1;
    return load_emit(loader, &record);
}

static int load_object(struct loader *loader, const char *data, size_t size)
{
    struct json_fault fault;
    json_t *object = json_parse(data, size, LOAD_JSON_FLAGS, &fault);
    json_t *others;
    int status;

    if (object == NULL)
        return load_fail(loader, "no JSON: %s", fault.reason);
    if (json_typeof(object) != JSON_OBJECT)
        status = load_fail(loader, "no JSON object");
    else if (load_is_header(object))
        status = load_begin_segment(loader, object);
    else {
        others = json_object();
        status = emit_object(loader, object, others);
        json_decref(others);
    }
    json_decref(object);
    return status;
}

static bool is_blank(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] != ' ' && data[i] != '\t' && data[i] != '\r')
            return false;
    return true;
}

int load_jsonl(struct loader *loader)
{
    const char *line;
    size_t size;
    int found;

    while ((found = load_next_line(loader, &line, &size)) > 0)
        if (!is_blank(line, size) && load_object(loader, line, size) != 0)
            return -1;
    return found;
}
