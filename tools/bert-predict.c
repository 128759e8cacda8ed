/* bert-predict: the class of each record of a tokens stream, in input order, as soon as it is
 * known. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/buffer.h"
#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "hub/cache.h"
#include "nn/loss.h"
#include "stream/options.h"
#include "stream/text_form.h"
#include "train/evaluate.h"
#include "train/match.h"
#include "train/options.h"
#include "train/scorer.h"

static struct {
    const char *model, *folder;
    struct engine_options engine;
    uint64_t batch_size, batch_tokens;
    struct stream_io io;
} options = {.batch_size = 64, .batch_tokens = 8192};

/* clang-format off */
static const struct option_row rows[] = {
    {'m', "model", .kind = OPTION_STRING, .target = &options.model, .argument = "MODEL",
     .help = "model folder, or the name of a cached model"},
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    {'b', "batch-size", .kind = OPTION_UNSIGNED, .target = &options.batch_size, .argument = "N",
     .minimum = 1, .maximum = 1e6, .help = "most records of a batch"},
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
    .name = "bert-predict",
    .summary = "classify the records of a tokens stream",
    .usage = "-m MODEL [OPTION]... [FILE]...",
    .example =
        "rec-load reviews.txt | wp-tokenize -k -m imdb-bert | bert-predict -m imdb-bert -f text",
    .rows = rows,
    .operands_max = -1,
};

/* Bytes of text for people that are held at most, when input does not pause. */
#define TEXT_HELD ((size_t)64 << 10)

struct predictor {
    const struct model *model;
    const struct tokeniser *tokeniser;
    struct label_set classes;
    struct stream_reader *reader;
    struct scorer scorer;
    struct stream_writer *writer; /* NULL when text is written for people */
    struct output output;         /* of that text */
    struct buffer text;
    const char *title;    /* "Sentiment" or "Label", in that text */
    float *probabilities; /* [classes] */
    double *probs;        /* [classes] */
    uint64_t records;
};

/* `Text: ...` and `Sentiment: Positive (Confidence: 0.987)`, or the id, `positive` and `0.987`
 * between tabs when the text was not kept. */
static void append_text(struct predictor *predictor, const struct rec_prediction *prediction)
{
    struct buffer *out = &predictor->text;
    struct rec_span name = prediction->name;
    if (!prediction->text.data) {
        text_show(out, prediction->id);
        buffer_append_char(out, '\t');
        text_show(out, prediction->name);
        buffer_format(out, "\t%.3f\n", prediction->score);
        return;
    }
    if (predictor->records > 0)
        buffer_append_char(out, '\n');
    buffer_append_string(out, "Text: ");
    text_show(out, prediction->text);
    buffer_format(out, "\n%s: ", predictor->title);
    if (name.size > 0 && islower((unsigned char)name.data[0])) {
        buffer_append_char(out, (char)toupper((unsigned char)name.data[0]));
        name = (struct rec_span){name.data + 1, name.size - 1};
    }
    text_show(out, name);
    buffer_format(out, " (Confidence: %.3f)\n", prediction->score);
}

static int write_prediction(struct predictor *predictor, const struct stream_record *record)
{
    if (predictor->writer)
        return stream_writer_record(predictor->writer, record);
    append_text(predictor, &record->prediction);
    return 0;
}

static struct rec_label known_label(const struct predictor *predictor,
                                    const struct rec_label *label)
{
    int64_t class = label_find(label, stream_reader_header(predictor->reader), &predictor->classes);
    return class < 0 ? *label : (struct rec_label)
    {
        .kind = LABEL_INT, .integer = class
    };
}

static int predict_row(struct predictor *predictor, const struct rec_tokens *tokens,
                       const float *logits)
{
    uint32_t classes = (uint32_t)predictor->classes.count;
    uint32_t best = evaluate_argmax(logits, classes);
    softmax_row(logits, classes, predictor->probabilities);
    for (uint32_t i = 0; i < classes; i++)
        predictor->probs[i] = predictor->probabilities[i];
    struct stream_record record = {
        .type = STREAM_PREDICTIONS,
        .prediction = {.id = tokens->id,
                       .label = {.kind = LABEL_INT, .integer = best},
                       .name = rec_span_of(predictor->classes.names[best]),
                       .score = predictor->probs[best],
                       .has_score = true,
                       .probs = predictor->probs,
                       .prob_count = classes,
                       .gold = known_label(predictor, &tokens->label),
                       .text = tokens->text,
                       .x = tokens->x},
    };
    int result = write_prediction(predictor, &record);
    predictor->records++;
    return result;
}

static int flush_output(struct predictor *predictor)
{
    if (predictor->writer)
        return stream_writer_flush(predictor->writer);
    int result = output_write(&predictor->output, predictor->text.data, predictor->text.size);
    predictor->text.size = 0;
    return result;
}

static int predict_batch(void *context, const struct batch *batch,
                         struct stream_record *const *records, const float *logits)
{
    struct predictor *predictor = context;
    for (uint32_t row = 0; row < batch->rows; row++)
        if (predict_row(predictor, &records[row]->tokens, logits + row * predictor->classes.count))
            return -1;
    return predictor->text.size > TEXT_HELD ? flush_output(predictor) : 0;
}

/* Before a read that would wait: what is held must not wait for records to come. */
static int finish_held(void *context)
{
    struct predictor *predictor = context;
    return scorer_flush(&predictor->scorer) ? -1 : flush_output(predictor);
}

static int begin_segment(struct predictor *predictor)
{
    const struct stream_header *input = stream_reader_header(predictor->reader);
    const struct model *model = predictor->model;
    struct stream_header header;
    if (match_header(input, stream_reader_source(predictor->reader), model, predictor->tokeniser))
        return -1;
    if (!predictor->writer)
        return 0;
    stream_header_copy(&header, input);
    header.type = STREAM_PREDICTIONS;
    header.problem = STREAM_PROBLEM_SINGLE;
    header.ids_type = IDS_NONE;
    stream_header_set_labels(&header, (const char *const *)predictor->classes.names,
                             predictor->classes.count);
    /* A cached model's folder is called after its commit. */
    bool cached = strcmp(options.model, options.folder) != 0;
    const char *name = cached ? options.model : model->folder, *slash = strrchr(name, '/');
    stream_header_set_model(&header, slash && slash[1] ? slash + 1 : name, model->digest);
    stream_history_append(&header, program.name);
    int result = stream_writer_begin(predictor->writer, &header);
    stream_header_free(&header);
    return result;
}

static int end_segment(struct predictor *predictor)
{
    if (scorer_flush(&predictor->scorer))
        return -1;
    return predictor->writer ? stream_writer_end(predictor->writer) : flush_output(predictor);
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
            result = scorer_add(&predictor->scorer, stream_reader_record(predictor->reader),
                                TARGET_IGNORED, stream_reader_place(predictor->reader));
            break;
        case STREAM_END:
            result = end_segment(predictor);
            break;
        }
        if (result)
            return -1;
    }
}

/* A model of feelings names them so. */
static const char *title_of(const struct label_set *classes)
{
    bool feelings =
        label_set_find(classes, "positive", 8) >= 0 && label_set_find(classes, "negative", 8) >= 0;
    return feelings ? "Sentiment" : "Label";
}

static int open_output(struct predictor *predictor)
{
    const char *path = options.io.output;
    bool standard = !path || strcmp(path, "-") == 0;
    if (options.io.form == FORM_TEXT ||
        (options.io.form == FORM_AUTO && standard && isatty(STDOUT_FILENO)))
        return output_open(&predictor->output, path);
    predictor->writer = stream_writer_open(path, (enum stream_form)options.io.form);
    return predictor->writer ? 0 : -1;
}

static int close_output(struct predictor *predictor, bool commit)
{
    if (predictor->writer)
        return stream_writer_close(predictor->writer, commit);
    if (commit)
        return output_commit(&predictor->output);
    output_abandon(&predictor->output);
    return 0;
}

static int predict(struct predictor *predictor, const struct option_operands *operands)
{
    const struct model_config *config = &predictor->model->config;
    struct scorer_plan plan = {
        .engine = &options.engine,
        .max_sequences = options.batch_size,
        .max_tokens = options.batch_tokens,
        .keep = true,
        .target = TARGET_NONE,
    };
    label_set_copy(&predictor->classes, config->label_names, config->num_labels);
    predictor->title = title_of(&predictor->classes);
    predictor->probabilities =
        mem_realloc_array(NULL, config->num_labels, sizeof *predictor->probabilities);
    predictor->probs = mem_realloc_array(NULL, config->num_labels, sizeof *predictor->probs);
    if (scorer_open(&predictor->scorer, predictor->model, &plan, predict_batch, predictor))
        return -1;
    predictor->reader = stream_reader_open(operands->items, operands->count, options.io.max_record);
    if (!predictor->reader || open_output(predictor))
        return -1;
    stream_reader_on_wait(predictor->reader, finish_held, predictor);
    double started = clock_monotonic();
    int result = predict_stream(predictor);
    if (close_output(predictor, result == 0))
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
    scorer_close(&predictor.scorer);
    stream_reader_close(predictor.reader);
    label_set_free(&predictor.classes);
    buffer_free(&predictor.text);
    free(predictor.probabilities);
    free(predictor.probs);
    tokeniser_close(tokeniser);
    model_free(&model);
    return output_finish_stdout(status);
}
