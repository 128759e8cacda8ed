/* bert-train: fine-tunes a BERT classifier on a tokens stream; metrics go to standard output. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "stream/options.h"
#include "train/classes.h"
#include "train/match.h"
#include "train/options.h"
#include "train/output_folder.h"
#include "train/run_record.h"
#include "train/saver.h"
#include "train/trainer.h"

static struct {
    const char *model, *output, *labels;
    struct option_list eval;
    struct train_arguments arguments;
    double dropout, hidden_dropout, attention_dropout, classifier_dropout;
    bool all_given, hidden_given, attention_given, classifier_given;
    bool best_given, eval_given, force;
    struct engine_options engine;
    struct stream_io io;
} options;

#define NUMBER(low, high) .kind = OPTION_UNSIGNED, .argument = "N", .minimum = low, .maximum = high
#define REAL(low, high)   .kind = OPTION_REAL, .argument = "X", .minimum = low, .maximum = high
#define STRING(word)      .kind = OPTION_STRING, .argument = word
#define WHEN              .kind = OPTION_CHOICE, .argument = "WHEN", .choices = train_when_names
#define COUNT_MAX         4294967295.0
#define DROPOUT_MAX       0.999999

/* clang-format off */
static const struct option_row rows[] = {
    {'m', "model", .target = &options.model, STRING("MODEL"),
     .help = "folder of the model to start from"},
    {'o', "output-dir", .target = &options.output, STRING("OUT"), .alias = "output",
     .help = "folder for checkpoints and the trained model"},
    {'e', "eval", .target = &options.eval, .kind = OPTION_LIST, .argument = "FILE",
     .help = "tokens to evaluate on; may be given more than once"},
    {0, "labels", .target = &options.labels, STRING("A,B,..."),
     .help = "names of the classes in order"},
    {0, "force", .target = &options.force, .kind = OPTION_FLAG,
     .help = "write into OUT although it holds other files"},

    {.name = "Training, as in transformers' TrainingArguments"},
    {'n', "num-train-epochs", .target = &options.arguments.num_train_epochs, REAL(0, 1e9),
     .alias = "epochs", .help = "passes over the data"},
    {0, "max-steps", .target = &options.arguments.max_steps, NUMBER(0, COUNT_MAX),
     .help = "optimiser steps, instead of epochs; 0: epochs decide"},
    {'b', "per-device-train-batch-size", .target = &options.arguments.per_device_train_batch_size,
     NUMBER(1, 1e6), .alias = "batch-size", .help = "records of a batch"},
    {0, "per-device-eval-batch-size", .target = &options.arguments.per_device_eval_batch_size,
     NUMBER(1, 1e6), .alias = "eval-batch-size", .help = "most records of a batch in evaluation"},
    {'a', "gradient-accumulation-steps", .target = &options.arguments.gradient_accumulation_steps,
     NUMBER(1, 65536), .help = "batches of one optimiser step"},
    {'l', "learning-rate", .target = &options.arguments.learning_rate, REAL(0, 1e6),
     .alias = "lr", .help = "highest learning rate"},
    {'w', "warmup-steps", .target = &options.arguments.warmup_steps, REAL(0, COUNT_MAX),
     .alias = "warmup-ratio", .help = "steps until then; below 1: share of the run"},
    {0, "weight-decay", .target = &options.arguments.weight_decay, REAL(0, 1e6),
     .help = "AdamW's, not for biases and LayerNorm"},
    {0, "max-grad-norm", .target = &options.arguments.max_grad_norm, REAL(0, 1e30),
     .help = "clip the gradient's norm to this; 0: never"},
    {'s', "seed", .target = &options.arguments.seed, NUMBER(0, COUNT_MAX),
     .help = "of the data order, dropout and new weights"},
    {0, "logging-steps", .target = &options.arguments.logging_steps, NUMBER(1, COUNT_MAX),
     .help = "steps between two records of metrics"},
    {0, "eval-strategy", .target = &options.arguments.eval_strategy, WHEN,
     .alias = "evaluation-strategy", .given = &options.eval_given, .help = "when to evaluate"},
    {0, "eval-steps", .target = &options.arguments.eval_steps, NUMBER(0, COUNT_MAX),
     .help = "for --eval-strategy steps; 0: as --logging-steps"},
    {0, "save-strategy", .target = &options.arguments.save_strategy, WHEN,
     .help = "when to write a checkpoint"},
    {0, "save-steps", .target = &options.arguments.save_steps, NUMBER(1, COUNT_MAX),
     .help = "for --save-strategy steps"},
    {0, "load-best-model-at-end", .target = &options.arguments.load_best_model_at_end,
     .kind = OPTION_FLAG, .given = &options.best_given,
     .help = "the result is the checkpoint with the lowest loss"},

    {.name = "Dropout, when not as the model's config.json says"},
    {0, "dropout", .target = &options.dropout, REAL(0, DROPOUT_MAX), .given = &options.all_given,
     .help = "all three of the following"},
    {0, "hidden-dropout-prob", .target = &options.hidden_dropout, REAL(0, DROPOUT_MAX),
     .given = &options.hidden_given, .help = "after embeddings and each block"},
    {0, "attention-probs-dropout-prob", .target = &options.attention_dropout, REAL(0, DROPOUT_MAX),
     .given = &options.attention_given, .help = "on attention weights"},
    {0, "classifier-dropout", .target = &options.classifier_dropout, REAL(0, DROPOUT_MAX),
     .given = &options.classifier_given, .help = "before the classifier"},

    {.name = "Running"},
    ENGINE_OPTION_DEVICE(options.engine),
    ENGINE_OPTION_DTYPE(options.engine),
    ENGINE_OPTION_THREADS(options.engine),
    STREAM_OPTION_FORM(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "bert-train",
    .summary = "fine-tune a BERT classifier on a tokens stream",
    .usage = "-m MODEL -o OUT [--eval FILE] [OPTION]... [FILE]...",
    .example =
        "bert-train -m bert-base-uncased -o imdb-bert --eval test.mp < train.mp > metrics.mp",
    .rows = rows,
    .operands_max = -1,
};

/* Everything a run holds. */
struct run {
    struct model model;
    struct tokeniser *tokeniser;
    struct dataset *train, *eval;
    struct train_plan plan;
    struct engine *engine;
    struct saver saver;
    struct stream_writer *writer;
    struct train_state state;
    struct progress progress, eval_progress;
    bool evaluating;
    bool shown; /* the metrics themselves go to the terminal */
};

static void check_options(const struct option_operands *operands)
{
    struct train_arguments *arguments = &options.arguments;
    bool best_wanted = options.best_given && arguments->load_best_model_at_end;
    if (!options.model)
        options_usage_error("-m MODEL is missing");
    if (!options.output)
        options_usage_error("-o OUT is missing");
    for (size_t i = 0; i < options.eval.count; i++)
        if (strcmp(options.eval.items[i], "-") == 0 && operands->count == 0)
            options_usage_error("--eval -: standard input already holds the training data");
    if (options.eval.count == 0) {
        if (best_wanted || (options.eval_given && arguments->eval_strategy != TRAIN_NO))
            options_usage_error("%s needs --eval FILE",
                                best_wanted ? "--load-best-model-at-end" : "--eval-strategy");
        diag_note("no --eval FILE: no evaluation, and the last model is the result");
        arguments->eval_strategy = TRAIN_NO;
    }
    if (arguments->eval_strategy == TRAIN_NO || arguments->save_strategy == TRAIN_NO) {
        if (best_wanted)
            options_usage_error("--load-best-model-at-end needs evaluations and checkpoints");
        arguments->load_best_model_at_end = false;
    }
}

/* Reads and checks all that the run needs, in the order in which mistakes are cheapest to find. */
static int load(struct run *run, const struct option_operands *operands)
{
    if (model_load(&run->model, options.model, 0))
        return -1;
    run->tokeniser = tokeniser_open_folder(options.model);
    if (!run->tokeniser || output_folder_prepare(options.output, options.force))
        return -1;
    struct dataset_limits limits = match_limits(&run->model);
    struct stream_merge *train = NULL, *eval = NULL;
    bool ready = true;
    if (options.eval.count > 0) {
        eval = match_open((char *const *)options.eval.items, (int)options.eval.count,
                          options.io.max_record, &run->model, run->tokeniser);
        ready = eval != NULL;
    }
    if (ready)
        train = match_open(operands->items, operands->count, options.io.max_record, &run->model,
                           run->tokeniser);
    if (train && eval)
        run->eval = dataset_load(eval, &limits);
    if (train && (run->eval || !eval))
        run->train = dataset_load(train, &limits);
    stream_merge_close(eval);
    stream_merge_close(train);
    if (!run->train)
        return -1;
    return classes_decide(&run->model, run->train, run->eval, options.labels);
}

/* The configuration says what the run does, so that the trained model's config.json does too. */
static void set_dropout(struct model_config *config, const char *key, double *target, bool given,
                        double value)
{
    if (!given && !options.all_given)
        return;
    *target = given ? value : options.dropout;
    if (key)
        json_object_set_new(config->json, key, json_real(*target));
}

static void set_dropouts(struct model_config *config)
{
    const struct config_keys *keys = &config->architecture->keys;
    set_dropout(config, keys->hidden_dropout_prob, &config->hidden_dropout_prob,
                options.hidden_given, options.hidden_dropout);
    set_dropout(config, keys->attention_probs_dropout_prob, &config->attention_probs_dropout_prob,
                options.attention_given, options.attention_dropout);
    set_dropout(config, keys->classifier_dropout, &config->classifier_dropout,
                options.classifier_given, options.classifier_dropout);
}

static int open_engine(struct run *run, struct evaluate_limits *limits)
{
    const struct train_arguments *arguments = &options.arguments;
    struct engine_plan plan;
    uint32_t longest = run->train->longest, eval_longest = run->eval ? run->eval->longest : 0;
    if (train_plan_init(&run->plan, arguments, run->train))
        return -1;
    if (run->plan.schedule.warmup >= run->plan.steps)
        diag_warn("the warmup of %" PRIu64 " steps is not shorter than the run of %" PRIu64
                  ": the learning rate never reaches %g",
                  run->plan.schedule.warmup, run->plan.steps, arguments->learning_rate);
    set_dropouts(&run->model.config);
    engine_plan_init(&plan, &run->model);
    engine_options_apply(&options.engine, &plan);
    plan.train = true;
    plan.max_length = eval_longest > longest ? eval_longest : longest;
    plan.max_tokens =
        plan.max_length > run->plan.largest_tokens ? plan.max_length : run->plan.largest_tokens;
    plan.max_sequences = (uint32_t)arguments->per_device_train_batch_size;
    if (run->eval && arguments->per_device_eval_batch_size > plan.max_sequences)
        plan.max_sequences = (uint32_t)arguments->per_device_eval_batch_size;
    plan.weight_decay = arguments->weight_decay;
    plan.seed = arguments->seed;
    *limits = (struct evaluate_limits){
        .max_sequences = (uint32_t)arguments->per_device_eval_batch_size,
        .max_tokens = plan.max_tokens,
        .position_offset = run->model.config.architecture->position_offset,
    };
    model_initialise(&run->model, arguments->seed);
    if (engine_open(&run->engine, &run->model, &plan))
        return -1;
    model_release_weights(&run->model);
    diag_verbose("%s; %.1f MB planned", engine_describe(run->engine),
                 (double)engine_memory(run->engine) / 1e6);
    return 0;
}

static void say_metrics(const struct run *run, const struct metrics *metrics)
{
    if (strcmp(metrics->split, "eval") == 0)
        diag_note("epoch %.2f: eval loss %.4f accuracy %.4f (%" PRIu32 " records in %.1f s)",
                  metrics->epoch, metrics_get(metrics, "loss"), metrics_get(metrics, "accuracy"),
                  run->eval->count, metrics_get(metrics, "runtime"));
    else if (!isnan(metrics_get(metrics, "train_runtime")))
        diag_note("%" PRIu64 " steps in %.1f s: %.1f records/s, %.0f tokens/s in training, "
                  "mean loss %.4f",
                  metrics->step, metrics_get(metrics, "train_runtime"),
                  metrics_get(metrics, "train_samples_per_second"),
                  metrics_get(metrics, "train_tokens_per_second"),
                  metrics_get(metrics, "train_loss"));
    else if (!run->progress.enabled)
        diag_note("step %" PRIu64 "/%" PRIu64
                  " loss %.4f grad_norm %.4g learning_rate %.4g epoch %.2f",
                  metrics->step, run->plan.steps, metrics_get(metrics, "loss"),
                  metrics_get(metrics, "grad_norm"), metrics_get(metrics, "learning_rate"),
                  metrics->epoch);
}

static int on_metrics(void *context, const struct metrics *metrics)
{
    struct run *run = context;
    if (run->evaluating)
        progress_finish(&run->eval_progress);
    run->evaluating = false;
    if (run->shown)
        progress_finish(&run->progress);
    else
        say_metrics(run, metrics);
    if (metrics_write(metrics, run->writer))
        return -1;
    return stream_writer_flush(run->writer);
}

static int on_save(void *context, const struct train_state *state)
{
    struct run *run = context;
    char *best = state->has_best ? saver_checkpoint_folder(&run->saver, state->best_step) : NULL;
    /* As the Trainer: a checkpoint that nobody wrote is not named. */
    if (best && state->best_step != state->step && access(best, F_OK)) {
        free(best);
        best = NULL;
    }
    json_t *json = train_state_json(state, &options.arguments, &run->plan, best);
    int result = saver_checkpoint(&run->saver, state->step, json);
    json_decref(json);
    free(best);
    return result;
}

static void on_stepped(void *context, uint64_t step, double loss)
{
    struct run *run = context;
    char *note = run->progress.enabled ? mem_format("loss %.4f", loss) : NULL;
    progress_update(&run->progress, step, note);
    free(note);
}

static void on_evaluated(void *context, uint64_t done)
{
    struct run *run = context;
    if (!run->evaluating)
        progress_init(&run->eval_progress, "evaluated", 0, run->eval->count);
    run->evaluating = true;
    progress_update(&run->eval_progress, done, NULL);
}

static int train(struct run *run, const struct evaluate_limits *limits)
{
    struct stream_header header;
    struct trainer trainer = {
        .arguments = &options.arguments,
        .plan = &run->plan,
        .engine = run->engine,
        .train = run->train,
        .eval = run->eval,
        .classes = run->model.config.num_labels,
        .eval_limits = *limits,
        .events = {run, on_metrics, on_save, on_stepped, on_evaluated},
    };
    stream_header_init(&header, STREAM_METRICS);
    stream_history_append(&header, program.name);
    run_record_history(&header, &options.arguments);
    int result = stream_writer_begin(run->writer, &header);
    stream_header_free(&header);
    if (result)
        return -1;
    progress_init(&run->progress, "steps", 0, run->plan.steps);
    run->shown = stream_writer_form(run->writer) == FORM_TEXT && isatty(STDOUT_FILENO);
    result = trainer_run(&trainer, &run->state);
    progress_finish(&run->progress);
    return result;
}

static int finish(struct run *run)
{
    uint64_t best = options.arguments.load_best_model_at_end ? run->state.best_step : 0;
    run_record_result(run->saver.run, &run->state);
    if (saver_finish(&run->saver, best) || stream_writer_end(run->writer))
        return -1;
    if (best > 0)
        diag_note("%s: the model of step %" PRIu64 ", eval loss %.4f", options.output, best,
                  run->state.best_metric);
    else
        diag_note("%s: the model of step %" PRIu64, options.output, run->state.step);
    return 0;
}

static int run_all(struct run *run, const struct option_operands *operands)
{
    struct evaluate_limits limits;
    if (load(run, operands) || open_engine(run, &limits))
        return -1;
    train_state_init(&run->state);
    saver_init(&run->saver, run->engine, &run->model, run->tokeniser, options.output);
    run->saver.run =
        run_record(&options.arguments, &run->model, run->tokeniser, run->train, run->eval);
    return train(run, &limits) || finish(run) ? -1 : 0;
}

static void run_free(struct run *run)
{
    json_decref(run->saver.run);
    saver_free(&run->saver);
    train_state_free(&run->state);
    engine_close(run->engine);
    dataset_close(run->train);
    dataset_close(run->eval);
    tokeniser_close(run->tokeniser);
    model_free(&run->model);
}

int main(int argc, char **argv)
{
    struct run run = {0};
    train_arguments_init(&options.arguments);
    struct option_operands operands = options_parse(&program, argc, argv);
    check_options(&operands);
    run.writer = stream_writer_open(NULL, (enum stream_form)options.io.form);
    if (!run.writer)
        return 1;
    int status = run_all(&run, &operands) ? 1 : 0;
    if (stream_writer_close(run.writer, status == 0))
        status = 1;
    run_free(&run);
    return output_finish_stdout(status);
}
