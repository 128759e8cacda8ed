/*
 * wp-tokenize: a text stream becomes a tokens stream, or the other way round.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "encode/detokenise.h"
#include "encode/encode_stream.h"
#include "hub/cache.h"
#include "model/config.h"
#include "stream/groups.h"
#include "stream/options.h"
#include "stream/reader.h"
#include "stream/writer.h"
#include "text/tokeniser.h"
#include "train/match.h"

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
    struct stream_reader *reader;
    struct stream_writer *writer;
    struct text_totals totals;
    struct detokeniser *detokeniser; /* --decode */
    struct stream_groups groups;
};

/* ---- encoding ---- */

static int make_header(const struct stream_reader *reader, struct stream_header *header,
                       void *context)
{
    const struct filter *filter = context;
    const struct stream_header *input = stream_reader_header(reader);
    const struct stream_tokenizer description =
        match_description(filter->tokeniser, options.max_length);
    if (stream_header_expect(input, STREAM_TEXT, stream_reader_source(reader)) != 0)
        return -1;
    stream_header_copy(header, input);
    header->type = STREAM_TOKENS;
    stream_header_set_tokenizer(header, &description);
    stream_history_append(header, program.name);
    stream_history_option(header, "max_length", "%" PRIu64, options.max_length);
    if (options.on_long != FIT_CUT)
        stream_history_option(header, "on_long", "%s", on_long_names[options.on_long]);
    if (options.on_long == FIT_HEAD_TAIL)
        stream_history_option(header, "head", "%" PRIu64, options.head);
    if (options.on_long == FIT_WINDOW)
        stream_history_option(header, "stride", "%" PRIu64, options.stride);
    if (options.offsets)
        stream_history_option(header, "offsets", "true");
    return 0;
}

static int encode(struct filter *filter)
{
    const struct encode_plan plan = {
        .tokeniser = filter->tokeniser,
        .fit = {(enum fit_long)options.on_long, options.max_length, options.head, options.stride},
        .offsets = options.offsets,
        .keep_text = options.keep_text,
        .threads = (unsigned)options.threads,
        .header = make_header,
        .context = filter,
    };
    return encode_stream(&plan, filter->reader, filter->writer, &filter->totals);
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

static int decode_event(struct filter *filter, enum stream_event event)
{
    if (event == STREAM_FAILED)
        return -1;
    if (event == STREAM_HEADER)
        return begin_texts(filter);
    if (event == STREAM_RECORD)
        return decode_record(filter);
    int status = stream_groups_end(&filter->groups, filter->reader);
    return status == 0 ? stream_writer_end(filter->writer) : status;
}

static int decode(struct filter *filter)
{
    enum stream_event event;
    int status = 0;
    filter->detokeniser = detokeniser_new(filter->tokeniser, options.keep_special);
    if (filter->detokeniser == NULL)
        return -1;
    stream_reader_on_wait(filter->reader, stream_writer_flush_hook, filter->writer);
    while (status == 0 && (event = stream_reader_next(filter->reader)) != STREAM_EOF)
        status = decode_event(filter, event);
    return status;
}

/* ---- */

/* The model's positions bound the length; without -L they set it, when there are fewer than the
 * default. */
static int settle_length(const struct tokeniser *tokeniser)
{
    struct model_config config;
    char *path = options.model != NULL ? mem_format("%s/config.json", options.model) : NULL;
    bool present = path != NULL && !path_missing(path);
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

static int open_streams(struct filter *filter, const struct option_operands *operands)
{
    filter->reader = stream_reader_open(operands->items, operands->count, options.io.max_record);
    if (filter->reader == NULL)
        return -1;
    filter->writer = stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    if (filter->writer == NULL)
        return -1;
    stream_writer_limit(filter->writer, options.io.max_record);
    return 0;
}

static void close_filter(struct filter *filter)
{
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
    if (status == 0 && !options.decode && (status = settle_length(filter.tokeniser)) == 0)
        settle_fit();
    if (status == 0)
        status = open_streams(&filter, &operands);
    if (status == 0)
        status = options.decode ? decode(&filter) : encode(&filter);
    if (stream_writer_close(filter.writer, status == 0) != 0)
        status = -1;
    if (status == 0)
        text_totals_report(&filter.totals);
    close_filter(&filter);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
