#include "stream/record.h"

#include <endian.h>
#include <string.h>

#include "cli/memory.h"
#include "stream/fields.h"

struct rec_span rec_span_of(const char *string)
{
    return (struct rec_span){string, string != NULL ? strlen(string) : 0};
}

bool rec_span_equal(struct rec_span span, const char *string)
{
    return span.data != NULL && span.size == strlen(string) &&
           memcmp(span.data, string, span.size) == 0;
}

struct rec_span stream_record_id(const struct stream_record *record)
{
    switch (record->type) {
    case STREAM_TEXT:
        return record->text.id;
    case STREAM_TOKENS:
        return record->tokens.id;
    case STREAM_PREDICTIONS:
        return record->prediction.id;
    case STREAM_METRICS:
        break;
    }
    return (struct rec_span){0};
}

const struct rec_label *stream_record_label(const struct stream_record *record)
{
    switch (record->type) {
    case STREAM_TEXT:
        return &record->text.label;
    case STREAM_TOKENS:
        return &record->tokens.label;
    case STREAM_PREDICTIONS:
        return &record->prediction.gold;
    case STREAM_METRICS:
        break;
    }
    return NULL;
}

uint32_t rec_u16_at(struct rec_span bin, size_t i)
{
    uint16_t item;

    memcpy(&item, bin.data + 2 * i, sizeof item);
    return le16toh(item);
}

uint32_t rec_u32_at(struct rec_span bin, size_t i)
{
    uint32_t item;

    memcpy(&item, bin.data + 4 * i, sizeof item);
    return le32toh(item);
}

int32_t rec_i32_at(struct rec_span bin, size_t i)
{
    uint32_t bits = rec_u32_at(bin, i);
    int32_t value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

size_t rec_token_count(const struct rec_tokens *tokens)
{
    return tokens->ids.size / (tokens->ids_type == IDS_U16 ? 2 : 4);
}

uint32_t rec_token_id(const struct rec_tokens *tokens, size_t i)
{
    return tokens->ids_type == IDS_U16 ? rec_u16_at(tokens->ids, i) : rec_u32_at(tokens->ids, i);
}

uint32_t rec_largest_id(const struct rec_tokens *tokens)
{
    size_t count = rec_token_count(tokens);
    uint32_t largest = 0;

    if (tokens->ids_type == IDS_U16) {
        uint16_t narrow = 0; /* as wide as the items: twice as many at a time */
        for (size_t i = 0; i < count; i++) {
            uint16_t id = (uint16_t)rec_u16_at(tokens->ids, i);
            narrow = id > narrow ? id : narrow;
        }
        largest = narrow;
    } else {
        for (size_t i = 0; i < count; i++) {
            uint32_t id = rec_u32_at(tokens->ids, i);
            largest = id > largest ? id : largest;
        }
    }
    return largest;
}

void rec_token_ids(const struct rec_tokens *tokens, uint32_t *ids)
{
    size_t count = rec_token_count(tokens);

    if (tokens->ids_type == IDS_U16)
        for (size_t i = 0; i < count; i++)
            ids[i] = rec_u16_at(tokens->ids, i);
    else
        for (size_t i = 0; i < count; i++)
            ids[i] = rec_u32_at(tokens->ids, i);
}

struct rec_span rec_store_u32(void *out, const uint32_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t value = htole32(values[i]);

        memcpy((char *)out + 4 * i, &value, sizeof value);
    }
    return (struct rec_span){out, 4 * count};
}

struct rec_span rec_store_i32(void *out, const int32_t *values, size_t count)
{
    return rec_store_u32(out, (const uint32_t *)values, count);
}

struct rec_span rec_store_ids(void *out, const uint32_t *ids, size_t count,
                              enum stream_ids_type ids_type)
{
    if (ids_type != IDS_U16)
        return rec_store_u32(out, ids, count);
    for (size_t i = 0; i < count; i++) {
        uint16_t id = htole16((uint16_t)ids[i]);

        memcpy((char *)out + 2 * i, &id, sizeof id);
    }
    return (struct rec_span){out, 2 * count};
}

/*
 * A clone is made in two walks over the record by the same code: the first, with data NULL, adds up
 * the bytes, the second copies them and points the views at the copies.
 */
struct clone {
    char *data;
    size_t size;
};

/* Places size bytes at the next 8-byte boundary; NULL while counting. */
static void *clone_bytes(struct clone *clone, const void *source, size_t size)
{
    size_t offset = (clone->size + 7) & ~(size_t)7;

    clone->size = offset + size;
    if (clone->data == NULL)
        return NULL;
    if (size > 0)
        memcpy(clone->data + offset, source, size);
    return clone->data + offset;
}

/* The slot belongs to the copy when there is one, else to the source, which must stay as it is. */
static void clone_span(struct clone *clone, struct rec_span *slot)
{
    const char *copy;

    if (slot->data == NULL)
        return;
    copy = clone_bytes(clone, slot->data, slot->size);
    if (copy != NULL)
        slot->data = copy;
}

static void clone_label(struct clone *clone, struct rec_label *slot)
{
    struct rec_label *items;

    if (slot->kind == LABEL_STRING)
        clone_span(clone, &slot->string);
    if (slot->kind != LABEL_LIST)
        return;
    items = clone_bytes(clone, slot->items, slot->count * sizeof *slot->items);
    for (uint32_t i = 0; i < slot->count; i++) {
        struct rec_label item = slot->items[i];

        clone_label(clone, &item);
        if (items != NULL)
            items[i] = item;
    }
    if (items != NULL)
        slot->items = items;
}

/* Strings inside the elements of a list that has just been copied to elements (or NULL while
 * counting). */
static void clone_elements(struct clone *clone, const struct field *field, const void *source,
                           char *elements, size_t count)
{
    size_t size = field_element_size(field->kind);

    for (size_t i = 0; i < count; i++) {
        union {
            struct rec_span span;
            struct rec_label label;
            struct rec_found found;
            struct rec_value value;
        } element;

        memcpy(&element, (const char *)source + i * size, size);
        if (field->kind == FIELD_STRINGS)
            clone_span(clone, &element.span);
        else if (field->kind == FIELD_LABELS)
            clone_label(clone, &element.label);
        else if (field->kind == FIELD_FOUND)
            clone_span(clone, &element.found.name);
        else if (field->kind == FIELD_VALUES)
            clone_span(clone, &element.value.name);
        if (elements != NULL)
            memcpy(elements + i * size, &element, size);
    }
}

static void clone_field(struct clone *clone, const struct field *field,
                        struct stream_record *record)
{
    size_t element_size = field_element_size(field->kind);

    if (element_size > 0) {
        const void *list = field_list(field, record);
        size_t count = *FIELD_CONST_EXTRA(record, field, size_t);
        void *elements;

        if (list == NULL)
            return;
        elements = clone_bytes(clone, list, count * element_size);
        if (field->kind != FIELD_REALS)
            clone_elements(clone, field, list, elements, count);
        if (elements != NULL)
            field_set_list(field, record, elements);
    } else if (field->kind == FIELD_LABEL) {
        clone_label(clone, FIELD_AT(record, field, struct rec_label));
    } else if (field->kind != FIELD_UNSIGNED && field->kind != FIELD_REAL &&
               field->kind != FIELD_WINDOW) {
        clone_span(clone, FIELD_AT(record, field, struct rec_span));
    }
}

/* The copy in clone->data, or with data NULL only its size. */
static void clone_record(struct clone *clone, const struct stream_record *record)
{
    struct stream_record copy = *record;

    clone_bytes(clone, record, sizeof *record);
    for (const struct field *field = stream_fields(record->type); field->name != NULL; field++)
        clone_field(clone, field, &copy);
    if (clone->data != NULL)
        memcpy(clone->data, &copy, sizeof copy);
}

struct stream_record *stream_record_clone(const struct stream_record *record)
{
    struct clone clone = {0};

    clone_record(&clone, record);
    clone.data = mem_alloc(clone.size);
    clone.size = 0;
    clone_record(&clone, record);
    return (struct stream_record *)clone.data;
}
