/*
 * Lines, TSV, CSV and JSON lines as records. The first two bytes of an input are options. What is
 * accepted is a whole stream; its records as JSON lines give the same records again; and of lines
 * the texts are the lines.
 */
#include <string.h>

#include "cli/buffer.h"
#include "fuzz.h"
#include "reading.h"
#include "stream/load.h"
#include "stream/text_form.h"

static char *label_names[] = {"a", "1", "positive"};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    reading_init();
    return 0;
}

static struct load_options options_of(const uint8_t *bytes)
{
    struct load_options options = {
        .format = (enum load_format)(bytes[0] % 4),
        .id = {.name = "id"},
        .text = {.name = "text"},
        .pair = {.name = "pair", .given = bytes[1] & 64},
        .label = {.name = "label"},
        .replace_invalid = bytes[0] & 4,
        .problem = (enum stream_problem)(bytes[1] % 6),
        .tool = "fuzz",
    };
    if (bytes[0] & 8)
        options.labels = label_names, options.label_count = 3;
    if (bytes[0] & 16 && (options.format == LOAD_TSV || options.format == LOAD_CSV)) {
        options.no_header = true;
        options.id.name = options.pair.name = NULL;
        options.pair.given = false;
        options.text = (struct load_field){"1", true};
        options.label = (struct load_field){"2", true};
    }
    return options;
}

static bool load(const struct load_options *options, const char *from, const char *to)
{
    struct stream_writer *writer = stream_writer_open(to, FORM_MSGPACK);
    REQUIRE(writer != NULL, "%s", to);
    struct loader *loader = loader_new(options, writer);
    bool done = loader_read(loader, from, NULL) == 0 && loader_end(loader) == 0;
    loader_free(loader);
    REQUIRE(stream_writer_close(writer, done) == 0, "%s", to);
    return done;
}

/* The records' bytes, and as JSON lines with the header's before them. */
static void read_back(const char *path, struct buffer *records, struct buffer *lines)
{
    char *paths[] = {(char *)path};
    struct stream_reader *reader = stream_reader_open(paths, 1, 0);
    enum stream_event event;
    REQUIRE(reader != NULL, "%s", path);
    while ((event = stream_reader_next(reader)) > STREAM_EOF) {
        struct rec_span raw = stream_reader_raw(reader);
        if (event == STREAM_HEADER)
            REQUIRE(stream_render_header_json(lines, stream_reader_header(reader)) == 0, "header");
        if (event != STREAM_RECORD)
            continue;
        buffer_append(records, raw.data, raw.size);
        REQUIRE(stream_render_json(lines, stream_reader_record(reader)) == 0, "record");
    }
    REQUIRE(event == STREAM_EOF, "what was written is refused");
    stream_reader_close(reader);
}

static void check_again(const struct buffer *records, const struct buffer *lines)
{
    const struct load_options options = {
        .format = LOAD_JSONL,
        .id = {.name = "id"},
        .text = {.name = "text"},
        .pair = {.name = "pair"},
        .label = {.name = "label"},
        .tool = "fuzz",
    };
    struct buffer records_again = {0}, lines_again = {0};
    reading_write("again.jsonl", lines->data, lines->size);
    REQUIRE(load(&options, reading_path("again.jsonl"), reading_path("again.mp")),
            "its JSON lines are refused");
    read_back(reading_path("again.mp"), &records_again, &lines_again);
    REQUIRE(lines->size == lines_again.size &&
                memcmp(lines->data, lines_again.data, lines->size) == 0,
            "other lines:\n%.*s\n%.*s", (int)lines->size, lines->data, (int)lines_again.size,
            lines_again.data);
    REQUIRE(
        records->size == records_again.size &&
            (records->size == 0 || memcmp(records->data, records_again.data, records->size) == 0),
        "other records");
    buffer_free(&records_again);
    buffer_free(&lines_again);
}

/* Of the text form that is plain lines, the bytes between newlines are the texts. */
static void check_lines(const char *path, const char *data, size_t size)
{
    char *paths[] = {(char *)path};
    struct stream_reader *reader = stream_reader_open(paths, 1, 0);
    enum stream_event event;
    const char *at = data, *end = data + size;
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    bool marked_only = at == end && size == 3;
    while ((event = stream_reader_next(reader)) > STREAM_EOF) {
        if (event != STREAM_RECORD)
            continue;
        struct rec_span text = stream_reader_record(reader)->text.text;
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        size_t length = (size_t)(stop - at);
        length -= newline != NULL && length > 0 && at[length - 1] == '\r';
        REQUIRE(text.size == length && memcmp(text.data, at, length) == 0, "another text");
        at = newline != NULL ? newline + 1 : end;
        marked_only = false;
    }
    REQUIRE(at == end && !marked_only, "%zu bytes without a record", (size_t)(end - at));
    stream_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading reading;
    if (size < 2)
        return -1;
    const struct load_options options = options_of(data);
    const char *from = reading_write("in", data + 2, size - 2);
    const char *to = reading_path("out.mp");
    reading_begin(&reading);
    bool accepted = load(&options, from, to);
    reading_end(&reading, accepted, size);
    if (!accepted)
        return 0;
    struct buffer records = {0}, lines = {0};
    read_back(to, &records, &lines);
    check_again(&records, &lines);
    if (options.format == LOAD_LINES && !options.replace_invalid)
        check_lines(to, (const char *)data + 2, size - 2);
    buffer_free(&records);
    buffer_free(&lines);
    unlink(to);
    return 0;
}
