/*
 * The reader of record streams. Of an input whose first byte is odd, the checks and ends are set
 * right first, so that what stands behind them is reached. A stream that is accepted is refused
 * when its last byte is missing; each of its headers and records has one spelling, which decodes to
 * itself; and as JSON it is JSON.
 */
#include <jansson.h>
#include <string.h>
#include <xxhash.h>

#include "fuzz.h"
#include "reading.h"
#include "stream/msgpack_scan.h"
#include "stream/reader.h"
#include "stream/text_form.h"
#include "stream/wire.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    reading_init();
    return 0;
}

static void put_number(char *place, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        place[i] = (char)(number >> (56 - 8 * i));
}

static void seal(char *data, size_t size)
{
    struct mp_cursor cursor = {data, data + size};
    struct rec_span item;
    XXH64_state_t *hash = XXH64_createState();
    uint64_t count = 0;
    XXH64_reset(hash, 0);
    while (cursor.at < cursor.end && mp_skip(&cursor, &item) == 0) {
        char *bytes = data + (item.data - data);
        if (item.size > 10 && memcmp(bytes,
                                     "\x93\xa8"
                                     "bertpipe",
                                     10) == 0) {
            XXH64_reset(hash, 0);
            count = 0;
        } else if ((item.size == 26 && memcmp(bytes,
                                              "\x93\xa5"
                                              "check",
                                              7) == 0) ||
                   (item.size == 24 && memcmp(bytes,
                                              "\x93\xa3"
                                              "end",
                                              5) == 0)) {
            put_number(bytes + item.size - 18, count);
            put_number(bytes + item.size - 8, XXH64_digest(hash));
        } else {
            count++;
        }
        XXH64_update(hash, item.data, item.size);
    }
    XXH64_freeState(hash);
}

static void check_header(const struct stream_header *header)
{
    struct buffer once = {0}, twice = {0}, line = {0};
    struct stream_header again;
    struct wire_fault fault;
    wire_pack_header(&once, header);
    REQUIRE(wire_decode_header((struct rec_span){once.data, once.size}, &again, &fault) == 0, "%s",
            fault.reason);
    wire_pack_header(&twice, &again);
    REQUIRE(once.size == twice.size && memcmp(once.data, twice.data, once.size) == 0,
            "a header that changes");
    REQUIRE(stream_render_header_json(&line, &again) == 0, "no JSON of a header");
    stream_header_free(&again);
    buffer_free(&once);
    buffer_free(&twice);
    buffer_free(&line);
}

static void check_json(const struct stream_record *record)
{
    struct buffer line = {0}, row = {0};
    if (stream_render_json(&line, record) == 0) {
        json_t *json = json_loadb(line.data, line.size, JSON_ALLOW_NUL, NULL);
        REQUIRE(json_is_object(json), "%.*s", (int)line.size, line.data);
        json_decref(json);
        REQUIRE(memchr(line.data, '\n', line.size) == line.data + line.size - 1, "not one line");
    }
    if (stream_render_tsv(&row, record) == 0)
        REQUIRE(memchr(row.data, '\n', row.size) == row.data + row.size - 1, "not one row");
    buffer_free(&line);
    buffer_free(&row);
}

static void check_record(const struct stream_record *record, const struct stream_header *header)
{
    struct buffer once = {0}, twice = {0}, shown = {0};
    struct stream_record again;
    struct blocks lists = {0};
    struct wire_fault fault;
    wire_pack_record(&once, record);
    REQUIRE(wire_decode_record((struct rec_span){once.data, once.size}, header, &lists, &again,
                               &fault) == 0,
            "%s", fault.reason);
    wire_pack_record(&twice, &again);
    REQUIRE(once.size == twice.size && memcmp(once.data, twice.data, once.size) == 0,
            "a record that changes");
    check_json(&again);
    stream_render_text(&shown, header, record);
    blocks_free(&lists);
    buffer_free(&once);
    buffer_free(&twice);
    buffer_free(&shown);
}

/* Whether the file is a whole stream. */
static bool is_stream(const char *path, bool check)
{
    char *paths[] = {(char *)path};
    struct stream_reader *reader = stream_reader_open(paths, 1, 0);
    enum stream_event event;
    REQUIRE(reader != NULL, "%s", path);
    while ((event = stream_reader_next(reader)) > STREAM_EOF) {
        if (check && event == STREAM_HEADER)
            check_header(stream_reader_header(reader));
        else if (check && event == STREAM_RECORD)
            check_record(stream_reader_record(reader), stream_reader_header(reader));
    }
    stream_reader_close(reader);
    return event == STREAM_EOF;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading reading;
    if (size < 1)
        return -1;
    char *copy = malloc(size);
    memcpy(copy, data + 1, size - 1);
    if (data[0] & 1)
        seal(copy, size - 1);
    const char *path = reading_write("stream.mp", copy, size - 1);
    reading_begin(&reading);
    bool accepted = is_stream(path, false);
    reading_end(&reading, accepted, size);
    if (accepted) {
        is_stream(path, true);
        reading_write("stream.mp", copy, size - 2);
        reading_begin(&reading);
        accepted = is_stream(path, false);
        reading_end(&reading, accepted, size);
        REQUIRE(!accepted, "a stream without its last byte");
    }
    free(copy);
    return 0;
}
