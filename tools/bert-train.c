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
#include "cli/signals.h"
#include "cli/size.h"
#include "hub/cache.h"
#include "stream/options.h"
#include "train/dry_run.h"
#include "train/explain.h"
#include "train/match.h"
#include "train/optimisation.h"
#include "train/engine_options.h"
#include "train/output_folder.h"
#include "train/reporter.h"
#include "train/resume.h"
#include "train/results.h"
#include "train/run_engine.h"
#include "train/run_record.h"
#include "train/saver.h"
#include "train/targets.h"
#include "train/trainer.h"

static struct {
    const char *model, *output, *labels, *explain;
    struct option_list eval;
    struct train_arguments arguments;
    const char *config;
    bool force, dry_run;
    const char *auto_batch;
    size_t memory; /* its bytes */
    struct engine_options engine;
    struct stream_io io;
} options;

/* clang-format off */
static const struct option_row rows[] = {
    {'m', "model", .kind = OPTION_STRING, .target = &options.model, .argument = "MODEL",
     .help = "model to start from: a folder, or the name of a cached model"},
    {'o', "output-dir", .kind = OPTION_STRING, .target = &options.output, .argument = "OUT",
     .alias = "output",
     .help = "folder for checkpoints and the trained model"},
    {'e', "eval", .target = &options.eval, .kind = OPTION_LIST, .argument = "FILE",
     .help = "tokens to evaluate on; may be given more than once"},
    {0, "labels", .kind = OPTION_STRING, .target = &options.labels, .argument = "A,B,...",
     .help = "names of the labels in order"},
    {0, "force", .target = &options.force, .kind = OPTION_FLAG, .alias = "overwrite-output-dir",
     .help = "write into OUT although it holds other files"},
    {0, "config", .kind = OPTION_CONFIG, .target = &options.config, .argument = "FILE",
     .help = "options from a JSON file; the command line decides"},
    {0, "dry-run", .target = &options.dry_run, .kind = OPTION_FLAG,
     .help = "check all files and say what the run would take"},
    {0, "explain", .kind = OPTION_STRING, .target = &options.explain, .argument = "MODEL",
     .help = "print the command that made this model, and exit"},

    {.kind = OPTION_GROUP, .target = &options.arguments, .group = train_argument_rows},

    {.name = "Running"},
    {0, "auto-batch", .kind = OPTION_STRING, .target = &options.auto_batch, .argument = "SIZE",
     .help = "split each step's batch so that the engine fits into SIZE, such as 4G"},
    ENGINE_OPTION_DEVICE(options.engine),
    ENGINE_OPTION_DTYPE(options.engine, engine_training_dtype_names),
    ENGINE_OPTION_THREADS(options.engine),
    ENGINE_OPTION_PROFILE(options.engine),
    STREAM_OPTION_FORM(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "bert-train",
    .summary = "fine-tune a BERT classifier on a tokens stream",
    .usage = "-m MODEL -o OUT [--eval FILE] [OPTION]... [FILE]...",
    .example = "bert-train -m bert-base-uncased -o imdb --eval test.mp < train.mp > metrics.mp",
    .rows = rows,
    .foreign = train_foreign_arguments,
    .operands_max = -1,
};

/* Everything a run holds. */
struct run {
    struct resume resume;
    struct model model;
    struct tokeniser *tokeniser;
    struct dataset *train, *eval;
    enum target_kind target;
    struct train_plan plan;
    struct optimisation optimisation;
    struct engine *engine;
    struct saver saver;
    struct stream_writer *writer;
    struct train_state state;
    struct reporter reporter;
    int lock; /* of the output folder */
};

static void check_options(const struct option_operands *operands)
{
    if (!options.model && !options.arguments.resume_from_checkpoint)
        options_usage_error("-m MODEL is missing");
    if (!options.output && !options.dry_run)
        options_usage_error("-o OUT is missing");
    bool from_stdin = operands->count == 0;
    for (int i = 0; i < operands->count; i++)
        from_stdin = from_stdin || strcmp(operands->items[i], "-") == 0;
    for (size_t i = 0; i < options.eval.count; i++)
        if (strcmp(options.eval.items[i], "-") == 0 && from_stdin)
            options_usage_error("--eval -: standard input already holds the training data");
    if (options.auto_batch && (parse_size(options.auto_batch, &options.memory) || !options.memory))
        options_usage_error("--auto-batch: '%s' is no size: a number and K, M, G or T",
                            options.auto_batch);
    if (options.auto_batch && options.arguments.dataloader_drop_last)
        options_usage_error("--dataloader-drop-last drops by a size that --auto-batch chooses");
    train_arguments_settle(&options.arguments, options.eval.count > 0);
}

/* Reads and checks all that the run needs, in the order in which mistakes are cheapest to find. */
static int load(struct run *run, const struct option_operands *operands)
{
    if ((options.model && !(options.model = hub_locate_model(options.model))) ||
        resume_check_parent(&run->resume, options.model))
        return -1;
    const char *folder = run->resume.folder ? run->resume.folder : options.model;
    if (model_load(&run->model, folder, run->resume.folder ? MODEL_LOAD_COMPLETE : 0))
        return -1;
    run->tokeniser = tokeniser_open_folder(folder);
    if (!run->tokeniser || tokeniser_keep_files(run->tokeniser, folder))
        return -1;
    if (!options.dry_run &&
        output_folder_prepare(&run->lock, options.output, options.force || run->resume.folder))
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
    return targets_decide(&run->model, run->train, run->eval, options.labels,
                          (enum train_problem)options.arguments.problem_type, &run->target);
}

static void set_dropout(struct model_config *config, const char *key, double *target, double rate)
{
    if (isnan(rate))
        return;
    *target = rate;
    if (key)
        json_object_set_new(config->json, key, json_real(rate));
}

/* The configuration says what the run does, so that the trained model's config.json does too. */
static void set_dropouts(struct model_config *config)
{
    const struct config_keys *keys = &config->architecture->keys;
    const struct train_arguments *arguments = &options.arguments;
    set_dropout(config, keys->hidden_dropout_prob, &config->hidden_dropout_prob,
                arguments->hidden_dropout_prob);
    set_dropout(config, keys->attention_probs_dropout_prob, &config->attention_probs_dropout_prob,
                arguments->attention_probs_dropout_prob);
    set_dropout(config, keys->classifier_dropout, &config->classifier_dropout,
                arguments->classifier_dropout);
}

/* The micro-batch of the run that is resumed. */
static uint64_t resumed_batch(const struct run *run)
{
    const json_t *arguments = json_object_get(run->resume.run, "arguments");
    json_int_t batch =
        json_integer_value(json_object_get(arguments, "per_device_train_batch_size"));
    return batch > 0 ? (uint64_t)batch : 0;
}

static int open_engine(struct run *run, struct evaluate_limits *limits)
{
    struct train_arguments *arguments = &options.arguments;
    struct run_engine_sources sources = {
        .model = &run->model,
        .options = &options.engine,
        .optimisation = &run->optimisation,
        .train = run->train,
        .eval = run->eval,
        .memory = options.memory,
        .resumed_batch = resumed_batch(run),
    };
    if (train_plan_init(&run->plan, arguments, run->train))
        return -1;
    set_dropouts(&run->model.config);
    if (optimisation_init(&run->optimisation, arguments, &run->model, run->train, run->target))
        return -1;
    model_initialise(&run->model, arguments->seed);
    if (run_engine_open(&run->engine, &run->plan, arguments, &sources, limits))
        return -1;
    options.engine.dtype = (int)engine_dtype(run->engine); /* which the run's record tells */
    model_release_weights(&run->model);
    return 0;
}

static int on_metrics(void *context, const struct metrics *metrics)
{
    return reporter_metrics(&((struct run *)context)->reporter, metrics);
}

static int on_save(void *context, struct train_state *state, bool asked)
{
    return saver_checkpoint(&((struct run *)context)->saver, state, asked);
}

static void on_stepped(void *context, uint64_t step, double loss)
{
    reporter_stepped(&((struct run *)context)->reporter, step, loss);
}

static void on_evaluated(void *context, uint64_t done)
{
    reporter_evaluated(&((struct run *)context)->reporter, done);
}

static void on_stopped(void *context, int signal)
{
    struct run *run = context;
    reporter_close(&run->reporter);
    diag_note("stopped after step %" PRIu64 ": --resume-from-checkpoint last goes on from there",
              run->state.step);
    signals_die(signal);
}

static int train(struct run *run, const struct evaluate_limits *limits)
{
    struct trainer trainer = {
        .arguments = &options.arguments,
        .plan = &run->plan,
        .engine = run->engine,
        .train = run->train,
        .eval = run->eval,
        .target = run->target,
        .labels = run->model.config.num_labels,
        .eval_limits = *limits,
        .events = {run, on_metrics, on_save, on_stepped, on_evaluated, on_stopped},
    };
    run->reporter = (struct reporter){
        .writer = run->writer,
        .arguments = &options.arguments,
        .plan = &run->plan,
        .eval_records = run->eval ? run->eval->count : 0,
    };
    if (trainer_check(&trainer))
        return -1;
    int result = reporter_begin(&run->reporter, &run->model, options.output, run->state.step);
    if (result == 0)
        result = train_state_replay(&run->state, run->writer);
    if (result == 0)
        result = trainer_run(&trainer, &run->state);
    return reporter_close(&run->reporter) ? -1 : result;
}

static int finish(struct run *run)
{
    const char *metric = train_arguments_metric(&options.arguments);
    uint64_t best = saver_best_step(&run->saver, &run->state);
    json_t *json = saver_state(&run->saver, &run->state);
    int result = results_write(options.output, &run->state, best, run->train, run->eval, json);
    json_decref(json);
    run_record_result(run->saver.run, &run->state, metric);
    if (result || saver_finish(&run->saver, &run->state) || stream_writer_end(run->writer))
        return -1;
    if (best > 0)
        diag_note("%s: the model of step %" PRIu64 ", eval %s %.4f", options.output, best, metric,
                  run->state.best_metric);
    else
        diag_note("%s: the model of step %" PRIu64, options.output, run->state.step);
    return 0;
}

/* Takes over the text. */
static int print_text(struct buffer *text)
{
    struct output output;
    int result = output_open(&output, NULL) || output_write(&output, text->data, text->size) ||
                         output_commit(&output)
                     ? -1
                     : 0;
    buffer_free(text);
    return result;
}

static int print_dry_run(const struct run *run)
{
    struct buffer text = {0};
    dry_run_report(&text, &run->model, run->train, run->eval, &options.arguments, &run->plan,
                   &run->optimisation, run->engine);
    return print_text(&text);
}

static int print_explanation(void)
{
    struct buffer text = {0};
    char *folder = hub_locate_model(options.explain);
    int result = !folder || explain_model(&text, folder) || print_text(&text);
    free(folder);
    return output_finish_stdout(result ? 1 : 0);
}

static int run_all(struct run *run, const struct option_operands *operands)
{
    struct evaluate_limits limits;
    if (!options.dry_run && output_folder_claim(&run->lock, options.output))
        return -1;
    if (resume_find(&run->resume, options.arguments.resume_from_checkpoint, options.output))
        return -1;
    if (!run->resume.folder && !options.model)
        options_usage_error("-m MODEL is missing, and there is no checkpoint");
    if (load(run, operands) || open_engine(run, &limits))
        return -1;
    if (options.dry_run)
        return print_dry_run(run);
    train_state_init(&run->state);
    run->state.flops_per_token = results_flops_per_token(&run->model.table);
    run->saver = (struct saver){
        .engine = run->engine,
        .model = &run->model,
        .tokeniser = run->tokeniser,
        .arguments = &options.arguments,
        .plan = &run->plan,
        .out = options.output,
    };
    saver_init(&run->saver);
    run->saver.run = run_record(&(struct run_sources){
        .arguments = &options.arguments,
        .engine = &options.engine,
        .labels = options.labels,
        .parent = &run->model,
        .tokeniser = run->tokeniser,
        .train = run->train,
        .eval = run->eval,
    });
    if (!run->saver.run)
        return -1;
    if (run->resume.folder && resume_check(&run->resume, &run->model, run->saver.run))
        return -1;
    run->saver.metadata = run_record_metadata(run->saver.run);
    if (run->resume.folder && resume_restore(&run->resume, run->engine, &run->state, &run->saver))
        return -1;
    return train(run, &limits) || finish(run) ? -1 : 0;
}

static void run_free(struct run *run)
{
    json_decref(run->saver.run);
    json_decref(run->saver.metadata);
    saver_free(&run->saver);
    resume_free(&run->resume);
    train_state_free(&run->state);
    engine_options_profile(&options.engine, run->engine);
    engine_close(run->engine);
    optimisation_free(&run->optimisation);
    dataset_close(run->train);
    dataset_close(run->eval);
    tokeniser_close(run->tokeniser);
    model_free(&run->model);
}

int main(int argc, char **argv)
{
    struct run run = {.lock = -1};
    train_arguments_init(&options.arguments);
    struct option_operands operands = options_parse(&program, argc, argv);
    if (options.explain)
        return print_explanation();
    check_options(&operands);
    signals_catch_save(); /* while the data are read, too */
    if (!options.dry_run &&
        !(run.writer = stream_writer_open(NULL, (enum stream_form)options.io.form)))
        return 1;
    int status = run_all(&run, &operands) ? 1 : 0;
    if (run.writer && stream_writer_close(run.writer, status == 0))
        status = 1;
    run_free(&run);
    return output_finish_stdout(status);
}
