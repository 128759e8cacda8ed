#include "stream/join.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "stream/fields.h"
#include "stream/load_internal.h"
#include "stream/msgpack_scan.h"
#include "stream/text_form.h"
#include "stream/wire.h"

void stream_joiner_init(struct stream_joiner *joiner, const struct stream_header *left,
                        const struct stream_header *right, const char *prefix)
{
    *joiner = (struct stream_joiner){.right = right, .prefix = prefix};
    stream_header_copy(&joiner->header, left);
    stream_header_clear_part(&joiner->header);
    if (left->problem == STREAM_PROBLEM_NONE) {
        joiner->header.problem = right->problem;
        if (!left->has_labels && right->has_labels)
            stream_header_set_labels(&joiner->header, (const char *const *)right->labels,
                                     right->label_count);
    }
    joiner->same_labels = stream_header_same_labels(&joiner->header, right);
    for (size_t i = 0; i < joiner->header.label_count; i++)
        string_index_add(&joiner->labels, joiner->header.labels[i],
                         strlen(joiner->header.labels[i]), NULL);
}

void stream_joiner_free(struct stream_joiner *joiner)
{
    stream_header_free(&joiner->header);
    string_index_free(&joiner->labels);
    buffer_free(&joiner->x);
    buffer_free(&joiner->pairs);
    buffer_free(&joiner->key);
    buffer_free(&joiner->value);
    buffer_free(&joiner->other);
    free(joiner->items);
}

/* The value of a key among the pairs of a map without its head; absent when there is none. */
static struct rec_span find_key(struct mp_cursor pairs, struct rec_span key)
{
    struct mp_token token;
    struct rec_span value;

    while (pairs.at < pairs.end) {
        if (mp_next(&pairs, &token) != 0 || token.kind != MP_STR || mp_skip(&pairs, &value) != 0)
            break;
        if (token.span.size == key.size && memcmp(token.span.data, key.data, key.size) == 0)
            return value;
    }
    return (struct rec_span){0};
}

/* A map's pairs, without its head. */
static struct mp_cursor pairs_of(struct rec_span map, uint32_t *count)
{
    struct mp_cursor cursor = {map.data, map.data + map.size};
    struct mp_token token = {0};

    if (map.data != NULL && mp_next(&cursor, &token) == 0 && token.kind == MP_MAP)
        *count = token.count;
    else
        cursor.end = cursor.at;
    return cursor;
}

static struct rec_span x_of(const struct stream_record *record)
{
    for (const struct field *field = stream_fields(record->type); field->name != NULL; field++)
        if (field->kind == FIELD_MAP)
            return *FIELD_CONST(record, field, struct rec_span);
    return (struct rec_span){0};
}

static void set_x(struct stream_record *record, struct rec_span x)
{
    for (const struct field *field = stream_fields(record->type); field->name != NULL; field++)
        if (field->kind == FIELD_MAP)
            *FIELD_AT(record, field, struct rec_span) = x;
}

/* The value under that key in the left's x or among the pairs added so far. */
static struct rec_span existing(const struct stream_joiner *joiner, struct rec_span left_x,
                                struct rec_span key)
{
    struct mp_cursor added = {joiner->pairs.data, joiner->pairs.data + joiner->pairs.size};
    uint32_t count;
    struct rec_span value = find_key(pairs_of(left_x, &count), key);

    return value.data != NULL || joiner->pairs.size == 0 ? value : find_key(added, key);
}

static void append_pair(struct stream_joiner *joiner, struct rec_span key, struct rec_span value)
{
    load_pack_string(&joiner->pairs, key);
    buffer_append(&joiner->pairs, value.data, value.size);
    joiner->pair_count++;
}

static int add_prefixed(struct stream_joiner *joiner, struct rec_span left_x, struct rec_span name,
                        struct rec_span value, const char *place)
{
    struct rec_span key;

    joiner->key.size = 0;
    buffer_append_string(&joiner->key, joiner->prefix);
    buffer_append(&joiner->key, name.data, name.size);
    key = (struct rec_span){joiner->key.data, joiner->key.size};
    if (existing(joiner, left_x, key).data != NULL)
        return diag_error("%s: x has an entry '%.*s' already (--prefix)", place,
                          (int)(key.size < 200 ? key.size : 200), key.data);
    append_pair(joiner, key, value);
    return 0;
}

/* Entries of the right's x keep their names unless they say something else than the left's. */
static int add_x(struct stream_joiner *joiner, struct rec_span left_x, struct rec_span right_x,
                 const char *place)
{
    uint32_t count = 0;
    struct mp_cursor pairs = pairs_of(right_x, &count);

    for (uint32_t i = 0; i < count; i++) {
        struct mp_token key;
        struct rec_span value, other;

        if (mp_next(&pairs, &key) != 0 || mp_skip(&pairs, &value) != 0)
            return diag_error("%s: x is damaged", place);
        other = existing(joiner, left_x, key.span);
        if (other.data == NULL)
            append_pair(joiner, key.span, value);
        else if ((other.size != value.size || memcmp(other.data, value.data, value.size) != 0) &&
                 add_prefixed(joiner, left_x, key.span, value, place) != 0)
            return -1;
    }
    return 0;
}

/* The right's id as the result's for the same name, or as the name where it has none. */
static struct rec_label translate_id(const struct stream_joiner *joiner, int64_t id)
{
    const char *name = joiner->right->labels[id];
    size_t number = string_index_find(&joiner->labels, name, strlen(name));

    if (number != STRING_INDEX_NONE)
        return (struct rec_label){.kind = LABEL_INT, .integer = (int64_t)number};
    return (struct rec_label){.kind = LABEL_STRING, .string = rec_span_of(name)};
}

/* Where the result's labels are not the right's. */
static struct rec_label translate(struct stream_joiner *joiner, struct rec_label label)
{
    if (joiner->same_labels)
        return label;
    if (label.kind == LABEL_INT && label.integer >= 0 &&
        (uint64_t)label.integer < joiner->right->label_count)
        return translate_id(joiner, label.integer);
    if (label.kind != LABEL_LIST)
        return label;
    mem_grow(&joiner->items, &joiner->item_capacity, label.count + 1u, sizeof *joiner->items);
    for (uint32_t i = 0; i < label.count; i++)
        joiner->items[i] = translate(joiner, label.items[i]);
    label.items = joiner->items;
    return label;
}

static bool same_names(struct stream_joiner *joiner, const struct rec_label *left,
                       const struct rec_label *right)
{
    bool named = joiner->header.has_labels && joiner->right->has_labels;

    /* A number without a list of names is the class itself. */
    if (left->kind == LABEL_INT && right->kind == LABEL_INT && !named)
        return left->integer == right->integer;
    joiner->value.size = joiner->other.size = 0;
    stream_label_name(&joiner->value, &joiner->header, left);
    stream_label_name(&joiner->other, joiner->right, right);
    return joiner->value.size == joiner->other.size &&
           (joiner->value.size == 0 ||
            memcmp(joiner->value.data, joiner->other.data, joiner->value.size) == 0);
}

/* Fields that hold the user's data in whatever type of record has them. */
static bool is_data(const struct field *field, enum stream_type type)
{
    static const char *const names[] = {"text", "pair", "words", "tags"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(field->name, names[i]) == 0)
            return strcmp(field->name, "words") != 0 || type == STREAM_TEXT;
    return false;
}

static const struct field *data_field(enum stream_type type, const char *name)
{
    for (const struct field *field = stream_fields(type); field->name != NULL; field++)
        if (strcmp(field->name, name) == 0 && is_data(field, type))
            return field;
    return NULL;
}

static void copy_field(const struct field *to, struct stream_record *joined,
                       const struct field *from, const struct stream_record *right)
{
    if (field_element_size(from->kind) > 0) {
        field_set_list(to, joined, field_list(from, right));
        *FIELD_EXTRA(joined, to, size_t) = *FIELD_CONST_EXTRA(right, from, size_t);
    } else {
        *FIELD_AT(joined, to, struct rec_span) = *FIELD_CONST(right, from, struct rec_span);
    }
}

/* 1 when the field has been taken over, or is the same on both sides. */
static int take_over(struct stream_joiner *joiner, const struct field *from,
                     const struct stream_record *right, struct stream_record *joined)
{
    const struct field *to = data_field(joined->type, from->name);

    if (to == NULL || !is_data(from, right->type))
        return 0;
    if (!field_present(to, joined)) {
        copy_field(to, joined, from, right);
        return 1;
    }
    joiner->value.size = joiner->other.size = 0;
    wire_pack_value(&joiner->value, to, joined);
    wire_pack_value(&joiner->other, from, right);
    return joiner->value.size == joiner->other.size &&
           memcmp(joiner->value.data, joiner->other.data, joiner->value.size) == 0;
}

static int take_label(struct stream_joiner *joiner, const struct stream_record *right,
                      struct stream_record *joined)
{
    struct rec_label *to = (struct rec_label *)stream_record_label(joined);
    const struct rec_label *from = stream_record_label(right);

    if (to->kind == LABEL_NONE) {
        *to = translate(joiner, *from);
        return 1;
    }
    return same_names(joiner, to, from);
}

/* Tokens and what belongs to them stay behind. */
static bool is_dropped(const struct field *field, enum stream_type type)
{
    return strcmp(field->name, "id") == 0 || field->kind == FIELD_MAP ||
           (type == STREAM_TOKENS && field->kind != FIELD_STRING && field->kind != FIELD_LABEL);
}

static int add_field(struct stream_joiner *joiner, const struct field *field,
                     const struct stream_record *right, struct rec_span left_x, const char *place,
                     struct stream_record *joined)
{
    bool is_label = field->kind == FIELD_LABEL &&
                    FIELD_CONST(right, field, struct rec_label) == stream_record_label(right);

    if (is_dropped(field, right->type) || !field_present(field, right))
        return 0;
    if (is_label ? take_label(joiner, right, joined) : take_over(joiner, field, right, joined))
        return 0;
    joiner->value.size = 0;
    wire_pack_value(&joiner->value, field, right);
    return add_prefixed(joiner, left_x, rec_span_of(field->name),
                        (struct rec_span){joiner->value.data, joiner->value.size}, place);
}

int stream_joiner_join(struct stream_joiner *joiner, const struct stream_record *left,
                       const struct stream_record *right, const char *place,
                       struct stream_record *joined)
{
    struct rec_span left_x = x_of(left);
    struct mp_cursor own;
    uint32_t own_count = 0;

    *joined = *left;
    joiner->pairs.size = joiner->pair_count = 0;
    for (const struct field *field = stream_fields(right->type); field->name != NULL; field++)
        if (add_field(joiner, field, right, left_x, place, joined) != 0)
            return -1;
    if (add_x(joiner, left_x, x_of(right), place) != 0)
        return -1;
    if (joiner->pair_count == 0)
        return 0;
    own = pairs_of(left_x, &own_count);
    joiner->x.size = 0;
    load_pack_map_head(&joiner->x, own_count + joiner->pair_count);
    buffer_append(&joiner->x, own.at, (size_t)(own.end - own.at));
    buffer_append(&joiner->x, joiner->pairs.data, joiner->pairs.size);
    set_x(joined, (struct rec_span){joiner->x.data, joiner->x.size});
    return 0;
}
