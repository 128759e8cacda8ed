/* Values of text and JSON as parts of records. */
#include <msgpack/pack.h>
#include <string.h>

#include "cli/memory.h"
#include "cli/options.h"
#include "stream/load_internal.h"

static int append_to_buffer(void *buffer, const char *data, size_t size)
{
    buffer_append(buffer, data, size);
    return 0;
}

void load_pack_map_head(struct buffer *out, size_t pairs)
{
    msgpack_packer packer;

    msgpack_packer_init(&packer, out, append_to_buffer);
    msgpack_pack_map(&packer, pairs);
}

void load_pack_string(struct buffer *out, struct rec_span string)
{
    msgpack_packer packer;

    msgpack_packer_init(&packer, out, append_to_buffer);
    msgpack_pack_str(&packer, string.size);
    msgpack_pack_str_body(&packer, string.data, string.size);
}

static void pack_real(msgpack_packer *packer, double value)
{
    if ((double)(float)value == value)
        msgpack_pack_float(packer, (float)value);
    else
        msgpack_pack_double(packer, value);
}

/* Levels of containers. jansson's own limit, JSON_PARSER_MAX_DEPTH, bounds the recursion. */
static unsigned depth_of(const json_t *json)
{
    unsigned deepest = 0, depth;
    const char *key;
    json_t *value;
    size_t i;

    json_object_foreach((json_t *)json, key, value)
    {
        depth = depth_of(value);
        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach(json, i, value)
    {
        depth = depth_of(value);
        deepest = depth > deepest ? depth : deepest;
    }
    return json_typeof(json) == JSON_OBJECT || json_typeof(json) == JSON_ARRAY ? deepest + 1 : 0;
}

int load_check_depth(struct loader *loader, const json_t *x)
{
    if (depth_of(x) + 1 <= STREAM_MAX_DEPTH) /* and the record itself */
        return 0;
    return load_fail(loader, "nested deeper than %d levels", STREAM_MAX_DEPTH);
}

void load_pack_json(struct buffer *out, const json_t *json)
{
    msgpack_packer packer;
    const char *key;
    json_t *value;
    size_t i;

    msgpack_packer_init(&packer, out, append_to_buffer);
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        msgpack_pack_map(&packer, json_object_size(json));
        json_object_foreach((json_t *)json, key, value)
        {
            load_pack_string(out, rec_span_of(key));
            load_pack_json(out, value);
        }
        break;
    case JSON_ARRAY:
        msgpack_pack_array(&packer, json_array_size(json));
        json_array_foreach(json, i, value) load_pack_json(out, value);
        break;
    case JSON_STRING:
        load_pack_string(out, (struct rec_span){json_string_value(json), json_string_length(json)});
        break;
    case JSON_INTEGER:
        msgpack_pack_int64(&packer, json_integer_value(json));
        break;
    case JSON_REAL:
        pack_real(&packer, json_real_value(json));
        break;
    case JSON_TRUE:
        msgpack_pack_true(&packer);
        break;
    case JSON_FALSE:
        msgpack_pack_false(&packer);
        break;
    case JSON_NULL:
        msgpack_pack_nil(&packer);
        break;
    }
}

static int number_of_name(struct loader *loader, struct rec_label *label)
{
    size_t number = string_index_find(&loader->label_index, label->string.data, label->string.size);

    if (number == STRING_INDEX_NONE)
        return load_fail(loader, "label '%.*s' is not among --labels",
                         (int)(label->string.size < 80 ? label->string.size : 80),
                         label->string.data);
    *label = (struct rec_label){.kind = LABEL_INT, .integer = (int64_t)number};
    return 0;
}

/* Names become ids when the names are known. */
static int settle_label(struct loader *loader, struct rec_label *label)
{
    const struct load_options *options = loader->options;

    if (label->kind == LABEL_STRING && options->labels != NULL &&
        number_of_name(loader, label) != 0)
        return -1;
    if (label->kind == LABEL_INT && options->labels != NULL &&
        (label->integer < 0 || (uint64_t)label->integer >= options->label_count))
        return load_fail(loader, "label %lld is outside the %zu of --labels",
                         (long long)label->integer, options->label_count);
    if (loader->problem != STREAM_PROBLEM_REGRESSION)
        return 0;
    if (label->kind == LABEL_STRING)
        return load_fail(loader, "label '%.*s' is no number",
                         (int)(label->string.size < 80 ? label->string.size : 80),
                         label->string.data);
    if (label->kind == LABEL_INT)
        *label = (struct rec_label){.kind = LABEL_FLOAT, .real = (double)label->integer};
    return 0;
}

/* An integer, a number, or a name, which may be any of the names of --labels even if it looks like
 * a number. */
static int scalar_from_text(struct loader *loader, struct rec_span text, struct rec_label *label)
{
    char number[64];
    int64_t integer;
    double real;

    *label = (struct rec_label){.kind = LABEL_STRING, .string = text};
    if (string_index_find(&loader->label_index, text.data, text.size) != STRING_INDEX_NONE)
        return settle_label(loader, label);
    if (text.size < sizeof number && memchr(text.data, '\0', text.size) == NULL) {
        memcpy(number, text.data, text.size);
        number[text.size] = '\0';
        if (parse_signed(number, &integer) == 0)
            *label = (struct rec_label){.kind = LABEL_INT, .integer = integer};
        else if (parse_real(number, &real) == 0)
            *label = (struct rec_label){.kind = LABEL_FLOAT, .real = real};
    }
    return settle_label(loader, label);
}

/* "a,b,c"; an empty cell is an empty list. */
static int list_from_text(struct loader *loader, struct rec_span text, struct rec_label *label)
{
    struct load_lists *lists = &loader->lists;
    size_t begin = 0;

    *label = (struct rec_label){.kind = LABEL_LIST};
    mem_grow(&lists->labels, &lists->labels_capacity, 1, sizeof *lists->labels);
    for (size_t i = 0; i <= text.size && text.size > 0; i++) {
        if (i < text.size && text.data[i] != ',')
            continue;
        if (label->count == STREAM_MAX_LIST)
            return load_fail(loader, "a list has more than %zu items", STREAM_MAX_LIST);
        mem_grow(&lists->labels, &lists->labels_capacity, label->count + 1u, sizeof *lists->labels);
        if (scalar_from_text(loader, (struct rec_span){text.data + begin, i - begin},
                             &lists->labels[label->count++]) != 0)
            return -1;
        begin = i + 1;
    }
    label->items = lists->labels;
    return 0;
}

int load_label_from_text(struct loader *loader, struct rec_span text, struct rec_label *label)
{
    struct json_fault fault;
    json_t *json = NULL;

    if (loader->problem != STREAM_PROBLEM_MULTI) {
        if (text.size == 0)
            return 0;
        return scalar_from_text(loader, text, label);
    }
    if (text.size > 0 && text.data[0] == '[')
        json = json_parse(text.data, text.size, LOAD_JSON_FLAGS, &fault);
    if (json == NULL)
        return list_from_text(loader, text, label);
    loader->label_json = json;
    return load_label_from_json(loader, json, label);
}

static int scalar_from_json(struct loader *loader, const json_t *json, struct rec_label *label)
{
    switch (json_typeof(json)) {
    case JSON_INTEGER:
        *label = (struct rec_label){.kind = LABEL_INT, .integer = json_integer_value(json)};
        break;
    case JSON_REAL:
        *label = (struct rec_label){.kind = LABEL_FLOAT, .real = json_real_value(json)};
        break;
    case JSON_STRING:
        *label = (struct rec_label){.kind = LABEL_STRING,
                                    .string = {json_string_value(json), json_string_length(json)}};
        break;
    default:
        return load_fail(loader, "a label is neither number nor string");
    }
    return settle_label(loader, label);
}

/* The limit of the JSON reader's memory keeps lists shorter than STREAM_MAX_LIST. */
static int labels_from_array(struct loader *loader, const json_t *json, struct rec_label **items,
                             size_t *capacity)
{
    size_t count = json_array_size(json);

    mem_grow(items, capacity, count > 0 ? count : 1, sizeof **items);
    for (size_t i = 0; i < count; i++)
        if (scalar_from_json(loader, json_array_get(json, i), &(*items)[i]) != 0)
            return -1;
    return 0;
}

int load_label_from_json(struct loader *loader, const json_t *json, struct rec_label *label)
{
    struct load_lists *lists = &loader->lists;

    if (json_typeof(json) == JSON_NULL)
        return 0;
    if (json_typeof(json) != JSON_ARRAY)
        return scalar_from_json(loader, json, label);
    if (labels_from_array(loader, json, &lists->labels, &lists->labels_capacity) != 0)
        return -1;
    *label = (struct rec_label){
        .kind = LABEL_LIST, .count = (uint32_t)json_array_size(json), .items = lists->labels};
    return 0;
}

int load_words_from_json(struct loader *loader, const json_t *json, struct rec_text *text)
{
    struct load_lists *lists = &loader->lists;
    size_t count = json_array_size(json);

    if (json_typeof(json) != JSON_ARRAY)
        return load_fail(loader, "'words' is no list of strings");
    mem_grow(&lists->words, &lists->words_capacity, count > 0 ? count : 1, sizeof *lists->words);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(json, i);
        const char *word = json_string_value(item);

        if (word == NULL)
            return load_fail(loader, "'words' is no list of strings");
        lists->words[i] = (struct rec_span){word, json_string_length(item)};
    }
    text->words = lists->words;
    text->word_count = count;
    return 0;
}

int load_tags_from_json(struct loader *loader, const json_t *json, struct rec_text *text)
{
    struct load_lists *lists = &loader->lists;

    if (json_typeof(json) != JSON_ARRAY)
        return load_fail(loader, "'tags' is no list");
    if (labels_from_array(loader, json, &lists->tags, &lists->tags_capacity) != 0)
        return -1;
    text->tags = lists->tags;
    text->tag_count = json_array_size(json);
    return 0;
}
