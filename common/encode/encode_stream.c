#include "encode/encode_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

#define BATCH_BYTES ((size_t)128 << 10) /* a batch closes when it holds as much */

/* A thread and what it has in hand: records of one segment, with the segment's beginning and end
 * when they reach them. */
struct encode_worker {
    struct encode_stream *stream;
    struct text_encoder *encoder;
    struct text_batch batch;
    char *source;                /* that the records are of */
    struct stream_header header; /* set while begins */
    bool begins, ends;
    bool failed;           /* to read on */
    struct diag_held held; /* why */
    struct text_totals totals;
    pthread_cond_t turn;
    pthread_t id;
};

/* Tickets are numbers, from 0, in the order of reading; `served` is the one that may write. Who
 * takes both locks takes `input` first. */
struct encode_stream {
    const struct encode_plan *plan;
    struct stream_reader *reader;
    struct stream_writer *writer; /* of whose turn it is */
    struct encode_worker *workers;

    pthread_mutex_t input; /* for the reader, and for: */
    struct encode_worker *holder;
    uint64_t tickets; /* given out */
    bool ended;

    pthread_mutex_t output;      /* for: */
    struct encode_worker **line; /* [threads], by ticket: who may wait for its turn */
    uint64_t served;
    bool failed;
};

/* ---- turns ---- */

static void stand_in_line(struct encode_worker *worker, uint64_t ticket)
{
    struct encode_stream *stream = worker->stream;
    pthread_mutex_lock(&stream->output);
    stream->line[ticket % stream->plan->threads] = worker;
    pthread_mutex_unlock(&stream->output);
}

/* Waits until all tickets before this one have been served. 0, or -1 when one of them failed. */
static int await_turn(struct encode_worker *worker, uint64_t ticket)
{
    struct encode_stream *stream = worker->stream;
    pthread_mutex_lock(&stream->output);
    while (stream->served != ticket)
        pthread_cond_wait(&worker->turn, &stream->output);
    int status = stream->failed ? -1 : 0;
    pthread_mutex_unlock(&stream->output);
    return status;
}

static void pass_turn_on(struct encode_stream *stream, int status)
{
    pthread_mutex_lock(&stream->output);
    stream->served++;
    if (status != 0)
        stream->failed = true;
    struct encode_worker *next = stream->line[stream->served % stream->plan->threads];
    if (next != NULL)
        pthread_cond_signal(&next->turn);
    pthread_mutex_unlock(&stream->output);
}

static bool has_failed(struct encode_stream *stream)
{
    pthread_mutex_lock(&stream->output);
    bool failed = stream->failed;
    pthread_mutex_unlock(&stream->output);
    return failed;
}

/* ---- writing what is in hand ---- */

static int write_beginning(struct encode_worker *worker)
{
    if (!worker->begins)
        return 0;
    int status = stream_writer_begin(worker->stream->writer, &worker->header);
    stream_header_free(&worker->header);
    worker->begins = false;
    return status;
}

static int write_records(struct encode_worker *worker)
{
    const struct encode_stream *stream = worker->stream;
    return text_batch_write(&worker->batch, worker->encoder, stream->plan->keep_text,
                            stream->writer, worker->source);
}

static void let_go(struct encode_worker *worker)
{
    if (worker->begins)
        stream_header_free(&worker->header);
    worker->begins = worker->ends = false;
    text_totals_add(&worker->totals, &worker->batch.totals);
    text_batch_clear(&worker->batch);
}

/* All of it, when it is the worker's turn. */
static int write_out(struct encode_worker *worker)
{
    int status = write_beginning(worker);
    if (status == 0)
        status = write_records(worker);
    if (status == 0 && worker->ends)
        status = stream_writer_end(worker->stream->writer);
    if (status == 0 && worker->failed) {
        diag_print_held(&worker->held);
        status = -1;
    }
    return status;
}

/* The records read so far, by the worker that holds the input while nobody else has a ticket. */
static int encode_and_write(struct encode_worker *worker)
{
    text_batch_encode(&worker->batch, worker->encoder);
    int status = write_beginning(worker);
    if (status == 0)
        status = write_records(worker);
    let_go(worker);
    return status;
}

/* The reader's hook: what was read goes out before a read that would wait. */
static int pass_on(void *context)
{
    struct encode_stream *stream = context;
    struct encode_worker *worker = stream->holder;
    stand_in_line(worker, stream->tickets);
    if (await_turn(worker, stream->tickets) != 0 || encode_and_write(worker) != 0)
        return -1;
    return stream_writer_flush(stream->writer);
}

/* ---- reading ---- */

static void note_source(struct encode_worker *worker)
{
    const char *source = stream_reader_source(worker->stream->reader);
    if (worker->source != NULL && strcmp(worker->source, source) == 0)
        return;
    free(worker->source);
    worker->source = mem_strdup(source);
}

static int take_header(struct encode_worker *worker)
{
    const struct encode_plan *plan = worker->stream->plan;
    if (plan->header(worker->stream->reader, &worker->header, plan->context) != 0)
        return -1;
    worker->begins = true;
    return 0;
}

static int take_record(struct encode_worker *worker)
{
    struct stream_reader *reader = worker->stream->reader;
    const struct stream_record *record = stream_reader_record(reader);
    if (record->text.words != NULL)
        return diag_error("%s: words that are split already are not supported",
                          stream_reader_place(reader));
    if (worker->batch.count == 0)
        note_source(worker);
    if (worker->stream->plan->threads > 1) {
        text_batch_add(&worker->batch, record, stream_reader_count(reader));
        return 0;
    }
    text_batch_borrow(&worker->batch, record, stream_reader_count(reader));
    return encode_and_write(worker);
}

/* Reads until the batch is full or its segment or the input ends. Messages are held, for batches
 * before this one may have something to say first. */
static void read_batch(struct encode_worker *worker)
{
    struct encode_stream *stream = worker->stream;
    enum stream_event event = STREAM_RECORD;
    int status = 0;
    diag_hold(&worker->held);
    while (status == 0 && event > STREAM_EOF && !worker->ends &&
           worker->batch.text_bytes < BATCH_BYTES) {
        event = stream_reader_next(stream->reader);
        if (event == STREAM_HEADER)
            status = take_header(worker);
        else if (event == STREAM_RECORD)
            status = take_record(worker);
        else if (event == STREAM_END)
            worker->ends = true;
    }
    diag_hold(NULL);
    worker->failed = status != 0 || event == STREAM_FAILED;
    stream->ended = worker->failed || event == STREAM_EOF;
}

/* Whether there was something to take, or an end to be told; *ticket: when it may be written. */
static bool take_batch(struct encode_worker *worker, uint64_t *ticket)
{
    struct encode_stream *stream = worker->stream;
    pthread_mutex_lock(&stream->input);
    bool more = !stream->ended && !has_failed(stream);
    if (more) {
        stream->holder = worker;
        read_batch(worker);
        *ticket = stream->tickets++;
        stand_in_line(worker, *ticket);
    }
    pthread_mutex_unlock(&stream->input);
    return more;
}

static void *work(void *argument)
{
    struct encode_worker *worker = argument;
    uint64_t ticket;
    while (take_batch(worker, &ticket)) {
        text_batch_encode(&worker->batch, worker->encoder);
        int status = await_turn(worker, ticket);
        if (status == 0)
            status = write_out(worker);
        let_go(worker);
        pass_turn_on(worker->stream, status);
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
    stream->line = mem_calloc(plan->threads, sizeof(struct encode_worker *));
    stream->workers = mem_calloc(plan->threads, sizeof(*stream->workers));
    for (unsigned i = 0; i < plan->threads; i++) {
        struct encode_worker *worker = &stream->workers[i];
        worker->stream = stream;
        worker->encoder = text_encoder_new(plan->tokeniser, &plan->fit, plan->offsets,
                                           i > 0 ? stream->workers[0].encoder : NULL);
        pthread_cond_init(&worker->turn, NULL);
    }
}

static void destroy(struct encode_stream *stream)
{
    for (unsigned i = 0; i < stream->plan->threads; i++) {
        struct encode_worker *worker = &stream->workers[i];
        text_batch_free(&worker->batch);
        text_encoder_free(worker->encoder);
        free(worker->source);
        pthread_cond_destroy(&worker->turn);
    }
    free(stream->workers);
    free(stream->line);
    pthread_mutex_destroy(&stream->input);
    pthread_mutex_destroy(&stream->output);
}

int encode_stream(const struct encode_plan *plan, struct stream_reader *reader,
                  struct stream_writer *writer, struct text_totals *totals)
{
    struct encode_stream stream = {.plan = plan, .reader = reader, .writer = writer};
    init(&stream);
    stream_reader_on_wait(reader, pass_on, &stream);
    run_workers(&stream);
    stream_reader_on_wait(reader, NULL, NULL);
    for (unsigned i = 0; i < plan->threads; i++)
        text_totals_add(totals, &stream.workers[i].totals);
    destroy(&stream);
    return stream.failed ? -1 : 0;
}
