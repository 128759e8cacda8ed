/* common/stream: bytes of a tiny stream by hand, records through writer and reader, the scan
 * against msgpack-c. */
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "stream/merge.h"
#include "stream/msgpack_scan.h"
#include "stream/reader.h"
#include "stream/writer.h"

static char folder[] = "/tmp/test_stream.XXXXXX";

static char *path_of(const char *name)
{
    return mem_format("%s/%s", folder, name);
}

static size_t read_whole(const char *path, unsigned char *data, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    size_t size = file != NULL ? fread(data, 1, capacity, file) : 0;

    if (file != NULL)
        fclose(file);
    return size;
}

/*
 * Written down from the msgpack specification. The last eight bytes are XXH64 of the 49 before
 * `end`, from tests/fixtures/stream/msgstream.py: python3 -c 'from msgstream import *; d =
 * segment({"type": "text", "history": []}, [{"id": "1", "text": "hi"}]); print(d.hex())'
 */
static const unsigned char tiny[] = {
    0x93, 0xa8, 'b',  'e',  'r',  't',  'p',  'i',  'p',  'e',  0x01, /* ["bertpipe", 1, */
    0x82, 0xa4, 't',  'y',  'p',  'e',  0xa4, 't',  'e',  'x',  't',  /* {"type": "text", */
    0xa7, 'h',  'i',  's',  't',  'o',  'r',  'y',  0x90,             /* "history": []}] */
    0x82, 0xa2, 'i',  'd',  0xa1, '1',                                /* {"id": "1", */
    0xa4, 't',  'e',  'x',  't',  0xa2, 'h',  'i',                    /* "text": "hi"} */
    0x93, 0xa3, 'e',  'n',  'd',  0xcf, 0,    0,    0,    0,    0,    0, 0, 1, /* ["end", 1, */
    0xc4, 0x08, 0x0c, 0xe1, 0xfc, 0x75, 0x3f, 0xf4, 0x63, 0xf8,                /* hash] */
};

static void test_tiny(void)
{
    char *path = path_of("tiny");
    struct stream_writer *writer = stream_writer_open(path, FORM_MSGPACK);
    struct stream_record record = {.type = STREAM_TEXT};
    struct stream_header header;
    unsigned char data[256];
    size_t size;

    stream_header_init(&header, STREAM_TEXT);
    record.text.id = rec_span_of("1");
    record.text.text = rec_span_of("hi");
    CHECK(stream_writer_begin(writer, &header) == 0 && stream_writer_record(writer, &record) == 0 &&
              stream_writer_end(writer) == 0 && stream_writer_close(writer, true) == 0,
          "writing");
    size = read_whole(path, data, sizeof data);
    CHECK(size == sizeof tiny, "%zu bytes, expected %zu", size, sizeof tiny);
    CHECK(size == sizeof tiny && memcmp(data, tiny, size) == 0, "the bytes differ");
    unlink(path);
    free(path);
}

static bool span_is(struct rec_span span, const char *string)
{
    return rec_span_equal(span, string);
}

/* A record with every optional field. */
static void fill_tokens(struct stream_record *record, unsigned char *memory)
{
    static const uint32_t ids[] = {101, 7592, 102}, offsets[] = {0, 0, 0, 5, 0, 0};
    static const uint32_t words[] = {UINT32_MAX, 0, UINT32_MAX};
    static const int32_t labels[] = {-100, 3, -100};
    struct rec_tokens *tokens = &record->tokens;

    *record = (struct stream_record){.type = STREAM_TOKENS};
    tokens->id = rec_span_of("t1");
    tokens->ids_type = IDS_U16;
    tokens->ids = rec_store_ids(memory, ids, 3, IDS_U16);
    tokens->types = (struct rec_span){"\0\0\1", 3};
    tokens->offsets = rec_store_u32(memory + 8, offsets, 6);
    tokens->words = rec_store_u32(memory + 32, words, 3);
    tokens->labels = rec_store_i32(memory + 44, labels, 3);
    tokens->label = (struct rec_label){.kind = LABEL_FLOAT, .real = 0.1};
    tokens->window = (struct rec_window){2, 3, 510};
    tokens->cut = 7;
    tokens->text = rec_span_of("hello");
    tokens->x = (struct rec_span){"\x81\xa1n\x01", 4};
}

static void check_tokens(const struct rec_tokens *tokens)
{
    uint32_t ids[3] = {0};

    CHECK(span_is(tokens->id, "t1") && span_is(tokens->text, "hello"), "id and text");
    CHECK(rec_token_count(tokens) == 3, "%zu tokens", rec_token_count(tokens));
    rec_token_ids(tokens, ids);
    CHECK(ids[0] == 101 && ids[1] == 7592 && ids[2] == 102, "ids");
    CHECK(tokens->ids.data[2] == (char)0xa8 && tokens->ids.data[3] == 0x1d, "7592 is a8 1d");
    CHECK(tokens->types.size == 3 && tokens->types.data[2] == 1, "types");
    CHECK(rec_u32_at(tokens->offsets, 3) == 5, "offsets");
    CHECK(rec_u32_at(tokens->words, 0) == UINT32_MAX && rec_u32_at(tokens->words, 1) == 0, "words");
    CHECK(rec_i32_at(tokens->labels, 0) == -100 && rec_i32_at(tokens->labels, 1) == 3, "labels");
    CHECK(tokens->label.kind == LABEL_FLOAT && tokens->label.real == 0.1, "label");
    CHECK(tokens->window.k == 2 && tokens->window.n == 3 && tokens->window.first_token == 510,
          "window");
    CHECK(tokens->cut == 7, "cut");
    CHECK(tokens->x.size == 4 && memcmp(tokens->x.data, "\x81\xa1n\x01", 4) == 0, "x");
}

static void test_tokens(void)
{
    struct stream_tokenizer tokenizer = {.digest = "d",
                                         .kind = "wordpiece",
                                         .vocab_size = 30522,
                                         .max_length = 512,
                                         .cls = 101,
                                         .sep = 102,
                                         .pad = 0,
                                         .unk = 100,
                                         .mask = -1};
    char *path = path_of("tokens");
    struct stream_writer *writer = stream_writer_open(path, FORM_MSGPACK);
    struct stream_reader *reader;
    struct stream_record record, *clone = NULL;
    struct stream_header header;
    unsigned char memory[64];

    fill_tokens(&record, memory);
    stream_header_init(&header, STREAM_TOKENS);
    stream_header_set_tokenizer(&header, &tokenizer);
    stream_history_append(&header, "test");
    stream_history_option(&header, "n", "%d", 3);
    CHECK(header.ids_type == IDS_U16, "30,522 tokens fit u16");
    CHECK(stream_writer_begin(writer, &header) == 0 && stream_writer_record(writer, &record) == 0 &&
              stream_writer_end(writer) == 0 && stream_writer_close(writer, true) == 0,
          "writing");
    stream_header_free(&header);

    reader = stream_reader_open(&path, 1, 0);
    CHECK(stream_reader_next(reader) == STREAM_HEADER, "header");
    CHECK(stream_reader_header(reader)->tokenizer.cls == 101 &&
              stream_reader_header(reader)->tokenizer.mask == -1,
          "tokenizer");
    CHECK(stream_reader_header(reader)->history_count == 1 &&
              strcmp(stream_reader_header(reader)->history[0].options[0].value, "3") == 0,
          "history");
    if (CHECK(stream_reader_next(reader) == STREAM_RECORD, "record")) {
        check_tokens(&stream_reader_record(reader)->tokens);
        clone = stream_record_clone(stream_reader_record(reader));
    }
    CHECK(stream_reader_next(reader) == STREAM_END, "end");
    CHECK(stream_reader_next(reader) == STREAM_EOF, "end of file");
    CHECK(stream_reader_next(reader) == STREAM_EOF, "and it stays there");
    stream_reader_close(reader);
    if (clone != NULL)
        check_tokens(&clone->tokens); /* the reader's memory is gone */
    free(clone);
    unlink(path);
    free(path);
}

/* Lists survive a clone after their own memory has been overwritten. */
static void test_clone_lists(void)
{
    struct rec_label items[2] = {{.kind = LABEL_STRING}, {.kind = LABEL_INT, .integer = -5}};
    struct rec_label tags[1];
    struct rec_span words[2];
    char text[] = "eins zwei";
    struct stream_record record = {.type = STREAM_TEXT}, *clone;

    words[0] = (struct rec_span){text, 4};
    words[1] = (struct rec_span){text + 5, 4};
    items[0].string = words[1];
    tags[0] = (struct rec_label){.kind = LABEL_STRING, .string = words[0]};
    record.text.id = rec_span_of("");
    record.text.text = (struct rec_span){text, 9};
    record.text.words = words;
    record.text.word_count = 2;
    record.text.tags = tags;
    record.text.tag_count = 1;
    record.text.label = (struct rec_label){.kind = LABEL_LIST, .count = 2, .items = items};
    clone = stream_record_clone(&record);
    memset(text, '?', sizeof text - 1);
    memset(words, 0, sizeof words);
    memset(items, 0, sizeof items);
    memset(tags, 0, sizeof tags);
    CHECK(span_is(clone->text.text, "eins zwei") && span_is(clone->text.words[1], "zwei"), "words");
    CHECK(span_is(clone->text.tags[0].string, "eins"), "tags");
    CHECK(clone->text.label.count == 2 && span_is(clone->text.label.items[0].string, "zwei") &&
              clone->text.label.items[1].integer == -5,
          "labels");
    CHECK(clone->text.id.data != NULL && clone->text.id.size == 0, "empty is not absent");
    CHECK(clone->text.pair.data == NULL, "absent stays absent");
    free(clone);
}

/* An aborted producer: whatever was flushed has no end. */
static void test_aborted(void)
{
    char *path = path_of("aborted");
    struct stream_writer *writer = stream_writer_open(path, FORM_MSGPACK);
    struct stream_header header;

    stream_header_init(&header, STREAM_TEXT);
    CHECK(stream_writer_begin(writer, &header) == 0 && stream_writer_flush(writer) == 0, "begin");
    stream_writer_close(writer, false);
    CHECK(access(path, F_OK) != 0, "the file never appears");
    free(path);
}

/* Checks are at most 64 KiB apart unless one record is larger: what the reader demands, the writer
 * does. */
static void test_intervals(void)
{
    static const size_t sizes[] = {1, 100,    40000,  40000, 65500, 65536,
                                   3, 200000, 200000, 5,     5,     66000};
    char *path = path_of("intervals"), *text = mem_calloc(1, 200000);
    struct stream_writer *writer = stream_writer_open(path, FORM_MSGPACK);
    struct stream_reader *reader;
    struct stream_record record = {.type = STREAM_TEXT};
    struct stream_header header;
    size_t count = sizeof sizes / sizeof sizes[0], good = 0;

    stream_header_init(&header, STREAM_TEXT);
    stream_writer_begin(writer, &header);
    record.text.id = rec_span_of("i");
    memset(text, 'a', 200000);
    for (size_t i = 0; i < 20 * count; i++) {
        record.text.text = (struct rec_span){text, sizes[i % count]};
        stream_writer_record(writer, &record);
        if (i % 7 == 0)
            stream_writer_flush(writer);
    }
    stream_writer_end(writer);
    CHECK(stream_writer_close(writer, true) == 0, "writing");
    reader = stream_reader_open(&path, 1, 0);
    stream_reader_next(reader);
    while (stream_reader_next(reader) == STREAM_RECORD)
        good += stream_reader_record(reader)->text.text.size == sizes[good % count];
    CHECK(good == 20 * count, "%zu of %zu records", good, 20 * count);
    CHECK(stream_reader_next(reader) == STREAM_EOF, "then the end");
    stream_reader_close(reader);
    unlink(path);
    free(path);
    free(text);
}

static uint32_t random_state = 1;

static uint32_t random_bits(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* Random bytes, half of them heads of containers and strings with small counts. */
static void make_noise(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint32_t r = random_bits();

        bytes[i] = (char)(r & 1 ? r >> 1 : (r & 2 ? 0x80 | (r >> 2 & 0x13) : r >> 2 & 3));
    }
}

/* Feeds the scan byte by byte. */
static enum mp_scan_result scan_slowly(const char *bytes, size_t size, size_t *item_size)
{
    struct mp_scan scan = {0};
    enum mp_scan_result result = MP_SCAN_MORE;

    for (size_t available = 1; available <= size && result == MP_SCAN_MORE; available++)
        result = mp_scan_continue(&scan, bytes, available, size);
    *item_size = scan.position;
    return result;
}

/* What msgpack-c can unpack the scan finds whole with the same size, and the other way round. */
static void test_scan(void)
{
    unsigned done = 0, agreed = 0, slow = 0, all = 20000;

    for (unsigned i = 0; i < all; i++) {
        char bytes[64];
        struct mp_scan scan = {0};
        size_t offset = 0, slow_size;
        msgpack_unpacked unpacked;
        msgpack_unpack_return theirs;
        enum mp_scan_result ours, slowly;

        make_noise(bytes, sizeof bytes);
        ours = mp_scan_continue(&scan, bytes, sizeof bytes, sizeof bytes);
        slowly = scan_slowly(bytes, sizeof bytes, &slow_size);
        slow += slowly == ours && slow_size == scan.position;
        done += ours == MP_SCAN_DONE;
        if (ours ==
            MP_SCAN_LARGE) { /* msgpack-c would set aside memory for what is only declared */
            agreed++;
            continue;
        }
        msgpack_unpacked_init(&unpacked);
        theirs = msgpack_unpack_next(&unpacked, bytes, sizeof bytes, &offset);
        if (ours == MP_SCAN_DONE)
            agreed += theirs == MSGPACK_UNPACK_SUCCESS && offset == scan.position;
        else
            agreed += theirs != MSGPACK_UNPACK_SUCCESS || ours == MP_SCAN_DEEP;
        msgpack_unpacked_destroy(&unpacked);
    }
    CHECK(agreed == all, "%u of %u items as msgpack-c finds them", agreed, all);
    CHECK(done > all / 4, "only %u of %u items are whole: the noise is bad", done, all);
    CHECK(slow == all, "%u of %u items found alike byte by byte", slow, all);
}

static int count_waits(void *counter)
{
    ++*(int *)counter;
    return 0;
}

/* The bytes of a stream arrive bit by bit: the reader says when it would wait, and calls its hook
 * exactly then. */
static void test_waiting(void)
{
    int ends[2], waits = 0;
    char *path;
    struct stream_reader *reader;

    if (pipe(ends) != 0)
        exit(2);
    path = mem_format("/dev/fd/%d", ends[0]);
    reader = stream_reader_open(&path, 1, 0);
    stream_reader_on_wait(reader, count_waits, &waits);
    CHECK(stream_reader_would_block(reader), "nothing has arrived");
    CHECK(write(ends[1], tiny, sizeof tiny) == (ssize_t)sizeof tiny, "all has arrived");
    CHECK(!stream_reader_would_block(reader), "there is something to read");
    CHECK(stream_reader_next(reader) == STREAM_HEADER, "header");
    CHECK(!stream_reader_would_block(reader), "a record is held");
    CHECK(stream_reader_next(reader) == STREAM_RECORD, "record");
    CHECK(stream_reader_next(reader) == STREAM_END, "end");
    CHECK(waits == 0, "%d waits before all was used", waits);
    CHECK(stream_reader_would_block(reader), "the next segment has not arrived");
    close(ends[1]);
    CHECK(!stream_reader_would_block(reader), "the end of the pipe is no wait");
    CHECK(stream_reader_next(reader) == STREAM_EOF && waits == 0, "end of file");
    stream_reader_close(reader);
    close(ends[0]);
    free(path);
}

static void test_parts(void)
{
    struct stream_parts parts = {0};
    struct stream_header header;

    diag_set_level(DIAG_QUIET);
    stream_header_init(&header, STREAM_TEXT);
    CHECK(stream_parts_add(&parts, &header, "a") == 0 &&
              stream_parts_finish(&parts, PARTS_COMPLETE, "a") == 0,
          "no parts are complete");
    for (uint64_t k = 3; k > 0; k--) {
        /* Of three parts one alone is a share, two are not, three are all. */
        static const struct {
            int share, complete;
        } expected[] = {{0, -1}, {-1, -1}, {0, 0}};

        stream_header_set_part(&header, k, 3, "s");
        CHECK(stream_parts_add(&parts, &header, "a") == 0, "part %d", (int)k);
        CHECK(stream_parts_finish(&parts, PARTS_SHARE, "a") == expected[3 - k].share,
              "a share down to part %d", (int)k);
        CHECK(stream_parts_finish(&parts, PARTS_COMPLETE, "a") == expected[3 - k].complete,
              "complete down to part %d", (int)k);
        CHECK(stream_parts_finish(&parts, PARTS_ANY, "a") == 0, "any down to part %d", (int)k);
    }
    CHECK(stream_parts_add(&parts, &header, "a") == -1, "a part occurs twice");
    stream_header_free(&header);
    stream_parts_free(&parts);
}

/* A stream may have as many sets as segments: each is found at once, and takes no memory for the
 * parts that it only says it has. */
static void test_many_sets(void)
{
    const uint64_t count = 100000;
    struct stream_parts parts = {0};
    struct stream_header header;
    size_t refused = 0;

    stream_header_init(&header, STREAM_TEXT);
    for (uint64_t i = 0; i < 2 * count; i++) {
        char set[32];

        snprintf(set, sizeof set, "set %u", (unsigned)(i % count));
        stream_header_set_part(&header, i / count + 1, STREAM_MAX_PARTS, set);
        refused += stream_parts_add(&parts, &header, "a") != 0;
    }
    CHECK(refused == 0 && parts.sets.count == count, "%zu refused, %zu sets", refused,
          parts.sets.count);
    CHECK(parts.seen.bytes.capacity < 16 * 1024 * 1024, "%zu bytes for %d parts",
          parts.seen.bytes.capacity, (int)(2 * count));
    CHECK(stream_parts_finish(&parts, PARTS_SHARE, "a") == -1, "two of a million parts");
    stream_header_free(&header);
    stream_parts_free(&parts);
}

int main(void)
{
    diag_init("test_stream");
    if (mkdtemp(folder) == NULL)
        return 2;
    test_tiny();
    test_tokens();
    test_clone_lists();
    test_aborted();
    test_intervals();
    test_scan();
    test_waiting();
    test_parts();
    test_many_sets();
    CHECK(rmdir(folder) == 0, "no file is left behind");
    return check_report();
}
