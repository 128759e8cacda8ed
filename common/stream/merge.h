/*
 * Reading for sinks: all segments of all sources as one sequence of records.
 *
 * The segments must agree on type, problem, labels and tokenizer, and numbered parts must form
 * complete sets: a missing or repeated part is an error at the end of input or where it repeats.
 */
#ifndef STREAM_MERGE_H
#define STREAM_MERGE_H

#include "stream/reader.h"

struct stream_merge;

/*
 * Opens the sources (see stream_reader_open) and reads the first header, so that type and tokenizer
 * can be checked before anything expensive happens. NULL with a message.
 */
struct stream_merge *stream_merge_open(char *const *paths, int count, size_t max_record,
                                       enum stream_type type);
/* The same for a stream of any type. */
struct stream_merge *stream_merge_open_any(char *const *paths, int count, size_t max_record);
void stream_merge_close(struct stream_merge *merge);
/* The first segment's header. */
const struct stream_header *stream_merge_header(const struct stream_merge *merge);
/* 1 with the next record, valid until the next call; 0 at the end of everything; -1 with a message.
 */
int stream_merge_next(struct stream_merge *merge, const struct stream_record **record);
/* Records so far, over all segments. */
uint64_t stream_merge_count(const struct stream_merge *merge);
/* The reader beneath: for places in messages and for the wait hook. */
struct stream_reader *stream_merge_reader(struct stream_merge *merge);

#endif
