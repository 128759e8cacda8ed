/* Text streams that become tokens streams on threads; the ids are those of tokenizers
 * (tests/fixtures/generate-text.py). */
#include <string.h>

#include "check.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "encode/encode_stream.h"
#include "model_capture.h"
#include "text_json.h"

enum { SEGMENTS = 5, LARGEST = 3000 };
/* Records of each segment: some in many batches, one in none. */
static const size_t records[SEGMENTS] = {LARGEST, 0, 1, 700, 200};

static char *input, *output;

static void write_text(struct stream_writer *writer, struct text_span text)
{
    struct stream_record record = {.type = STREAM_TEXT};
    record.text.id = rec_span_of("id");
    record.text.text = (struct rec_span){text.data, text.size};
    CHECK(stream_writer_record(writer, &record) == 0, "a record is written");
}

/* Texts that take far longer than what is read behind them: after the first so many bytes, after
 * the last so many batches, that no more may wait. */
static void write_uneven(void)
{
    enum { LONG = 8 << 20, SHORT = 300, SHORTS = 20000 };
    struct stream_writer *writer = stream_writer_open(input, FORM_MSGPACK);
    struct stream_header header;
    char *text = mem_alloc(LONG);
    for (size_t i = 0; i < LONG; i++)
        text[i] = "the movie. "[i % 11];
    stream_header_init(&header, STREAM_TEXT);
    CHECK(stream_writer_begin(writer, &header) == 0, "a segment begins");
    for (size_t i = 0; i < SHORTS; i++)
        write_text(writer, (struct text_span){text, i == 0 || i == SHORTS / 2 ? LONG
                                                    : i == 1                  ? LONG / 4 * 3
                                                                              : SHORT});
    CHECK(stream_writer_end(writer) == 0, "a segment ends");
    CHECK(stream_writer_close(writer, true) == 0, "the input is there");
    stream_header_free(&header);
    free(text);
}

/* Segments whose record i has the text of row i, around. */
static void write_input(const json_t *rows)
{
    struct stream_writer *writer = stream_writer_open(input, FORM_MSGPACK);
    struct stream_header header;
    stream_header_init(&header, STREAM_TEXT);
    for (int segment = 0; segment < SEGMENTS; segment++) {
        CHECK(stream_writer_begin(writer, &header) == 0, "segment %d begins", segment);
        for (size_t i = 0; i < records[segment]; i++)
            write_text(writer,
                       span_of(json_array_get(json_array_get(rows, i % json_array_size(rows)), 0)));
        CHECK(stream_writer_end(writer) == 0, "segment %d ends", segment);
    }
    CHECK(stream_writer_close(writer, true) == 0, "the input is there");
    stream_header_free(&header);
}

static int make_header(const struct stream_reader *reader, struct stream_header *header,
                       void *context)
{
    const struct tokeniser *tokeniser = context;
    stream_header_copy(header, stream_reader_header(reader));
    header->type = STREAM_TOKENS;
    const struct stream_tokenizer description = {
        .digest = (char *)tokeniser->digest,
        .kind = (char *)tokeniser->kind,
        .vocab_size = tokeniser->vocabulary.size,
        .max_length = 512,
        .cls = tokeniser->special.cls,
        .sep = tokeniser->special.sep,
        .unk = tokeniser->special.unk,
        .pad = tokeniser->special.pad,
        .mask = tokeniser->special.mask,
    };
    stream_header_set_tokenizer(header, &description);
    return 0;
}

static int refuse_header(const struct stream_reader *reader, struct stream_header *header,
                         void *context)
{
    (void)header, (void)context;
    return diag_error("%s: no header of mine", stream_reader_source(reader));
}

static int encode(const struct tokeniser *tokeniser, unsigned threads, struct fit fit,
                  int (*header)(const struct stream_reader *, struct stream_header *, void *),
                  struct text_totals *totals)
{
    const struct encode_plan plan = {
        .tokeniser = tokeniser,
        .fit = fit,
        .threads = threads,
        .header = header,
        .context = (void *)tokeniser,
    };
    struct stream_reader *reader = stream_reader_open(&input, 1, 0);
    struct stream_writer *writer = stream_writer_open(output, FORM_MSGPACK);
    *totals = (struct text_totals){0};
    int status = encode_stream(&plan, reader, writer, totals);
    stream_reader_close(reader);
    if (stream_writer_close(writer, status == 0) != 0)
        status = -1;
    return status;
}

/* Each record has the ids of its row. */
static void check_output(const json_t *rows, unsigned threads)
{
    struct stream_reader *reader = stream_reader_open(&output, 1, 0);
    size_t segment = 0, i = 0, wrong = 0;
    uint32_t *ids = NULL;
    enum stream_event event;
    while (reader != NULL && (event = stream_reader_next(reader)) > STREAM_EOF) {
        if (event == STREAM_END) {
            CHECK(segment < SEGMENTS && i == records[segment], "%u threads: %zu records", threads,
                  i);
            segment++;
            i = 0;
        } else if (event == STREAM_RECORD) {
            const struct rec_tokens *tokens = &stream_reader_record(reader)->tokens;
            size_t count = rec_token_count(tokens);
            ids = mem_realloc_array(ids, count, sizeof(*ids));
            rec_token_ids(tokens, ids);
            wrong += !same_ids(json_array_get(json_array_get(rows, i++ % json_array_size(rows)), 1),
                               ids, count);
        }
    }
    CHECK(segment == SEGMENTS && wrong == 0, "%u threads: %zu segments, %zu records wrong", threads,
          segment, wrong);
    stream_reader_close(reader);
    free(ids);
}

static void test_threads(const struct tokeniser *tokeniser, const json_t *rows)
{
    const struct fit whole = {.on_long = FIT_CUT, .max_length = 1 << 20};
    char *first = NULL, *other;
    size_t size = 0, other_size = 0, tokens = 0;
    for (int segment = 0; segment < SEGMENTS; segment++)
        for (size_t i = 0; i < records[segment]; i++)
            tokens += json_array_size(
                          json_array_get(json_array_get(rows, i % json_array_size(rows)), 1)) -
                      2;
    for (unsigned threads = 1; threads <= 9; threads += threads < 4 ? 1 : 5) {
        struct text_totals totals;
        CHECK(encode(tokeniser, threads, whole, make_header, &totals) == 0, "%u threads", threads);
        CHECK(totals.records == LARGEST + 901 && totals.tokens == tokens && totals.cut == 0,
              "%u threads: %zu records, %zu tokens", threads, (size_t)totals.records,
              (size_t)totals.tokens);
        check_output(rows, threads);
        other = read_whole(output, &other_size);
        if (first == NULL) {
            first = other;
            size = other_size;
            continue;
        }
        CHECK(other_size == size && memcmp(first, other, size) == 0, "%u threads: other bytes",
              threads);
        free(other);
    }
    free(first);
}

static void test_uneven(const struct tokeniser *tokeniser)
{
    const struct fit whole = {.on_long = FIT_CUT, .max_length = 1 << 23};
    char *first = NULL, *other;
    size_t size = 0, other_size = 0;
    write_uneven();
    for (unsigned threads = 1; threads <= 4; threads++) {
        struct text_totals totals;
        CHECK(encode(tokeniser, threads, whole, make_header, &totals) == 0, "%u threads", threads);
        other = read_whole(output, &other_size);
        if (first == NULL) {
            first = other;
            size = other_size;
            continue;
        }
        CHECK(other_size == size && memcmp(first, other, size) == 0,
              "%u threads: other bytes of uneven texts", threads);
        free(other);
    }
    free(first);
}

/* The first failure in the order of the input is the one that is told, whoever came upon it. */
static void test_failures(const struct tokeniser *tokeniser, const json_t *rows)
{
    const struct fit whole = {.on_long = FIT_CUT, .max_length = 1 << 20};
    struct capture capture;
    struct text_totals totals;
    size_t size = 0, longest = 0, at = 0;
    char *bytes = read_whole(input, &size);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        size_t count = json_array_size(json_array_get(json_array_get(rows, i), 1));
        if (count > longest) {
            longest = count;
            at = i;
        }
    }
    const struct fit fail = {.on_long = FIT_FAIL, .max_length = longest - 1};
    char *too_long = mem_format("test: %s: record %zu: %zu tokens, and --on-long fail allows %zu\n",
                                input, at + 1, longest, longest - 1);
    char *cut = mem_format("test: %s: ends after record 200 without 'end': its producer failed or "
                           "it was cut\n",
                           input);
    char *refused = mem_format("test: %s: no header of mine\n", input);
    write_whole(input, bytes, size - 1); /* the last end is cut */
    for (unsigned threads = 1; threads <= 8; threads *= 2) {
        capture_begin(&capture);
        int status = encode(tokeniser, threads, whole, make_header, &totals);
        const char *got = capture_end(&capture);
        CHECK(status == -1 && strcmp(got, cut) == 0, "%u threads: %s", threads, got);
        CHECK(access(output, F_OK) != 0, "%u threads: no output", threads);
        capture_begin(&capture);
        status = encode(tokeniser, threads, fail, make_header, &totals);
        got = capture_end(&capture);
        CHECK(status == -1 && strcmp(got, too_long) == 0, "%u threads: %s", threads, got);
        capture_begin(&capture);
        status = encode(tokeniser, threads, whole, refuse_header, &totals);
        got = capture_end(&capture);
        CHECK(status == -1 && strcmp(got, refused) == 0, "%u threads: %s", threads, got);
    }
    free(bytes);
    free(too_long);
    free(cut);
    free(refused);
}

int main(void)
{
    char *folder = temporary_folder();
    json_t *rows = load_fixture("good-small/expected.json");
    struct tokeniser *tokeniser = tokeniser_open_folder(TEXT_FIXTURES "good-small");
    diag_init("test");
    input = mem_format("%s/text.mp", folder);
    output = mem_format("%s/tokens.mp", folder);
    write_input(rows);
    test_threads(tokeniser, rows);
    unlink(output);
    test_failures(tokeniser, rows);
    test_uneven(tokeniser);
    tokeniser_close(tokeniser);
    json_decref(rows);
    free(input);
    free(output);
    remove_folder(folder);
    return check_report();
}
