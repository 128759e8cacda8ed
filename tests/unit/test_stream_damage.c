/*
 * common/stream: streams of every type, cut at every byte and flipped at every bit. A reader finds
 * each of them, says so in one line, and hands out only what an undamaged check vouches for.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "cli/buffer.h"
#include "cli/diag.h"
#include "stream/msgpack_scan.h"
#include "stream/reader.h"

#define MOST_ITEMS 64

/* Headers, records and ends in the order in which they are handed out. */
struct item {
    enum stream_event event;
    struct rec_span bytes; /* of a record */
    size_t vouched;        /* the byte after the check or end that releases it */
};

struct stream {
    const char *name;
    struct buffer data;
    struct item items[MOST_ITEMS];
    size_t count;
    size_t seams; /* places between two segments, where a cut cannot be seen */
};

static int input_file;

static void load(struct stream *stream, const char *name)
{
    char path[256];
    size_t got;
    FILE *file;

    snprintf(path, sizeof path, "tests/fixtures/stream/%s.mp", name);
    *stream = (struct stream){.name = name};
    file = fopen(path, "rb");
    if (!CHECK(file != NULL, "%s is missing", path))
        exit(check_report());
    do {
        buffer_reserve(&stream->data, 4096);
        got = fread(stream->data.data + stream->data.size, 1, 4096, file);
        stream->data.size += got;
    } while (got > 0);
    fclose(file);
}

static bool is_control(struct rec_span item, const char *name)
{
    size_t length = strlen(name);

    return item.size > length + 2 && memcmp(item.data + 2, name, length) == 0 &&
           item.data[0] == '\x93';
}

/* Takes the undamaged stream apart: what stands in it, and which check releases it. */
static void take_apart(struct stream *stream)
{
    struct mp_cursor cursor = {stream->data.data, stream->data.data + stream->data.size};
    struct rec_span bytes;
    size_t held = 0;

    while (cursor.at < cursor.end && mp_skip(&cursor, &bytes) == 0) {
        bool end = is_control(bytes, "end");
        struct item *item = &stream->items[stream->count];

        if (end || !is_control(bytes, "check")) {
            *item = (struct item){.event = end                             ? STREAM_END
                                           : is_control(bytes, "bertpipe") ? STREAM_HEADER
                                                                           : STREAM_RECORD,
                                  .bytes = bytes};
            stream->count++;
        }
        if (!end && !is_control(bytes, "check"))
            continue;
        for (; held < stream->count; held++)
            stream->items[held].vouched = (size_t)(cursor.at - stream->data.data);
        stream->seams += end && cursor.at < cursor.end;
    }
    CHECK(held == stream->count && cursor.at == cursor.end, "%s is no whole stream", stream->name);
}

static bool is_next(const struct stream *stream, size_t number, enum stream_event event,
                    const struct stream_reader *reader, size_t damage)
{
    const struct item *item = &stream->items[number];
    struct rec_span raw;

    if (number == stream->count || item->event != event || item->vouched > damage)
        return false;
    if (event != STREAM_RECORD)
        return true;
    raw = stream_reader_raw(reader);
    return raw.size == item->bytes.size && memcmp(raw.data, item->bytes.data, raw.size) == 0;
}

/* Reads what is in input_file, whose first `damage` bytes are the stream's. Whether all was handed
 * out that had to be, nothing more, and damage is one line. */
static bool read_it(const struct stream *stream, size_t damage, enum stream_event *last)
{
    struct diag_held held = {.size = 0};
    struct stream_reader *reader;
    size_t handed = 0, due = 0;
    bool right = true;

    while (due < stream->count && stream->items[due].vouched <= damage)
        due++;
    lseek(input_file, 0, SEEK_SET);
    diag_hold(&held);
    reader = stream_reader_open(NULL, 0, 0);
    while ((*last = stream_reader_next(reader)) > STREAM_EOF)
        right = is_next(stream, handed++, *last, reader, damage) && right;
    stream_reader_close(reader);
    diag_hold(NULL);
    if (*last == STREAM_FAILED)
        right = right && held.size > 0 && strchr(held.lines, '\n') == held.lines + held.size - 1;
    return right && handed == due;
}

static void put(const void *data, size_t size)
{
    if (ftruncate(input_file, 0) != 0 || pwrite(input_file, data, size, 0) != (ssize_t)size)
        abort();
}

static void test_whole(const struct stream *stream)
{
    enum stream_event last;

    put(stream->data.data, stream->data.size);
    CHECK(read_it(stream, stream->data.size, &last) && last == STREAM_EOF, "%s undamaged",
          stream->name);
}

static void test_cuts(const struct stream *stream)
{
    size_t found = 0, wrong = 0;

    for (size_t size = 0; size < stream->data.size; size++) {
        enum stream_event last;

        put(stream->data.data, size);
        wrong += !read_it(stream, size, &last);
        found += last == STREAM_FAILED;
    }
    CHECK(found == stream->data.size - stream->seams && wrong == 0,
          "%s: %zu of %zu cuts found, %zu handed out what they should not", stream->name, found,
          stream->data.size - stream->seams, wrong);
}

static void test_flips(const struct stream *stream)
{
    char *data = stream->data.data;
    size_t found = 0, wrong = 0;

    for (size_t bit = 0; bit < 8 * stream->data.size; bit++) {
        char good = data[bit / 8];
        enum stream_event last;

        data[bit / 8] = (char)(good ^ 1 << bit % 8);
        put(data, stream->data.size);
        data[bit / 8] = good;
        wrong += !read_it(stream, bit / 8, &last);
        found += last == STREAM_FAILED;
    }
    CHECK(found == 8 * stream->data.size && wrong == 0,
          "%s: %zu of %zu flips found, %zu handed out what they should not", stream->name, found,
          8 * stream->data.size, wrong);
}

int main(void)
{
    static const char *const names[] = {"good-every-text", "good-every-tokens",
                                        "good-every-predictions", "good-every-metrics",
                                        "good-tokens-u32"};

    diag_init("test_stream_damage");
    input_file = memfd_create("stream", MFD_CLOEXEC);
    if (input_file < 0 || dup2(input_file, STDIN_FILENO) < 0)
        abort();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct stream stream;

        load(&stream, names[i]);
        take_apart(&stream);
        test_whole(&stream);
        test_cuts(&stream);
        test_flips(&stream);
        buffer_free(&stream.data);
    }
    close(input_file);
    return check_report();
}
