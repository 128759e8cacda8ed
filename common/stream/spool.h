/*
 * A whole input in one temporary file, for tools that must know how many records there are before
 * they can write the first.
 */
#ifndef STREAM_SPOOL_H
#define STREAM_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "stream/merge.h"

struct stream_spool {
    char *path;      /* owned */
    uint64_t groups; /* see stream/groups.h */
    uint64_t hash;   /* of the records' bytes */
};

/* Called with the first record of each group, before it is written; -1 after a message. */
typedef int (*stream_spool_visit)(void *context, struct stream_merge *merge,
                                  const struct stream_record *record);

/*
 * Copies all records into a hidden file beside that path, which should lie where the results will,
 * for there must be room for them anyway. visit may be NULL. 0, or -1 with a message.
 */
int stream_spool_fill(struct stream_spool *spool, const char *beside, struct stream_merge *merge,
                      size_t max_record, stream_spool_visit visit, void *context);
/* Reads it from the beginning: the header has been read. NULL with a message. */
struct stream_reader *stream_spool_open(const struct stream_spool *spool, size_t max_record);
/* Removes the file. A zeroed spool is allowed. */
void stream_spool_free(struct stream_spool *spool);

#endif
