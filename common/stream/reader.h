/*
 * Reading a record stream: bounded, checked, and without copying.
 *
 * Nothing is handed out before a check item has vouched for its bytes. Memory grows only as bytes
 * arrive, to at most 64 KiB or one record beyond the last check. Every error is one line that names
 * the source, the record and the byte: `bert-eval: train.mp: record 17: byte 10240: ...`.
 *
 *     struct stream_reader *reader = stream_reader_open(operands.items, operands.count, 0);
 *     while ((event = stream_reader_next(reader)) > STREAM_EOF)
 *         switch (event) { case STREAM_HEADER: ... case STREAM_RECORD: ... case STREAM_END: ... }
 */
#ifndef STREAM_READER_H
#define STREAM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/blocks.h"
#include "cli/input.h"
#include "stream/header.h"
#include "stream/parts.h"
#include "stream/record.h"

#define STREAM_MAX_DEPTH      16
#define STREAM_MAX_RECORD     ((size_t)16 << 20) /* bytes; the default of --max-record */
#define STREAM_CHECK_INTERVAL ((size_t)64 << 10) /* bytes */
#define STREAM_MAX_LIST       ((size_t)1 << 20)  /* items of all lists of a record; labels */
#define STREAM_MAX_HISTORY    ((size_t)1 << 16)  /* strings of a header's history */

enum stream_event {
    STREAM_FAILED = -1, /* a message has been printed */
    STREAM_EOF = 0,     /* all sources ended after a complete segment */
    STREAM_HEADER,      /* a segment begins: stream_reader_header */
    STREAM_RECORD,      /* stream_reader_record, valid until the next call */
    STREAM_END,         /* the segment is complete: its count and hash agree */
};

struct stream_reader;

/*
 * Reads the files one after the other, each of which holds at least one whole segment; count 0, or
 * the name "-", is standard input. max_record: largest record in bytes, 0 for STREAM_MAX_RECORD.
 * NULL with a message when the first cannot be opened.
 */
struct stream_reader *stream_reader_open(char *const *paths, int count, size_t max_record);
void stream_reader_close(struct stream_reader *reader);

/* What the end of input asks of numbered parts; PARTS_SHARE unless told otherwise. */
void stream_reader_require_parts(struct stream_reader *reader, enum stream_parts_rule rule);

enum stream_event stream_reader_next(struct stream_reader *reader);

const struct stream_header *stream_reader_header(const struct stream_reader *reader);
const struct stream_record *stream_reader_record(const struct stream_reader *reader);
/* The record's own bytes, one msgpack map, for tools that pass records on unchanged. */
struct rec_span stream_reader_raw(const struct stream_reader *reader);
/* Records of this segment so far, the current one included. */
uint64_t stream_reader_count(const struct stream_reader *reader);
/* "train.mp" and "train.mp: record 17", for messages about the current record; valid until the next
 * call. */
const char *stream_reader_source(const struct stream_reader *reader);
const char *stream_reader_place(struct stream_reader *reader);

/*
 * Calls hook before each read that would block, so that the caller can finish and flush what it
 * holds. The record last handed out is no longer valid then. A hook that returns -1 makes
 * stream_reader_next fail.
 */
void stream_reader_on_wait(struct stream_reader *reader, input_wait_hook hook, void *context);
/* Whether stream_reader_next can do without reading. Then records handed out before stay valid. */
bool stream_reader_ready(struct stream_reader *reader);
/* Whether it would have to wait for input. */
bool stream_reader_would_block(struct stream_reader *reader);

/* What records lie in; zeroed is empty. */
struct stream_memory {
    char *bytes;
    size_t capacity;
    struct blocks lists;
};
void stream_memory_free(struct stream_memory *memory);
/* Gives the caller the memory of all records that are valid, and reads on in the caller's, in which
 * none may be in use. */
void stream_reader_swap_memory(struct stream_reader *reader, struct stream_memory *memory);

#endif
