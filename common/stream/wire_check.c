#include <math.h>

#include "cli/utf8.h"
#include "stream/fields.h"
#include "stream/reader.h"
#include "stream/wire.h"

/* Does bin, when present, hold width bytes for each of count tokens? */
static int check_size(struct rec_span bin, const char *name, size_t width, size_t count,
                      struct wire_fault *fault)
{
    if (bin.data == NULL || (bin.size % width == 0 && bin.size / width == count))
        return 0;
    return wire_fault_set(fault, "field '%s' has %zu bytes, but %zu tokens need %zu each", name,
                          bin.size, count, width);
}

static int check_ids(const struct rec_tokens *tokens, uint64_t vocab_size, struct wire_fault *fault)
{
    uint32_t largest = rec_largest_id(tokens);

    if (tokens->ids.size > 0 && largest >= vocab_size)
        return wire_fault_set(fault, "token id %lu is outside the vocabulary of %llu",
                              (unsigned long)largest, (unsigned long long)vocab_size);
    return 0;
}

static int check_tokens(const struct rec_tokens *tokens, const struct stream_header *header,
                        struct wire_fault *fault)
{
    size_t count = rec_token_count(tokens);

    if (tokens->ids_type != header->ids_type)
        return wire_fault_set(fault, "ids are %s, but the header says %s",
                              stream_ids_type_name(tokens->ids_type),
                              stream_ids_type_name(header->ids_type));
    if (check_size(tokens->ids, "ids", tokens->ids_type == IDS_U16 ? 2 : 4, count, fault) != 0 ||
        check_size(tokens->types, "types", 1, count, fault) != 0 ||
        check_size(tokens->offsets, "offsets", 8, count, fault) != 0 ||
        check_size(tokens->words, "words", 4, count, fault) != 0 ||
        check_size(tokens->labels, "labels", 4, count, fault) != 0)
        return -1;
    return check_ids(tokens, header->tokenizer.vocab_size, fault);
}

/* A label given as an id must be one of the header's labels, when it lists them. */
static int check_label(const struct rec_label *label, const char *name,
                       const struct stream_header *header, struct wire_fault *fault)
{
    if (label->kind == LABEL_LIST) {
        for (uint32_t i = 0; i < label->count; i++)
            if (label->items[i].kind == LABEL_LIST ||
                check_label(&label->items[i], name, header, fault) != 0)
                return label->items[i].kind == LABEL_LIST
                           ? wire_fault_set(fault, "field '%s' has a list within a list", name)
                           : -1;
        return 0;
    }
    if (label->kind != LABEL_INT || !header->has_labels || header->problem != STREAM_PROBLEM_SINGLE)
        return 0;
    if (label->integer < 0 || (uint64_t)label->integer >= header->label_count)
        return wire_fault_set(fault, "field '%s': label %lld is outside the list of %zu labels",
                              name, (long long)label->integer, header->label_count);
    return 0;
}

static int check_text(const struct rec_text *text, struct wire_fault *fault)
{
    if (text->words != NULL && text->tags != NULL && text->word_count != text->tag_count)
        return wire_fault_set(fault, "%zu words have %zu tags", text->word_count, text->tag_count);
    return 0;
}

static int check_strings(const struct stream_record *record, struct wire_fault *fault)
{
    for (const struct field *field = stream_fields(record->type); field->name != NULL; field++) {
        const struct rec_span *span = FIELD_CONST(record, field, struct rec_span);

        if (field->required && (field->kind == FIELD_STRING || field->kind == FIELD_IDS) &&
            span->data == NULL)
            return wire_fault_set(fault, "field '%s' is missing", field->name);
    }
    return 0;
}

/* Of all lists together: as many as readers have memory for. */
static int check_items(const struct stream_record *record, struct wire_fault *fault)
{
    size_t items = 0;

    for (const struct field *field = stream_fields(record->type); field->name != NULL; field++) {
        if (field->kind == FIELD_LABEL &&
            FIELD_CONST(record, field, struct rec_label)->kind == LABEL_LIST)
            items += FIELD_CONST(record, field, struct rec_label)->count;
        else if (field_element_size(field->kind) > 0 && field_present(field, record))
            items += *FIELD_CONST_EXTRA(record, field, size_t);
    }
    return items <= STREAM_MAX_LIST ? 0
                                    : wire_fault_set(fault, WIRE_TOO_MANY_ITEMS, STREAM_MAX_LIST);
}

int wire_check_utf8(const struct stream_record *record, struct wire_fault *fault)
{
    for (const struct field *field = stream_fields(record->type); field->name != NULL; field++) {
        const struct rec_span *span = FIELD_CONST(record, field, struct rec_span);

        if (field->kind == FIELD_STRING && span->data != NULL &&
            utf8_valid_prefix(span->data, span->size) != span->size)
            return wire_fault_set(fault, "field '%s' is not UTF-8", field->name);
    }
    return 0;
}

static int check_outputs(const struct rec_prediction *prediction, struct wire_fault *fault)
{
    if (prediction->has_score && !isfinite(prediction->score))
        return wire_fault_set(fault, "field 'score' is not a finite number");
    for (size_t i = 0; i < prediction->prob_count; i++)
        if (!isfinite(prediction->probs[i]))
            return wire_fault_set(fault, "field 'probs' has a number that is not finite");
    return 0;
}

int wire_check_record(const struct stream_record *record, const struct stream_header *header,
                      struct wire_fault *fault)
{
    if (record->type != header->type)
        return wire_fault_set(fault, "is a %s record in a %s stream",
                              stream_type_name(record->type), stream_type_name(header->type));
    if (check_strings(record, fault) != 0 || check_items(record, fault) != 0)
        return -1;
    switch (record->type) {
    case STREAM_TEXT:
        if (check_text(&record->text, fault) != 0)
            return -1;
        return check_label(&record->text.label, "label", header, fault);
    case STREAM_TOKENS:
        if (check_tokens(&record->tokens, header, fault) != 0)
            return -1;
        return check_label(&record->tokens.label, "label", header, fault);
    case STREAM_PREDICTIONS:
        if (check_outputs(&record->prediction, fault) != 0)
            return -1;
        if (check_label(&record->prediction.label, "label", header, fault) != 0)
            return -1;
        return check_label(&record->prediction.gold, "gold", header, fault);
    case STREAM_METRICS:
        break;
    }
    return 0;
}
