#include "stream/load.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/utf8.h"
#include "stream/load_internal.h"

const char *const load_format_names[] = {"lines", "tsv", "csv", "jsonl", NULL};

struct loader *loader_new(const struct load_options *options, struct stream_writer *writer)
{
    struct loader *loader = mem_calloc(1, sizeof *loader);

    loader->options = options;
    loader->writer = writer;
    stream_header_init(&loader->header, STREAM_TEXT);
    loader->header.problem = loader->problem = options->problem;
    for (size_t i = 0; i < options->label_count; i++)
        string_index_add(&loader->label_index, options->labels[i], strlen(options->labels[i]),
                         NULL);
    if (options->labels != NULL)
        stream_header_set_labels(&loader->header, (const char *const *)options->labels,
                                 options->label_count);
    stream_history_append(&loader->header, options->tool);
    stream_history_option(&loader->header, "from", "%s", load_format_names[options->format]);
    if (options->format != LOAD_LINES) {
        stream_history_option(&loader->header, "text-field", "%s", options->text.name);
        stream_history_option(&loader->header, "label-field", "%s", options->label.name);
    }
    stream_history_option(&loader->header, "invalid", "%s",
                          options->replace_invalid ? "replace" : "error");
    return loader;
}

static void free_columns(struct loader *loader)
{
    for (size_t i = 0; i < loader->column_count; i++)
        free(loader->columns[i]);
    free(loader->columns);
    free(loader->roles);
    loader->columns = NULL;
    loader->roles = NULL;
    loader->column_count = 0;
}

void loader_free(struct loader *loader)
{
    if (loader == NULL)
        return;
    stream_header_free(&loader->header);
    string_index_free(&loader->label_index);
    buffer_free(&loader->repaired);
    buffer_free(&loader->id);
    buffer_free(&loader->x);
    buffer_free(&loader->row.bytes);
    free(loader->row.ends);
    free(loader->lists.words);
    free(loader->lists.tags);
    free(loader->lists.labels);
    free_columns(loader);
    free(loader);
}

int load_fail(const struct loader *loader, const char *format, ...)
{
    char reason[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return diag_error("%s: line %" PRIu64 ": %s", loader->lines.input.name, loader->lines.number,
                      reason);
}

static int check_utf8(struct loader *loader, const char **data, size_t *size)
{
    size_t valid = utf8_valid_prefix(*data, *size);

    if (valid == *size)
        return 0;
    if (!loader->options->replace_invalid)
        return load_fail(loader, "invalid UTF-8 at byte %zu (0x%02x)", valid + 1,
                         (unsigned char)(*data)[valid]);
    loader->repaired.size = 0;
    utf8_append_repaired(&loader->repaired, *data, *size);
    *data = loader->repaired.data;
    *size = loader->repaired.size;
    return 0;
}

int load_next_line(struct loader *loader, const char **line, size_t *size)
{
    static const char mark[] = "\xef\xbb\xbf";
    const size_t mark_size = sizeof mark - 1;
    char *data;
    int found = line_reader_next(&loader->lines, &data, size);

    if (found <= 0)
        return found;
    *line = data;
    if (loader->lines.number == 1 && *size >= mark_size && memcmp(data, mark, mark_size) == 0) {
        *line += mark_size;
        *size -= mark_size;
    }
    return check_utf8(loader, line, size) == 0 ? 1 : -1;
}

static enum stream_problem problem_of(const struct rec_text *text)
{
    if (text->tags != NULL)
        return STREAM_PROBLEM_TOKEN;
    switch (text->label.kind) {
    case LABEL_INT:
    case LABEL_STRING:
        return STREAM_PROBLEM_SINGLE;
    case LABEL_FLOAT:
        return STREAM_PROBLEM_REGRESSION;
    case LABEL_LIST:
        return STREAM_PROBLEM_MULTI;
    case LABEL_NONE:
        break;
    }
    return STREAM_PROBLEM_NONE;
}

static int begin(struct loader *loader, const struct rec_text *text)
{
    if (loader->begun)
        return 0;
    if (loader->header.problem == STREAM_PROBLEM_NONE && text != NULL)
        loader->header.problem = loader->problem = problem_of(text); /* and of what follows */
    loader->begun = true;
    return stream_writer_begin(loader->writer, &loader->header);
}

int load_emit(struct loader *loader, struct stream_record *record)
{
    struct rec_text *text = &record->text;

    if (text->id.data == NULL) {
        loader->id.size = 0;
        if (loader->id_prefix != NULL) {
            utf8_append_repaired(&loader->id, loader->id_prefix, strlen(loader->id_prefix));
            buffer_append_char(&loader->id, ':');
        }
        buffer_format(&loader->id, "%" PRIu64, loader->lines.number);
        text->id = (struct rec_span){loader->id.data, loader->id.size};
    }
    if (begin(loader, text) != 0)
        return -1;
    if (text->label.kind == LABEL_FLOAT && loader->header.problem == STREAM_PROBLEM_SINGLE)
        return load_fail(loader, "label %g is no class (--problem regression, if it is a value)",
                         text->label.real);
    return stream_writer_record(loader->writer, record);
}

int loader_read(struct loader *loader, const char *path, const char *id_prefix)
{
    static int (*const formats[])(struct loader *) = {load_lines, load_tsv, load_csv, load_jsonl};
    size_t max_record = loader->options->max_record;
    int status;

    if (line_reader_open(&loader->lines, path, max_record > 0 ? max_record : STREAM_MAX_RECORD) !=
        0)
        return -1;
    loader->id_prefix = id_prefix;
    loader->lines.input.on_wait = stream_writer_flush_hook;
    loader->lines.input.on_wait_context = loader->writer;
    /* Lines cannot state a label, so nothing is to be learnt from the first: the next stage can
     * start up meanwhile. */
    status = loader->options->format == LOAD_LINES ? begin(loader, NULL) : 0;
    if (status == 0)
        status = formats[loader->options->format](loader);
    line_reader_close(&loader->lines);
    free_columns(loader);
    return status;
}

int loader_end(struct loader *loader)
{
    if (begin(loader, NULL) != 0)
        return -1;
    return stream_writer_end(loader->writer);
}
