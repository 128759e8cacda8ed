#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cli/memory.h"
#include "cli/utf8.h"
#include "stream/msgpack_scan.h"
#include "stream/reader.h"
#include "stream/wire.h"

/* Reads the header's map; every function gives 0, or -1 with the reason in fault. */
struct header_reader {
    struct mp_cursor cursor;
    struct stream_header *header;
    struct wire_fault *fault;
    size_t history_strings;
};

static int bad(struct header_reader *reader, const char *what)
{
    return wire_fault_set(reader->fault, "header: %s", what);
}

static int next_of_kind(struct header_reader *reader, enum mp_kind kind, struct mp_token *token,
                        const char *complaint)
{
    if (mp_next(&reader->cursor, token) != 0 || token->kind != kind)
        return bad(reader, complaint);
    return 0;
}

/* Embedded NULs would cut a string short and are refused. */
static int next_span(struct header_reader *reader, struct rec_span *span, const char *complaint)
{
    struct mp_token token;

    if (next_of_kind(reader, MP_STR, &token, complaint) != 0)
        return -1;
    if (utf8_valid_prefix(token.span.data, token.span.size) != token.span.size ||
        memchr(token.span.data, '\0', token.span.size) != NULL)
        return wire_fault_set(reader->fault, "header: %s (UTF-8 without NUL)", complaint);
    *span = token.span;
    return 0;
}

/* An owned copy in *string, which is not set yet. */
static int next_string(struct header_reader *reader, char **string, const char *complaint)
{
    struct rec_span span = {0};

    if (next_span(reader, &span, complaint) != 0)
        return -1;
    *string = mem_strndup(span.data, span.size);
    return 0;
}

/* Each of them takes more memory than bytes. */
static int next_history_string(struct header_reader *reader, char **string, const char *complaint)
{
    if (reader->history_strings++ == STREAM_MAX_HISTORY)
        return wire_fault_set(reader->fault, "header: 'history' has more than %zu strings",
                              STREAM_MAX_HISTORY);
    return next_string(reader, string, complaint);
}

/* Which of the names the next key is: names[*which], or NULL there for one of a later version.
 * *seen has a bit for each that has come. */
static int next_key(struct header_reader *reader, const char *const *names, size_t *which,
                    unsigned *seen, const char *complaint)
{
    struct mp_token token;

    if (next_of_kind(reader, MP_STR, &token, complaint) != 0)
        return -1;
    for (*which = 0; names[*which] != NULL; ++*which) {
        if (!rec_span_equal(token.span, names[*which]))
            continue;
        if (*seen & 1U << *which)
            return wire_fault_set(reader->fault, "header: '%s' is there twice", names[*which]);
        *seen |= 1U << *which;
        break;
    }
    return 0;
}

static int next_count(struct header_reader *reader, uint64_t *value, const char *complaint)
{
    struct mp_token token;

    if (next_of_kind(reader, MP_INT, &token, complaint) != 0 || token.integer < 0)
        return bad(reader, complaint);
    *value = (uint64_t)token.integer;
    return 0;
}

/* A name out of a NULL-terminated list; its index in *choice. */
static int next_choice(struct header_reader *reader, const char *(*name_of)(unsigned),
                       unsigned first, unsigned last, unsigned *choice, const char *what)
{
    struct mp_token token;

    if (mp_next(&reader->cursor, &token) != 0 || token.kind != MP_STR)
        return wire_fault_set(reader->fault, "header: '%s' is no string", what);
    for (unsigned i = first; i <= last; i++)
        if (rec_span_equal(token.span, name_of(i))) {
            *choice = i;
            return 0;
        }
    return wire_fault_set(reader->fault, "header: unknown %s '%.*s'", what,
                          (int)(token.span.size < 64 ? token.span.size : 64), token.span.data);
}

static const char *type_name(unsigned value)
{
    return stream_type_name((enum stream_type)value);
}

static const char *problem_name(unsigned value)
{
    return stream_problem_name((enum stream_problem)value);
}

static const char *ids_type_name(unsigned value)
{
    return stream_ids_type_name((enum stream_ids_type)value);
}

static int read_labels(struct header_reader *reader)
{
    static const char complaint[] = "'labels' is no list of strings";
    struct mp_token token;
    struct rec_span *labels;
    int status = 0;

    if (next_of_kind(reader, MP_ARRAY, &token, complaint) != 0)
        return -1;
    if (token.count > STREAM_MAX_LIST)
        return wire_fault_set(reader->fault, "header: more than %zu labels", STREAM_MAX_LIST);
    labels = mem_calloc(token.count, sizeof *labels);
    for (uint32_t i = 0; i < token.count && status == 0; i++)
        status = next_span(reader, &labels[i], complaint);
    if (status == 0)
        stream_header_set_label_spans(reader->header, labels, token.count);
    free(labels);
    return status;
}

static int read_history_options(struct header_reader *reader, struct stream_history_entry *entry)
{
    struct mp_token token;

    if (next_of_kind(reader, MP_MAP, &token, "'history' has options that are no map") != 0)
        return -1;
    for (uint32_t i = 0, count = token.count; i < count; i++) {
        struct stream_option *option;

        mem_grow(&entry->options, &entry->option_capacity, entry->option_count + 1,
                 sizeof *entry->options);
        option = &entry->options[entry->option_count++];
        *option = (struct stream_option){0};
        if (next_history_string(reader, &option->key, "'history' has an option without a name") !=
                0 ||
            next_history_string(reader, &option->value,
                                "'history' has an option that is no string") != 0)
            return -1;
    }
    return 0;
}

static int read_history_entry(struct header_reader *reader)
{
    static const char *const names[] = {"tool", "version", "options", NULL};
    struct stream_header *header = reader->header;
    struct stream_history_entry *entry;
    struct mp_token token;
    unsigned seen = 0;
    size_t which;

    if (next_of_kind(reader, MP_MAP, &token, "'history' has an entry that is no map") != 0)
        return -1;
    mem_grow(&header->history, &header->history_capacity, header->history_count + 1,
             sizeof *header->history);
    entry = &header->history[header->history_count++];
    *entry = (struct stream_history_entry){0};
    for (uint32_t i = 0, count = token.count; i < count; i++) {
        int status =
            next_key(reader, names, &which, &seen, "'history' has a key that is no string");

        if (status != 0)
            return -1;
        if (which == 0)
            status =
                next_history_string(reader, &entry->tool, "'history' has a tool without a name");
        else if (which == 1)
            status = next_history_string(reader, &entry->version,
                                         "'history' has a version that is no string");
        else if (which == 2)
            status = read_history_options(reader, entry);
        else
            status = mp_skip(&reader->cursor, NULL);
        if (status != 0)
            return -1;
    }
    if (entry->tool == NULL || entry->version == NULL)
        return bad(reader, "'history' has an entry without tool or version");
    return 0;
}

static int read_history(struct header_reader *reader)
{
    struct mp_token token;

    if (next_of_kind(reader, MP_ARRAY, &token, "'history' is no list") != 0)
        return -1;
    for (uint32_t i = 0, count = token.count; i < count; i++)
        if (read_history_entry(reader) != 0)
            return -1;
    return 0;
}

static int read_part(struct header_reader *reader)
{
    static const char complaint[] = "'part' is no [k, n, set id] with 1 <= k <= n";
    struct stream_part *part = &reader->header->part;
    struct mp_token token;

    if (next_of_kind(reader, MP_ARRAY, &token, complaint) != 0 || token.count != 3 ||
        next_count(reader, &part->k, complaint) != 0 ||
        next_count(reader, &part->n, complaint) != 0 ||
        next_string(reader, &part->set, complaint) != 0 || part->k < 1 || part->k > part->n ||
        part->n > STREAM_MAX_PARTS)
        return bad(reader, complaint);
    part->present = true;
    return 0;
}

static int read_model(struct header_reader *reader)
{
    static const char *const names[] = {"name", "digest", NULL};
    struct stream_model *model = &reader->header->model;
    struct mp_token token;
    unsigned seen = 0;
    size_t which;

    if (next_of_kind(reader, MP_MAP, &token, "'model' is no map") != 0)
        return -1;
    for (uint32_t i = 0, count = token.count; i < count; i++) {
        int status = next_key(reader, names, &which, &seen, "'model' has a key that is no string");

        if (status != 0)
            return -1;
        if (which == 0)
            status = next_string(reader, &model->name, "the model's name is no string");
        else if (which == 1)
            status = next_string(reader, &model->digest, "the model's digest is no string");
        else
            status = mp_skip(&reader->cursor, NULL);
        if (status != 0)
            return -1;
    }
    return model->name != NULL ? 0 : bad(reader, "'model' has no name");
}

static int read_special(struct header_reader *reader, int64_t *special)
{
    uint64_t id = 0;

    if (next_count(reader, &id, "the id of a special token is no count") != 0)
        return -1;
    *special = (int64_t)id;
    return 0;
}

enum tokenizer_key {
    DIGEST,
    KIND,
    VOCAB_SIZE,
    MAX_LENGTH,
    CLS,
    SEP,
    PAD,
    UNK,
    MASK,
    TOKENIZER_KEYS
};
static const char *const tokenizer_keys[TOKENIZER_KEYS + 1] = {
    "digest", "kind", "vocab_size", "max_length", "cls", "sep", "pad", "unk", "mask"};

static int read_tokenizer_key(struct header_reader *reader, size_t which)
{
    struct stream_tokenizer *tokenizer = &reader->header->tokenizer;

    switch (which) {
    case DIGEST:
        return next_string(reader, &tokenizer->digest, "the tokenizer's digest is no string");
    case KIND:
        return next_string(reader, &tokenizer->kind, "the tokenizer's kind is no string");
    case VOCAB_SIZE:
        return next_count(reader, &tokenizer->vocab_size, "'vocab_size' is no count");
    case MAX_LENGTH:
        return next_count(reader, &tokenizer->max_length, "'max_length' is no count");
    case CLS:
        return read_special(reader, &tokenizer->cls);
    case SEP:
        return read_special(reader, &tokenizer->sep);
    case PAD:
        return read_special(reader, &tokenizer->pad);
    case UNK:
        return read_special(reader, &tokenizer->unk);
    case MASK:
        return read_special(reader, &tokenizer->mask);
    default:
        return mp_skip(&reader->cursor, NULL);
    }
}

static int read_tokenizer(struct header_reader *reader)
{
    const struct stream_tokenizer *tokenizer = &reader->header->tokenizer;
    struct mp_token token;
    unsigned seen = 0;
    size_t which;

    if (next_of_kind(reader, MP_MAP, &token, "'tokenizer' is no map") != 0)
        return -1;
    for (uint32_t i = 0, count = token.count; i < count; i++)
        if (next_key(reader, tokenizer_keys, &which, &seen,
                     "'tokenizer' has a key that is no string") != 0 ||
            read_tokenizer_key(reader, which) != 0)
            return -1;
    if (tokenizer->digest == NULL || tokenizer->vocab_size == 0 ||
        tokenizer->vocab_size > UINT32_MAX)
        return bad(reader, "'tokenizer' has no digest or no vocab_size");
    return 0;
}

static int read_type(struct header_reader *reader)
{
    unsigned choice = 0;

    if (next_choice(reader, type_name, STREAM_TEXT, STREAM_METRICS, &choice, "type") != 0)
        return -1;
    reader->header->type = (enum stream_type)choice;
    return 0;
}

static int read_problem(struct header_reader *reader)
{
    unsigned choice = 0;

    if (next_choice(reader, problem_name, STREAM_PROBLEM_NONE, STREAM_PROBLEM_MLM, &choice,
                    "problem") != 0)
        return -1;
    reader->header->problem = (enum stream_problem)choice;
    return 0;
}

static int read_ids_type(struct header_reader *reader)
{
    unsigned choice = 0;

    if (next_choice(reader, ids_type_name, IDS_U16, IDS_U32, &choice, "ids_type") != 0)
        return -1;
    reader->header->ids_type = (enum stream_ids_type)choice;
    return 0;
}

static const char *const header_keys[] = {"type", "problem", "ids_type",  "labels", "history",
                                          "part", "model",   "tokenizer", NULL};
static int (*const header_readers[])(struct header_reader *) = {
    read_type,    read_problem, read_ids_type, read_labels,
    read_history, read_part,    read_model,    read_tokenizer,
};

static int check_header(struct header_reader *reader, bool has_type)
{
    const struct stream_header *header = reader->header;

    if (!has_type)
        return bad(reader, "'type' is missing");
    if (header->type != STREAM_TOKENS)
        return 0;
    if (header->tokenizer.digest == NULL)
        return bad(reader, "a tokens stream states no tokenizer");
    if (header->ids_type != stream_ids_type_for(header->tokenizer.vocab_size))
        return bad(reader, "'ids_type' does not follow from vocab_size");
    return 0;
}

static int read_map(struct header_reader *reader)
{
    struct mp_token token;
    unsigned seen = 0;
    size_t which;

    if (next_of_kind(reader, MP_MAP, &token, "is no map") != 0)
        return -1;
    for (uint32_t i = 0, count = token.count; i < count; i++) {
        if (next_key(reader, header_keys, &which, &seen, "has a key that is no string") != 0)
            return -1;
        if ((header_keys[which] != NULL ? header_readers[which](reader)
                                        : mp_skip(&reader->cursor, NULL)) != 0)
            return -1;
    }
    return check_header(reader, seen & 1); /* the type's bit */
}

int wire_decode_header(struct rec_span bytes, struct stream_header *header,
                       struct wire_fault *fault)
{
    struct header_reader reader = {
        .cursor = {bytes.data, bytes.data + bytes.size}, .header = header, .fault = fault};
    struct mp_token token;
    uint64_t version = 0;

    wire_fault_set(fault, "damaged header");
    stream_header_init(header, STREAM_TEXT);
    if (mp_next(&reader.cursor, &token) != 0 || mp_next(&reader.cursor, &token) != 0 ||
        next_count(&reader, &version, "has no version") != 0)
        return bad(&reader, "has no version");
    if (version != STREAM_VERSION)
        return wire_fault_set(fault, "format version %llu is not supported, only %d",
                              (unsigned long long)version, STREAM_VERSION);
    if (read_map(&reader) != 0) {
        stream_header_free(header);
        return -1;
    }
    return 0;
}

int wire_decode_control(struct rec_span bytes, struct wire_control *control,
                        struct wire_fault *fault)
{
    struct mp_cursor cursor = {bytes.data, bytes.data + bytes.size};
    struct mp_token array, name, count, hash;
    XXH64_canonical_t canonical;

    if (mp_next(&cursor, &array) != 0 || array.kind != MP_ARRAY || array.count != 3 ||
        mp_next(&cursor, &name) != 0 || name.kind != MP_STR)
        return wire_fault_set(fault, "neither record nor header, check or end");
    if (rec_span_equal(name.span, "bertpipe")) {
        control->kind = WIRE_HEADER;
        return 0;
    }
    if (rec_span_equal(name.span, "check"))
        control->kind = WIRE_CHECK;
    else if (rec_span_equal(name.span, "end"))
        control->kind = WIRE_END;
    else
        return wire_fault_set(fault, "neither record nor header, check or end");
    /* The widths are fixed, so that there is one spelling of a check and its size is known. */
    if (bytes.size != (control->kind == WIRE_CHECK ? WIRE_CONTROL_BYTES : WIRE_CONTROL_BYTES - 2) ||
        mp_next(&cursor, &count) != 0 || count.kind != MP_INT || count.length != 9 ||
        count.integer < 0 || mp_next(&cursor, &hash) != 0 || hash.kind != MP_BIN ||
        hash.span.size != sizeof canonical.digest)
        return wire_fault_set(fault, "damaged %s", control->kind == WIRE_CHECK ? "check" : "end");
    control->count = (uint64_t)count.integer;
    memcpy(canonical.digest, hash.span.data, sizeof canonical.digest);
    control->hash = XXH64_hashFromCanonical(&canonical);
    return 0;
}
