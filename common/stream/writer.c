#include "stream/writer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/hash.h"
#include "cli/memory.h"
#include "stream/msgpack_scan.h"
#include "stream/text_form.h"
#include "stream/wire.h"

#define WRITE_SIZE ((size_t)256 << 10) /* what is held is passed on when it reaches this */

const char *const stream_form_names[] = {"auto", "msgpack", "text", "json", "tsv", NULL};

struct stream_writer {
    struct output output;
    enum stream_form form;
    struct stream_header header;
    enum stream_history_rule history;
    bool in_segment;
    bool show_headers;
    bool wrote_columns;
    enum stream_type columns_type;
    uint64_t count, total;
    size_t max_record;

    struct buffer held;
    struct buffer scratch; /* one record being packed */
    XXH64_state_t *hash;
    size_t hashed; /* bytes of held that are in hash */
    size_t unchecked_records, unchecked_bytes;
    bool checked;        /* a check or end is the last item in the segment */
    struct blocks lists; /* behind a raw record that is rendered */
};

/* Forms that people read go to a terminal; msgpack only when there is none. */
static int settle_form(struct stream_writer *writer, enum stream_form form)
{
    bool terminal = output_is_terminal(&writer->output);

    writer->form = form;
    if (form == FORM_AUTO)
        writer->form = terminal ? FORM_TEXT : FORM_MSGPACK;
    if (writer->form == FORM_MSGPACK && terminal)
        return diag_error(
            "standard output: msgpack is not for terminals: redirect it, or use -f text");
    return 0;
}

struct stream_writer *stream_writer_open(const char *path, enum stream_form form)
{
    struct stream_writer *writer = mem_calloc(1, sizeof *writer);

    if (stream_history_find_rule(&writer->history) != 0 ||
        output_open(&writer->output, path) != 0) {
        free(writer);
        return NULL;
    }
    writer->hash = hash_new();
    stream_header_init(&writer->header, STREAM_TEXT);
    writer->max_record = STREAM_MAX_RECORD;
    if (settle_form(writer, form) != 0) {
        stream_writer_close(writer, false);
        return NULL;
    }
    return writer;
}

enum stream_form stream_writer_form(const struct stream_writer *writer)
{
    return writer->form;
}

void stream_writer_limit(struct stream_writer *writer, size_t max_record)
{
    writer->max_record = max_record > 0 ? max_record : STREAM_MAX_RECORD;
}

void stream_writer_show_headers(struct stream_writer *writer)
{
    writer->show_headers = true;
}

static int write_held(struct stream_writer *writer)
{
    int status = output_write(&writer->output, writer->held.data, writer->held.size);

    writer->held.size = writer->hashed = 0;
    return status;
}

static void hash_held(struct stream_writer *writer)
{
    XXH64_update(writer->hash, writer->held.data + writer->hashed,
                 writer->held.size - writer->hashed);
    writer->hashed = writer->held.size;
}

static void add_check(struct stream_writer *writer)
{
    hash_held(writer);
    wire_pack_control(&writer->held, "check", writer->count, XXH64_digest(writer->hash));
    writer->unchecked_records = writer->unchecked_bytes = 0;
    writer->checked = true;
}

int stream_writer_flush(struct stream_writer *writer)
{
    if (writer->form == FORM_MSGPACK && writer->in_segment && !writer->checked) {
        add_check(writer);
        hash_held(writer);
    }
    return writer->held.size > 0 ? write_held(writer) : 0;
}

int stream_writer_flush_hook(void *writer)
{
    return stream_writer_flush(writer);
}

static int flush_when_full(struct stream_writer *writer)
{
    return writer->held.size >= WRITE_SIZE ? stream_writer_flush(writer) : 0;
}

static void begin_columns(struct stream_writer *writer)
{
    if (writer->form != FORM_TSV)
        return;
    if (writer->wrote_columns && writer->columns_type == writer->header.type)
        return;
    buffer_append_string(&writer->held, stream_tsv_columns(writer->header.type));
    writer->wrote_columns = true;
    writer->columns_type = writer->header.type;
}

/* Packs the header into scratch, as a reader takes it. */
static int pack_header(struct stream_writer *writer)
{
    struct stream_header read;
    struct wire_fault fault;

    writer->scratch.size = 0;
    wire_pack_header(&writer->scratch, &writer->header);
    if (writer->form == FORM_MSGPACK && writer->scratch.size > writer->max_record)
        return diag_error("output header: %zu bytes, more than the %zu that readers take "
                          "(--max-record)",
                          writer->scratch.size, writer->max_record);
    if (wire_decode_header((struct rec_span){writer->scratch.data, writer->scratch.size}, &read,
                           &fault) != 0)
        return diag_error("output %s", fault.reason);
    stream_header_free(&read);
    return 0;
}

int stream_writer_begin(struct stream_writer *writer, const struct stream_header *header)
{
    stream_header_free(&writer->header);
    stream_header_copy(&writer->header, header);
    stream_history_redact(&writer->header, writer->history);
    if (pack_header(writer) != 0)
        return -1;
    writer->in_segment = true;
    writer->checked = false;
    writer->count = 0;
    if (writer->form == FORM_JSON && writer->show_headers)
        return stream_render_header_json(&writer->held, &writer->header);
    if (writer->form != FORM_MSGPACK) {
        begin_columns(writer);
        return 0;
    }
    XXH64_reset(writer->hash, 0);
    writer->hashed = writer->held.size;
    writer->unchecked_records = writer->unchecked_bytes = 0;
    buffer_append(&writer->held, writer->scratch.data, writer->scratch.size);
    return 0;
}

/* The record's number and, as far as it has one, its id. */
static int refuse_size(const struct stream_writer *writer, size_t size, struct rec_span id)
{
    return diag_error(
        "output record %" PRIu64 "%s%.*s%s: %zu bytes, more than the %zu that readers "
        "take (--max-record)",
        writer->count + 1, id.data != NULL ? " ('" : "", (int)(id.size < 200 ? id.size : 200),
        id.data != NULL ? id.data : "", id.data != NULL ? "')" : "", size, writer->max_record);
}

static int append_packed(struct stream_writer *writer, struct rec_span record, struct rec_span id)
{
    if (record.size > writer->max_record)
        return refuse_size(writer, record.size, id);
    if (writer->unchecked_records > 0 &&
        writer->unchecked_bytes + record.size > STREAM_CHECK_INTERVAL)
        add_check(writer);
    buffer_append(&writer->held, record.data, record.size);
    writer->unchecked_records++;
    writer->unchecked_bytes += record.size;
    writer->checked = false;
    return 0;
}

static int append_rendered(struct stream_writer *writer, const struct stream_record *record)
{
    switch (writer->form) {
    case FORM_JSON:
        return stream_render_json(&writer->held, record);
    case FORM_TSV:
        return stream_render_tsv(&writer->held, record);
    default:
        /* Predictions with their texts take two lines: an empty one keeps them apart. */
        if (record->type == STREAM_PREDICTIONS && record->prediction.text.data && writer->total > 0)
            buffer_append_char(&writer->held, '\n');
        return stream_render_text(&writer->held, &writer->header, record);
    }
}

static int finish_record(struct stream_writer *writer)
{
    writer->count++;
    writer->total++;
    return flush_when_full(writer);
}

static int append_record(struct stream_writer *writer, const struct stream_record *record)
{
    if (writer->form != FORM_MSGPACK)
        return append_rendered(writer, record);
    writer->scratch.size = 0;
    wire_pack_record(&writer->scratch, record);
    return append_packed(writer, (struct rec_span){writer->scratch.data, writer->scratch.size},
                         stream_record_id(record));
}

int stream_writer_record(struct stream_writer *writer, const struct stream_record *record)
{
    struct wire_fault fault;

    if (wire_check_record(record, &writer->header, &fault) != 0 ||
        wire_check_utf8(record, &fault) != 0)
        return diag_error("output record %" PRIu64 ": %s", writer->count + 1, fault.reason);
    return append_record(writer, record) == 0 ? finish_record(writer) : -1;
}

static int append_raw(struct stream_writer *writer, struct rec_span raw)
{
    struct stream_record record;
    struct wire_fault fault;

    if (writer->form == FORM_MSGPACK && raw.size <= writer->max_record)
        return append_packed(writer, raw, (struct rec_span){0});
    blocks_reset(&writer->lists);
    if (wire_decode_record(raw, &writer->header, &writer->lists, &record, &fault) != 0)
        return diag_error("output record %" PRIu64 ": %s", writer->count + 1, fault.reason);
    if (writer->form == FORM_MSGPACK)
        return refuse_size(writer, raw.size, stream_record_id(&record));
    return append_rendered(writer, &record);
}

int stream_writer_raw(struct stream_writer *writer, struct rec_span record)
{
    return append_raw(writer, record) == 0 ? finish_record(writer) : -1;
}

int stream_writer_raws(struct stream_writer *writer, struct rec_span records)
{
    struct mp_cursor cursor = {records.data, records.data + records.size};
    struct rec_span record;

    while (cursor.at < cursor.end)
        if (mp_skip(&cursor, &record) != 0)
            return diag_error("output record %" PRIu64 ": no msgpack", writer->count + 1);
        else if (stream_writer_raw(writer, record) != 0)
            return -1;
    return 0;
}

int stream_writer_end(struct stream_writer *writer)
{
    if (writer->form == FORM_MSGPACK) {
        hash_held(writer);
        wire_pack_control(&writer->held, "end", writer->count, XXH64_digest(writer->hash));
    }
    writer->in_segment = false;
    return flush_when_full(writer);
}

uint64_t stream_writer_total(const struct stream_writer *writer)
{
    return writer->total;
}

static void writer_free(struct stream_writer *writer)
{
    stream_header_free(&writer->header);
    buffer_free(&writer->held);
    buffer_free(&writer->scratch);
    XXH64_freeState(writer->hash);
    blocks_free(&writer->lists);
    free(writer);
}

int stream_writer_close(struct stream_writer *writer, bool commit)
{
    int status = 0;

    if (writer == NULL)
        return 0;
    if (commit && stream_writer_flush(writer) != 0) {
        commit = false;
        status = -1;
    }
    if (commit)
        status = output_commit(&writer->output);
    else
        output_abandon(&writer->output);
    writer_free(writer);
    return status;
}

int stream_writer_finish(struct stream_writer *writer, struct output *output)
{
    int status = stream_writer_flush(writer);

    *output = writer->output;
    if (status == 0)
        status = output_finish(output);
    if (status != 0)
        output_abandon(output);
    writer_free(writer);
    return status;
}
