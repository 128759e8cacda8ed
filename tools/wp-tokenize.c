/*
 * wp-tokenize: a text stream becomes a tokens stream.
 *
 * Records are read into batches, which threads encode and which are written in the order of the
 * input. Before a read that would wait, whatever is held is finished and passed on.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "hub/cache.h"
#include "model/config.h"
#include "stream/options.h"
#include "stream/reader.h"
#include "stream/writer.h"
#include "text/ordered_pool.h"
#include "text/tokeniser.h"

#define BATCH_BYTES    ((size_t)128 << 10) /* a batch closes when it holds as much */
#define RECORD_BYTES   256 /* what a record counts beside its text, so that empty ones add up too */
#define DEFAULT_LENGTH 512
#define MUCH_UNKNOWN   0.2 /* the share of unknown tokens that gives a warning */

static struct {
    const char *model, *vocab;
    uint64_t max_length, threads;
    bool max_length_given, keep_text;
    struct stream_io io;
} options = {.max_length = DEFAULT_LENGTH, .threads = 1};

/* clang-format off */
static const struct option_row rows[] = {
    {'m', "model", .kind = OPTION_STRING, .target = &options.model, .argument = "MODEL",
     .help = "model folder whose tokenizer to use"},
    {0, "vocab", .kind = OPTION_STRING, .target = &options.vocab, .argument = "FILE",
     .help = "vocab.txt (lower-casing, as bert-base-uncased) or tokenizer.json instead of -m"},
    {'L', "max-length", .kind = OPTION_UNSIGNED, .target = &options.max_length, .argument = "N",
     .minimum = TOKENISER_MIN_LENGTH, .maximum = 1 << 24, .given = &options.max_length_given,
     .help = "most tokens of a record, [CLS] and [SEP] included; what is beyond is cut"},
    {'j', "threads", .kind = OPTION_UNSIGNED, .target = &options.threads, .argument = "N",
     .minimum = 1, .maximum = 1024, .help = "threads; the output is the same with any number"},
    {'k', "keep-text", .kind = OPTION_FLAG, .target = &options.keep_text,
     .help = "keep the text in the records"},
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "wp-tokenize",
    .summary = "turn a text stream into a tokens stream with a BERT model's WordPiece tokenizer",
    .usage = "-m MODEL | --vocab FILE [OPTION]... [FILE]...",
    .example = "imdb-fetch -s train | wp-tokenize -m bert-base-uncased > train.mp",
    .rows = rows,
    .operands_max = -1,
};

struct totals {
    uint64_t records, records_cut, tokens, cut, unknown;
};

/* Where a record's ids and types are in the batch's bytes. */
struct result {
    size_t ids, types, count, cut;
};

struct batch {
    struct stream_record **records; /* clones */
    struct result *results;         /* [count] */
    size_t count, record_capacity, result_capacity, text_bytes;
    uint64_t first;      /* number of its first record in the segment, from 1 */
    struct buffer bytes; /* the results' ids and types */
    struct totals totals;
    size_t bad_byte; /* > 0: encoding stopped at the record totals.records, at this byte */
};

/* What a thread needs to encode. */
struct worker {
    const struct tokeniser *tokeniser;
    struct tokeniser_state *state;
    struct encoding encoding;
    enum stream_ids_type ids_type;
};

struct filter {
    struct tokeniser *tokeniser;
    struct worker *workers;
    struct ordered_pool *pool;
    struct stream_reader *reader;
    struct stream_writer *writer;
    struct batch *batch; /* being filled, or NULL */
    struct totals totals;
};

static void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->count; i++)
        free(batch->records[i]);
    free(batch->records);
    free(batch->results);
    buffer_free(&batch->bytes);
    free(batch);
}

static void add_totals(struct totals *sum, const struct totals *more)
{
    sum->records += more->records;
    sum->records_cut += more->records_cut;
    sum->tokens += more->tokens;
    sum->cut += more->cut;
    sum->unknown += more->unknown;
}

static struct result store(struct batch *batch, const struct encoding *encoding, bool paired,
                           enum stream_ids_type ids_type)
{
    struct buffer *bytes = &batch->bytes;
    struct result result = {.ids = bytes->size, .count = encoding->count, .cut = encoding->cut};
    buffer_reserve(bytes, encoding->count * (sizeof(uint32_t) + 1));
    bytes->size +=
        rec_store_ids(bytes->data + bytes->size, encoding->ids, encoding->count, ids_type).size;
    result.types = bytes->size;
    if (paired) {
        encoding_types(encoding, (uint8_t *)bytes->data + bytes->size);
        bytes->size += encoding->count;
    }
    return result;
}

static void encode_batch(void *job, void *state)
{
    struct batch *batch = job;
    struct worker *worker = state;
    struct encoding *encoding = &worker->encoding;
    mem_grow(&batch->results, &batch->result_capacity, batch->count, sizeof(*batch->results));
    for (size_t i = 0; i < batch->count; i++) {
        const struct rec_text *text = &batch->records[i]->text;
        size_t bad = tokeniser_encode(
            worker->tokeniser, worker->state, (struct text_span){text->text.data, text->text.size},
            (struct text_span){text->pair.data, text->pair.size}, options.max_length, encoding);
        if (bad > 0) {
            batch->bad_byte = bad;
            return;
        }
        batch->results[i] = store(batch, encoding, text->pair.data != NULL, worker->ids_type);
        add_totals(&batch->totals, &(struct totals){1, encoding->cut > 0, encoding->tokens,
                                                    encoding->cut, encoding->unknown});
    }
}

static int write_record(struct filter *filter, const struct batch *batch, size_t i)
{
    const struct rec_text *text = &batch->records[i]->text;
    const struct result *result = &batch->results[i];
    struct stream_record record = {.type = STREAM_TOKENS};
    struct rec_tokens *tokens = &record.tokens;
    const char *bytes = batch->bytes.data;
    tokens->id = text->id;
    tokens->ids = (struct rec_span){bytes + result->ids, result->types - result->ids};
    tokens->ids_type = filter->workers[0].ids_type;
    if (text->pair.data != NULL)
        tokens->types = (struct rec_span){bytes + result->types, result->count};
    tokens->label = text->label;
    tokens->cut = result->cut;
    if (options.keep_text)
        tokens->text = text->text;
    tokens->x = text->x;
    return stream_writer_record(filter->writer, &record);
}

/* Takes the oldest batch from the pool and writes it. 1 when there was one, 0 when there was none,
 * -1 with a message. */
static int write_oldest(struct filter *filter)
{
    struct batch *batch = ordered_pool_take(filter->pool);
    int status = 0;
    if (batch == NULL)
        return 0;
    for (size_t i = 0; i < batch->totals.records && status == 0; i++)
        status = write_record(filter, batch, i);
    if (status == 0 && batch->bad_byte > 0)
        status = diag_error("%s: record %" PRIu64 ": byte %zu of its text is not valid UTF-8",
                            stream_reader_source(filter->reader),
                            batch->first + batch->totals.records, batch->bad_byte);
    add_totals(&filter->totals, &batch->totals);
    batch_free(batch);
    return status == 0 ? 1 : -1;
}

static int submit(struct filter *filter)
{
    if (filter->batch == NULL)
        return 0;
    if (ordered_pool_full(filter->pool) && write_oldest(filter) < 0)
        return -1;
    ordered_pool_submit(filter->pool, filter->batch);
    filter->batch = NULL;
    return 0;
}

/* Encodes and writes all that is held. */
static int drain(struct filter *filter)
{
    int status = submit(filter);
    while (status == 0 && (status = write_oldest(filter)) > 0)
        status = 0;
    return status;
}

static int pass_on(void *context)
{
    struct filter *filter = context;
    return drain(filter) == 0 ? stream_writer_flush(filter->writer) : -1;
}

static int add_record(struct filter *filter)
{
    const struct stream_record *record = stream_reader_record(filter->reader);
    struct batch *batch = filter->batch;
    if (record->text.words != NULL)
        return diag_error("%s: words that are split already are not supported",
                          stream_reader_place(filter->reader));
    if (batch == NULL) {
        batch = filter->batch = mem_calloc(1, sizeof(*batch));
        batch->first = stream_reader_count(filter->reader);
    }
    mem_grow(&batch->records, &batch->record_capacity, batch->count + 1, sizeof(*batch->records));
    batch->records[batch->count++] = stream_record_clone(record);
    batch->text_bytes += RECORD_BYTES + record->text.text.size + record->text.pair.size;
    return batch->text_bytes >= BATCH_BYTES ? submit(filter) : 0;
}

static int64_t id_or_none(uint32_t id)
{
    return id == TOKEN_NONE ? -1 : (int64_t)id;
}

static int begin_segment(struct filter *filter)
{
    const struct stream_header *input = stream_reader_header(filter->reader);
    const struct tokeniser *tokeniser = filter->tokeniser;
    const struct tokeniser_special *special = &tokeniser->special;
    const struct stream_tokenizer description = {
        .digest = (char *)tokeniser->digest,
        .kind = (char *)tokeniser->kind,
        .vocab_size = tokeniser->vocabulary.size,
        .max_length = options.max_length,
        .cls = special->cls,
        .sep = special->sep,
        .pad = id_or_none(special->pad),
        .unk = special->unk,
        .mask = id_or_none(special->mask),
    };
    struct stream_header header;
    int status;
    if (stream_header_expect(input, STREAM_TEXT, stream_reader_source(filter->reader)) != 0)
        return -1;
    stream_header_copy(&header, input);
    header.type = STREAM_TOKENS;
    stream_header_set_tokenizer(&header, &description);
    stream_history_append(&header, program.name);
    stream_history_option(&header, "max_length", "%" PRIu64, options.max_length);
    status = stream_writer_begin(filter->writer, &header);
    stream_header_free(&header);
    return status;
}

static int tokenize(struct filter *filter)
{
    enum stream_event event;
    int status = 0;
    while (status == 0 && (event = stream_reader_next(filter->reader)) != STREAM_EOF) {
        if (event == STREAM_FAILED)
            status = -1;
        else if (event == STREAM_HEADER)
            status = begin_segment(filter);
        else if (event == STREAM_RECORD)
            status = add_record(filter);
        else if ((status = drain(filter)) == 0)
            status = stream_writer_end(filter->writer);
    }
    return status;
}

static double percent(uint64_t part, uint64_t whole)
{
    return 100.0 * (double)part / (double)whole;
}

static void report(const struct totals *totals)
{
    if (totals->cut > 0)
        diag_note("%" PRIu64 " records, %" PRIu64 " tokens, of which %" PRIu64
                  " (%.1f %%) were cut from %" PRIu64 " records (%.1f %%)",
                  totals->records, totals->tokens, totals->cut,
                  percent(totals->cut, totals->tokens), totals->records_cut,
                  percent(totals->records_cut, totals->records));
    else
        diag_note("%" PRIu64 " records, %" PRIu64 " tokens", totals->records, totals->tokens);
    if ((double)totals->unknown > MUCH_UNKNOWN * (double)totals->tokens)
        diag_warn("%.1f %% of the tokens are unknown words: does the vocabulary fit the text?",
                  percent(totals->unknown, totals->tokens));
}

/* The model's positions bound the length; without -L they set it, when there are fewer than the
 * default. */
static int settle_length(const struct tokeniser *tokeniser)
{
    struct model_config config;
    char *path = options.model != NULL ? mem_format("%s/config.json", options.model) : NULL;
    bool present = path != NULL && access(path, F_OK) == 0;
    uint64_t positions = 0;
    free(path);
    if (present) {
        if (model_config_load(&config, options.model) != 0)
            return -1;
        positions = model_config_max_length(&config);
        if (tokeniser->vocabulary.size > config.vocab_size)
            diag_warn("%s: its tokenizer has %zu tokens, its model only %" PRIu32, options.model,
                      tokeniser->vocabulary.size, config.vocab_size);
        model_config_free(&config);
    }
    if (positions == 0 || options.max_length <= positions)
        return 0;
    if (options.max_length_given)
        return diag_error("%s: has %" PRIu64 " positions, so records cannot have %" PRIu64
                          " tokens",
                          options.model, positions, options.max_length);
    options.max_length = positions;
    return 0;
}

static int open_filter(struct filter *filter, const struct option_operands *operands)
{
    if (options.vocab != NULL)
        filter->tokeniser = tokeniser_open_file(options.vocab);
    else if ((options.model = hub_locate_model(options.model)) != NULL)
        filter->tokeniser = tokeniser_open_folder(options.model);
    if (filter->tokeniser == NULL || settle_length(filter->tokeniser) != 0)
        return -1;
    filter->workers = mem_calloc(options.threads, sizeof(*filter->workers));
    for (uint64_t i = 0; i < options.threads; i++) {
        filter->workers[i] = (struct worker){
            .tokeniser = filter->tokeniser,
            .state = tokeniser_state_new(),
            .ids_type = stream_ids_type_for(filter->tokeniser->vocabulary.size),
        };
    }
    filter->pool = ordered_pool_new((unsigned)options.threads, encode_batch, filter->workers,
                                    sizeof(*filter->workers));
    filter->reader = stream_reader_open(operands->items, operands->count, options.io.max_record);
    if (filter->pool == NULL || filter->reader == NULL)
        return -1;
    stream_reader_on_wait(filter->reader, pass_on, filter);
    filter->writer = stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    return filter->writer != NULL ? 0 : -1;
}

static void close_filter(struct filter *filter)
{
    struct batch *batch;
    batch_free(filter->batch);
    while (filter->pool != NULL && (batch = ordered_pool_take(filter->pool)) != NULL)
        batch_free(batch);
    ordered_pool_free(filter->pool);
    for (uint64_t i = 0; filter->workers != NULL && i < options.threads; i++) {
        tokeniser_state_free(filter->workers[i].state);
        encoding_free(&filter->workers[i].encoding);
    }
    free(filter->workers);
    stream_reader_close(filter->reader);
    tokeniser_close(filter->tokeniser);
}

int main(int argc, char **argv)
{
    struct filter filter = {0};
    struct option_operands operands = options_parse(&program, argc, argv);
    if ((options.model == NULL) == (options.vocab == NULL))
        options_usage_error("give either -m MODEL or --vocab FILE");
    int status = open_filter(&filter, &operands);
    if (status == 0)
        status = tokenize(&filter);
    if (stream_writer_close(filter.writer, status == 0) != 0)
        status = -1;
    if (status == 0)
        report(&filter.totals);
    close_filter(&filter);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
