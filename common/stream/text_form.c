#include "stream/text_form.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "stream/fields.h"
#include "stream/msgpack_scan.h"

/*
 * Digits that give the same number again. What was computed in float32 (probabilities, metrics)
 * needs only those that give the same float32; the user's own numbers (labels, x) come back
 * exactly. JSON writes all of a record's numbers with as many digits as its most demanding one
 * needs, for jansson knows one precision per dump.
 */
static int needed_digits(double value, bool computed)
{
    char text[64];
    bool is_single = computed && (double)(float)value == value;

    for (int digits = 6; digits < 17; digits++) {
        double again;

        snprintf(text, sizeof text, "%.*g", digits, value);
        again = strtod(text, NULL);
        if (is_single ? (float)again == (float)value : again == value)
            return digits;
    }
    return 17;
}

/* A JSON value under construction. */
struct json_build {
    int digits; /* the most that any number so far needs */
};

static json_t *or_die(json_t *json)
{
    if (json == NULL)
        mem_exhausted("while rendering JSON");
    return json;
}

static json_t *json_from_span(struct rec_span span)
{
    /* The reader has checked UTF-8; what a filter made itself may still be wrong: that gives null.
     */
    json_t *json = json_stringn(span.data, span.size);

    return json != NULL ? json : json_null();
}

static json_t *json_with_digits(struct json_build *build, double value, int digits)
{
    if (!isfinite(value))
        return json_null();
    if (digits > build->digits)
        build->digits = digits;
    return or_die(json_real(value));
}

/* A number of the user's. */
static json_t *json_from_real(struct json_build *build, double value)
{
    return json_with_digits(build, value, needed_digits(value, false));
}

/* A number of bertpipe's. */
static json_t *json_from_computed(struct json_build *build, double value)
{
    return json_with_digits(build, value, needed_digits(value, true));
}

static void append(json_t *array, json_t *item)
{
    if (json_array_append_new(array, item) != 0)
        or_die(NULL);
}

static json_t *json_from_label(struct json_build *build, const struct rec_label *label)
{
    json_t *array;

    switch (label->kind) {
    case LABEL_INT:
        return or_die(json_integer(label->integer));
    case LABEL_FLOAT:
        return json_from_real(build, label->real);
    case LABEL_STRING:
        return json_from_span(label->string);
    case LABEL_LIST:
        array = or_die(json_array());
        for (uint32_t i = 0; i < label->count; i++)
            append(array, json_from_label(build, &label->items[i]));
        return array;
    case LABEL_NONE:
        break;
    }
    return json_null();
}

static json_t *json_from_bin(enum field_kind kind, struct rec_span bin,
                             enum stream_ids_type ids_type)
{
    size_t width = kind == FIELD_BIN_U8 ? 1 : kind == FIELD_IDS && ids_type == IDS_U16 ? 2 : 4;
    json_t *array = or_die(json_array());

    for (size_t i = 0; i < bin.size / width; i++) {
        json_int_t value;

        if (kind == FIELD_BIN_I32)
            value = rec_i32_at(bin, i);
        else if (width == 1)
            value = (unsigned char)bin.data[i];
        else
            value = width == 2 ? rec_u16_at(bin, i) : rec_u32_at(bin, i);
        append(array, or_die(json_integer(value)));
    }
    return array;
}

static json_t *json_from_pairs(struct rec_span bin)
{
    json_t *array = or_die(json_array());

    for (size_t i = 0; i + 1 < bin.size / 4; i += 2)
        append(array, or_die(json_pack("[I, I]", (json_int_t)rec_u32_at(bin, i),
                                       (json_int_t)rec_u32_at(bin, i + 1))));
    return array;
}

static void set_key(json_t *object, struct rec_span key, json_t *value)
{
    char name[1024];

    /* Keys with a NUL or of absurd length cannot be written by jansson 2.14: they are cut short. */
    snprintf(name, sizeof name, "%.*s", (int)(key.size < sizeof name ? key.size : sizeof name - 1),
             key.data);
    if (json_object_set_new(object, name, value) != 0)
        diag_verbose("key '%s' is no UTF-8 and was left out", name);
}

static json_t *json_from_msgpack(struct json_build *build, struct mp_cursor *cursor);

static json_t *json_from_msgpack_map(struct json_build *build, struct mp_cursor *cursor,
                                     uint32_t count)
{
    json_t *object = or_die(json_object());

    for (uint32_t i = 0; i < count; i++) {
        struct mp_cursor key_begin = *cursor;
        struct mp_token key;

        if (mp_skip(cursor, NULL) != 0 || mp_next(&key_begin, &key) != 0)
            break;
        if (key.kind == MP_STR) {
            set_key(object, key.span, json_from_msgpack(build, cursor));
        } else {
            char name[32];

            snprintf(name, sizeof name, "key %" PRIu32, i + 1);
            set_key(object, rec_span_of(name), json_from_msgpack(build, cursor));
        }
    }
    return object;
}

/* The depth is bounded, for the reader's scan has passed over these bytes. */
static json_t *json_from_msgpack(struct json_build *build, struct mp_cursor *cursor)
{
    struct mp_token token;
    json_t *array;

    if (mp_next(cursor, &token) != 0)
        return json_null();
    switch (token.kind) {
    case MP_NIL:
        return json_null();
    case MP_BOOL:
        return json_boolean(token.boolean);
    case MP_INT:
        return or_die(json_integer(token.integer));
    case MP_UINT:
        return json_from_real(build, (double)token.large);
    case MP_FLOAT:
        return json_from_real(build, token.real);
    case MP_STR:
        return json_from_span(token.span);
    case MP_BIN:
    case MP_EXT:
        return json_from_bin(FIELD_BIN_U8, token.span, IDS_NONE);
    case MP_ARRAY:
        array = or_die(json_array());
        for (uint32_t i = 0; i < token.count; i++)
            append(array, json_from_msgpack(build, cursor));
        return array;
    case MP_MAP:
        break;
    }
    return json_from_msgpack_map(build, cursor, token.count);
}

static json_t *json_from_list_item(struct json_build *build, const struct field *field,
                                   const void *list, size_t i)
{
    const struct rec_found *found = list;

    if (field->kind == FIELD_STRINGS)
        return json_from_span(((const struct rec_span *)list)[i]);
    if (field->kind == FIELD_LABELS)
        return json_from_label(build, &((const struct rec_label *)list)[i]);
    if (field->kind == FIELD_REALS)
        return json_from_computed(build, ((const double *)list)[i]);
    return or_die(json_pack("[I, I, o, o]", (json_int_t)found[i].first, (json_int_t)found[i].last,
                            json_from_span(found[i].name),
                            json_from_computed(build, found[i].score)));
}

static json_t *json_from_list(struct json_build *build, const struct field *field,
                              const struct stream_record *record)
{
    const void *list = field_list(field, record);
    size_t count = *FIELD_CONST_EXTRA(record, field, size_t);
    const struct rec_value *values = list;
    json_t *json;

    if (field->kind == FIELD_VALUES) {
        json = or_die(json_object());
        for (size_t i = 0; i < count; i++)
            set_key(json, values[i].name, json_from_computed(build, values[i].value));
        return json;
    }
    json = or_die(json_array());
    for (size_t i = 0; i < count; i++)
        append(json, json_from_list_item(build, field, list, i));
    return json;
}

static json_t *json_from_field(struct json_build *build, const struct field *field,
                               const struct stream_record *record)
{
    const struct rec_span *span = FIELD_CONST(record, field, struct rec_span);
    const struct rec_window *window = FIELD_CONST(record, field, struct rec_window);
    struct mp_cursor cursor;

    switch (field->kind) {
    case FIELD_STRING:
        return json_from_span(*span);
    case FIELD_IDS:
    case FIELD_BIN_U8:
    case FIELD_BIN_U32:
    case FIELD_BIN_I32:
        return json_from_bin(field->kind, *span,
                             record->type == STREAM_TOKENS ? record->tokens.ids_type : IDS_NONE);
    case FIELD_BIN_U32_PAIRS:
        return json_from_pairs(*span);
    case FIELD_UNSIGNED:
        return or_die(json_integer((json_int_t)*FIELD_CONST(record, field, uint64_t)));
    case FIELD_REAL:
        return json_from_computed(build, *FIELD_CONST(record, field, double));
    case FIELD_LABEL:
        return json_from_label(build, FIELD_CONST(record, field, struct rec_label));
    case FIELD_WINDOW:
        return or_die(json_pack("[I, I, I]", (json_int_t)window->k, (json_int_t)window->n,
                                (json_int_t)window->first_token));
    case FIELD_MAP:
        cursor = (struct mp_cursor){span->data, span->data + span->size};
        return json_from_msgpack(build, &cursor);
    default:
        return json_from_list(build, field, record);
    }
}

static int append_chunk(const char *data, size_t size, void *buffer)
{
    buffer_append(buffer, data, size);
    return 0;
}

/* Appends json and releases it. */
static int dump(struct buffer *out, const struct json_build *build, json_t *json)
{
    size_t precision = JSON_REAL_PRECISION((size_t)(build->digits > 0 ? build->digits : 17));
    int status =
        json_dump_callback(json, append_chunk, out, JSON_COMPACT | JSON_ENCODE_ANY | precision);

    json_decref(json);
    return status == 0 ? 0 : diag_error("cannot render a record as JSON");
}

int stream_render_json(struct buffer *out, const struct stream_record *record)
{
    struct json_build build = {0};
    json_t *object = or_die(json_object());

    for (const struct field *field = stream_fields(record->type); field->name != NULL; field++)
        if (field_present(field, record) &&
            json_object_set_new(object, field->name, json_from_field(&build, field, record)) != 0)
            or_die(NULL);
    if (dump(out, &build, object) != 0)
        return -1;
    buffer_append_char(out, '\n');
    return 0;
}

void tsv_escape(struct buffer *out, struct rec_span value)
{
    size_t begin = 0;

    for (size_t i = 0; i < value.size; i++) {
        const char *escape = NULL;

        switch (value.data[i]) {
        case '\t':
            escape = "\\t";
            break;
        case '\n':
            escape = "\\n";
            break;
        case '\r':
            escape = "\\r";
            break;
        case '\\':
            escape = "\\\\";
            break;
        }
        if (escape == NULL)
            continue;
        buffer_append(out, value.data + begin, i - begin);
        buffer_append_string(out, escape);
        begin = i + 1;
    }
    buffer_append(out, value.data + begin, value.size - begin);
}

static void append_real(struct buffer *out, double value, bool computed)
{
    if (isfinite(value))
        buffer_format(out, "%.*g", needed_digits(value, computed), value);
}

static int append_as_json(struct buffer *out, const struct field *field,
                          const struct stream_record *record)
{
    struct json_build build = {0};
    struct buffer text = {0};
    json_t *json = json_from_field(&build, field, record);
    int status = dump(&text, &build, json);

    if (status == 0)
        tsv_escape(out, (struct rec_span){text.data, text.size});
    buffer_free(&text);
    return status;
}

static int append_label(struct buffer *out, const struct field *field,
                        const struct stream_record *record)
{
    const struct rec_label *label = FIELD_CONST(record, field, struct rec_label);

    switch (label->kind) {
    case LABEL_NONE:
        return 0;
    case LABEL_INT:
        buffer_format(out, "%" PRId64, label->integer);
        return 0;
    case LABEL_FLOAT:
        append_real(out, label->real, false);
        return 0;
    case LABEL_STRING:
        tsv_escape(out, label->string);
        return 0;
    case LABEL_LIST:
        break;
    }
    return append_as_json(out, field, record);
}

static int append_cell(struct buffer *out, const struct field *field,
                       const struct stream_record *record)
{
    if (!field_present(field, record))
        return 0;
    switch (field->kind) {
    case FIELD_STRING:
        tsv_escape(out, *FIELD_CONST(record, field, struct rec_span));
        return 0;
    case FIELD_UNSIGNED:
        buffer_format(out, "%" PRIu64, *FIELD_CONST(record, field, uint64_t));
        return 0;
    case FIELD_REAL:
        append_real(out, *FIELD_CONST(record, field, double), true);
        return 0;
    case FIELD_LABEL:
        return append_label(out, field, record);
    default:
        return append_as_json(out, field, record);
    }
}

int stream_render_tsv(struct buffer *out, const struct stream_record *record)
{
    const struct field *fields = stream_fields(record->type);

    for (const struct field *field = fields; field->name != NULL; field++) {
        if (field != fields)
            buffer_append_char(out, '\t');
        if (append_cell(out, field, record) != 0)
            return -1;
    }
    buffer_append_char(out, '\n');
    return 0;
}

const char *stream_tsv_columns(enum stream_type type)
{
    switch (type) {
    case STREAM_TEXT:
        return "id\ttext\tpair\twords\ttags\tlabel\tx\n";
    case STREAM_TOKENS:
        return "id\tids\ttypes\toffsets\twords\tlabel\tlabels\twindow\tcut\ttext\tx\n";
    case STREAM_PREDICTIONS:
        return "id\tlabel\tname\tscore\tprobs\tgold\ttext\tspans\tx\n";
    case STREAM_METRICS:
        break;
    }
    return "step\tepoch\tsplit\ttime\tvalues\n";
}

/* Control characters are C0, DEL, and C1 as UTF-8. */
void text_show(struct buffer *out, struct rec_span value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        bool is_c1 =
            byte == 0xc2 && i + 1 < value.size && ((unsigned char)value.data[i + 1] & 0xe0) == 0x80;

        if (byte == '\n' || byte == '\t')
            buffer_append_string(out, byte == '\n' ? "\\n" : "\\t");
        else if (byte < 0x20 || byte == 0x7f)
            buffer_format(out, "\\x%02x", byte);
        else if (is_c1)
            buffer_format(out, "\\x%02x", (unsigned char)value.data[++i]);
        else
            buffer_append_char(out, (char)byte);
    }
}

void stream_label_name(struct buffer *out, const struct stream_header *header,
                       const struct rec_label *label)
{
    if (label->kind == LABEL_STRING)
        buffer_append(out, label->string.data, label->string.size);
    else if (label->kind == LABEL_FLOAT)
        append_real(out, label->real, false);
    else if (label->kind == LABEL_INT && label->integer >= 0 &&
             (uint64_t)label->integer < header->label_count)
        buffer_append_string(out, header->labels[label->integer]);
    else if (label->kind == LABEL_INT)
        buffer_format(out, "%" PRId64, label->integer);
    for (uint32_t i = 0; label->kind == LABEL_LIST && i < label->count; i++) {
        if (i > 0)
            buffer_append_char(out, ',');
        stream_label_name(out, header, &label->items[i]);
    }
}

/* The same for people. */
static void append_label_name(struct buffer *out, const struct stream_header *header,
                              const struct rec_label *label)
{
    struct buffer name = {0};

    stream_label_name(&name, header, label);
    text_show(out, (struct rec_span){name.data, name.size});
    buffer_free(&name);
}

/* "ID [LABEL] TEXT" */
static void render_text_record(struct buffer *out, const struct stream_header *header,
                               const struct rec_text *text)
{
    text_show(out, text->id);
    if (text->label.kind != LABEL_NONE) {
        buffer_append_string(out, " [");
        append_label_name(out, header, &text->label);
        buffer_append_char(out, ']');
    }
    buffer_append_char(out, ' ');
    text_show(out, text->text);
    if (text->pair.data != NULL) {
        buffer_append_string(out, " | ");
        text_show(out, text->pair);
    }
    buffer_append_char(out, '\n');
}

/* "ID [LABEL] 12 tokens: 101 7592 ... 102" */
static void render_tokens_record(struct buffer *out, const struct stream_header *header,
                                 const struct rec_tokens *tokens)
{
    size_t count = rec_token_count(tokens);

    text_show(out, tokens->id);
    if (tokens->label.kind != LABEL_NONE) {
        buffer_append_string(out, " [");
        append_label_name(out, header, &tokens->label);
        buffer_append_char(out, ']');
    }
    buffer_format(out, " %zu tokens:", count);
    for (size_t i = 0; i < count; i++)
        buffer_format(out, " %" PRIu32, rec_token_id(tokens, i));
    if (tokens->cut > 0)
        buffer_format(out, " (%" PRIu64 " cut)", tokens->cut);
    buffer_append_char(out, '\n');
}

/* A model of feelings names them so. */
static const char *title_of(const struct stream_header *header,
                            const struct rec_prediction *prediction)
{
    bool negative = false, positive = false;

    if (header->problem == STREAM_PROBLEM_MULTI)
        return "Labels";
    if (header->problem == STREAM_PROBLEM_REGRESSION)
        return prediction->label.kind == LABEL_LIST ? "Values" : "Value";
    for (size_t i = 0; i < header->label_count && i < 16; i++) {
        negative = negative || strcmp(header->labels[i], "negative") == 0;
        positive = positive || strcmp(header->labels[i], "positive") == 0;
    }
    return negative && positive ? "Sentiment" : "Label";
}

/* "joy (0.981), love (0.702)" */
static void append_several(struct buffer *out, const struct stream_header *header,
                           const struct rec_prediction *prediction)
{
    const struct rec_label *label = &prediction->label;

    if (label->count == 0)
        buffer_append_string(out, "none");
    for (uint32_t i = 0; i < label->count; i++) {
        const struct rec_label *item = &label->items[i];

        buffer_append_string(out, i > 0 ? ", " : "");
        append_label_name(out, header, item);
        if (item->kind == LABEL_INT && item->integer >= 0 &&
            (uint64_t)item->integer < prediction->prob_count)
            buffer_format(out, " (%.3f)", prediction->probs[item->integer]);
    }
}

/* "Positive (Confidence: 0.987)": the name with a capital. */
static void append_one(struct buffer *out, const struct stream_header *header,
                       const struct rec_prediction *prediction)
{
    struct rec_span name = prediction->name;

    if (prediction->label.kind == LABEL_FLOAT) {
        buffer_format(out, "%.5g", prediction->label.real);
    } else if (name.data == NULL) {
        append_label_name(out, header, &prediction->label);
    } else {
        if (name.size > 0 && name.data[0] >= 'a' && name.data[0] <= 'z') {
            buffer_append_char(out, (char)(name.data[0] - 'a' + 'A'));
            name = (struct rec_span){name.data + 1, name.size - 1};
        }
        text_show(out, name);
    }
    if (prediction->has_score)
        buffer_format(out, " (Confidence: %.3f)", prediction->score);
}

/* ID, NAME and SCORE between tabs */
static void render_bare_prediction(struct buffer *out, const struct stream_header *header,
                                   const struct rec_prediction *prediction)
{
    text_show(out, prediction->id);
    buffer_append_char(out, '\t');
    if (prediction->name.data != NULL)
        text_show(out, prediction->name);
    else
        append_label_name(out, header, &prediction->label);
    if (prediction->has_score)
        buffer_format(out, "\t%.3f", prediction->score);
    buffer_append_char(out, '\n');
}

/* "Text: ..." and "Sentiment: Positive (Confidence: 0.987)"; without its text, one line. */
static void render_prediction(struct buffer *out, const struct stream_header *header,
                              const struct rec_prediction *prediction)
{
    if (prediction->text.data == NULL && prediction->span_count == 0) {
        render_bare_prediction(out, header, prediction);
        return;
    }
    buffer_append_string(out, "Text: ");
    text_show(out, prediction->text);
    if (prediction->label.kind != LABEL_NONE) {
        buffer_format(out, "\n%s: ", title_of(header, prediction));
        if (header->problem == STREAM_PROBLEM_MULTI && prediction->label.kind == LABEL_LIST)
            append_several(out, header, prediction);
        else
            append_one(out, header, prediction);
    }
    buffer_append_char(out, '\n');
    for (size_t i = 0; i < prediction->span_count; i++) {
        const struct rec_found *found = &prediction->spans[i];

        buffer_format(out, "  %" PRIu32 "-%" PRIu32 " ", found->first, found->last);
        text_show(out, found->name);
        buffer_format(out, " (%.3f)\n", found->score);
    }
}

/* "step 10  epoch 0.01  train  loss 0.6931  ..." */
static void render_metrics_record(struct buffer *out, const struct rec_metrics *metrics)
{
    buffer_format(out, "step %" PRIu64 "  epoch %.4g  ", metrics->step, metrics->epoch);
    text_show(out, metrics->split);
    for (size_t i = 0; i < metrics->value_count; i++) {
        buffer_append_string(out, "  ");
        text_show(out, metrics->values[i].name);
        buffer_format(out, " %.6g", metrics->values[i].value);
    }
    buffer_append_char(out, '\n');
}

int stream_render_text(struct buffer *out, const struct stream_header *header,
                       const struct stream_record *record)
{
    switch (record->type) {
    case STREAM_TEXT:
        render_text_record(out, header, &record->text);
        break;
    case STREAM_TOKENS:
        render_tokens_record(out, header, &record->tokens);
        break;
    case STREAM_PREDICTIONS:
        render_prediction(out, header, &record->prediction);
        break;
    case STREAM_METRICS:
        render_metrics_record(out, &record->metrics);
        break;
    }
    return 0;
}

static json_t *json_from_history(const struct stream_header *header)
{
    json_t *history = or_die(json_array());

    for (size_t i = 0; i < header->history_count; i++) {
        const struct stream_history_entry *entry = &header->history[i];
        json_t *options = or_die(json_object());

        for (size_t j = 0; j < entry->option_count; j++)
            json_object_set_new(options, entry->options[j].key,
                                json_string(entry->options[j].value));
        append(history, or_die(json_pack("{s:s, s:s, s:o}", "tool", entry->tool, "version",
                                         entry->version, "options", options)));
    }
    return history;
}

static json_t *json_from_tokenizer(const struct stream_tokenizer *tokenizer)
{
    return or_die(json_pack(
        "{s:s, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "digest", tokenizer->digest, "kind",
        tokenizer->kind, "vocab_size", (json_int_t)tokenizer->vocab_size, "max_length",
        (json_int_t)tokenizer->max_length, "cls", (json_int_t)tokenizer->cls, "sep",
        (json_int_t)tokenizer->sep, "pad", (json_int_t)tokenizer->pad, "unk",
        (json_int_t)tokenizer->unk, "mask", (json_int_t)tokenizer->mask));
}

static json_t *json_from_labels(const struct stream_header *header)
{
    json_t *labels = or_die(json_array());

    for (size_t i = 0; i < header->label_count; i++)
        append(labels, or_die(json_string(header->labels[i])));
    return labels;
}

int stream_render_header_json(struct buffer *out, const struct stream_header *header)
{
    struct json_build build = {0};
    json_t *json = or_die(json_pack("{s:s}", "type", stream_type_name(header->type)));

    if (header->problem != STREAM_PROBLEM_NONE)
        json_object_set_new(json, "problem", json_string(stream_problem_name(header->problem)));
    if (header->has_labels)
        json_object_set_new(json, "labels", json_from_labels(header));
    json_object_set_new(json, "history", json_from_history(header));
    if (header->part.present)
        json_object_set_new(json, "part",
                            json_pack("[I, I, s]", (json_int_t)header->part.k,
                                      (json_int_t)header->part.n, header->part.set));
    if (header->model.name != NULL)
        json_object_set_new(
            json, "model",
            json_pack("{s:s, s:s?}", "name", header->model.name, "digest", header->model.digest));
    if (header->tokenizer.digest != NULL)
        json_object_set_new(json, "tokenizer", json_from_tokenizer(&header->tokenizer));
    if (header->ids_type != IDS_NONE)
        json_object_set_new(json, "ids_type", json_string(stream_ids_type_name(header->ids_type)));
    if (dump(out, &build, or_die(json_pack("{s:o}", "bertpipe", json))) != 0)
        return -1;
    buffer_append_char(out, '\n');
    return 0;
}
