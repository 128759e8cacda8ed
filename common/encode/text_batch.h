/*
 * Text records to tokens records, a batch at a time, so that threads can share the work
 * (encode_stream.h).
 */
#ifndef ENCODE_TEXT_BATCH_H
#define ENCODE_TEXT_BATCH_H

#include "stream/reader.h"
#include "stream/writer.h"
#include "text/fit.h"
#include "text/tokeniser.h"

struct text_totals {
    uint64_t records, cut_records, tokens, cut, unknown; /* tokens: found, those cut included */
    uint64_t windowed, windows; /* records that became windows, and those */
};

/* What a thread needs to encode; each has its own lines of the processor's cache, for these numbers
 * change with every word. */
struct text_encoder {
    const struct tokeniser *tokeniser;
    struct tokeniser_state *state;
    struct encoding whole, part;
    struct fit fit;
    enum stream_ids_type ids_type;
};

/* offsets: whether records get them. other: an encoder whose cache it shares, as with
 * tokeniser_state_share, or NULL. */
struct text_encoder *text_encoder_new(const struct tokeniser *tokeniser, const struct fit *fit,
                                      bool offsets, struct text_encoder *other);
/* encoder may be NULL. */
void text_encoder_free(struct text_encoder *encoder);

struct text_sequence;

/* Zeroed is empty. */
struct text_batch {
    struct rec_text *records; /* [count] */
    size_t count, record_capacity;
    struct stream_memory memory;     /* of the records */
    uint64_t first;                  /* number of its first record in the segment, from 1 */
    struct text_sequence *sequences; /* in the records' order, one each */
    size_t sequence_count, sequence_capacity;
    struct buffer bytes; /* of their ids and types */
    struct text_totals totals;
    /* Encoding stopped at the record totals.records: at a byte that is not UTF-8 (from 1), or for
     * its tokens. */
    size_t bad_byte, too_long;
};

void text_batch_free(struct text_batch *batch);
/* Empties it for the records that come next. */
void text_batch_clear(struct text_batch *batch);
/* Bytes of its records' memory and of what they became. */
size_t text_batch_size(const struct text_batch *batch);

/* Adds the record that the reader has handed out. All of a batch must be valid together, and after
 * the last, text_batch_close makes their memory the batch's. */
void text_batch_add(struct text_batch *batch, const struct stream_reader *reader);
void text_batch_close(struct text_batch *batch, struct stream_reader *reader);
void text_batch_encode(struct text_batch *batch, struct text_encoder *encoder);
/* Writes what was encoded; source names the stream in the message for a record that could not be.
 * 0, or -1 with a message. */
int text_batch_write(const struct text_batch *batch, const struct text_encoder *encoder,
                     bool keep_text, struct stream_writer *writer, const char *source);

void text_totals_add(struct text_totals *sum, const struct text_totals *more);
/* Says how many records and tokens there were, and what became of the long ones; warns when many
 * words are unknown. */
void text_totals_report(const struct text_totals *totals);

#endif
