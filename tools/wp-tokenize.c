/*
 * wp-tokenize: a text stream becomes a tokens stream, or the other way round.
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
#include "encode/detokenise.h"
#include "encode/text_batch.h"
#include "hub/cache.h"
#include "model/config.h"
#include "stream/groups.h"
#include "stream/options.h"
#include "stream/reader.h"
#include "stream/writer.h"
#include "text/ordered_pool.h"
#include "text/tokeniser.h"
#include "train/match.h"

#define BATCH_BYTES    ((size_t)128 << 10) /* a batch closes when it holds as much */
#define DEFAULT_LENGTH 512
#define DEFAULT_STRIDE 128

static struct {
    const char *model, *vocab;
    uint64_t max_length, head, stride, threads;
    int on_long; /* enum fit_long */
    bool keep_text, offsets, decode, keep_special;
    struct stream_io io;
} options = {.max_length = DEFAULT_LENGTH, .stride = DEFAULT_STRIDE, .threads = 1};

static const char *const on_long_names[] = {"cut", "head-tail", "window", "fail", NULL};

/* clang-format off */
static const struct option_row rows[] = {
    {'m', "model", .kind = OPTION_STRING, .target = &options.model, .argument = "MODEL",
     .help = "model folder whose tokenizer to use"},
    {0, "vocab", .kind = OPTION_STRING, .target = &options.vocab, .argument = "FILE",
     .help = "vocab.txt (lower-casing, as bert-base-uncased) or tokenizer.json instead of -m"},
    {'L', "max-length", .kind = OPTION_UNSIGNED, .target = &options.max_length, .argument = "N",
     .minimum = TOKENISER_MIN_LENGTH, .maximum = 1 << 24,
     .help = "most tokens of a record, [CLS] and [SEP] included"},
    {0, "on-long", .kind = OPTION_CHOICE, .target = &options.on_long, .argument = "HOW",
     .choices = on_long_names, .help = "what becomes of longer ones"},
    {0, "head", .kind = OPTION_UNSIGNED, .target = &options.head, .argument = "N",
     .maximum = 1 << 24, .help = "head-tail: tokens of the head (default: a quarter)"},
    {0, "stride", .kind = OPTION_UNSIGNED, .target = &options.stride, .argument = "N",
     .maximum = 1 << 24, .help = "window: tokens it shares with the one before"},
    {'j', "threads", .kind = OPTION_UNSIGNED, .target = &options.threads, .argument = "N",
     .minimum = 1, .maximum = 1024, .help = "threads; the output is the same with any number"},
    {'k', "keep-text", .kind = OPTION_FLAG, .target = &options.keep_text,
     .help = "keep the text in the records"},
    {0, "offsets", .kind = OPTION_FLAG, .target = &options.offsets,
     .help = "give each token's place in the text: its first byte and the one after its last"},
    {0, "decode", .kind = OPTION_FLAG, .target = &options.decode,
     .help = "the other way round: a tokens stream becomes a text stream"},
    {0, "keep-special", .kind = OPTION_FLAG, .target = &options.keep_special,
     .help = "with --decode: keep [CLS], [SEP] and other special tokens in the text"},
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "wp-tokenize",
    .summary = "turn a text stream into a tokens stream with a BERT model's WordPiece tokenizer",
    .usage = "[--decode] -m MODEL | --vocab FILE [OPTION]... [FILE]...",
    .example = "imdb-fetch -s train | wp-tokenize -m bert-base-uncased > train.mp",
    .rows = rows,
    .operands_max = -1,
};

struct filter {
    struct tokeniser *tokeniser;
    void **encoders; /* [threads] of struct text_encoder */
    struct ordered_pool *pool;
    struct stream_reader *reader;
    struct stream_writer *writer;
    struct text_batch *batch; /* being filled, or NULL */
    struct text_totals totals;
    struct detokeniser *detokeniser; /* --decode */
    struct stream_groups groups;
};

static void encode_batch(void *job, void *encoder)
{
    text_batch_encode(job, encoder);
}

/* Takes the oldest batch from the pool and writes it. 1 when there was one, 0 when there was none,
 * -1 with a message. */
static int write_oldest(struct filter *filter)
{
    struct text_batch *batch = ordered_pool_take(filter->pool);
    if (batch == NULL)
        return 0;
    int status = text_batch_write(batch, filter->encoders[0], options.keep_text, filter->writer,
                                  stream_reader_source(filter->reader));
    text_totals_add(&filter->totals, &batch->totals);
    text_batch_free(batch);
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
    if (record->text.words != NULL)
        return diag_error("%s: words that are split already are not supported",
                          stream_reader_place(filter->reader));
    if (filter->batch == NULL)
        filter->batch = text_batch_new(stream_reader_count(filter->reader));
    text_batch_add(filter->batch, record);
    return filter->batch->text_bytes >= BATCH_BYTES ? submit(filter) : 0;
}

static int begin_segment(struct filter *filter)
{
    const struct stream_header *input = stream_reader_header(filter->reader);
    const struct stream_tokenizer description =
        match_description(filter->tokeniser, options.max_length);
    struct stream_header header;
    int status;
    if (stream_header_expect(input, STREAM_TEXT, stream_reader_source(filter->reader)) != 0)
        return -1;
    stream_header_copy(&header, input);
    header.type = STREAM_TOKENS;
    stream_header_set_tokenizer(&header, &description);
    stream_history_append(&header, program.name);
    stream_history_option(&header, "max_length", "%" PRIu64, options.max_length);
    if (options.on_long != FIT_CUT)
        stream_history_option(&header, "on_long", "%s", on_long_names[options.on_long]);
    if (options.on_long == FIT_HEAD_TAIL)
        stream_history_option(&header, "head", "%" PRIu64, options.head);
    if (options.on_long == FIT_WINDOW)
        stream_history_option(&header, "stride", "%" PRIu64, options.stride);
    if (options.offsets)
        stream_history_option(&header, "offsets", "true");
    status = stream_writer_begin(filter->writer, &header);
    stream_header_free(&header);
    return status;
}

/* ---- decoding ---- */

static int begin_texts(struct filter *filter)
{
    const struct stream_header *input = stream_reader_header(filter->reader);
    const char *source = stream_reader_source(filter->reader);
    const char *name = options.model != NULL ? options.model : options.vocab;
    struct stream_header header;
    int status;
    if (stream_header_expect(input, STREAM_TOKENS, source) != 0 ||
        match_tokenizer(input, source, name, filter->tokeniser) != 0)
        return -1;
    stream_header_copy(&header, input);
    header.type = STREAM_TEXT;
    header.ids_type = IDS_NONE;
    stream_header_set_tokenizer(&header, &(struct stream_tokenizer){0});
    stream_history_append(&header, program.name);
    stream_history_option(&header, "decode", "true");
    if (options.keep_special)
        stream_history_option(&header, "keep_special", "true");
    status = stream_writer_begin(filter->writer, &header);
    stream_header_free(&header);
    return status;
}

static int decode_record(struct filter *filter)
{
    struct stream_record text;
    if (stream_groups_add(&filter->groups, filter->reader) < 0)
        return -1;
    filter->totals.tokens += rec_token_count(&stream_reader_record(filter->reader)->tokens);
    int status = detokeniser_add(filter->detokeniser, stream_reader_record(filter->reader),
                                 stream_reader_place(filter->reader), &text);
    if (status <= 0)
        return status;
    filter->totals.records++;
    return stream_writer_record(filter->writer, &text);
}

static int end_texts(struct filter *filter)
{
    return stream_groups_end(&filter->groups, filter->reader);
}

/* ---- */

static int each_segment(struct filter *filter, int (*begin)(struct filter *),
                        int (*add)(struct filter *), int (*end)(struct filter *))
{
    enum stream_event event;
    int status = 0;
    while (status == 0 && (event = stream_reader_next(filter->reader)) != STREAM_EOF) {
        if (event == STREAM_FAILED)
            status = -1;
        else if (event == STREAM_HEADER)
            status = begin(filter);
        else if (event == STREAM_RECORD)
            status = add(filter);
        else if ((status = end(filter)) == 0)
            status = stream_writer_end(filter->writer);
    }
    return status;
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
    if (options_given(&options.max_length))
        return diag_error("%s: has %" PRIu64 " positions, so records cannot have %" PRIu64
                          " tokens",
                          options.model, positions, options.max_length);
    options.max_length = positions;
    return 0;
}

/* Head and stride, for the length that holds. */
static void settle_fit(void)
{
    uint64_t room = options.max_length - 2;
    if (!options_given(&options.head))
        options.head = fit_default_head(options.max_length);
    if (!options_given(&options.stride) && options.stride > room / 2)
        options.stride = room / 2;
    if (options.on_long == FIT_HEAD_TAIL && options.head > room)
        options_usage_error("--head %" PRIu64 ": texts have %" PRIu64 " tokens, -L less 2",
                            options.head, room);
    if (options.on_long == FIT_WINDOW && options.stride >= room)
        options_usage_error("--stride %" PRIu64 ": windows have %" PRIu64 " tokens, -L less 2",
                            options.stride, room);
}

static int open_tokeniser(struct filter *filter)
{
    if (options.vocab != NULL)
        filter->tokeniser = tokeniser_open_file(options.vocab);
    else if ((options.model = hub_locate_model(options.model)) != NULL)
        filter->tokeniser = tokeniser_open_folder(options.model);
    if (filter->tokeniser == NULL)
        return -1;
    diag_verbose("%zu tokens; kernel %s; threads %" PRIu64, filter->tokeniser->vocabulary.size,
                 spaces_best_way(), options.threads);
    return 0;
}

static int open_encoders(struct filter *filter)
{
    if (settle_length(filter->tokeniser) != 0)
        return -1;
    settle_fit();
    const struct fit fit = {(enum fit_long)options.on_long, options.max_length, options.head,
                            options.stride};
    filter->encoders = mem_calloc(options.threads, sizeof(*filter->encoders));
    for (uint64_t i = 0; i < options.threads; i++)
        filter->encoders[i] =
            text_encoder_new(filter->tokeniser, &fit, options.offsets, options.threads);
    filter->pool = ordered_pool_new((unsigned)options.threads, encode_batch, filter->encoders);
    return filter->pool != NULL ? 0 : -1;
}

static int open_streams(struct filter *filter, const struct option_operands *operands)
{
    filter->reader = stream_reader_open(operands->items, operands->count, options.io.max_record);
    if (filter->reader == NULL)
        return -1;
    filter->writer = stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    if (filter->writer == NULL)
        return -1;
    if (options.decode)
        stream_reader_on_wait(filter->reader, stream_writer_flush_hook, filter->writer);
    else
        stream_reader_on_wait(filter->reader, pass_on, filter);
    return 0;
}

static void close_filter(struct filter *filter)
{
    struct text_batch *batch;
    text_batch_free(filter->batch);
    while (filter->pool != NULL && (batch = ordered_pool_take(filter->pool)) != NULL)
        text_batch_free(batch);
    ordered_pool_free(filter->pool);
    for (uint64_t i = 0; filter->encoders != NULL && i < options.threads; i++)
        text_encoder_free(filter->encoders[i]);
    free(filter->encoders);
    detokeniser_free(filter->detokeniser);
    stream_groups_free(&filter->groups);
    stream_reader_close(filter->reader);
    tokeniser_close(filter->tokeniser);
}

static void check_decode(void)
{
    static const void *const encoding[] = {&options.max_length, &options.on_long, &options.threads,
                                           &options.keep_text, &options.offsets};
    for (size_t i = 0; i < sizeof(encoding) / sizeof(encoding[0]) && options.decode; i++)
        if (options_given(encoding[i]))
            options_usage_error("--decode makes texts: -L, --on-long, -j, -k and --offsets are for "
                                "making tokens");
    if (options.keep_special && !options.decode)
        options_usage_error("--keep-special is for --decode");
}

int main(int argc, char **argv)
{
    struct filter filter = {0};
    struct option_operands operands = options_parse(&program, argc, argv);
    if ((options.model == NULL) == (options.vocab == NULL))
        options_usage_error("give either -m MODEL or --vocab FILE");
    if (options_given(&options.head) && options.on_long != FIT_HEAD_TAIL)
        options_usage_error("--head is for --on-long head-tail");
    if (options_given(&options.stride) && options.on_long != FIT_WINDOW)
        options_usage_error("--stride is for --on-long window");
    check_decode();
    int status = open_tokeniser(&filter);
    if (status == 0 && options.decode)
        status =
            (filter.detokeniser = detokeniser_new(filter.tokeniser, options.keep_special)) != NULL
                ? 0
                : -1;
    else if (status == 0)
        status = open_encoders(&filter);
    if (status == 0)
        status = open_streams(&filter, &operands);
    if (status == 0)
        status = options.decode ? each_segment(&filter, begin_texts, decode_record, end_texts)
                                : each_segment(&filter, begin_segment, add_record, drain);
    if (stream_writer_close(filter.writer, status == 0) != 0)
        status = -1;
    if (status == 0)
        text_totals_report(&filter.totals);
    close_filter(&filter);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
