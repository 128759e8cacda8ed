/*
 * Records as lines of text. The writer uses these for `-f text|json|tsv`; few others need them.
 *
 * JSON: one object per line with the fields of bertpipe-stream(5); bin fields become arrays of
 * numbers; NaN and infinities become null. TSV:  columns fixed per type (stream_tsv_columns); \t \n
 * \r \\ escape tab, newline, return and backslash; absent fields are empty; lists and `x` are JSON.
 * Text: for people; may change.
 */
#ifndef STREAM_TEXT_FORM_H
#define STREAM_TEXT_FORM_H

#include <stddef.h>

#include "cli/buffer.h"
#include "stream/header.h"
#include "stream/record.h"

/* Append one record with its closing newline. -1 with a message when a string is no UTF-8. */
int stream_render_json(struct buffer *out, const struct stream_record *record);
int stream_render_tsv(struct buffer *out, const struct stream_record *record);
int stream_render_text(struct buffer *out, const struct stream_header *header,
                       const struct stream_record *record);
/* The header line of the TSV form with its newline, and the whole header of a segment as a JSON
 * line. */
const char *stream_tsv_columns(enum stream_type type);
int stream_render_header_json(struct buffer *out, const struct stream_header *header);

/* Appends the label's name as it is: its own, or the header's for an id, or the number; those of a
 * list joined by commas. Nothing for no label. */
void stream_label_name(struct buffer *out, const struct stream_header *header,
                       const struct rec_label *label);

/* Appends value with \t \n \r \\ escaped. */
void tsv_escape(struct buffer *out, struct rec_span value);
/* Appends value for people: control characters are shown as \n, \t or \xNN, so that text of
 * strangers cannot steer a terminal. */
void text_show(struct buffer *out, struct rec_span value);

#endif
