/*
 * All records of an input by their ids, in memory with the bytes they came with. Of the windows of
 * a text, the first stands for all.
 */
#ifndef STREAM_TABLE_H
#define STREAM_TABLE_H

#include <stddef.h>

#include "stream/merge.h"

struct stream_table;

/* Reads to the end. NULL with a message: an id occurs twice, or records have none. */
struct stream_table *stream_table_read(struct stream_merge *merge);
void stream_table_free(struct stream_table *table);
/*
 * 1 with the record of that id, valid until the next call, which is used from now on; 0 when there
 * is none; 2 when it has been used already.
 */
int stream_table_use(struct stream_table *table, struct rec_span id,
                     const struct stream_record **record);
/* How many have not been used; id, if there are any, receives that of the first. */
size_t stream_table_unused(const struct stream_table *table, struct rec_span *id);

#endif
