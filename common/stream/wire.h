/*
 * Headers and records from and to their msgpack bytes. Internal to stream/: reader.h and writer.h
 * add places, checks and files.
 */
#ifndef STREAM_WIRE_H
#define STREAM_WIRE_H

#include <stddef.h>

#include "cli/blocks.h"
#include "cli/buffer.h"
#include "stream/fields.h"
#include "stream/header.h"
#include "stream/record.h"

/* Why a header or record was refused; the reader puts the place before it. */
struct wire_fault {
    char reason[256];
};
/* Returns -1. */
int wire_fault_set(struct wire_fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define WIRE_TOO_MANY_ITEMS "has more than %zu items in its lists"

#define WIRE_CONTROL_BYTES 26 /* size of a check; an end is two bytes shorter */

/*
 * Decodes one record, whose bounds a scan has proved. Views point into bytes, those of its
 * list fields into arrays in lists. The record is checked against its header: required fields,
 * UTF-8, sizes that agree, ids within the vocabulary, labels within the label list.
 */
int wire_decode_record(struct rec_span bytes, const struct stream_header *header,
                       struct blocks *lists, struct stream_record *record,
                       struct wire_fault *fault);
/* The same checks for a record about to be written, in two parts. */
int wire_check_record(const struct stream_record *record, const struct stream_header *header,
                      struct wire_fault *fault);
int wire_check_utf8(const struct stream_record *record, struct wire_fault *fault);
/* Decodes ["bertpipe", 1, map] into an uninitialised header, which is to be freed only on success.
 */
int wire_decode_header(struct rec_span bytes, struct stream_header *header,
                       struct wire_fault *fault);

/* The field's value alone; the field must be present. */
void wire_pack_value(struct buffer *out, const struct field *field,
                     const struct stream_record *record);
void wire_pack_record(struct buffer *out, const struct stream_record *record);
void wire_pack_header(struct buffer *out, const struct stream_header *header);

/* name "check" or "end", the number of records and the hash of the segment's bytes before. */
void wire_pack_control(struct buffer *out, const char *name, uint64_t count, uint64_t hash);
struct wire_control {
    enum { WIRE_HEADER, WIRE_CHECK, WIRE_END } kind;
    uint64_t count, hash; /* of WIRE_CHECK and WIRE_END */
};
/* Tells what an array at the level of records is. */
int wire_decode_control(struct rec_span bytes, struct wire_control *control,
                        struct wire_fault *fault);

#endif
