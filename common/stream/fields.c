#include "stream/fields.h"

#include <string.h>

#define FIELD(field_name, field_kind, path)                                                        \
    {                                                                                              \
        .name = field_name, .kind = field_kind, .offset = offsetof(struct stream_record, path)     \
    }
#define REQUIRED(field_name, field_kind, path)                                                     \
    {                                                                                              \
        .name = field_name, .kind = field_kind, .required = true,                                  \
        .offset = offsetof(struct stream_record, path)                                             \
    }
#define WITH(field_name, field_kind, path, other)                                                  \
    {                                                                                              \
        .name = field_name, .kind = field_kind, .offset = offsetof(struct stream_record, path),    \
        .extra = offsetof(struct stream_record, other)                                             \
    }
#define REQUIRED_WITH(field_name, field_kind, path, other)                                         \
    {                                                                                              \
        .name = field_name, .kind = field_kind, .required = true,                                  \
        .offset = offsetof(struct stream_record, path),                                            \
        .extra = offsetof(struct stream_record, other)                                             \
    }

static const struct field text_fields[] = {
    REQUIRED("id", FIELD_STRING, text.id),
    REQUIRED("text", FIELD_STRING, text.text),
    FIELD("pair", FIELD_STRING, text.pair),
    WITH("words", FIELD_STRINGS, text.words, text.word_count),
    WITH("tags", FIELD_LABELS, text.tags, text.tag_count),
    FIELD("label", FIELD_LABEL, text.label),
    FIELD("x", FIELD_MAP, text.x),
    {0},
};

static const struct field tokens_fields[] = {
    REQUIRED("id", FIELD_STRING, tokens.id),
    REQUIRED("ids", FIELD_IDS, tokens.ids),
    FIELD("types", FIELD_BIN_U8, tokens.types),
    FIELD("offsets", FIELD_BIN_U32_PAIRS, tokens.offsets),
    FIELD("words", FIELD_BIN_U32, tokens.words),
    FIELD("label", FIELD_LABEL, tokens.label),
    FIELD("labels", FIELD_BIN_I32, tokens.labels),
    FIELD("window", FIELD_WINDOW, tokens.window),
    FIELD("cut", FIELD_UNSIGNED, tokens.cut),
    FIELD("text", FIELD_STRING, tokens.text),
    FIELD("x", FIELD_MAP, tokens.x),
    {0},
};

static const struct field prediction_fields[] = {
    REQUIRED("id", FIELD_STRING, prediction.id),
    FIELD("label", FIELD_LABEL, prediction.label),
    FIELD("name", FIELD_STRING, prediction.name),
    WITH("score", FIELD_REAL, prediction.score, prediction.has_score),
    WITH("probs", FIELD_REALS, prediction.probs, prediction.prob_count),
    FIELD("gold", FIELD_LABEL, prediction.gold),
    FIELD("text", FIELD_STRING, prediction.text),
    WITH("spans", FIELD_FOUND, prediction.spans, prediction.span_count),
    FIELD("x", FIELD_MAP, prediction.x),
    {0},
};

static const struct field metrics_fields[] = {
    REQUIRED("step", FIELD_UNSIGNED, metrics.step),
    REQUIRED("epoch", FIELD_REAL, metrics.epoch),
    REQUIRED("split", FIELD_STRING, metrics.split),
    REQUIRED("time", FIELD_REAL, metrics.time),
    REQUIRED_WITH("values", FIELD_VALUES, metrics.values, metrics.value_count),
    {0},
};

const struct field *stream_fields(enum stream_type type)
{
    switch (type) {
    case STREAM_TEXT:
        return text_fields;
    case STREAM_TOKENS:
        return tokens_fields;
    case STREAM_PREDICTIONS:
        return prediction_fields;
    case STREAM_METRICS:
        break;
    }
    return metrics_fields;
}

size_t field_element_size(enum field_kind kind)
{
    switch (kind) {
    case FIELD_STRINGS:
        return sizeof(struct rec_span);
    case FIELD_LABELS:
        return sizeof(struct rec_label);
    case FIELD_REALS:
        return sizeof(double);
    case FIELD_FOUND:
        return sizeof(struct rec_found);
    case FIELD_VALUES:
        return sizeof(struct rec_value);
    default:
        return 0;
    }
}

/* memcpy, for the pointers have different types. */
const void *field_list(const struct field *field, const struct stream_record *record)
{
    const void *list;

    memcpy(&list, (const char *)record + field->offset, sizeof list);
    return list;
}

void field_set_list(const struct field *field, struct stream_record *record, const void *list)
{
    memcpy((char *)record + field->offset, &list, sizeof list);
}

bool field_present(const struct field *field, const struct stream_record *record)
{
    if (field->required)
        return true;
    switch (field->kind) {
    case FIELD_UNSIGNED:
        return *FIELD_CONST(record, field, uint64_t) != 0;
    case FIELD_REAL:
        return *FIELD_CONST_EXTRA(record, field, bool);
    case FIELD_LABEL:
        return FIELD_CONST(record, field, struct rec_label)->kind != LABEL_NONE;
    case FIELD_WINDOW:
        return FIELD_CONST(record, field, struct rec_window)->n != 0;
    case FIELD_STRINGS:
    case FIELD_LABELS:
    case FIELD_REALS:
    case FIELD_FOUND:
    case FIELD_VALUES:
        return field_list(field, record) != NULL;
    default:
        return FIELD_CONST(record, field, struct rec_span)->data != NULL;
    }
}
