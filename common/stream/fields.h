/*
 * The fields of each type of record, in the order in which they are written. Decoding, packing,
 * copying and rendering all follow these tables, so a field is added in one place. Internal to
 * stream/.
 */
#ifndef STREAM_FIELDS_H
#define STREAM_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "stream/record.h"

enum field_kind {
    FIELD_STRING, /* struct rec_span */
    FIELD_IDS,    /* struct rec_span, bin of u16 or u32 */
    FIELD_BIN_U8, /* struct rec_span, bin */
    FIELD_BIN_U32,
    FIELD_BIN_I32,
    FIELD_BIN_U32_PAIRS,
    FIELD_UNSIGNED, /* uint64_t; absent when 0, unless required */
    FIELD_REAL,     /* double; has: bool that says whether it is there, unless required */
    FIELD_LABEL,    /* struct rec_label */
    FIELD_STRINGS,  /* const struct rec_span *, count: size_t */
    FIELD_LABELS,   /* const struct rec_label *, count */
    FIELD_REALS,    /* const double *, count */
    FIELD_FOUND,    /* const struct rec_found *, count */
    FIELD_VALUES,   /* const struct rec_value *, count */
    FIELD_WINDOW,   /* struct rec_window */
    FIELD_MAP,      /* struct rec_span, a msgpack map with strings as keys */
};

struct field {
    const char *name;
    enum field_kind kind;
    bool required;
    size_t offset; /* in struct stream_record */
    size_t extra;  /* offset of count or has */
};

/* Ends with a row whose name is NULL. */
const struct field *stream_fields(enum stream_type type);

/* Bytes of one element behind the pointer of a list field, or 0 for other kinds. */
size_t field_element_size(enum field_kind kind);

/* Whether the record has the field: what is absent is not written. */
bool field_present(const struct field *field, const struct stream_record *record);

/* The pointer of a list field, whatever it points to. */
const void *field_list(const struct field *field, const struct stream_record *record);
void field_set_list(const struct field *field, struct stream_record *record, const void *list);

/* Typed access to the other kinds. */
#define FIELD_AT(record, field, type)    ((type *)((char *)(record) + (field)->offset))
#define FIELD_EXTRA(record, field, type) ((type *)((char *)(record) + (field)->extra))
#define FIELD_CONST(record, field, type) ((const type *)((const char *)(record) + (field)->offset))
#define FIELD_CONST_EXTRA(record, field, type)                                                     \
    ((const type *)((const char *)(record) + (field)->extra))

#endif
