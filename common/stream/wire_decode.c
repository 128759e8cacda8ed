#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/utf8.h"
#include "stream/fields.h"
#include "stream/msgpack_scan.h"
#include "stream/wire.h"

int wire_fault_set(struct wire_fault *fault, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(fault->reason, sizeof fault->reason, format, arguments);
    va_end(arguments);
    return -1;
}

/* What a field's decoder needs to know; slot is the field's index in its table. */
struct decoder {
    struct mp_cursor cursor;
    struct blocks *lists;
    struct wire_fault *fault;
    const struct field *field;
    size_t slot;
    size_t items; /* of all lists so far */
};

static int wrong_kind(struct decoder *decoder, const char *wanted)
{
    return wire_fault_set(decoder->fault, "field '%s' is no %s", decoder->field->name, wanted);
}

static int next_token(struct decoder *decoder, struct mp_token *token)
{
    if (mp_next(&decoder->cursor, token) != 0)
        return wire_fault_set(decoder->fault, "field '%s' is damaged", decoder->field->name);
    return 0;
}

static int next_string(struct decoder *decoder, struct rec_span *span)
{
    struct mp_token token;

    if (next_token(decoder, &token) != 0)
        return -1;
    if (token.kind != MP_STR)
        return wrong_kind(decoder, "string");
    if (utf8_valid_prefix(token.span.data, token.span.size) != token.span.size)
        return wire_fault_set(decoder->fault, "field '%s' is not UTF-8", decoder->field->name);
    *span = token.span;
    return 0;
}

static int next_bin(struct decoder *decoder, struct rec_span *span)
{
    struct mp_token token;

    if (next_token(decoder, &token) != 0)
        return -1;
    if (token.kind != MP_BIN)
        return wrong_kind(decoder, "binary string");
    *span = token.span;
    return 0;
}

static int next_unsigned(struct decoder *decoder, uint64_t *value)
{
    struct mp_token token;

    if (next_token(decoder, &token) != 0)
        return -1;
    if (token.kind == MP_UINT)
        *value = token.large;
    else if (token.kind == MP_INT && token.integer >= 0)
        *value = (uint64_t)token.integer;
    else
        return wrong_kind(decoder, "whole number");
    return 0;
}

static int next_real(struct decoder *decoder, double *value)
{
    struct mp_token token;

    if (next_token(decoder, &token) != 0)
        return -1;
    if (token.kind == MP_FLOAT)
        *value = token.real;
    else if (token.kind == MP_INT)
        *value = (double)token.integer;
    else if (token.kind == MP_UINT)
        *value = (double)token.large;
    else
        return wrong_kind(decoder, "number");
    return 0;
}

static int take_items(struct decoder *decoder, size_t count)
{
    if (count > STREAM_MAX_LIST)
        return wire_fault_set(decoder->fault, "field '%s' has more than %zu items",
                              decoder->field->name, STREAM_MAX_LIST);
    decoder->items += count;
    if (decoder->items > STREAM_MAX_LIST)
        return wire_fault_set(decoder->fault, WIRE_TOO_MANY_ITEMS, STREAM_MAX_LIST);
    return 0;
}

static int next_array(struct decoder *decoder, size_t *count)
{
    struct mp_token token;

    if (next_token(decoder, &token) != 0)
        return -1;
    if (token.kind != MP_ARRAY)
        return wrong_kind(decoder, "list");
    *count = token.count;
    return 0;
}

static int next_list(struct decoder *decoder, size_t *count)
{
    if (next_array(decoder, count) != 0)
        return -1;
    return take_items(decoder, *count);
}

/* An int, float or string. */
static int label_from_token(struct decoder *decoder, const struct mp_token *token,
                            struct rec_label *label)
{
    if (token->kind == MP_INT) {
        *label = (struct rec_label){.kind = LABEL_INT, .integer = token->integer};
    } else if (token->kind == MP_FLOAT) {
        *label = (struct rec_label){.kind = LABEL_FLOAT, .real = token->real};
    } else if (token->kind == MP_STR) {
        if (utf8_valid_prefix(token->span.data, token->span.size) != token->span.size)
            return wire_fault_set(decoder->fault, "field '%s' is not UTF-8", decoder->field->name);
        *label = (struct rec_label){.kind = LABEL_STRING, .string = token->span};
    } else {
        return wrong_kind(decoder, "label (a number or a string)");
    }
    return 0;
}

static int next_label_items(struct decoder *decoder, size_t count, const struct rec_label **items)
{
    struct rec_label *list = blocks_take(decoder->lists, count * sizeof *list);
    struct mp_token token;

    for (size_t i = 0; i < count; i++)
        if (next_token(decoder, &token) != 0 || label_from_token(decoder, &token, &list[i]) != 0)
            return -1;
    *items = list;
    return 0;
}

static int next_label(struct decoder *decoder, struct rec_label *label)
{
    struct mp_token token;

    if (next_token(decoder, &token) != 0)
        return -1;
    if (token.kind == MP_NIL) {
        *label = (struct rec_label){0};
        return 0;
    }
    if (token.kind != MP_ARRAY)
        return label_from_token(decoder, &token, label);
    if (take_items(decoder, token.count) != 0)
        return -1;
    *label = (struct rec_label){.kind = LABEL_LIST, .count = token.count};
    return next_label_items(decoder, token.count, &label->items);
}

static int next_strings(struct decoder *decoder, const struct rec_span **strings, size_t *count)
{
    struct rec_span *list;

    if (next_list(decoder, count) != 0)
        return -1;
    list = blocks_take(decoder->lists, *count * sizeof *list);
    for (size_t i = 0; i < *count; i++)
        if (next_string(decoder, &list[i]) != 0)
            return -1;
    *strings = list;
    return 0;
}

static int next_reals(struct decoder *decoder, const double **reals, size_t *count)
{
    double *list;

    if (next_list(decoder, count) != 0)
        return -1;
    list = blocks_take(decoder->lists, *count * sizeof *list);
    for (size_t i = 0; i < *count; i++)
        if (next_real(decoder, &list[i]) != 0)
            return -1;
    *reals = list;
    return 0;
}

/* [first, last, name, score] each */
static int next_found(struct decoder *decoder, const struct rec_found **found, size_t *count)
{
    struct rec_found *list;

    if (next_list(decoder, count) != 0)
        return -1;
    list = blocks_take(decoder->lists, *count * sizeof *list);
    for (size_t i = 0; i < *count; i++) {
        size_t items = 0;
        uint64_t first = 0, last = 0;

        if (next_array(decoder, &items) != 0)
            return -1;
        if (items != 4)
            return wrong_kind(decoder, "list of [first, last, name, score]");
        if (next_unsigned(decoder, &first) != 0 || next_unsigned(decoder, &last) != 0 ||
            next_string(decoder, &list[i].name) != 0 || next_real(decoder, &list[i].score) != 0)
            return -1;
        if (last > UINT32_MAX)
            return wire_fault_set(decoder->fault, "field '%s' has a place beyond %u",
                                  decoder->field->name, (unsigned)UINT32_MAX);
        if (first > last)
            return wire_fault_set(decoder->fault,
                                  "field '%s' has a span that ends before it begins",
                                  decoder->field->name);
        list[i].first = (uint32_t)first;
        list[i].last = (uint32_t)last;
    }
    *found = list;
    return 0;
}

static int next_values(struct decoder *decoder, const struct rec_value **values, size_t *count)
{
    struct mp_token token;
    struct rec_value *list;

    if (next_token(decoder, &token) != 0)
        return -1;
    if (token.kind != MP_MAP)
        return wrong_kind(decoder, "map");
    if (take_items(decoder, token.count) != 0)
        return -1;
    *count = token.count;
    list = blocks_take(decoder->lists, *count * sizeof *list);
    for (size_t i = 0; i < *count; i++)
        if (next_string(decoder, &list[i].name) != 0 || next_real(decoder, &list[i].value) != 0)
            return -1;
    *values = list;
    return 0;
}

static int next_window(struct decoder *decoder, struct rec_window *window)
{
    size_t items = 0;

    if (next_array(decoder, &items) != 0)
        return -1;
    if (items != 3)
        return wrong_kind(decoder, "list of [k, n, first token]");
    if (next_unsigned(decoder, &window->k) != 0 || next_unsigned(decoder, &window->n) != 0 ||
        next_unsigned(decoder, &window->first_token) != 0)
        return -1;
    if (window->k < 1 || window->k > window->n)
        return wire_fault_set(decoder->fault, "field '%s': window %llu of %llu",
                              decoder->field->name, (unsigned long long)window->k,
                              (unsigned long long)window->n);
    return 0;
}

/* Only the keys of the map itself must be strings; its values are the user's. */
static int next_map(struct decoder *decoder, struct rec_span *span)
{
    const char *begin = decoder->cursor.at;
    struct mp_token token;
    uint32_t count;

    if (next_token(decoder, &token) != 0)
        return -1;
    if (token.kind != MP_MAP)
        return wrong_kind(decoder, "map");
    count = token.count;
    for (uint32_t i = 0; i < count; i++) {
        struct rec_span key;

        if (next_string(decoder, &key) != 0)
            return -1;
        if (mp_skip(&decoder->cursor, NULL) != 0)
            return wire_fault_set(decoder->fault, "field '%s' is damaged", decoder->field->name);
    }
    *span = (struct rec_span){begin, (size_t)(decoder->cursor.at - begin)};
    return 0;
}

static int decode_field(struct decoder *decoder, struct stream_record *record)
{
    const struct field *field = decoder->field;
    size_t *count = FIELD_EXTRA(record, field, size_t);

    switch (field->kind) {
    case FIELD_STRING:
        return next_string(decoder, FIELD_AT(record, field, struct rec_span));
    case FIELD_IDS:
    case FIELD_BIN_U8:
    case FIELD_BIN_U32:
    case FIELD_BIN_I32:
    case FIELD_BIN_U32_PAIRS:
        return next_bin(decoder, FIELD_AT(record, field, struct rec_span));
    case FIELD_UNSIGNED:
        return next_unsigned(decoder, FIELD_AT(record, field, uint64_t));
    case FIELD_REAL:
        if (!field->required)
            *FIELD_EXTRA(record, field, bool) = true;
        return next_real(decoder, FIELD_AT(record, field, double));
    case FIELD_LABEL:
        return next_label(decoder, FIELD_AT(record, field, struct rec_label));
    case FIELD_STRINGS:
        return next_strings(decoder, FIELD_AT(record, field, const struct rec_span *), count);
    case FIELD_LABELS:
        if (next_list(decoder, count) != 0)
            return -1;
        return next_label_items(decoder, *count, FIELD_AT(record, field, const struct rec_label *));
    case FIELD_REALS:
        return next_reals(decoder, FIELD_AT(record, field, const double *), count);
    case FIELD_FOUND:
        return next_found(decoder, FIELD_AT(record, field, const struct rec_found *), count);
    case FIELD_VALUES:
        return next_values(decoder, FIELD_AT(record, field, const struct rec_value *), count);
    case FIELD_WINDOW:
        return next_window(decoder, FIELD_AT(record, field, struct rec_window));
    case FIELD_MAP:
        break;
    }
    return next_map(decoder, FIELD_AT(record, field, struct rec_span));
}

/* Index of the field called name, or SIZE_MAX. Writers use the tables' order, so the search begins
 * after the last one. */
static size_t find_field(const struct field *fields, size_t from, struct rec_span name)
{
    for (size_t i = from; fields[i].name != NULL; i++)
        if (rec_span_equal(name, fields[i].name))
            return i;
    for (size_t i = 0; i < from; i++)
        if (rec_span_equal(name, fields[i].name))
            return i;
    return SIZE_MAX;
}

/* Key by key; *seen receives a bit per field. Fields with other names are for later versions and
 * passed over. */
static int decode_fields(struct decoder *decoder, const struct field *fields,
                         struct stream_record *record, uint32_t *seen)
{
    struct mp_token token;
    size_t next = 0;
    uint32_t pairs;

    if (mp_next(&decoder->cursor, &token) != 0 || token.kind != MP_MAP)
        return wire_fault_set(decoder->fault, "is no map");
    pairs = token.count;
    for (uint32_t i = 0; i < pairs; i++) {
        if (mp_next(&decoder->cursor, &token) != 0 || token.kind != MP_STR)
            return wire_fault_set(decoder->fault, "has a field whose name is no string");
        decoder->slot = find_field(fields, next, token.span);
        if (decoder->slot == SIZE_MAX) {
            if (mp_skip(&decoder->cursor, NULL) != 0)
                return wire_fault_set(decoder->fault, "is damaged");
            continue;
        }
        decoder->field = &fields[decoder->slot];
        if (*seen & 1U << decoder->slot)
            return wire_fault_set(decoder->fault, "field '%s' occurs twice", decoder->field->name);
        *seen |= 1U << decoder->slot;
        if (decode_field(decoder, record) != 0)
            return -1;
        next = fields[decoder->slot + 1].name != NULL ? decoder->slot + 1 : 0;
    }
    return 0;
}

int wire_decode_record(struct rec_span bytes, const struct stream_header *header,
                       struct blocks *lists, struct stream_record *record, struct wire_fault *fault)
{
    const struct field *fields = stream_fields(header->type);
    struct decoder decoder = {
        .cursor = {bytes.data, bytes.data + bytes.size}, .lists = lists, .fault = fault};
    uint32_t seen = 0;

    memset(record, 0, sizeof *record);
    record->type = header->type;
    if (decode_fields(&decoder, fields, record, &seen) != 0)
        return -1;
    for (size_t i = 0; fields[i].name != NULL; i++)
        if (fields[i].required && !(seen & 1U << i))
            return wire_fault_set(fault, "field '%s' is missing", fields[i].name);
    if (record->type == STREAM_TOKENS)
        record->tokens.ids_type = header->ids_type;
    return wire_check_record(record, header, fault);
}
