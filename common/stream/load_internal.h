/* What the formats of load.h share. Internal to stream/. */
#ifndef STREAM_LOAD_INTERNAL_H
#define STREAM_LOAD_INTERNAL_H

#include <jansson.h>
#include <stdint.h>

#include "cli/buffer.h"
#include "cli/json_file.h"
#include "cli/lines.h"
#include "cli/string_index.h"
#include "stream/load.h"

/* Values come back from records as they went in, or not at all. */
#define LOAD_JSON_FLAGS (JSON_ALLOW_NUL | JSON_EXACT)

#define LOAD_MAX_COLUMNS ((size_t)1 << 16)

/* Cells of a row, one after the other. */
struct load_row {
    struct buffer bytes;
    size_t *ends; /* [count, but no more than LOAD_MAX_COLUMNS] offsets in bytes */
    size_t count, capacity;
};

enum load_role {
    ROLE_OTHER,
    ROLE_ID,
    ROLE_TEXT,
    ROLE_PAIR,
    ROLE_LABEL,
    ROLE_WORDS,
    ROLE_TAGS,
    ROLE_X
};

/* Arrays behind a record's lists. */
struct load_lists {
    struct rec_span *words;
    size_t words_capacity;
    struct rec_label *tags, *labels;
    size_t tags_capacity, labels_capacity;
};

struct loader {
    const struct load_options *options;
    struct stream_writer *writer;
    struct stream_header header;
    bool begun;
    enum stream_problem problem;     /* of the options, a header's line or the first record */
    struct string_index label_index; /* of the options' labels */

    struct line_reader lines;
    const char *id_prefix;  /* NULL: none */
    struct buffer repaired; /* a line with U+FFFD in the place of invalid bytes */
    struct buffer id, x;
    struct load_row row;
    struct load_lists lists;

    /* TSV and CSV: names and roles of the columns. */
    char **columns;
    enum load_role *roles;
    size_t column_count;
    json_t *words_json, *tags_json, *label_json; /* parsed cells that the record points into */
};

/* "FILE: line 12: reason"; returns -1. */
int load_fail(const struct loader *loader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The next line, its UTF-8 checked or repaired, and without the byte order mark that some programs
 * begin files with: 1, 0, -1. */
int load_next_line(struct loader *loader, const char **line, size_t *size);

/* Gives the record its number as id, should it have none, settles the problem with the first one,
 * and writes it. */
int load_emit(struct loader *loader, struct stream_record *record);

/* Whether a line of JSON is a segment's header rather than a record. */
bool load_is_header(const json_t *object);
/* Ends the segment, if one has begun, and begins the next with that header. */
int load_begin_segment(struct loader *loader, const json_t *object);

/* From a cell's text, or from JSON. */
int load_label_from_text(struct loader *loader, struct rec_span text, struct rec_label *label);
int load_label_from_json(struct loader *loader, const json_t *json, struct rec_label *label);
int load_words_from_json(struct loader *loader, const json_t *json, struct rec_text *text);
int load_tags_from_json(struct loader *loader, const json_t *json, struct rec_text *text);
/* A record's x may be nested as deeply as readers accept. */
int load_check_depth(struct loader *loader, const json_t *x);
/* Appends a JSON value as msgpack. */
void load_pack_json(struct buffer *out, const json_t *json);
void load_pack_map_head(struct buffer *out, size_t pairs);
void load_pack_string(struct buffer *out, struct rec_span string);

/* The row's cells. */
void load_row_clear(struct load_row *row);
void load_row_end_cell(struct load_row *row);
struct rec_span load_row_cell(const struct load_row *row, size_t i);
/* The first row of a file with a header line names the columns, the others are records. */
int load_accept_row(struct loader *loader, bool first);

/* Each reads the file that loader->lines has open. */
int load_lines(struct loader *loader);
int load_tsv(struct loader *loader);
int load_csv(struct loader *loader);
int load_jsonl(struct loader *loader);

#endif
