/*
 * Writing records: as a msgpack stream, or as text for people and other programs.
 *
 *     struct stream_writer *writer = stream_writer_open(output, form);   -o FILE, -f FORM
 *     stream_writer_begin(writer, &header);      once per segment
 *     stream_writer_record(writer, &record);     ...
 *     stream_writer_end(writer);
 *     status = stream_writer_close(writer, ok);  commits the file, or removes it
 *
 * A check is written at most 64 KiB or one record apart and before each flush. Only
 * stream_writer_end writes `end`, so a producer that fails leaves a stream that every reader
 * refuses.
 */
#ifndef STREAM_WRITER_H
#define STREAM_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/input.h"
#include "cli/output.h"
#include "stream/header.h"
#include "stream/reader.h"
#include "stream/record.h"

enum stream_form {
    FORM_AUTO, /* msgpack, or text when the output is a terminal */
    FORM_MSGPACK,
    FORM_TEXT, /* for people */
    FORM_JSON, /* one JSON object per line */
    FORM_TSV,  /* a line of column names per segment type, \t \n \r \\ escaped */
};
/* NULL-terminated names in that order: for OPTION_CHOICE. */
extern const char *const stream_form_names[];

struct stream_writer;

/* path NULL or "-": standard output. NULL with a message. FORM_MSGPACK to a terminal is refused
 * with a message. */
struct stream_writer *stream_writer_open(const char *path, enum stream_form form);
/* The form in use: never FORM_AUTO. */
enum stream_form stream_writer_form(const struct stream_writer *writer);

/* A header that readers would refuse is refused with a message. */
int stream_writer_begin(struct stream_writer *writer, const struct stream_header *header);
/* The record must be of the segment's type and fit its header. */
int stream_writer_record(struct stream_writer *writer, const struct stream_record *record);
/* FORM_JSON: also writes a line for each segment's header, {"bertpipe":{...}}. */
void stream_writer_show_headers(struct stream_writer *writer);

/* Records larger than so many bytes are refused, for readers would: 0 is STREAM_MAX_RECORD, as for
 * readers, and --max-record is for both. Text forms have no limit. */
void stream_writer_limit(struct stream_writer *writer, size_t max_record);
/* One record as stream_reader_raw gives it, out of a segment whose header agrees with this one's.
 */
int stream_writer_raw(struct stream_writer *writer, struct rec_span record);
/* Any number of them, one after the other. */
int stream_writer_raws(struct stream_writer *writer, struct rec_span records);
int stream_writer_end(struct stream_writer *writer);

/* Passes on everything written so far; does nothing when nothing is held. */
int stream_writer_flush(struct stream_writer *writer);
/* The same as an input_wait_hook: `stream_reader_on_wait(reader, stream_writer_flush_hook,
 * writer)`. */
int stream_writer_flush_hook(void *writer);

/* Records of all segments. */
uint64_t stream_writer_total(const struct stream_writer *writer);

/*
 * Releases the writer. commit true: flushes, and renames the file into place; -1 with a message
 * when that fails. commit false discards what is held and removes the temporary file. writer may be
 * NULL: 0.
 */
int stream_writer_close(struct stream_writer *writer, bool commit);
/* Releases the writer and leaves the whole file to the caller, for output_commit_all. 0, or -1 with
 * a message, and nothing to commit. */
int stream_writer_finish(struct stream_writer *writer, struct output *output);

#endif
