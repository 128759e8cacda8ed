/*
 * A text stream becomes a tokens stream, on threads.
 *
 * Each thread takes hold of the input, copies a batch of records and lets the input go; encodes
 * them; and, when all batches before this one are written, writes it and those behind it that are
 * encoded. Otherwise it leaves the batch to whoever does and reads the next. So a batch is mostly
 * in the cache of one core, reading, encoding and writing go on at the same time, and a batch that
 * takes long holds nobody up while those behind it are few and small. A single thread copies
 * nothing: it writes each record before it reads the next.
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
