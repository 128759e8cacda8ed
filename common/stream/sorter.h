/*
 * Groups of records in the order of their keys, within a bounded memory: what does not fit is
 * sorted and written to a temporary file, and all such runs are merged at the end. The result does
 * not depend on how much fits.
 */
#ifndef STREAM_SORTER_H
#define STREAM_SORTER_H

#include <stddef.h>
#include <stdint.h>

#include "stream/record.h"

struct stream_sorter;

/* memory: bytes to hold at most; a group that is larger is held all the same, and merging takes at
 * least 16 KiB for each time that the memory was full. */
struct stream_sorter *stream_sorter_new(size_t memory);
void stream_sorter_free(struct stream_sorter *sorter);

/* Copies the group: raw records, one after the other. 0, or -1 with a message. */
int stream_sorter_add(struct stream_sorter *sorter, uint64_t key, struct rec_span group);
/* 1 with the group of the smallest key that is left (among equal keys the one added first), valid
 * until the next call; 0 when none is left; -1 with a message. Nothing may be added any more. */
int stream_sorter_next(struct stream_sorter *sorter, struct rec_span *group);
/* How often the memory was full. */
size_t stream_sorter_runs(const struct stream_sorter *sorter);

#endif
