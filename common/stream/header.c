#include "stream/header.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/version.h"
#include "stream/record.h"

static const char *const type_names[] = {"text", "tokens", "predictions", "metrics", NULL};
const char *const stream_problem_names[] = {"none",  "single", "multi", "regression",
                                            "token", "mlm",    NULL};
static const char *const ids_type_names[] = {"none", "u16", "u32", NULL};

const char *stream_type_name(enum stream_type type)
{
    return type_names[type];
}

const char *stream_problem_name(enum stream_problem problem)
{
    return stream_problem_names[problem];
}

const char *stream_ids_type_name(enum stream_ids_type type)
{
    return ids_type_names[type];
}

enum stream_ids_type stream_ids_type_for(uint64_t vocab_size)
{
    return vocab_size <= 65536 ? IDS_U16 : IDS_U32;
}

void stream_header_init(struct stream_header *header, enum stream_type type)
{
    *header = (struct stream_header){.type = type};
    header->tokenizer.cls = header->tokenizer.sep = header->tokenizer.pad = -1;
    header->tokenizer.unk = header->tokenizer.mask = -1;
}

static void free_labels(struct stream_header *header)
{
    free(header->labels);
    header->labels = NULL;
    header->label_count = 0;
    header->has_labels = false;
}

static void free_history_options(struct stream_history_entry *entry)
{
    for (size_t i = 0; i < entry->option_count; i++) {
        free(entry->options[i].key);
        free(entry->options[i].value);
    }
    free(entry->options);
    entry->options = NULL;
    entry->option_count = entry->option_capacity = 0;
}

static void free_history(struct stream_header *header)
{
    for (size_t i = 0; i < header->history_count; i++) {
        free_history_options(&header->history[i]);
        free(header->history[i].tool);
        free(header->history[i].version);
    }
    free(header->history);
    header->history = NULL;
    header->history_count = header->history_capacity = 0;
}

void stream_header_free(struct stream_header *header)
{
    free_labels(header);
    free_history(header);
    free(header->part.set);
    free(header->model.name);
    free(header->model.digest);
    free(header->tokenizer.digest);
    free(header->tokenizer.kind);
    *header = (struct stream_header){0};
}

static char *copy_or_null(const char *string)
{
    return string != NULL ? mem_strdup(string) : NULL;
}

void stream_history_append_version(struct stream_header *header, const char *tool,
                                   const char *version)
{
    mem_grow(&header->history, &header->history_capacity, header->history_count + 1,
             sizeof *header->history);
    header->history[header->history_count++] = (struct stream_history_entry){
        .tool = mem_strdup(tool),
        .version = mem_strdup(version),
    };
}

/* Takes over value. */
static void append_option(struct stream_header *header, const char *key, char *value)
{
    struct stream_history_entry *entry = &header->history[header->history_count - 1];

    mem_grow(&entry->options, &entry->option_capacity, entry->option_count + 1,
             sizeof *entry->options);
    entry->options[entry->option_count++] =
        (struct stream_option){.key = mem_strdup(key), .value = value};
}

void stream_history_append(struct stream_header *header, const char *tool)
{
    stream_history_append_version(header, tool, BERTPIPE_VERSION);
}

void stream_history_option(struct stream_header *header, const char *key, const char *format, ...)
{
    va_list arguments;
    char *value;

    va_start(arguments, format);
    value = mem_format_list(format, arguments);
    va_end(arguments);
    append_option(header, key, value);
}

int stream_history_find_rule(enum stream_history_rule *rule)
{
    static const char *const names[] = {"full", "programs", "none"};
    const char *wanted = getenv("BERTPIPE_HISTORY");

    *rule = HISTORY_FULL;
    if (wanted == NULL || *wanted == '\0')
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(wanted, names[i]) == 0) {
            *rule = (enum stream_history_rule)i;
            return 0;
        }
    return diag_error("BERTPIPE_HISTORY: '%s' is none of full, programs, none", wanted);
}

void stream_history_redact(struct stream_header *header, enum stream_history_rule rule)
{
    for (size_t i = 0; i < header->history_count && rule == HISTORY_PROGRAMS; i++)
        free_history_options(&header->history[i]);
    if (rule == HISTORY_NONE)
        free_history(header);
}

void stream_header_copy(struct stream_header *header, const struct stream_header *source)
{
    stream_header_init(header, source->type);
    header->problem = source->problem;
    if (source->has_labels)
        stream_header_set_labels(header, (const char *const *)source->labels, source->label_count);
    for (size_t i = 0; i < source->history_count; i++) {
        const struct stream_history_entry *entry = &source->history[i];

        stream_history_append_version(header, entry->tool, entry->version);
        for (size_t j = 0; j < entry->option_count; j++)
            append_option(header, entry->options[j].key, mem_strdup(entry->options[j].value));
    }
    if (source->part.present)
        stream_header_set_part(header, source->part.k, source->part.n, source->part.set);
    if (source->model.name != NULL)
        stream_header_set_model(header, source->model.name, source->model.digest);
    if (source->tokenizer.digest != NULL)
        stream_header_set_tokenizer(header, &source->tokenizer);
}

void stream_header_set_labels(struct stream_header *header, const char *const *names, size_t count)
{
    struct rec_span *spans = mem_calloc(count, sizeof *spans);

    for (size_t i = 0; i < count; i++)
        spans[i] = rec_span_of(names[i]);
    stream_header_set_label_spans(header, spans, count);
    free(spans);
}

/* Names may be many and short, so they share a block with the pointers to them. */
void stream_header_set_label_spans(struct stream_header *header, const struct rec_span *names,
                                   size_t count)
{
    size_t size = count * sizeof(char *) + 1;
    char **labels, *text;

    for (size_t i = 0; i < count; i++)
        size += names[i].size + 1;
    labels = mem_alloc(size);
    text = (char *)(labels + count);
    for (size_t i = 0; i < count; i++) {
        labels[i] = text;
        memcpy(text, names[i].data, names[i].size);
        text[names[i].size] = '\0';
        text += names[i].size + 1;
    }
    free_labels(header);
    header->labels = labels;
    header->label_count = count;
    header->has_labels = true;
}

void stream_header_set_model(struct stream_header *header, const char *name, const char *digest)
{
    char *name_copy = copy_or_null(name), *digest_copy = copy_or_null(digest);

    free(header->model.name);
    free(header->model.digest);
    header->model.name = name_copy;
    header->model.digest = digest_copy;
}

void stream_header_set_tokenizer(struct stream_header *header,
                                 const struct stream_tokenizer *tokenizer)
{
    struct stream_tokenizer copy = *tokenizer;

    copy.digest = copy_or_null(tokenizer->digest);
    copy.kind = copy_or_null(tokenizer->kind);
    free(header->tokenizer.digest);
    free(header->tokenizer.kind);
    header->tokenizer = copy;
    if (header->type == STREAM_TOKENS)
        header->ids_type = stream_ids_type_for(copy.vocab_size);
}

void stream_header_set_part(struct stream_header *header, uint64_t k, uint64_t n, const char *set)
{
    char *copy = mem_strdup(set);

    free(header->part.set);
    header->part = (struct stream_part){.present = true, .k = k, .n = n, .set = copy};
}

void stream_header_clear_part(struct stream_header *header)
{
    free(header->part.set);
    header->part = (struct stream_part){0};
}

static bool same_string(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool stream_header_same_labels(const struct stream_header *a, const struct stream_header *b)
{
    if (a->has_labels != b->has_labels || a->label_count != b->label_count)
        return false;
    for (size_t i = 0; i < a->label_count; i++)
        if (strcmp(a->labels[i], b->labels[i]) != 0)
            return false;
    return true;
}

static const char *or_none(const char *string)
{
    return string != NULL ? string : "none";
}

int stream_header_agree(const struct stream_header *first, const struct stream_header *other,
                        const char *place)
{
    if (first->type != other->type)
        return diag_error("%s: a %s segment follows a %s segment", place,
                          stream_type_name(other->type), stream_type_name(first->type));
    if (first->problem != other->problem)
        return diag_error("%s: segments disagree on the problem: %s, then %s", place,
                          stream_problem_name(first->problem), stream_problem_name(other->problem));
    if (!stream_header_same_labels(first, other))
        return diag_error("%s: segments disagree on the labels", place);
    if (!same_string(first->tokenizer.digest, other->tokenizer.digest))
        return diag_error("%s: segments disagree on the tokenizer: %s, then %s", place,
                          or_none(first->tokenizer.digest), or_none(other->tokenizer.digest));
    return 0;
}

int stream_header_expect(const struct stream_header *header, enum stream_type type,
                         const char *place)
{
    if (header->type == type)
        return 0;
    return diag_error("%s: needs a %s stream, this is a %s stream", place, stream_type_name(type),
                      stream_type_name(header->type));
}
