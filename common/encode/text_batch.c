#include "encode/text_batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

#define MUCH_UNKNOWN  0.2                 /* the share of unknown tokens that gives a warning */
#define OFFSETS_BYTES 8                   /* of a token */
#define KEPT_BYTES    ((size_t)512 << 10) /* what a batch that is used again may hold on to */

/* Which record it is of, and where its ids, types and offsets are in the batch's bytes. Of a record
 * that becomes windows it is the whole encoding, ids as u32 and no types: each window is made when
 * it is written, for together they may be as many times the text as a window has tokens. */
struct text_sequence {
    size_t record, ids, types, offsets, count, cut;
    size_t windows, first_segment; /* windows: 0 of a record that becomes none */
};

struct text_encoder *text_encoder_new(const struct tokeniser *tokeniser, const struct fit *fit,
                                      bool offsets, struct text_encoder *other)
{
    struct text_encoder *encoder = mem_alloc_lines(sizeof(*encoder));
    *encoder = (struct text_encoder){
        .tokeniser = tokeniser,
        .state = other != NULL ? tokeniser_state_share(other->state)
                               : tokeniser_state_new(tokeniser, TOKENISER_CACHE),
        .whole = {.traced = offsets},
        .fit = *fit,
        .ids_type = stream_ids_type_for(tokeniser->vocabulary.size),
    };
    return encoder;
}

void text_encoder_free(struct text_encoder *encoder)
{
    if (encoder == NULL)
        return;
    tokeniser_state_free(encoder->state);
    encoding_free(&encoder->whole);
    encoding_free(&encoder->part);
    free(encoder);
}

void text_batch_free(struct text_batch *batch)
{
    free(batch->records);
    free(batch->sequences);
    buffer_free(&batch->bytes);
    stream_memory_free(&batch->memory);
    *batch = (struct text_batch){0};
}

void text_batch_clear(struct text_batch *batch)
{
    batch->count = batch->sequence_count = batch->bad_byte = batch->too_long = 0;
    batch->totals = (struct text_totals){0};
    batch->bytes.size = 0;
    if (batch->bytes.capacity > KEPT_BYTES)
        buffer_free(&batch->bytes);
    if (batch->memory.capacity > KEPT_BYTES)
        stream_memory_free(&batch->memory);
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

static double percent(uint64_t part, uint64_t whole)
{
    return 100.0 * (double)part / (double)whole;
}

void text_totals_report(const struct text_totals *totals)
{
    if (totals->cut > 0)
        diag_note("%" PRIu64 " records, %" PRIu64 " tokens, of which %" PRIu64
                  " (%.1f %%) were cut from %" PRIu64 " records (%.1f %%)",
                  totals->records, totals->tokens, totals->cut,
                  percent(totals->cut, totals->tokens), totals->cut_records,
                  percent(totals->cut_records, totals->records));
    else
        diag_note("%" PRIu64 " records, %" PRIu64 " tokens", totals->records, totals->tokens);
    if (totals->windowed > 0)
        diag_note("%" PRIu64 " records (%.1f %%) became %" PRIu64 " windows", totals->windowed,
                  percent(totals->windowed, totals->records), totals->windows);
    if ((double)totals->unknown > MUCH_UNKNOWN * (double)totals->tokens)
        diag_warn("%.1f %% of the tokens are unknown words: does the vocabulary fit the text?",
                  percent(totals->unknown, totals->tokens));
}

size_t text_batch_size(const struct text_batch *batch)
{
    return batch->memory.capacity + batch->memory.lists.taken + batch->bytes.size;
}

void text_batch_add(struct text_batch *batch, const struct stream_reader *reader)
{
    if (batch->count == 0)
        batch->first = stream_reader_count(reader);
    mem_grow(&batch->records, &batch->record_capacity, batch->count + 1, sizeof(*batch->records));
    batch->records[batch->count++] = stream_reader_record(reader)->text;
}

void text_batch_close(struct text_batch *batch, struct stream_reader *reader)
{
    if (batch->count > 0)
        stream_reader_swap_memory(reader, &batch->memory);
}

/* The offsets of an encoding as a record has them; out: [count * OFFSETS_BYTES]. */
static struct rec_span offsets_span(char *out, const struct encoding *encoding)
{
    for (size_t i = 0; i < encoding->count; i++)
        rec_store_u32(out + i * OFFSETS_BYTES,
                      (const uint32_t[]){encoding->offsets[i].begin, encoding->offsets[i].end}, 2);
    return (struct rec_span){out, encoding->count * OFFSETS_BYTES};
}

/* ---- encoding ---- */

static void store_offsets(struct buffer *bytes, const struct encoding *encoding)
{
    if (!encoding->traced)
        return;
    buffer_reserve(bytes, encoding->count * OFFSETS_BYTES);
    bytes->size += offsets_span(bytes->data + bytes->size, encoding).size;
}

static void store(struct text_batch *batch, size_t record, const struct encoding *encoding,
                  bool paired, enum stream_ids_type ids_type)
{
    struct buffer *bytes = &batch->bytes;
    mem_grow(&batch->sequences, &batch->sequence_capacity, batch->sequence_count + 1,
             sizeof(*batch->sequences));
    struct text_sequence *sequence = &batch->sequences[batch->sequence_count++];
    *sequence = (struct text_sequence){
        .record = record, .ids = bytes->size, .count = encoding->count, .cut = encoding->cut};
    buffer_reserve(bytes, encoding->count * (sizeof(uint32_t) + 1));
    bytes->size +=
        rec_store_ids(bytes->data + bytes->size, encoding->ids, encoding->count, ids_type).size;
    sequence->types = bytes->size;
    if (paired) {
        encoding_types(encoding, (uint8_t *)bytes->data + bytes->size);
        bytes->size += encoding->count;
    }
    sequence->offsets = bytes->size;
    store_offsets(bytes, encoding);
}

static void store_windows(struct text_batch *batch, size_t record, const struct encoding *whole,
                          size_t windows)
{
    mem_grow(&batch->sequences, &batch->sequence_capacity, batch->sequence_count + 1,
             sizeof(*batch->sequences));
    struct buffer *bytes = &batch->bytes;
    struct text_sequence *sequence = &batch->sequences[batch->sequence_count++];
    *sequence = (struct text_sequence){.record = record,
                                       .ids = bytes->size,
                                       .count = whole->count,
                                       .windows = windows,
                                       .first_segment = whole->first_segment};
    buffer_append(bytes, whole->ids, whole->count * sizeof(*whole->ids));
    sequence->offsets = bytes->size;
    if (whole->traced)
        buffer_append(bytes, whole->offsets, whole->count * sizeof(*whole->offsets));
}

/* What an encoding without a limit becomes. */
static void store_fitted(struct text_batch *batch, size_t record, struct text_encoder *encoder,
                         bool paired)
{
    const struct encoding *whole = &encoder->whole;
    struct encoding *part = &encoder->part;
    size_t n = fit_count(&encoder->fit, whole, paired), begin;
    fit_take(&encoder->fit, whole, paired, 0, part, &begin);
    if (n > 1)
        store_windows(batch, record, whole, n);
    else
        store(batch, record, part, paired, encoder->ids_type);
    text_totals_add(&batch->totals,
                    &(struct text_totals){1, part->cut > 0, whole->tokens, part->cut,
                                          whole->unknown, n > 1, n > 1 ? n : 0});
}

/* Whether the record could be encoded. */
static bool encode_record(struct text_batch *batch, size_t i, struct text_encoder *encoder)
{
    const struct rec_text *text = &batch->records[i];
    struct encoding *whole = &encoder->whole;
    bool paired = text->pair.data != NULL, cuts = encoder->fit.on_long == FIT_CUT;
    size_t length = encoder->fit.max_length;
    batch->bad_byte = tokeniser_encode(
        encoder->tokeniser, encoder->state, (struct text_span){text->text.data, text->text.size},
        (struct text_span){text->pair.data, text->pair.size}, cuts ? length : 0, whole);
    if (batch->bad_byte > 0)
        return false;
    if (cuts) {
        store(batch, i, whole, paired, encoder->ids_type);
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

/* The fields of a tokens record that are its text record's. */
static struct stream_record tokens_of(const struct rec_text *text, bool keep_text,
                                      enum stream_ids_type ids_type)
{
    struct stream_record record = {.type = STREAM_TOKENS};
    record.tokens.id = text->id;
    record.tokens.ids_type = ids_type;
    record.tokens.label = text->label;
    if (keep_text)
        record.tokens.text = text->text;
    record.tokens.x = text->x;
    return record;
}

static int write_sequence(const struct text_batch *batch, const struct text_sequence *sequence,
                          struct stream_record *record, bool paired, bool offsets,
                          struct stream_writer *writer)
{
    struct rec_tokens *tokens = &record->tokens;
    const char *bytes = batch->bytes.data;
    tokens->ids = (struct rec_span){bytes + sequence->ids, sequence->types - sequence->ids};
    if (paired)
        tokens->types = (struct rec_span){bytes + sequence->types, sequence->count};
    if (offsets)
        tokens->offsets =
            (struct rec_span){bytes + sequence->offsets, sequence->count * OFFSETS_BYTES};
    tokens->cut = sequence->cut;
    return stream_writer_record(writer, record);
}

/* The whole encoding that windows are made of. */
static struct encoding copy_whole(const struct text_batch *batch,
                                  const struct text_sequence *sequence, bool traced)
{
    const char *bytes = batch->bytes.data;
    struct encoding whole = {.traced = traced, .first_segment = sequence->first_segment};
    encoding_reserve(&whole, sequence->count);
    whole.count = sequence->count;
    memcpy(whole.ids, bytes + sequence->ids, whole.count * sizeof(*whole.ids));
    if (traced)
        memcpy(whole.offsets, bytes + sequence->offsets, whole.count * sizeof(*whole.offsets));
    return whole;
}

static int write_windows(const struct text_batch *batch, const struct text_encoder *encoder,
                         const struct text_sequence *sequence, struct stream_record *record,
                         bool paired, struct stream_writer *writer)
{
    const struct fit *fit = &encoder->fit;
    struct rec_tokens *tokens = &record->tokens;
    struct encoding whole = copy_whole(batch, sequence, encoder->whole.traced), part = {0};
    char *ids = mem_realloc_array(NULL, fit->max_length, sizeof(uint32_t));
    uint8_t *types = mem_realloc_array(NULL, fit->max_length, 1);
    char *offsets = mem_realloc_array(NULL, fit->max_length, OFFSETS_BYTES);
    size_t begin;
    int status = 0;
    for (size_t k = 0; k < sequence->windows && status == 0; k++) {
        fit_take(fit, &whole, paired, k, &part, &begin);
        tokens->ids = rec_store_ids(ids, part.ids, part.count, tokens->ids_type);
        if (paired) {
            encoding_types(&part, types);
            tokens->types = (struct rec_span){(char *)types, part.count};
        }
        if (part.traced)
            tokens->offsets = offsets_span(offsets, &part);
        tokens->window =
            (struct rec_window){.k = k + 1, .n = sequence->windows, .first_token = begin};
        tokens->cut = part.cut;
        status = stream_writer_record(writer, record);
        tokens->text = (struct rec_span){0};
    }
    encoding_free(&whole);
    encoding_free(&part);
    free(ids);
    free(types);
    free(offsets);
    return status;
}

int text_batch_write(const struct text_batch *batch, const struct text_encoder *encoder,
                     bool keep_text, struct stream_writer *writer, const char *source)
{
    uint64_t number = batch->first + batch->totals.records;
    for (size_t i = 0; i < batch->sequence_count; i++) {
        const struct text_sequence *sequence = &batch->sequences[i];
        const struct rec_text *text = &batch->records[sequence->record];
        struct stream_record record = tokens_of(text, keep_text, encoder->ids_type);
        bool paired = text->pair.data != NULL;
        int status =
            sequence->windows > 0
                ? write_windows(batch, encoder, sequence, &record, paired, writer)
                : write_sequence(batch, sequence, &record, paired, encoder->whole.traced, writer);
        if (status != 0)
            return -1;
    }
    if (batch->bad_byte > 0)
        return diag_error("%s: record %" PRIu64 ": byte %zu of its text is not valid UTF-8", source,
                          number, batch->bad_byte);
    if (batch->too_long > 0)
        return diag_error("%s: record %" PRIu64 ": %zu tokens, and --on-long fail allows %zu",
                          source, number, batch->too_long, encoder->fit.max_length);
    return 0;
}
