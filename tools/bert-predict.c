/* bert-predict: the label of each record of a tokens stream, in input order, as soon as it is
 * known. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/buffer.h"
#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "hub/cache.h"
#include "stream/groups.h"
#include "stream/options.h"
#include "train/evaluate.h"
#include "train/gold.h"
#include "train/match.h"
#include "train/engine_options.h"
#include "train/run_record.h"
#include "train/scorer.h"

static struct {
    const char *model, *folder;
    struct engine_options engine;
    struct scorer_batches batches;
    double threshold;
    struct stream_io io;
} options = {.batches = SCORER_BATCHES, .threshold = 0.5};

/* clang-format off */
static const struct option_row rows[] = {
    {'m', "model", .kind = OPTION_STRING, .target = &options.model, .argument = "MODEL",
     .help = "model folder, or the name of a cached model"},
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    SCORER_OPTION_BATCH_SIZE(options.batches),
    SCORER_OPTION_BATCH_TOKENS(options.batches),
    {0, "threshold", .kind = OPTION_REAL, .target = &options.threshold, .argument = "P",
     .minimum = 0, .maximum = 1, .help = "several labels: those of at least this probability hold"},
    ENGINE_OPTION_DEVICE(options.engine),
    ENGINE_OPTION_DTYPE(options.engine, engine_dtype_names),
    ENGINE_OPTION_THREADS(options.engine),
    ENGINE_OPTION_PROFILE(options.engine),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "bert-predict",
    .summary = "classify the records of a tokens stream",
    .usage = "-m MODEL [OPTION]... [FILE]...",
    .example =
        "rec-load reviews.txt | wp-tokenize -k -m imdb-bert | bert-predict -m imdb-bert -f text",
    .rows = rows,
    .operands_max = -1,
};

struct predictor {
    const struct model *model;
    const struct tokeniser *tokeniser;
    enum target_kind target;
    struct label_set classes;
    struct stream_reader *reader;
    struct stream_groups groups;
    struct scorer scorer;
    struct stream_writer *writer;
    float *values;            /* [classes] probabilities, or the logits of a regression */
    double *probs;            /* [classes] */
    struct rec_label *labels; /* [classes] */
    struct rec_label *gold;   /* the items of a list */
    size_t gold_capacity;
    struct buffer name;
    uint64_t records;
};

/* A name or id of the stream's as an id of the model's, where it has it. */
static struct rec_label known_label(const struct predictor *predictor,
                                    const struct rec_label *label)
{
    int64_t class = label_find(label, stream_reader_header(predictor->reader), &predictor->classes);
    if (class < 0)
        return *label;
    return (struct rec_label){.kind = LABEL_INT, .integer = class};
}

static struct rec_label known_gold(struct predictor *predictor, const struct rec_label *label)
{
    if (predictor->target == TARGET_REAL)
        return *label;
    if (label->kind != LABEL_LIST)
        return known_label(predictor, label);
    mem_grow(&predictor->gold, &predictor->gold_capacity, label->count + 1u,
             sizeof *predictor->gold);
    for (uint32_t i = 0; i < label->count; i++)
        predictor->gold[i] = known_label(predictor, &label->items[i]);
    struct rec_label known = *label;
    known.items = predictor->gold;
    return known;
}

/* The class of the highest probability. */
static void fill_class(struct predictor *predictor, struct rec_prediction *prediction)
{
    uint32_t best = evaluate_argmax(predictor->values, (uint32_t)predictor->classes.count);
    prediction->label = (struct rec_label){.kind = LABEL_INT, .integer = best};
    prediction->name = rec_span_of(predictor->classes.names[best]);
    prediction->score = predictor->probs[best];
    prediction->has_score = true;
}

/* The labels that reach the threshold; the name has all of theirs. */
static void fill_set(struct predictor *predictor, struct rec_prediction *prediction)
{
    uint32_t count = 0;
    predictor->name.size = 0;
    for (uint32_t i = 0; i < predictor->classes.count; i++) {
        if (predictor->probs[i] < options.threshold)
            continue;
        if (count > 0)
            buffer_append_char(&predictor->name, ',');
        buffer_append_string(&predictor->name, predictor->classes.names[i]);
        predictor->labels[count++] = (struct rec_label){.kind = LABEL_INT, .integer = i};
    }
    prediction->label =
        (struct rec_label){.kind = LABEL_LIST, .count = count, .items = predictor->labels};
    prediction->name = rec_span_of(buffer_string(&predictor->name));
}

/* One number, or a list. */
static void fill_numbers(struct predictor *predictor, struct rec_prediction *prediction)
{
    uint32_t count = (uint32_t)predictor->classes.count;
    for (uint32_t i = 0; i < count; i++)
        predictor->labels[i] =
            (struct rec_label){.kind = LABEL_FLOAT, .real = predictor->values[i]};
    prediction->label =
        (struct rec_label){.kind = LABEL_LIST, .count = count, .items = predictor->labels};
    if (count == 1)
        prediction->label = predictor->labels[0];
}

static int write_prediction(struct predictor *predictor, const struct rec_tokens *tokens)
{
    uint32_t count = (uint32_t)predictor->classes.count;
    struct stream_record record = {
        .type = STREAM_PREDICTIONS,
        .prediction = {.id = tokens->id,
                       .gold = known_gold(predictor, &tokens->label),
                       .text = tokens->text,
                       .x = tokens->x},
    };
    for (uint32_t i = 0; i < count; i++)
        predictor->probs[i] = predictor->values[i];
    if (predictor->target == TARGET_REAL) {
        fill_numbers(predictor, &record.prediction);
    } else {
        record.prediction.probs = predictor->probs;
        record.prediction.prob_count = count;
        if (predictor->target == TARGET_MULTI)
            fill_set(predictor, &record.prediction);
        else
            fill_class(predictor, &record.prediction);
    }
    predictor->records++;
    return stream_writer_record(predictor->writer, &record);
}

static int predict_rows(void *context, uint32_t rows, struct stream_record *const *records,
                        const float *logits)
{
    struct predictor *predictor = context;
    uint32_t count = (uint32_t)predictor->classes.count;
    for (uint32_t row = 0; row < rows; row++) {
        evaluate_outputs(predictor->target, logits + (size_t)row * count, count, predictor->values);
        if (write_prediction(predictor, &records[row]->tokens))
            return -1;
    }
    return 0;
}

/* Before a read that would wait: what is held must not wait for records to come. */
static int finish_held(void *context)
{
    struct predictor *predictor = context;
    return scorer_flush(&predictor->scorer) ? -1 : stream_writer_flush(predictor->writer);
}

static int begin_segment(struct predictor *predictor)
{
    const struct stream_header *input = stream_reader_header(predictor->reader);
    static const enum stream_problem problems[] = {
        [TARGET_CLASS] = STREAM_PROBLEM_SINGLE,
        [TARGET_MULTI] = STREAM_PROBLEM_MULTI,
        [TARGET_REAL] = STREAM_PROBLEM_REGRESSION,
    };
    const struct model *model = predictor->model;
    struct stream_header header;
    if (match_header(input, stream_reader_source(predictor->reader), model, predictor->tokeniser))
        return -1;
    char *name = run_record_model_name(options.folder);
    if (!name)
        return -1;
    stream_header_copy(&header, input);
    header.type = STREAM_PREDICTIONS;
    header.problem = problems[predictor->target];
    header.ids_type = IDS_NONE;
    stream_header_set_labels(&header, (const char *const *)predictor->classes.names,
                             predictor->classes.count);
    stream_header_set_model(&header, name, model->digest);
    free(name);
    stream_history_append(&header, program.name);
    if (predictor->target == TARGET_MULTI)
        stream_history_option(&header, "threshold", "%g", options.threshold);
    if (engine_dtype(predictor->scorer.engine) != ENGINE_FLOAT32)
        stream_history_option(&header, "dtype", "%s",
                              engine_dtype_names[engine_dtype(predictor->scorer.engine)]);
    int result = stream_writer_begin(predictor->writer, &header);
    stream_header_free(&header);
    return result;
}

static int add_record(struct predictor *predictor)
{
    if (stream_groups_add(&predictor->groups, predictor->reader) < 0)
        return -1;
    return scorer_add(&predictor->scorer, stream_reader_record(predictor->reader),
                      stream_reader_place(predictor->reader));
}

static int end_segment(struct predictor *predictor)
{
    if (stream_groups_end(&predictor->groups, predictor->reader) ||
        scorer_flush(&predictor->scorer))
        return -1;
    return stream_writer_end(predictor->writer);
}

static int predict_stream(struct predictor *predictor)
{
    for (;;) {
        int result = 0;
        switch (stream_reader_next(predictor->reader)) {
        case STREAM_FAILED:
            return -1;
        case STREAM_EOF:
            return 0;
        case STREAM_HEADER:
            result = begin_segment(predictor);
            break;
        case STREAM_RECORD:
            result = add_record(predictor);
            break;
        case STREAM_END:
            result = end_segment(predictor);
            break;
        }
        if (result)
            return -1;
    }
}

static int predict(struct predictor *predictor, const struct option_operands *operands)
{
    const struct model_config *config = &predictor->model->config;
    struct scorer_plan plan = {
        .engine = &options.engine,
        .batches = options.batches,
        .keep = true,
    };
    label_set_copy(&predictor->classes, config->label_names, config->num_labels);
    predictor->target = gold_target(config);
    predictor->values = mem_realloc_array(NULL, config->num_labels, sizeof *predictor->values);
    predictor->probs = mem_realloc_array(NULL, config->num_labels, sizeof *predictor->probs);
    predictor->labels = mem_realloc_array(NULL, config->num_labels, sizeof *predictor->labels);
    if (scorer_open(&predictor->scorer, predictor->model, &plan, predict_rows, predictor))
        return -1;
    predictor->reader = stream_reader_open(operands->items, operands->count, options.io.max_record);
    if (!predictor->reader)
        return -1;
    predictor->writer = stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    if (!predictor->writer)
        return -1;
    stream_writer_limit(predictor->writer, options.io.max_record);
    stream_reader_on_wait(predictor->reader, finish_held, predictor);
    double started = clock_monotonic();
    int result = predict_stream(predictor);
    if (stream_writer_close(predictor->writer, result == 0))
        result = -1;
    if (result == 0)
        diag_note("%" PRIu64 " records in %.2f s", predictor->records, clock_monotonic() - started);
    return result;
}

int main(int argc, char **argv)
{
    struct model model;
    struct predictor predictor = {.model = &model};
    struct option_operands operands = options_parse(&program, argc, argv);
    if (!options.model)
        options_usage_error("-m MODEL is missing");
    options.folder = hub_locate_model(options.model);
    if (!options.folder || model_load(&model, options.folder, MODEL_LOAD_COMPLETE))
        return 1;
    struct tokeniser *tokeniser = tokeniser_open_folder(options.folder);
    predictor.tokeniser = tokeniser;
    int status = tokeniser && predict(&predictor, &operands) == 0 ? 0 : 1;
    engine_options_profile(&options.engine, predictor.scorer.engine);
    scorer_close(&predictor.scorer);
    stream_reader_close(predictor.reader);
    stream_groups_free(&predictor.groups);
    label_set_free(&predictor.classes);
    buffer_free(&predictor.name);
    free(predictor.values);
    free(predictor.probs);
    free(predictor.labels);
    free(predictor.gold);
    tokeniser_close(tokeniser);
    model_free(&model);
    return output_finish_stdout(status);
}
