/* bert-eval: how well a model classifies a labelled tokens stream. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/buffer.h"
#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "log/metrics.h"
#include "stream/options.h"
#include "train/class_report.h"
#include "train/match.h"
#include "train/options.h"
#include "train/scorer.h"

static struct {
    const char *model;
    struct engine_options engine;
    uint64_t batch_size, batch_tokens;
    struct stream_io io;
} options = {.batch_size = 64, .batch_tokens = 8192};

/* clang-format off */
static const struct option_row rows[] = {
    {'m', "model", .kind = OPTION_STRING, .target = &options.model, .argument = "MODEL",
     .help = "model folder"},
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    {'b', "batch-size", .kind = OPTION_UNSIGNED, .target = &options.batch_size, .argument = "N",
     .minimum = 1, .maximum = 1e6, .alias = "per-device-eval-batch-size",
     .help = "most records of a batch"},
    {0, "batch-tokens", .kind = OPTION_UNSIGNED, .target = &options.batch_tokens, .argument = "N",
     .minimum = 1, .maximum = 1e9, .help = "most tokens of a batch"},
    ENGINE_OPTION_DEVICE(options.engine),
    ENGINE_OPTION_DTYPE(options.engine),
    ENGINE_OPTION_THREADS(options.engine),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "bert-eval",
    .summary = "accuracy, loss and per-class scores of a model on a labelled tokens stream",
    .usage = "-m MODEL [OPTION]... [FILE]...",
    .example = "bert-eval -m imdb-bert < test.mp",
    .rows = rows,
    .operands_max = -1,
};

static int add_batch(void *context, const struct batch *batch, struct stream_record *const *records,
                     const float *logits)
{
    (void)records;
    return class_metrics_add(context, batch, logits);
}

/* Scores all records; tokens and seconds go into the report. */
static int score(struct scorer *scorer, struct stream_merge *merge, const struct label_set *classes,
                 struct class_report *report)
{
    struct stream_reader *reader = stream_merge_reader(merge);
    const struct stream_header *header = stream_merge_header(merge);
    const struct stream_record *record;
    struct progress progress;
    double started = clock_monotonic();
    int result;
    progress_init(&progress, "records", 0, 0);
    while ((result = stream_merge_next(merge, &record)) > 0) {
        const char *place = stream_reader_place(reader);
        int64_t class = label_class(&record->tokens.label, header, classes, place);
        result = class < 0 ? -1 : scorer_add(scorer, record, (int32_t) class, place);
        if (result)
            break;
        report->tokens += rec_token_count(&record->tokens);
        progress_update(&progress, stream_merge_count(merge), NULL);
    }
    if (result == 0 && stream_merge_count(merge) == 0)
        result = diag_error("%s: no records", stream_reader_source(reader));
    if (result == 0)
        result = scorer_flush(scorer);
    progress_finish(&progress);
    report->seconds = clock_monotonic() - started;
    return result;
}

static int write_document(const struct class_report *report, struct output *output)
{
    struct buffer text = {0};
    if (options.io.form == FORM_JSON) {
        json_t *json = class_report_json(report);
        char *document = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        buffer_format(&text, "%s\n", document);
        free(document);
        json_decref(json);
    } else {
        class_report_text(report, &text);
    }
    int result = output_write(output, text.data, text.size);
    buffer_free(&text);
    return result;
}

/* The same figures as one record of a metrics stream, for programs. */
static int write_stream(const struct class_report *report, struct stream_writer *writer)
{
    const struct class_metrics *metrics = report->metrics;
    struct stream_header header;
    struct metrics summary;
    metrics_init(&summary, "eval", 0, 0);
    metrics_add(&summary, "accuracy", class_metrics_accuracy(metrics));
    metrics_add(&summary, "loss", class_metrics_loss(metrics));
    metrics_add(&summary, "records", (double)metrics->count);
    metrics_add(&summary, "tokens", (double)report->tokens);
    metrics_add(&summary, "runtime", report->seconds);
    metrics_add(&summary, "samples_per_second", (double)metrics->count / report->seconds);
    metrics_add(&summary, "tokens_per_second", (double)report->tokens / report->seconds);
    stream_header_init(&header, STREAM_METRICS);
    stream_history_append(&header, program.name);
    int result = stream_writer_begin(writer, &header);
    if (result == 0)
        result = metrics_write(&summary, writer);
    if (result == 0)
        result = stream_writer_end(writer);
    stream_header_free(&header);
    return result;
}

/* Where the report goes: opened before anything is scored, so that a wrong name is told at once. */
struct report_output {
    struct stream_writer *writer; /* of a metrics stream, or NULL: */
    struct output document;
};

static int report_open(struct report_output *output)
{
    *output = (struct report_output){0};
    if (options.io.form != FORM_MSGPACK && options.io.form != FORM_TSV)
        return output_open(&output->document, options.io.output);
    output->writer = stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    return output->writer ? 0 : -1;
}

/* Writes the report and closes; NULL: there is none, and no file appears. */
static int report_close(struct report_output *output, const struct class_report *report)
{
    int result = report ? 0 : -1;
    if (output->writer) {
        if (report)
            result = write_stream(report, output->writer);
        return stream_writer_close(output->writer, result == 0) ? -1 : result;
    }
    if (report)
        result = write_document(report, &output->document);
    if (result == 0)
        return output_commit(&output->document);
    output_abandon(&output->document);
    return -1;
}

static int evaluate(const struct option_operands *operands, struct model *model,
                    struct tokeniser *tokeniser)
{
    struct label_set classes;
    struct class_metrics metrics;
    struct class_report report = {.metrics = &metrics, .names = model->config.label_names};
    struct scorer scorer = {0};
    struct scorer_plan plan = {
        .engine = &options.engine,
        .max_sequences = options.batch_size,
        .max_tokens = options.batch_tokens,
        .target = TARGET_CLASS,
    };
    struct stream_merge *merge =
        match_open(operands->items, operands->count, options.io.max_record, model, tokeniser);
    struct report_output output;
    if (!merge)
        return -1;
    if (report_open(&output)) {
        stream_merge_close(merge);
        return -1;
    }
    label_set_copy(&classes, model->config.label_names, model->config.num_labels);
    class_metrics_init(&metrics, model->config.num_labels);
    int result = scorer_open(&scorer, model, &plan, add_batch, &metrics);
    if (result == 0)
        result = score(&scorer, merge, &classes, &report);
    result = report_close(&output, result == 0 ? &report : NULL);
    scorer_close(&scorer);
    class_metrics_free(&metrics);
    label_set_free(&classes);
    stream_merge_close(merge);
    return result;
}

int main(int argc, char **argv)
{
    struct model model;
    struct option_operands operands = options_parse(&program, argc, argv);
    if (!options.model)
        options_usage_error("-m MODEL is missing");
    if (model_load(&model, options.model, MODEL_LOAD_COMPLETE))
        return 1;
    struct tokeniser *tokeniser = tokeniser_open_folder(options.model);
    int status = tokeniser && evaluate(&operands, &model, tokeniser) == 0 ? 0 : 1;
    tokeniser_close(tokeniser);
    model_free(&model);
    return output_finish_stdout(status);
}
