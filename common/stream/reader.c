#include "stream/reader.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cli/diag.h"
#include "cli/hash.h"
#include "cli/memory.h"
#include "stream/msgpack_scan.h"
#include "stream/wire.h"

#define READ_SIZE ((size_t)256 << 10)
#define MIN_READ  ((size_t)64 << 10)

/*
 * The buffer holds, in this order: bytes already handed out; released bytes, for which a check has
 * vouched; scanned items that wait for their check; and an item that has not arrived whole.
 *
 *     bytes     handed     released    scanned            size
 *      |-----------|-----------|-----------|----------------|
 */
struct stream_reader {
    char **paths; /* copies */
    int path_count, path_next;
    size_t max_record;

    struct input input;
    input_wait_hook hook;
    void *hook_context;
    bool source_open, at_end, failed;

    struct stream_memory memory;
    size_t handed, released, scanned, size;
    uint64_t base; /* offset in the source of the buffer's first byte */
    struct mp_scan scan;

    /* The segment being scanned. */
    bool in_segment;
    bool any_segment; /* of this source */
    XXH64_state_t *hash;
    size_t hashed; /* bytes before it are in hash */
    uint64_t scanned_records;
    size_t unchecked_records, unchecked_bytes;

    /* The segment being handed out. */
    struct stream_header header;
    struct stream_parts parts;
    enum stream_parts_rule parts_rule;
    struct stream_record record;
    struct rec_span raw;
    uint64_t handed_records;
    char *place;
};

static int open_next_source(struct stream_reader *reader)
{
    if (input_open(&reader->input, reader->paths[reader->path_next]) != 0)
        return -1;
    reader->path_next++;
    reader->input.on_wait = reader->hook;
    reader->input.on_wait_context = reader->hook_context;
    reader->source_open = true;
    reader->at_end = reader->any_segment = false;
    reader->handed = reader->released = reader->scanned = reader->size = reader->hashed = 0;
    reader->base = 0;
    reader->scan = (struct mp_scan){0};
    return 0;
}

struct stream_reader *stream_reader_open(char *const *paths, int count, size_t max_record)
{
    struct stream_reader *reader = mem_calloc(1, sizeof *reader);

    reader->path_count = count > 0 ? count : 1;
    reader->paths = mem_calloc((size_t)reader->path_count, sizeof *reader->paths);
    for (int i = 0; i < reader->path_count; i++)
        reader->paths[i] = mem_strdup(count > 0 ? paths[i] : "-");
    reader->max_record = max_record > 0 ? max_record : STREAM_MAX_RECORD;
    reader->hash = hash_new();
    stream_header_init(&reader->header, STREAM_TEXT);
    if (open_next_source(reader) != 0) {
        stream_reader_close(reader);
        return NULL;
    }
    return reader;
}

void stream_reader_close(struct stream_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->source_open)
        input_close(&reader->input);
    for (int i = 0; i < reader->path_count; i++)
        free(reader->paths[i]);
    free(reader->paths);
    XXH64_freeState(reader->hash);
    stream_header_free(&reader->header);
    stream_parts_free(&reader->parts);
    stream_memory_free(&reader->memory);
    free(reader->place);
    free(reader);
}

const char *stream_reader_source(const struct stream_reader *reader)
{
    return reader->input.name != NULL ? reader->input.name : "input";
}

/* "record 17: byte 10240: reason", about the item at bytes[at]; record 0 stands for the header. */
static int fail_at(struct stream_reader *reader, uint64_t record, size_t at, const char *reason)
{
    unsigned long long byte = reader->base + at;

    if (record == 0)
        return diag_error("%s: byte %llu: %s", reader->input.name, byte, reason);
    return diag_error("%s: record %llu: byte %llu: %s", reader->input.name,
                      (unsigned long long)record, byte, reason);
}

/* About the item that is being scanned. */
static int fail_scan(struct stream_reader *reader, const char *reason)
{
    return fail_at(reader, reader->in_segment ? reader->scanned_records + 1 : 0, reader->scanned,
                   reason);
}

static void hash_up_to(struct stream_reader *reader, size_t end)
{
    XXH64_update(reader->hash, reader->memory.bytes + reader->hashed, end - reader->hashed);
    reader->hashed = end;
}

static void begin_segment(struct stream_reader *reader)
{
    XXH64_reset(reader->hash, 0);
    reader->hashed = reader->scanned;
    reader->in_segment = reader->any_segment = true;
    reader->scanned_records = 0;
    reader->unchecked_records = reader->unchecked_bytes = 0;
}

/* A check or end of size bytes at scanned: releases everything up to its end. */
static int verify(struct stream_reader *reader, const struct wire_control *control, size_t size)
{
    const char *name = control->kind == WIRE_CHECK ? "check" : "end";

    hash_up_to(reader, reader->scanned);
    if (control->count != reader->scanned_records)
        return diag_error("%s: byte %llu: %s counts %llu records, but %llu arrived",
                          reader->input.name, (unsigned long long)(reader->base + reader->scanned),
                          name, (unsigned long long)control->count,
                          (unsigned long long)reader->scanned_records);
    if (control->hash != XXH64_digest(reader->hash))
        return diag_error(
            "%s: byte %llu: the hash of the %s differs: the bytes before it are damaged",
            reader->input.name, (unsigned long long)(reader->base + reader->scanned), name);
    reader->released = reader->scanned + size;
    reader->unchecked_records = reader->unchecked_bytes = 0;
    if (control->kind == WIRE_END)
        reader->in_segment = false;
    return 0;
}

static bool is_map(char first)
{
    unsigned byte = (unsigned char)first;

    return (byte & 0xf0) == 0x80 || byte == 0xde || byte == 0xdf;
}

static bool is_array(char first)
{
    unsigned byte = (unsigned char)first;

    return (byte & 0xf0) == 0x90 || byte == 0xdc || byte == 0xdd;
}

static int accept_record(struct stream_reader *reader, size_t size)
{
    if (!reader->in_segment)
        return fail_scan(reader, "a record without a header");
    reader->scanned_records++;
    reader->unchecked_records++;
    reader->unchecked_bytes += size;
    if (reader->unchecked_records > 1 && reader->unchecked_bytes > STREAM_CHECK_INTERVAL)
        return fail_at(reader, reader->scanned_records, reader->scanned,
                       "more than 64 KiB of records without a check");
    return 0;
}

static int accept_control(struct stream_reader *reader, size_t size)
{
    struct wire_control control;
    struct wire_fault fault;

    if (wire_decode_control((struct rec_span){reader->memory.bytes + reader->scanned, size},
                            &control, &fault) != 0)
        return fail_scan(reader, fault.reason);
    if (control.kind == WIRE_HEADER) {
        if (reader->in_segment)
            return fail_scan(reader, "a new header before the end of the segment");
        begin_segment(reader);
        return 0;
    }
    if (!reader->in_segment)
        return fail_scan(reader, "a check or end without a header");
    return verify(reader, &control, size);
}

/* Takes note of the whole item of size bytes at scanned, and moves on behind it. */
static int accept_item(struct stream_reader *reader, size_t size)
{
    char first = reader->memory.bytes[reader->scanned];
    int status;

    if (is_map(first))
        status = accept_record(reader, size);
    else if (is_array(first))
        status = accept_control(reader, size);
    else
        status = fail_scan(reader, reader->any_segment ? "neither record nor header, check or end"
                                                       : "not a record stream");
    reader->scanned += size;
    reader->scan = (struct mp_scan){0};
    return status;
}

static int fail_item(struct stream_reader *reader, enum mp_scan_result result)
{
    if (!reader->any_segment)
        return fail_scan(reader, "not a record stream");
    if (result == MP_SCAN_DEEP)
        return fail_scan(reader, "nested too deeply");
    if (result == MP_SCAN_LARGE)
        return fail_scan(reader, "larger than the limit (--max-record)");
    return fail_scan(reader, "no msgpack");
}

/* Checks have done their work when they release what stands before them. */
static void pass_checks(struct stream_reader *reader)
{
    static const char head[] = "\x93\xa5"
                               "check";

    while (reader->released - reader->handed >= WIRE_CONTROL_BYTES &&
           memcmp(reader->memory.bytes + reader->handed, head, sizeof head - 1) == 0)
        reader->handed += WIRE_CONTROL_BYTES;
}

/* Scans what is in the buffer until something is released: 1, or 0 when more bytes are needed, or
 * -1. */
static int scan_buffer(struct stream_reader *reader)
{
    for (pass_checks(reader); reader->released == reader->handed; pass_checks(reader)) {
        enum mp_scan_result result;

        if (reader->scanned == reader->size)
            return 0;
        /* Text and other files are told apart at once, not after 16 MiB. */
        if (!reader->any_segment && !is_array(reader->memory.bytes[reader->scanned]))
            return fail_scan(reader, "not a record stream");
        result = mp_scan_continue(&reader->scan, reader->memory.bytes + reader->scanned,
                                  reader->size - reader->scanned, reader->max_record);
        if (result == MP_SCAN_MORE)
            return 0;
        if (result != MP_SCAN_DONE)
            return fail_item(reader, result);
        if (accept_item(reader, reader->scan.position) != 0)
            return -1;
    }
    return 1;
}

/* Moves what has not been handed out to the beginning of a buffer, which may be the same. */
static void move_rest(struct stream_reader *reader, char *to)
{
    size_t drop = reader->handed;

    if (reader->hashed < reader->scanned && reader->in_segment)
        hash_up_to(reader, reader->scanned);
    if (drop < reader->size)
        memmove(to, reader->memory.bytes + drop, reader->size - drop);
    reader->base += drop;
    reader->handed -= drop;
    reader->released -= drop;
    reader->scanned -= drop;
    reader->size -= drop;
    reader->hashed = reader->hashed > drop ? reader->hashed - drop : 0;
}

/* Drops what has been handed out, and makes room for at least MIN_READ bytes; the buffer grows only
 * when it is full. */
static void make_room(struct stream_reader *reader)
{
    struct stream_memory *memory = &reader->memory;

    blocks_reset(&memory->lists);
    if (memory->capacity - reader->size >= MIN_READ && reader->handed < reader->size)
        return;
    if (reader->handed > 0)
        move_rest(reader, memory->bytes);
    if (memory->capacity - reader->size < MIN_READ)
        mem_grow(&memory->bytes, &memory->capacity,
                 memory->capacity == 0 ? READ_SIZE : reader->size + MIN_READ, 1);
}

static int fill_buffer(struct stream_reader *reader)
{
    ssize_t count;

    make_room(reader);
    count = input_read(&reader->input, reader->memory.bytes + reader->size,
                       reader->memory.capacity - reader->size);
    if (count < 0)
        return -1;
    reader->at_end = count == 0;
    reader->size += (size_t)count;
    return 0;
}

/* The source has ended: was that at the end of a segment? */
static int check_source_end(struct stream_reader *reader)
{
    if (!reader->any_segment && reader->size == 0 && reader->base == 0)
        return diag_error("%s: empty: a record stream has at least a header and an end",
                          reader->input.name);
    if (reader->in_segment)
        return diag_error(
            "%s: ends after record %llu without 'end': its producer failed or it was cut",
            reader->input.name, (unsigned long long)reader->scanned_records);
    if (reader->scanned < reader->size)
        return fail_scan(reader, "ends within an item: its producer failed or it was cut");
    return 0;
}

/* Makes something available to hand out: 1, 0 at the end of all sources, -1. */
static int advance(struct stream_reader *reader)
{
    for (;;) {
        int found = scan_buffer(reader);

        if (found != 0)
            return found;
        if (reader->at_end) {
            if (check_source_end(reader) != 0)
                return -1;
            if (reader->path_next == reader->path_count)
                return 0;
            input_close(&reader->input);
            reader->source_open = false;
            if (open_next_source(reader) != 0)
                return -1;
        } else if (fill_buffer(reader) != 0) {
            return -1;
        }
    }
}

static int hand_out_header(struct stream_reader *reader, struct rec_span item)
{
    struct wire_fault fault;
    struct stream_header header;

    if (wire_decode_header(item, &header, &fault) != 0)
        return fail_at(reader, 0, reader->handed, fault.reason);
    stream_header_free(&reader->header);
    reader->header = header;
    reader->handed_records = 0;
    if (stream_parts_add(&reader->parts, &header, reader->input.name) != 0)
        return -1;
    return STREAM_HEADER;
}

static int hand_out_record(struct stream_reader *reader, struct rec_span item)
{
    struct wire_fault fault;

    reader->handed_records++;
    if (wire_decode_record(item, &reader->header, &reader->memory.lists, &reader->record, &fault) !=
        0)
        return fail_at(reader, reader->handed_records, reader->handed, fault.reason);
    reader->raw = item;
    return STREAM_RECORD;
}

/* The event of the first released item, or 0 for a check. */
static int hand_out(struct stream_reader *reader)
{
    struct mp_cursor cursor = {reader->memory.bytes + reader->handed,
                               reader->memory.bytes + reader->released};
    struct wire_control control;
    struct wire_fault fault;
    struct rec_span item;
    int event = 0;

    if (mp_skip(&cursor, &item) != 0)
        return fail_at(reader, 0, reader->handed, "no msgpack");
    if (is_map(item.data[0])) {
        event = hand_out_record(reader, item);
    } else {
        if (wire_decode_control(item, &control, &fault) != 0)
            return fail_at(reader, 0, reader->handed, fault.reason);
        if (control.kind == WIRE_HEADER)
            event = hand_out_header(reader, item);
        else if (control.kind == WIRE_END)
            event = STREAM_END;
    }
    reader->handed += item.size;
    return event;
}

void stream_reader_require_parts(struct stream_reader *reader, enum stream_parts_rule rule)
{
    reader->parts_rule = rule;
}

enum stream_event stream_reader_next(struct stream_reader *reader)
{
    int event = 0;

    if (reader->failed)
        return STREAM_FAILED;
    while (event == 0) {
        int available = advance(reader);

        if (available > 0)
            event = hand_out(reader);
        else if (available < 0)
            event = STREAM_FAILED;
        else if (stream_parts_finish(&reader->parts, reader->parts_rule, reader->input.name) != 0)
            event = STREAM_FAILED;
        else
            return STREAM_EOF;
    }
    reader->failed = event < 0;
    return (enum stream_event)event;
}

const struct stream_header *stream_reader_header(const struct stream_reader *reader)
{
    return &reader->header;
}

const struct stream_record *stream_reader_record(const struct stream_reader *reader)
{
    return &reader->record;
}

struct rec_span stream_reader_raw(const struct stream_reader *reader)
{
    return reader->raw;
}

uint64_t stream_reader_count(const struct stream_reader *reader)
{
    return reader->handed_records;
}

const char *stream_reader_place(struct stream_reader *reader)
{
    free(reader->place);
    reader->place = mem_format("%s: record %llu", reader->input.name,
                               (unsigned long long)reader->handed_records);
    return reader->place;
}

void stream_reader_on_wait(struct stream_reader *reader, input_wait_hook hook, void *context)
{
    reader->hook = hook;
    reader->hook_context = context;
    reader->input.on_wait = hook;
    reader->input.on_wait_context = context;
}

bool stream_reader_ready(struct stream_reader *reader)
{
    if (!reader->failed && scan_buffer(reader) < 0)
        reader->failed = true;
    return reader->failed || reader->released > reader->handed;
}

bool stream_reader_would_block(struct stream_reader *reader)
{
    return !stream_reader_ready(reader) && !reader->at_end && input_would_block(&reader->input);
}

void stream_reader_swap_memory(struct stream_reader *reader, struct stream_memory *memory)
{
    struct stream_memory next = *memory;
    size_t rest = reader->size - reader->handed;

    blocks_reset(&next.lists);
    mem_grow(&next.bytes, &next.capacity, rest > READ_SIZE ? rest : READ_SIZE, 1);
    move_rest(reader, next.bytes);
    *memory = reader->memory;
    reader->memory = next;
}

void stream_memory_free(struct stream_memory *memory)
{
    free(memory->bytes);
    blocks_free(&memory->lists);
    *memory = (struct stream_memory){0};
}
