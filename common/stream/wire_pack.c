#include <msgpack/pack.h>
#include <string.h>
#include <xxhash.h>

#include "stream/fields.h"
#include "stream/wire.h"

static int append_to_buffer(void *buffer, const char *data, size_t size)
{
    buffer_append(buffer, data, size);
    return 0;
}

static msgpack_packer packer_into(struct buffer *out)
{
    msgpack_packer packer;

    msgpack_packer_init(&packer, out, append_to_buffer);
    return packer;
}

static void pack_span(msgpack_packer *packer, struct rec_span span)
{
    msgpack_pack_str(packer, span.size);
    msgpack_pack_str_body(packer, span.data, span.size);
}

static void pack_string(msgpack_packer *packer, const char *string)
{
    pack_span(packer, rec_span_of(string));
}

static void pack_bin(msgpack_packer *packer, struct rec_span span)
{
    msgpack_pack_bin(packer, span.size);
    msgpack_pack_bin_body(packer, span.data, span.size);
}

/* The shorter form where it loses nothing; NaN is not equal to itself and goes the short way too.
 */
static void pack_real(msgpack_packer *packer, double value)
{
    float single = (float)value;

    if ((double)single == value || value != value)
        msgpack_pack_float(packer, single);
    else
        msgpack_pack_double(packer, value);
}

static void pack_label(msgpack_packer *packer, const struct rec_label *label)
{
    switch (label->kind) {
    case LABEL_NONE:
        msgpack_pack_nil(packer);
        break;
    case LABEL_INT:
        msgpack_pack_int64(packer, label->integer);
        break;
    case LABEL_FLOAT:
        pack_real(packer, label->real);
        break;
    case LABEL_STRING:
        pack_span(packer, label->string);
        break;
    case LABEL_LIST:
        msgpack_pack_array(packer, label->count);
        for (uint32_t i = 0; i < label->count; i++)
            pack_label(packer, &label->items[i]);
        break;
    }
}

static void pack_found(msgpack_packer *packer, const struct rec_found *found)
{
    msgpack_pack_array(packer, 4);
    msgpack_pack_uint32(packer, found->first);
    msgpack_pack_uint32(packer, found->last);
    pack_span(packer, found->name);
    pack_real(packer, found->score);
}

static void pack_list(msgpack_packer *packer, const struct field *field, const void *list,
                      size_t count)
{
    if (field->kind == FIELD_VALUES)
        msgpack_pack_map(packer, count);
    else
        msgpack_pack_array(packer, count);
    for (size_t i = 0; i < count; i++) {
        if (field->kind == FIELD_STRINGS) {
            pack_span(packer, ((const struct rec_span *)list)[i]);
        } else if (field->kind == FIELD_LABELS) {
            pack_label(packer, &((const struct rec_label *)list)[i]);
        } else if (field->kind == FIELD_REALS) {
            pack_real(packer, ((const double *)list)[i]);
        } else if (field->kind == FIELD_FOUND) {
            pack_found(packer, &((const struct rec_found *)list)[i]);
        } else {
            pack_span(packer, ((const struct rec_value *)list)[i].name);
            pack_real(packer, ((const struct rec_value *)list)[i].value);
        }
    }
}

static void pack_window(msgpack_packer *packer, const struct rec_window *window)
{
    msgpack_pack_array(packer, 3);
    msgpack_pack_uint64(packer, window->k);
    msgpack_pack_uint64(packer, window->n);
    msgpack_pack_uint64(packer, window->first_token);
}

static void pack_field(msgpack_packer *packer, struct buffer *out, const struct field *field,
                       const struct stream_record *record)
{
    const struct rec_span *span = FIELD_CONST(record, field, struct rec_span);

    switch (field->kind) {
    case FIELD_STRING:
        pack_span(packer, *span);
        break;
    case FIELD_IDS:
    case FIELD_BIN_U8:
    case FIELD_BIN_U32:
    case FIELD_BIN_I32:
    case FIELD_BIN_U32_PAIRS:
        pack_bin(packer, *span);
        break;
    case FIELD_UNSIGNED:
        msgpack_pack_uint64(packer, *FIELD_CONST(record, field, uint64_t));
        break;
    case FIELD_REAL:
        pack_real(packer, *FIELD_CONST(record, field, double));
        break;
    case FIELD_LABEL:
        pack_label(packer, FIELD_CONST(record, field, struct rec_label));
        break;
    case FIELD_WINDOW:
        pack_window(packer, FIELD_CONST(record, field, struct rec_window));
        break;
    case FIELD_MAP:
        buffer_append(out, span->data, span->size);
        break;
    default:
        pack_list(packer, field, field_list(field, record),
                  *FIELD_CONST_EXTRA(record, field, size_t));
        break;
    }
}

void wire_pack_value(struct buffer *out, const struct field *field,
                     const struct stream_record *record)
{
    msgpack_packer packer = packer_into(out);

    pack_field(&packer, out, field, record);
}

void wire_pack_record(struct buffer *out, const struct stream_record *record)
{
    const struct field *fields = stream_fields(record->type);
    msgpack_packer packer = packer_into(out);
    size_t count = 0;

    for (const struct field *field = fields; field->name != NULL; field++)
        count += field_present(field, record);
    msgpack_pack_map(&packer, count);
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (!field_present(field, record))
            continue;
        pack_string(&packer, field->name);
        pack_field(&packer, out, field, record);
    }
}

void wire_pack_control(struct buffer *out, const char *name, uint64_t count, uint64_t hash)
{
    msgpack_packer packer = packer_into(out);
    XXH64_canonical_t canonical;
    unsigned char fixed[9] = {0xcf};

    msgpack_pack_array(&packer, 3);
    pack_string(&packer, name);
    /* Always the widest form: the item has one size whatever it counts. */
    for (unsigned i = 0; i < 8; i++)
        fixed[1 + i] = (unsigned char)(count >> (56 - 8 * i));
    buffer_append(out, fixed, sizeof fixed);
    XXH64_canonicalFromHash(&canonical, hash);
    pack_bin(&packer, (struct rec_span){(const char *)canonical.digest, sizeof canonical.digest});
}

static void pack_history(msgpack_packer *packer, const struct stream_header *header)
{
    pack_string(packer, "history");
    msgpack_pack_array(packer, header->history_count);
    for (size_t i = 0; i < header->history_count; i++) {
        const struct stream_history_entry *entry = &header->history[i];

        msgpack_pack_map(packer, 3);
        pack_string(packer, "tool");
        pack_string(packer, entry->tool);
        pack_string(packer, "version");
        pack_string(packer, entry->version);
        pack_string(packer, "options");
        msgpack_pack_map(packer, entry->option_count);
        for (size_t j = 0; j < entry->option_count; j++) {
            pack_string(packer, entry->options[j].key);
            pack_string(packer, entry->options[j].value);
        }
    }
}

static void pack_tokenizer(msgpack_packer *packer, const struct stream_tokenizer *tokenizer)
{
    const struct {
        const char *name;
        int64_t id;
    } specials[] = {
        {"cls", tokenizer->cls}, {"sep", tokenizer->sep},   {"pad", tokenizer->pad},
        {"unk", tokenizer->unk}, {"mask", tokenizer->mask},
    };
    const size_t special_count = sizeof specials / sizeof specials[0];
    size_t known = 0;

    for (size_t i = 0; i < special_count; i++)
        known += specials[i].id >= 0;
    pack_string(packer, "tokenizer");
    msgpack_pack_map(packer, 4 + known);
    pack_string(packer, "digest");
    pack_string(packer, tokenizer->digest);
    pack_string(packer, "kind");
    pack_string(packer, tokenizer->kind != NULL ? tokenizer->kind : "wordpiece");
    pack_string(packer, "vocab_size");
    msgpack_pack_uint64(packer, tokenizer->vocab_size);
    pack_string(packer, "max_length");
    msgpack_pack_uint64(packer, tokenizer->max_length);
    for (size_t i = 0; i < special_count; i++)
        if (specials[i].id >= 0) {
            pack_string(packer, specials[i].name);
            msgpack_pack_int64(packer, specials[i].id);
        }
}

static void pack_labels(msgpack_packer *packer, const struct stream_header *header)
{
    pack_string(packer, "labels");
    msgpack_pack_array(packer, header->label_count);
    for (size_t i = 0; i < header->label_count; i++)
        pack_string(packer, header->labels[i]);
}

static void pack_model(msgpack_packer *packer, const struct stream_model *model)
{
    pack_string(packer, "model");
    msgpack_pack_map(packer, 1 + (model->digest != NULL));
    pack_string(packer, "name");
    pack_string(packer, model->name);
    if (model->digest != NULL) {
        pack_string(packer, "digest");
        pack_string(packer, model->digest);
    }
}

static void pack_part(msgpack_packer *packer, const struct stream_part *part)
{
    pack_string(packer, "part");
    msgpack_pack_array(packer, 3);
    msgpack_pack_uint64(packer, part->k);
    msgpack_pack_uint64(packer, part->n);
    pack_string(packer, part->set);
}

void wire_pack_header(struct buffer *out, const struct stream_header *header)
{
    msgpack_packer packer = packer_into(out);

    msgpack_pack_array(&packer, 3);
    pack_string(&packer, "bertpipe");
    msgpack_pack_int(&packer, STREAM_VERSION);
    msgpack_pack_map(&packer, 2U + (header->problem != STREAM_PROBLEM_NONE) + header->has_labels +
                                  header->part.present + (header->model.name != NULL) +
                                  (header->tokenizer.digest != NULL) +
                                  (header->ids_type != IDS_NONE));
    pack_string(&packer, "type");
    pack_string(&packer, stream_type_name(header->type));
    if (header->problem != STREAM_PROBLEM_NONE) {
        pack_string(&packer, "problem");
        pack_string(&packer, stream_problem_name(header->problem));
    }
    if (header->has_labels)
        pack_labels(&packer, header);
    pack_history(&packer, header);
    if (header->part.present)
        pack_part(&packer, &header->part);
    if (header->model.name != NULL)
        pack_model(&packer, &header->model);
    if (header->tokenizer.digest != NULL)
        pack_tokenizer(&packer, &header->tokenizer);
    if (header->ids_type != IDS_NONE) {
        pack_string(&packer, "ids_type");
        pack_string(&packer, stream_ids_type_name(header->ids_type));
    }
}
