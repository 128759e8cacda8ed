/* bert-eval: how good predictions are: those of a model on a labelled tokens stream, or those of a
 * predictions stream. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/buffer.h"
#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "hub/cache.h"
#include "stream/groups.h"
#include "stream/options.h"
#include "train/engine_options.h"
#include "train/eval_report.h"
#include "train/grader.h"
#include "train/match.h"
#include "train/predictions.h"
#include "train/rival.h"

static struct {
    const char *model, *compare;
    struct engine_options engine;
    struct scorer_batches batches;
    uint64_t bins, top_k, float32_texts;
    struct bootstrap bootstrap;
    struct stream_io io;
} options = {
    .batches = SCORER_BATCHES,
    .bins = 15,
    .top_k = 5,
    .float32_texts = 256,
    .bootstrap = {.seed = 42, .confidence = 0.95},
};

/* clang-format off */
static const struct option_row rows[] = {
    {'m', "model", .kind = OPTION_STRING, .target = &options.model, .argument = "MODEL",
     .help = "classify tokens with this model; without it, predictions are read"},
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    {0, "compare", .kind = OPTION_STRING, .target = &options.compare, .argument = "FILE",
     .help = "predictions of the same records, to compare with"},
    {0, "bootstrap", .kind = OPTION_UNSIGNED, .target = &options.bootstrap.resamples,
     .argument = "N", .maximum = 1e6,
     .help = "confidence intervals from N resamples"},
    {0, "confidence", .kind = OPTION_REAL, .target = &options.bootstrap.confidence,
     .argument = "SHARE", .minimum = 0.01, .maximum = 0.9999, .help = "of the intervals"},
    {0, "seed", .kind = OPTION_UNSIGNED, .target = &options.bootstrap.seed, .argument = "N",
     .help = "of the resamples"},
    {0, "bins", .kind = OPTION_UNSIGNED, .target = &options.bins, .argument = "N", .minimum = 1,
     .maximum = 1e4, .help = "of the calibration error"},
    {'k', "top-k", .kind = OPTION_UNSIGNED, .target = &options.top_k, .argument = "K",
     .maximum = 1e6, .help = "accuracy of the K likeliest classes (0: none)"},
    SCORER_OPTION_BATCH_SIZE(options.batches),
    SCORER_OPTION_BATCH_TOKENS(options.batches),
    ENGINE_OPTION_DEVICE(options.engine),
    ENGINE_OPTION_DTYPE(options.engine, engine_dtype_names),
    {0, "float32-texts", .kind = OPTION_UNSIGNED, .target = &options.float32_texts,
     .argument = "N", .help = "of int8: score N texts in float32 too, to say what it costs"},
    ENGINE_OPTION_THREADS(options.engine),
    ENGINE_OPTION_PROFILE(options.engine),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "bert-eval",
    .summary = "scores of a model on a labelled tokens stream, or of a predictions stream",
    .usage = "[-m MODEL] [OPTION]... [FILE]...",
    .example = "bert-eval -m imdb-bert < test.mp",
    .rows = rows,
    .operands_max = -1,
};

/* ---- the report ---- */

/* Where it goes: opened before anything is scored, so that a wrong name is told at once. */
struct report_output {
    struct stream_writer *writer; /* of a metrics stream, or NULL: */
    struct output document;
};

static int report_open(struct report_output *output)
{
    *output = (struct report_output){0};
    if (options.io.form != FORM_MSGPACK)
        return output_open(&output->document, options.io.output);
    output->writer = stream_writer_open(options.io.output, FORM_MSGPACK);
    return output->writer ? 0 : -1;
}

static int write_document(const struct eval_report *report, struct output *output)
{
    struct buffer text = {0};
    if (options.io.form == FORM_JSON) {
        json_t *json = eval_report_json(report);
        char *document = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        buffer_format(&text, "%s\n", document);
        free(document);
        json_decref(json);
    } else if (options.io.form == FORM_TSV) {
        eval_report_tsv(report, &text);
    } else {
        eval_report_text(report, &text);
    }
    int result = output_write(output, text.data, text.size);
    buffer_free(&text);
    return result;
}

static int write_stream(const struct eval_report *report, struct stream_writer *writer)
{
    struct stream_header header;
    stream_header_init(&header, STREAM_METRICS);
    stream_history_append(&header, program.name);
    stream_history_option(&header, "bins", "%" PRIu64, options.bins);
    stream_history_option(&header, "top_k", "%" PRIu64, options.top_k);
    if (options.model && options.engine.dtype != ENGINE_FLOAT32)
        stream_history_option(&header, "dtype", "%s", engine_dtype_names[options.engine.dtype]);
    if (report->bootstrap) {
        stream_history_option(&header, "bootstrap", "%" PRIu64, options.bootstrap.resamples);
        stream_history_option(&header, "confidence", "%g", options.bootstrap.confidence);
        stream_history_option(&header, "seed", "%" PRIu64, options.bootstrap.seed);
    }
    int result = eval_report_stream(report, writer, &header);
    stream_header_free(&header);
    return result;
}

/* Writes the report and closes; NULL: there is none, and no file appears. */
static int report_close(struct report_output *output, const struct eval_report *report)
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

static void show_resamples(void *progress, uint64_t done)
{
    progress_update(progress, done, NULL);
}

/* Everything has been read: computes the report. */
static int conclude(struct eval_report *report, struct rival *rival)
{
    struct progress progress;
    if (rival_finish(rival, report->outcomes, report->names))
        return -1;
    report->options.bins = (uint32_t)options.bins;
    report->options.top_k = (uint32_t)options.top_k;
    report->bootstrap = options.bootstrap.resamples > 0 ? &options.bootstrap : NULL;
    progress_init(&progress, "resamples", 0, options.bootstrap.resamples);
    eval_report_compute(report, rival->merge ? &rival->predictions.outcomes : NULL, show_resamples,
                        &progress);
    progress_finish(&progress);
    return 0;
}

/* ---- what is evaluated ---- */

static int check_any(const struct stream_merge *merge, struct stream_reader *reader)
{
    return stream_merge_count(merge) > 0
               ? 0
               : diag_error("%s: no records", stream_reader_source(reader));
}

/* Reads predictions to their end. */
static int read_predictions(struct stream_merge *merge, struct predictions *predictions,
                            struct rival *rival)
{
    struct stream_reader *reader = stream_merge_reader(merge);
    const struct stream_record *record;
    int result;
    while ((result = stream_merge_next(merge, &record)) > 0) {
        const char *place = stream_reader_place(reader);
        if (predictions_add(predictions, &record->prediction, place) ||
            rival_follow(rival, record, place))
            return -1;
    }
    return result < 0 ? -1 : check_any(merge, reader);
}

static int evaluate_predictions(const struct option_operands *operands, struct rival *rival)
{
    struct predictions predictions = {0};
    struct report_output output;
    struct stream_merge *merge =
        predictions_stream(operands->items, operands->count, options.io.max_record);
    if (!merge || report_open(&output)) {
        stream_merge_close(merge);
        return -1;
    }
    struct eval_report report = {.outcomes = &predictions.outcomes};
    int result = predictions_init(&predictions, stream_merge_header(merge),
                                  stream_reader_source(stream_merge_reader(merge)));
    if (result == 0)
        result = read_predictions(merge, &predictions, rival);
    report.names = predictions.names.names;
    if (result == 0)
        result = conclude(&report, rival);
    result = report_close(&output, result == 0 ? &report : NULL);
    eval_report_free(&report);
    predictions_free(&predictions);
    stream_merge_close(merge);
    return result;
}

/* A model's scoring of a stream. */
struct evaluation {
    struct stream_merge *merge;
    struct stream_groups groups;
    struct grader grader;
    /* int8: the first texts in float32 too. */
    struct grader float32;
    double float32_seconds;
    uint64_t texts, tokens;
};

static int evaluation_open(struct evaluation *e, const struct model *model)
{
    struct engine_options float32 = options.engine;
    float32.dtype = ENGINE_FLOAT32;
    if (grader_open(&e->grader, model, &options.engine, options.batches))
        return -1;
    options.engine.dtype = (int)engine_dtype(e->grader.scorer.engine); /* for the history */
    if (options.engine.dtype != ENGINE_INT8 || options.float32_texts == 0 ||
        diag_get_level() == DIAG_QUIET)
        return 0;
    return grader_open(&e->float32, model, &float32, options.batches);
}

static void evaluation_close(struct evaluation *e)
{
    grader_close(&e->grader);
    grader_close(&e->float32);
    stream_groups_free(&e->groups);
    stream_merge_close(e->merge);
}

/* Scores what is held in float32, and keeps its outcomes alone. */
static int end_float32(struct evaluation *e)
{
    double started = clock_monotonic();
    int result = grader_flush(&e->float32);
    scorer_close(&e->float32.scorer);
    e->float32_seconds += clock_monotonic() - started;
    return result;
}

static int add_record(struct evaluation *e, const struct stream_record *record, struct rival *rival)
{
    struct stream_reader *reader = stream_merge_reader(e->merge);
    const struct stream_header *header = stream_merge_header(e->merge);
    const char *place = stream_reader_place(reader);
    int begins = stream_groups_add(&e->groups, reader);
    if (begins < 0 || grader_add(&e->grader, record, begins > 0, header, place) ||
        (begins > 0 && rival_follow(rival, record, place)))
        return -1;
    e->texts += begins > 0;
    e->tokens += rec_token_count(&record->tokens);
    if (!e->float32.scorer.engine)
        return 0;
    if (e->texts > options.float32_texts)
        return end_float32(e);
    double started = clock_monotonic();
    int result = grader_add(&e->float32, record, begins > 0, header, place);
    e->float32_seconds += clock_monotonic() - started;
    return result;
}

static int end_records(struct evaluation *e)
{
    struct stream_reader *reader = stream_merge_reader(e->merge);
    if (stream_groups_end(&e->groups, reader) || check_any(e->merge, reader) ||
        grader_flush(&e->grader))
        return -1;
    return e->float32.scorer.engine ? end_float32(e) : 0;
}

/* Scores all records; tokens and seconds go into the report. */
static int score(struct evaluation *e, struct eval_report *report, struct rival *rival)
{
    const struct stream_record *record;
    struct progress progress;
    double started = clock_monotonic();
    int result;
    progress_init(&progress, "records", 0, 0);
    while ((result = stream_merge_next(e->merge, &record)) > 0) {
        if (add_record(e, record, rival)) {
            result = -1;
            break;
        }
        progress_update(&progress, stream_merge_count(e->merge), NULL);
    }
    if (result == 0)
        result = end_records(e);
    progress_finish(&progress);
    report->tokens = e->tokens;
    report->seconds = clock_monotonic() - started - e->float32_seconds;
    return result;
}

/* The mean distance of the first texts' probabilities, or numbers. */
static double mean_distance(const struct outcomes *a, const struct outcomes *b, size_t texts)
{
    double sum = 0;
    size_t values = texts * a->labels;
    for (size_t i = 0; i < values; i++)
        sum += fabs(a->values[i] - b->values[i]);
    return sum / (double)values;
}

/* What int8 costs, by the texts that were scored in float32 too. */
static void tell_cost(const struct evaluation *e)
{
    const struct outcomes *int8 = &e->grader.outcomes, *float32 = &e->float32.outcomes;
    size_t texts = float32->count, right8 = 0, right32 = 0, others = 0;
    if (int8->values && texts > 0)
        diag_note("int8: %s of the first %zu texts are %.2g from float32's on average",
                  int8->kind == OUTCOME_NUMBERS ? "numbers" : "probabilities", texts,
                  mean_distance(int8, float32, texts));
    for (size_t i = 0; int8->kind != OUTCOME_NUMBERS && i < texts; i++) {
        right8 += outcomes_right(int8, i);
        right32 += outcomes_right(float32, i);
        others += !outcomes_same_guess(int8, float32, i);
    }
    if (int8->kind != OUTCOME_NUMBERS && texts > 0)
        diag_note("int8: other labels than in float32 for %zu of the first %zu texts; "
                  "accuracy %.4f, in float32 %.4f",
                  others, texts, (double)right8 / (double)texts, (double)right32 / (double)texts);
}

static int evaluate_tokens(const struct option_operands *operands, struct model *model,
                           struct tokeniser *tokeniser, struct rival *rival)
{
    struct evaluation e = {0};
    struct eval_report report = {.outcomes = &e.grader.outcomes,
                                 .names = model->config.label_names};
    struct report_output output;
    e.merge = match_open(operands->items, operands->count, options.io.max_record, model, tokeniser);
    if (!e.merge || report_open(&output)) {
        stream_merge_close(e.merge);
        return -1;
    }
    int result = evaluation_open(&e, model);
    if (result == 0)
        result = score(&e, &report, rival);
    if (result == 0)
        result = conclude(&report, rival);
    result = report_close(&output, result == 0 ? &report : NULL);
    if (result == 0)
        tell_cost(&e);
    engine_options_profile(&options.engine, e.grader.scorer.engine);
    eval_report_free(&report);
    evaluation_close(&e);
    return result;
}

static int evaluate_model(const struct option_operands *operands, struct rival *rival)
{
    struct model model;
    if (!(options.model = hub_locate_model(options.model)) ||
        model_load(&model, options.model, MODEL_LOAD_COMPLETE))
        return -1;
    struct tokeniser *tokeniser = tokeniser_open_folder(options.model);
    int result = tokeniser ? evaluate_tokens(operands, &model, tokeniser, rival) : -1;
    tokeniser_close(tokeniser);
    model_free(&model);
    return result;
}

int main(int argc, char **argv)
{
    struct rival rival;
    struct option_operands operands = options_parse(&program, argc, argv);
    int result = rival_open(&rival, options.compare, options.io.max_record);
    if (result == 0)
        result = options.model ? evaluate_model(&operands, &rival)
                               : evaluate_predictions(&operands, &rival);
    rival_close(&rival);
    return output_finish_stdout(result == 0 ? 0 : 1);
}
