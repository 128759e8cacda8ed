#include "encode/text_batch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/memory.h"

#define RECORD_BYTES 256 /* what a record counts beside its text, so that empty ones add up too */

/* Which record it is of, and where its ids and types are in the batch's bytes. */
struct text_sequence {
    size_t record, ids, types, count, cut;
    struct rec_window window;
};

void text_encoder_init(struct text_encoder *encoder, const struct tokeniser *tokeniser,
                       const struct fit *fit)
{
    *encoder = (struct text_encoder){
        .tokeniser = tokeniser,
        .state = tokeniser_state_new(),
        .fit = *fit,
        .ids_type = stream_ids_type_for(tokeniser->vocabulary.size),
    };
}

void text_encoder_free(struct text_encoder *encoder)
{
    tokeniser_state_free(encoder->state);
    encoding_free(&encoder->whole);
    encoding_free(&encoder->part);
}

struct text_batch *text_batch_new(uint64_t first)
{
    struct text_batch *batch = mem_calloc(1, sizeof(*batch));
    batch->first = first;
    return batch;
}

void text_batch_free(struct text_batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->count; i++)
        free(batch->records[i]);
    free(batch->records);
    free(batch->sequences);
    buffer_free(&batch->bytes);
    free(batch);
}

void text_totals_add(struct text_totals *sum, const struct text_totals *more)
{
    sum->records += more->records;
    sum->cut_records += more->cut_records;
    sum->tokens += more->tokens;
    sum->cut += more->cut;
    sum->unknown += more->unknown;
    sum->windowed += more->windowed;
    sum->windows += more->windows;
}

void text_batch_add(struct text_batch *batch, const struct stream_record *record)
{
    mem_grow(&batch->records, &batch->record_capacity, batch->count + 1, sizeof(*batch->records));
    batch->records[batch->count++] = stream_record_clone(record);
    batch->text_bytes += RECORD_BYTES + record->text.text.size + record->text.pair.size;
}

/* ---- encoding ---- */

static void store(struct text_batch *batch, size_t record, const struct encoding *encoding,
                  bool paired, struct rec_window window, enum stream_ids_type ids_type)
{
    struct buffer *bytes = &batch->bytes;
    mem_grow(&batch->sequences, &batch->sequence_capacity, batch->sequence_count + 1,
             sizeof(*batch->sequences));
    struct text_sequence *sequence = &batch->sequences[batch->sequence_count++];
    *sequence = (struct text_sequence){.record = record,
                                       .ids = bytes->size,
                                       .count = encoding->count,
                                       .cut = encoding->cut,
                                       .window = window};
    buffer_reserve(bytes, encoding->count * (sizeof(uint32_t) + 1));
    bytes->size +=
        rec_store_ids(bytes->data + bytes->size, encoding->ids, encoding->count, ids_type).size;
    sequence->types = bytes->size;
    if (paired) {
        encoding_types(encoding, (uint8_t *)bytes->data + bytes->size);
        bytes->size += encoding->count;
    }
}

/* The sequences that an encoding without a limit becomes. */
static void store_fitted(struct text_batch *batch, size_t record, struct text_encoder *encoder,
                         bool paired)
{
    const struct encoding *whole = &encoder->whole;
    size_t n = fit_count(&encoder->fit, whole, paired), begin, cut = 0;
    for (size_t k = 0; k < n; k++) {
        struct rec_window window = {0};
        fit_take(&encoder->fit, whole, paired, k, &encoder->part, &begin);
        if (n > 1)
            window = (struct rec_window){.k = k + 1, .n = n, .first_token = begin};
        cut += encoder->part.cut;
        store(batch, record, &encoder->part, paired, window, encoder->ids_type);
    }
    text_totals_add(&batch->totals, &(struct text_totals){1, cut > 0, whole->tokens, cut,
                                                          whole->unknown, n > 1, n > 1 ? n : 0});
}

/* Whether the record could be encoded. */
static bool encode_record(struct text_batch *batch, size_t i, struct text_encoder *encoder)
{
    const struct rec_text *text = &batch->records[i]->text;
    struct encoding *whole = &encoder->whole;
    bool paired = text->pair.data != NULL, cuts = encoder->fit.on_long == FIT_CUT;
    size_t length = encoder->fit.max_length;
    batch->bad_byte = tokeniser_encode(
        encoder->tokeniser, encoder->state, (struct text_span){text->text.data, text->text.size},
        (struct text_span){text->pair.data, text->pair.size}, cuts ? length : 0, whole);
    if (batch->bad_byte > 0)
        return false;
    if (cuts) {
        store(batch, i, whole, paired, (struct rec_window){0}, encoder->ids_type);
        text_totals_add(&batch->totals, &(struct text_totals){1, whole->cut > 0, whole->tokens,
                                                              whole->cut, whole->unknown, 0, 0});
        return true;
    }
    if (encoder->fit.on_long == FIT_FAIL && whole->count > length) {
        batch->too_long = whole->count;
        return false;
    }
    store_fitted(batch, i, encoder, paired);
    return true;
}

void text_batch_encode(struct text_batch *batch, struct text_encoder *encoder)
{
    for (size_t i = 0; i < batch->count && encode_record(batch, i, encoder); i++)
        ;
}

/* ---- writing ---- */

static int write_sequence(const struct text_batch *batch, const struct text_encoder *encoder,
                          const struct text_sequence *sequence, bool keep_text,
                          struct stream_writer *writer)
{
    const struct rec_text *text = &batch->records[sequence->record]->text;
    struct stream_record record = {.type = STREAM_TOKENS};
    struct rec_tokens *tokens = &record.tokens;
    const char *bytes = batch->bytes.data;
    tokens->id = text->id;
    tokens->ids = (struct rec_span){bytes + sequence->ids, sequence->types - sequence->ids};
    tokens->ids_type = encoder->ids_type;
    if (text->pair.data != NULL)
        tokens->types = (struct rec_span){bytes + sequence->types, sequence->count};
    tokens->label = text->label;
    tokens->window = sequence->window;
    tokens->cut = sequence->cut;
    if (keep_text && sequence->window.k <= 1)
        tokens->text = text->text;
    tokens->x = text->x;
    return stream_writer_record(writer, &record);
}

int text_batch_write(const struct text_batch *batch, const struct text_encoder *encoder,
                     bool keep_text, struct stream_writer *writer, const char *source)
{
    uint64_t number = batch->first + batch->totals.records;
    for (size_t i = 0; i < batch->sequence_count; i++)
        if (write_sequence(batch, encoder, &batch->sequences[i], keep_text, writer) != 0)
            return -1;
    if (batch->bad_byte > 0)
        return diag_error("%s: record %" PRIu64 ": byte %zu of its text is not valid UTF-8", source,
                          number, batch->bad_byte);
    if (batch->too_long > 0)
        return diag_error("%s: record %" PRIu64 ": %zu tokens, and --on-long fail allows %zu",
                          source, number, batch->too_long, encoder->fit.max_length);
    return 0;
}
