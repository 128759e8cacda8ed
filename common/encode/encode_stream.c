#include "encode/encode_stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/machine.h"
#include "cli/memory.h"

#define SPIN_SECONDS  200e-6
#define SPARE_BATCHES 16                /* beside those that threads have in hand */
#define WAITING_BYTES ((size_t)4 << 20) /* nothing is read while more waits in the line */

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
 * the order of reading. A thread writes what is encoded at the line's head, unless another is
 * writing; or it reads the next batch, unless another is reading, and encodes it. Encoded ones wait
 * in the line, rather than the threads that encoded them. */
struct encode_stream {
    const struct encode_plan *plan;
    struct encode_worker *workers;
    struct encode_batch *batches; /* [batch_count] */
    size_t batch_count;

    struct stream_reader *reader; /* of who is reading */
    struct diag_held held;        /* why that failed; then of who is writing */
    struct stream_writer *writer; /* of who is writing, or is in the reader's hook */
    struct text_totals *totals;   /* of who is writing */

    pthread_mutex_t lock;       /* for what follows and the batches' states */
    pthread_cond_t work, moved; /* there is more to do; the line's first is another */
    struct encode_batch *first, *last;
    struct encode_batch *free; /* the last used first, for it may be in the cache still */
    size_t waiting;            /* bytes that are encoded and not written */
    atomic_bool reading;
    bool writing, ended, failed;
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

/* All of it, which then is gone. */
static int write_batch(struct encode_worker *worker, struct encode_batch *batch)
{
    struct encode_stream *stream = worker->stream;
    int status = write_beginning(stream, batch);
    if (status == 0)
        status = text_batch_write(&batch->text, worker->encoder, stream->plan->keep_text,
                                  stream->writer, batch->source);
    if (status == 0 && batch->ends)
        status = stream_writer_end(stream->writer);
    if (status == 0 && batch->failed) {
        diag_print_held(&stream->held);
        status = -1;
    }
    text_totals_add(stream->totals, &batch->text.totals);
    text_batch_clear(&batch->text);
    batch->ends = batch->encoded = false;
    return status;
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

static int take_record(const struct encode_stream *stream, struct encode_batch *batch)
{
    if (stream_reader_record(stream->reader)->text.words != NULL)
        return diag_error("%s: words that are split already are not supported",
                          stream_reader_place(stream->reader));
    if (batch->text.count == 0)
        note_source(stream->reader, batch);
    text_batch_add(&batch->text, stream->reader);
    return 0;
}

static int take_event(const struct encode_stream *stream, struct encode_batch *batch,
                      enum stream_event event)
{
    if (event == STREAM_HEADER)
        return take_header(stream, batch);
    if (event == STREAM_RECORD)
        return take_record(stream, batch);
    batch->ends = event == STREAM_END;
    return event == STREAM_FAILED ? -1 : 0;
}

/* Reads once, and to the segment's end at most; whether there is nothing after it. Messages are
 * held, for batches before this one may have something to say first. */
static bool read_batch(struct encode_stream *stream, struct encode_batch *batch)
{
    enum stream_event event;
    int status;
    diag_hold(&stream->held);
    do {
        event = stream_reader_next(stream->reader);
        status = take_event(stream, batch, event);
    } while (status == 0 && event != STREAM_END && event != STREAM_EOF &&
             stream_reader_ready(stream->reader));
    diag_hold(NULL);
    text_batch_close(&batch->text, stream->reader);
    batch->failed = status != 0;
    return batch->failed || event == STREAM_EOF;
}

/* The reader's hook: what was read goes out before a read that would wait. The batch that is being
 * read, the line's last, is empty then. */
static int pass_on(void *context)
{
    struct encode_stream *stream = context;
    pthread_mutex_lock(&stream->lock);
    while (!stream->failed && stream->first != stream->last)
        pthread_cond_wait(&stream->moved, &stream->lock);
    bool failed = stream->failed;
    pthread_mutex_unlock(&stream->lock);
    return failed ? -1 : stream_writer_flush(stream->writer);
}

/* ---- what there is to do: with the lock, which is let go meanwhile ---- */

/* The line's first batch. */
static void write_first(struct encode_worker *worker)
{
    struct encode_stream *stream = worker->stream;
    struct encode_batch *batch = stream->first;
    stream->writing = true;
    pthread_mutex_unlock(&stream->lock);
    int status = write_batch(worker, batch);
    pthread_mutex_lock(&stream->lock);
    stream->writing = false;
    if (status != 0)
        stream->failed = true;
    stream->waiting -= batch->size;
    stream->first = batch->next;
    free_batch(stream, batch);
    pthread_cond_signal(&stream->moved);
    pthread_cond_signal(&stream->work);
}

static bool may_read(const struct encode_stream *stream)
{
    return !stream->reading && !stream->ended && stream->free != NULL &&
           stream->waiting <= WAITING_BYTES;
}

static struct encode_batch *read_next(struct encode_stream *stream)
{
    struct encode_batch *batch = stream->free;
    stream->free = batch->next;
    append_batch(stream, batch);
    stream->reading = true;
    pthread_mutex_unlock(&stream->lock);
    bool ended = read_batch(stream, batch);
    pthread_mutex_lock(&stream->lock);
    stream->reading = false;
    stream->ended = ended;
    pthread_cond_signal(&stream->work);
    return batch;
}

static void encode(struct encode_worker *worker, struct encode_batch *batch)
{
    struct encode_stream *stream = worker->stream;
    pthread_mutex_unlock(&stream->lock);
    text_batch_encode(&batch->text, worker->encoder);
    batch->size = text_batch_size(&batch->text);
    pthread_mutex_lock(&stream->lock);
    stream->waiting += batch->size;
    batch->encoded = true;
}

/* Does one thing; whether there was one. */
static bool work_once(struct encode_worker *worker)
{
    struct encode_stream *stream = worker->stream;
    if (!stream->writing && stream->first != NULL && stream->first->encoded) {
        write_first(worker);
    } else if (may_read(stream)) {
        encode(worker, read_next(stream));
    } else {
        return false;
    }
    return true;
}

/* Reading a batch mostly takes less time than going to sleep and waking up would. */
static void await_reader(struct encode_stream *stream)
{
    pthread_mutex_unlock(&stream->lock);
    double end = clock_monotonic() + SPIN_SECONDS;
    while (stream->reading && clock_monotonic() < end)
        machine_relax();
    pthread_mutex_lock(&stream->lock);
}

/* Who leaves last has written everything: what others are at work on, they write. */
static void *work(void *argument)
{
    struct encode_worker *worker = argument;
    struct encode_stream *stream = worker->stream;
    pthread_mutex_lock(&stream->lock);
    for (bool awaited = false; !stream->failed;) {
        if (work_once(worker)) {
            awaited = false;
        } else if (stream->ended) {
            break;
        } else if (stream->reading && !awaited) {
            await_reader(stream);
            awaited = true;
        } else {
            pthread_cond_wait(&stream->work, &stream->lock);
        }
    }
    pthread_cond_broadcast(&stream->work);
    pthread_mutex_unlock(&stream->lock);
    return NULL;
}

/* ---- */

/* Runs all workers to the end of the input. */
static void run_workers(struct encode_stream *stream)
{
    unsigned threads = stream->plan->threads, started = 1;
    pthread_mutex_lock(&stream->lock);
    for (; started < threads; started++) {
        int error =
            pthread_create(&stream->workers[started].id, NULL, work, &stream->workers[started]);
        if (error == 0)
            continue;
        diag_errno(error, "cannot start thread %u of %u", started + 1, threads);
        stream->failed = true;
        break;
    }
    pthread_mutex_unlock(&stream->lock);
    work(&stream->workers[0]);
    for (unsigned i = 1; i < started; i++)
        pthread_join(stream->workers[i].id, NULL);
}

static void init(struct encode_stream *stream)
{
    const struct encode_plan *plan = stream->plan;
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->work, NULL);
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
    pthread_mutex_destroy(&stream->lock);
    pthread_cond_destroy(&stream->work);
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
