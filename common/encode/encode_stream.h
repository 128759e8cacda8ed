/*
 * A text stream becomes a tokens stream, on threads.
 *
 * A batch is what one read brings, and keeps the memory that its records were read into, so nothing
 * is copied. Each thread writes the oldest batch, if it is encoded, or reads the next and encodes
 * it: a batch is mostly in the cache of one core, and reading, encoding and writing go on at the
 * same time. A batch that takes long holds nobody up while those behind it are few and small.
 *
 * The output and the message of the first failure are the same with any number of threads.
 */
#ifndef ENCODE_ENCODE_STREAM_H
#define ENCODE_ENCODE_STREAM_H

#include "encode/text_batch.h"
#include "stream/reader.h"
#include "stream/writer.h"

struct encode_plan {
    const struct tokeniser *tokeniser;
    struct fit fit;
    bool offsets, keep_text;
    unsigned threads; /* at least 1, of which the first is the caller's */
    /* Makes the header of the output of the segment whose header was read, or fails with a message.
     * Called by one thread at a time. 0 or -1. */
    int (*header)(const struct stream_reader *reader, struct stream_header *header, void *context);
    void *context;
};

/*
 * Encodes all segments. Before a read that would wait, all that was read is written and passed on;
 * for that it sets the reader's hook. *totals: of what was written, added up. 0, or -1 with a
 * message.
 */
int encode_stream(const struct encode_plan *plan, struct stream_reader *reader,
                  struct stream_writer *writer, struct text_totals *totals);

#endif
