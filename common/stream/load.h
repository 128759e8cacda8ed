/*
 * Text files as text records: lines, TSV, CSV and JSON lines.
 *
 * Lines become the text of one record each. In the other formats named fields become id, text, pair
 * and label; `words`, `tags` and `x` are taken as rec-dump writes them; every other field is kept
 * in `x`. A line {"bertpipe":{...}} among JSON lines, as `rec-dump --header` writes it, begins a
 * segment with that header.
 */
#ifndef STREAM_LOAD_H
#define STREAM_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "stream/header.h"
#include "stream/writer.h"

enum load_format { LOAD_LINES, LOAD_TSV, LOAD_CSV, LOAD_JSONL };
/* NULL-terminated, in that order: for OPTION_CHOICE. */
extern const char *const load_format_names[];

/* One of the fields that records have of their own. */
struct load_field {
    const char *name; /* of the column or key; a column's number from 1 without a header line */
    bool given;       /* by the user: then it must exist */
};

struct load_options {
    enum load_format format;
    struct load_field id, text, pair, label;
    bool no_header;              /* TSV and CSV: the first line is data */
    bool replace_invalid;        /* U+FFFD for invalid UTF-8, else it is an error */
    enum stream_problem problem; /* STREAM_PROBLEM_NONE: told from the first record */
    char **labels;               /* names in id order, or NULL */
    size_t label_count;
    size_t max_record; /* bytes of a line, or of a CSV row; 0: STREAM_MAX_RECORD */
    const char *tool;  /* for the history */
};

struct loader;

struct loader *loader_new(const struct load_options *options, struct stream_writer *writer);
void loader_free(struct loader *loader);

/*
 * Writes a record for each line or row of one file; path NULL or "-" is standard input. Records
 * without an id get their line number, after `PREFIX:` unless that is NULL. The header is written
 * with the first record. What is held is flushed before a read that would block. -1 with a message
 * that names the line.
 */
int loader_read(struct loader *loader, const char *path, const char *id_prefix);
/* Writes the end, and the header when there was no record. */
int loader_end(struct loader *loader);

#endif
