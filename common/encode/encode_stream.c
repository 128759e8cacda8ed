#include "encode/encode_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

#define BATCH_BYTES   ((size_t)128 << 10) /* a batch closes when it holds as much */
#define SPARE_BATCHES 16                  /* beside those that threads have in hand */
#define WAITING_BYTES ((size_t)4 << 20)   /* nothing is read while more is encoded and waits */

/* Records of one segment, with the segment's beginning and end when they reach them. */
struct encode_batch {
    struct text_batch text;
    char *source;                /* that the records are of */
    struct stream_header header; /* set while begins */
    bool begins, ends;
    bool failed;  /* to read on: why is in the stream's `held` */
    bool encoded; /* all that was read */
    size_t size;  /* once encoded */
    struct encode_batch *next;
};

struct encode_worker {
    struct encode_stream *stream;
    struct text_encoder *encoder;
    pthread_t id;
};

/* A batch is in the line from before its records are read until they are written, so the line is in
 * the order of reading. Encoded ones wait there, rather than the threads that encoded them: who
 * encodes the first writes it, and those after it that are encoded by then. A thread waits only for
 * the input: for the one that reads, which itself waits while there is no free batch, or more
 * encoded than WAITING_BYTES, or, in the reader's hook, batches before its own.
 *
 * Who takes both locks takes `input` first. */
struct encode_stream {
    const struct encode_plan *plan;
    struct stream_reader *reader;
    struct stream_writer *writer; /* of who is writing, or in the hook with the first batch */
    struct text_totals *totals;   /* the same */
    struct encode_worker *workers;
    struct encode_batch *batches; /* [batch_count] */
    size_t batch_count;

    pthread_mutex_t input;        /* for the reader, and for: */
    struct encode_worker *holder; /* who reads, and */
    struct encode_batch *taken;   /* into what */
    struct diag_held held;        /* why reading failed; once it has, for who writes */
    bool ended;

    pthread_mutex_t output;            /* for: */
    pthread_cond_t moved;              /* something of the following has; who holds `input` waits */
    struct encode_batch *first, *last; /* of the line */
    struct encode_batch *free;         /* the last used first, for it may be in the cache still */
    size_t waiting;                    /* bytes that are encoded and not written */
    bool writing, failed;
};

/* ---- the line ---- */

static void free_batch(struct encode_stream *stream, struct encode_batch *batch)
{
    batch->next = stream->free;
    stream->free = batch;
}

static void append_batch(struct encode_stream *stream, struct encode_batch *batch)
{
    batch->next = NULL;
    if (stream->first == NULL)
        stream->first = batch;
    else
        stream->last->next = batch;
    stream->last = batch;
}

/* A batch at the line's end, for the records that come next. NULL when something has failed. */
static struct encode_batch *join_line(struct encode_stream *stream)
{
    struct encode_batch *batch = NULL;
    pthread_mutex_lock(&stream->output);
    while (!stream->failed && (stream->free == NULL || stream->waiting > WAITING_BYTES))
        pthread_cond_wait(&stream->moved, &stream->output);
    if (!stream->failed) {
        batch = stream->free;
        stream->free = batch->next;
        append_batch(stream, batch);
    }
    pthread_mutex_unlock(&stream->output);
    return batch;
}

/* Waits until all batches before this one, the last, are written. 0, or -1 when something has
 * failed. */
static int await_first(struct encode_stream *stream, const struct encode_batch *batch)
{
    pthread_mutex_lock(&stream->output);
    while (!stream->failed && stream->first != batch)
        pthread_cond_wait(&stream->moved, &stream->output);
    int status = stream->failed ? -1 : 0;
    pthread_mutex_unlock(&stream->output);
    return status;
}

/* ---- writing ---- */

static int write_beginning(struct encode_stream *stream, struct encode_batch *batch)
{
    if (!batch->begins)
        return 0;
    int status = stream_writer_begin(stream->writer, &batch->header);
    stream_header_free(&batch->header);
    batch->begins = false;
    return status;
}

/* The batch's beginning and records, which then are gone. */
static int write_records(struct encode_worker *worker, struct encode_batch *batch)
{
    struct encode_stream *stream = worker->stream;
    int status = write_beginning(stream, batch);
    if (status == 0)
        status = text_batch_write(&batch->text, worker->encoder, stream->plan->keep_text,
                                  stream->writer, batch->source);
    text_totals_add(stream->totals, &batch->text.totals);
    text_batch_clear(&batch->text);
    return status;
}

/* All of it. */
static int write_batch(struct encode_worker *worker, struct encode_batch *batch)
{
    struct encode_stream *stream = worker->stream;
    int status = write_records(worker, batch);
    if (status == 0 && batch->ends)
        status = stream_writer_end(stream->writer);
    if (status == 0 && batch->failed) {
        diag_print_held(&stream->held);
        status = -1;
    }
    batch->ends = batch->encoded = false;
    return status;
}

/* The batches at the head of the line that are encoded. Called with `output`, which it lets go
 * while it writes. */
static void write_line(struct encode_worker *worker)
{
    struct encode_stream *stream = worker->stream;
    stream->writing = true;
    while (!stream->failed && stream->first != NULL && stream->first->encoded) {
        struct encode_batch *batch = stream->first;
        pthread_mutex_unlock(&stream->output);
        int status = write_batch(worker, batch);
        pthread_mutex_lock(&stream->output);
        if (status != 0)
            stream->failed = true;
        stream->waiting -= batch->size;
        stream->first = batch->next;
        free_batch(stream, batch);
        pthread_cond_signal(&stream->moved);
    }
    stream->writing = false;
}

/* Leaves the batch to who writes, which may be this thread. */
static void pass_batch(struct encode_worker *worker, struct encode_batch *batch)
{
    struct encode_stream *stream = worker->stream;
    batch->size = text_batch_size(&batch->text);
    pthread_mutex_lock(&stream->output);
    batch->encoded = true;
    stream->waiting += batch->size;
    if (!stream->writing)
        write_line(worker);
    pthread_mutex_unlock(&stream->output);
}

/* The records read so far, by who holds the input while no other batch is in the line. */
static int encode_and_write(struct encode_worker *worker, struct encode_batch *batch)
{
    text_batch_encode(&batch->text, worker->encoder);
    return write_records(worker, batch);
}

/* The reader's hook: what was read goes out before a read that would wait. */
static int pass_on(void *context)
{
    struct encode_stream *stream = context;
    if (await_first(stream, stream->taken) != 0 ||
        encode_and_write(stream->holder, stream->taken) != 0)
        return -1;
    return stream_writer_flush(stream->writer);
}

/* ---- reading ---- */

static void note_source(const struct stream_reader *reader, struct encode_batch *batch)
{
    const char *source = stream_reader_source(reader);
    if (batch->source != NULL && strcmp(batch->source, source) == 0)
        return;
    free(batch->source);
    batch->source = mem_strdup(source);
}

static int take_header(const struct encode_stream *stream, struct encode_batch *batch)
{
    const struct encode_plan *plan = stream->plan;
    if (plan->header(stream->reader, &batch->header, plan->context) != 0)
        return -1;
    batch->begins = true;
    return 0;
}

static int take_record(struct encode_worker *worker, struct encode_batch *batch)
{
    struct stream_reader *reader = worker->stream->reader;
    const struct stream_record *record = stream_reader_record(reader);
    if (record->text.words != NULL)
        return diag_error("%s: words that are split already are not supported",
                          stream_reader_place(reader));
    if (batch->text.count == 0)
        note_source(reader, batch);
    if (worker->stream->plan->threads > 1) {
        text_batch_add(&batch->text, record, stream_reader_count(reader));
        return 0;
    }
    text_batch_borrow(&batch->text, record, stream_reader_count(reader));
    return encode_and_write(worker, batch);
}

/* Reads until the batch is full or its segment or the input ends. Messages are held, for batches
 * before this one may have something to say first. */
static void read_batch(struct encode_worker *worker, struct encode_batch *batch)
{
    struct encode_stream *stream = worker->stream;
    enum stream_event event = STREAM_RECORD;
    int status = 0;
    diag_hold(&stream->held);
    while (status == 0 && event > STREAM_EOF && !batch->ends &&
           text_batch_size(&batch->text) < BATCH_BYTES) {
        event = stream_reader_next(stream->reader);
        if (event == STREAM_HEADER)
            status = take_header(stream, batch);
        else if (event == STREAM_RECORD)
            status = take_record(worker, batch);
        else if (event == STREAM_END)
            batch->ends = true;
    }
    diag_hold(NULL);
    batch->failed = status != 0 || event == STREAM_FAILED;
    stream->ended = batch->failed || event == STREAM_EOF;
}

/* What comes next, which may be no more than an end to be told; NULL when there is nothing, or
 * something has failed. */
static struct encode_batch *take_batch(struct encode_worker *worker)
{
    struct encode_stream *stream = worker->stream;
    pthread_mutex_lock(&stream->input);
    struct encode_batch *batch = stream->ended ? NULL : join_line(stream);
    if (batch != NULL) {
        stream->holder = worker;
        stream->taken = batch;
        read_batch(worker, batch);
    }
    pthread_mutex_unlock(&stream->input);
    return batch;
}

static void *work(void *argument)
{
    struct encode_worker *worker = argument;
    struct encode_batch *batch;
    while ((batch = take_batch(worker)) != NULL) {
        text_batch_encode(&batch->text, worker->encoder);
        pass_batch(worker, batch);
    }
    return NULL;
}

/* ---- */

/* Runs all workers to the end of the input. */
static void run_workers(struct encode_stream *stream)
{
    unsigned threads = stream->plan->threads, started = 1;
    pthread_mutex_lock(&stream->input);
    for (; started < threads; started++) {
        int error =
            pthread_create(&stream->workers[started].id, NULL, work, &stream->workers[started]);
        if (error == 0)
            continue;
        diag_errno(error, "cannot start thread %u of %u", started + 1, threads);
        stream->failed = true;
        break;
    }
    pthread_mutex_unlock(&stream->input);
    work(&stream->workers[0]);
    for (unsigned i = 1; i < started; i++)
        pthread_join(stream->workers[i].id, NULL);
}

static void init(struct encode_stream *stream)
{
    const struct encode_plan *plan = stream->plan;
    pthread_mutex_init(&stream->input, NULL);
    pthread_mutex_init(&stream->output, NULL);
    pthread_cond_init(&stream->moved, NULL);
    stream->workers = mem_calloc(plan->threads, sizeof(*stream->workers));
    for (unsigned i = 0; i < plan->threads; i++) {
        struct encode_worker *worker = &stream->workers[i];
        worker->stream = stream;
        worker->encoder = text_encoder_new(plan->tokeniser, &plan->fit, plan->offsets,
                                           i > 0 ? stream->workers[0].encoder : NULL);
    }
    stream->batch_count = (size_t)plan->threads + SPARE_BATCHES;
    stream->batches = mem_calloc(stream->batch_count, sizeof(*stream->batches));
    for (size_t i = 0; i < stream->batch_count; i++)
        free_batch(stream, &stream->batches[i]);
}

static void destroy(struct encode_stream *stream)
{
    for (unsigned i = 0; i < stream->plan->threads; i++)
        text_encoder_free(stream->workers[i].encoder);
    for (size_t i = 0; i < stream->batch_count; i++) {
        struct encode_batch *batch = &stream->batches[i];
        if (batch->begins)
            stream_header_free(&batch->header);
        text_batch_free(&batch->text);
        free(batch->source);
    }
    free(stream->workers);
    free(stream->batches);
    pthread_mutex_destroy(&stream->input);
    pthread_mutex_destroy(&stream->output);
    pthread_cond_destroy(&stream->moved);
}

int encode_stream(const struct encode_plan *plan, struct stream_reader *reader,
                  struct stream_writer *writer, struct text_totals *totals)
{
    struct encode_stream stream = {
        .plan = plan, .reader = reader, .writer = writer, .totals = totals};
    init(&stream);
    stream_reader_on_wait(reader, pass_on, &stream);
    run_workers(&stream);
    stream_reader_on_wait(reader, NULL, NULL);
    destroy(&stream);
    return stream.failed ? -1 : 0;
}
