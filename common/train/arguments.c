#include "train/arguments.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"

static const char *const when_names[] = {"no", "epoch", "steps", NULL};
static const char *const save_names[] = {"no", "epoch", "steps", "best", NULL};
static const char *const sampling_names[] = {"random", "sequential", "group_by_length", NULL};
/* transformers' names of AdamW differ in speed alone. */
static const char *const optim_names[] = {"adamw", "sgd", "adamw_torch", "adamw_torch_fused", NULL};
static const char *const schedule_names[] = {
    "linear", "cosine", "constant", "constant_with_warmup", "polynomial", NULL};
static const char *const problem_names[] = {"auto", "single_label_classification",
                                            "multi_label_classification", "regression", NULL};
static const char *const choice_names[] = {"auto", "false", "true", NULL};
static const char *const report_names[] = {"none", "tensorboard", NULL};

#define AT(member)          .offset = offsetof(struct train_arguments, member)
#define NUMBER(low, high)   .kind = OPTION_UNSIGNED, .argument = "N", .minimum = low, .maximum = high
#define REAL(low, high)     .kind = OPTION_REAL, .argument = "X", .minimum = low, .maximum = high
#define STRING(word)        .kind = OPTION_STRING, .argument = word
#define CHOICE(word, names) .kind = OPTION_CHOICE, .argument = word, .choices = names
#define FLAG                .kind = OPTION_FLAG
#define RESULT              .changes_result = true
#define COUNT_MAX           4294967295.0
#define DROPOUT_MAX         0.999999

/* clang-format off */
const struct option_row train_argument_rows[] = {
    {.name = "Training, as in transformers' TrainingArguments"},
    {'n', "num-train-epochs", AT(num_train_epochs), REAL(0, 1e9), RESULT, .alias = "epochs",
     .help = "passes over the data"},
    {0, "max-steps", AT(max_steps), NUMBER(0, COUNT_MAX), RESULT, .zero = "-1",
     .help = "optimiser steps, instead of epochs; 0 or -1: epochs decide"},
    {'b', "per-device-train-batch-size", AT(per_device_train_batch_size), NUMBER(1, 1e6), RESULT,
     .alias = "batch-size", .help = "records of a batch"},
    {0, "per-device-eval-batch-size", AT(per_device_eval_batch_size), NUMBER(1, 1e6),
     .alias = "eval-batch-size", .help = "most records of a batch in evaluation"},
    {'a', "gradient-accumulation-steps", AT(gradient_accumulation_steps), NUMBER(1, 65536), RESULT,
     .help = "batches of one optimiser step"},
    {0, "train-sampling-strategy", AT(train_sampling_strategy), CHOICE("ORDER", sampling_names),
     RESULT, .help = "order of the records"},
    {0, "group-by-length", AT(group_by_length), FLAG,
     .help = "the same as --train-sampling-strategy group_by_length"},
    {0, "dataloader-drop-last", AT(dataloader_drop_last), FLAG, RESULT,
     .help = "leave out an epoch's last batch when it is short"},
    {'s', "seed", AT(seed), NUMBER(0, COUNT_MAX), RESULT,
     .help = "of the data order, dropout and new weights"},
    {0, "data-seed", AT(data_seed), REAL(0, COUNT_MAX), RESULT,
     .help = "of the data order, when not --seed"},

    {.name = "Optimiser and schedule"},
    {'l', "learning-rate", AT(learning_rate), REAL(0, 1e6), RESULT, .alias = "lr",
     .help = "highest learning rate"},
    {'w', "warmup-steps", AT(warmup_steps), REAL(0, COUNT_MAX), RESULT, .alias = "warmup-ratio",
     .help = "steps until then; below 1: share of the run"},
    {0, "lr-scheduler-type", AT(lr_scheduler_type), CHOICE("KIND", schedule_names), RESULT,
     .help = "how the rate goes on after the warmup"},
    {0, "lr-end", AT(lr_end), REAL(0, 1e6), RESULT, .help = "polynomial: the last rate"},
    {0, "lr-power", AT(lr_power), REAL(0, 1e3), RESULT, .help = "polynomial: its power"},
    {0, "lr-num-cycles", AT(lr_num_cycles), REAL(0, 1e6), RESULT,
     .help = "cosine: waves; 0.5 falls to zero once"},
    {0, "optim", AT(optim), CHOICE("NAME", optim_names), RESULT, .help = "the optimiser"},
    {0, "adam-beta1", AT(adam_beta1), REAL(0, 0.9999999), RESULT,
     .help = "AdamW's decay of the mean gradient"},
    {0, "adam-beta2", AT(adam_beta2), REAL(0, 0.9999999), RESULT,
     .help = "AdamW's decay of the mean square"},
    {0, "adam-epsilon", AT(adam_epsilon), REAL(0, 1), RESULT,
     .help = "AdamW's addition to the root"},
    {0, "weight-decay", AT(weight_decay), REAL(0, 1e6), RESULT,
     .help = "not for biases and LayerNorm"},
    {0, "max-grad-norm", AT(max_grad_norm), REAL(0, 1e30), RESULT,
     .help = "clip the gradient's norm to this; 0: never"},
    {0, "layerwise-lr-decay", AT(layerwise_lr_decay), REAL(0, 1), RESULT,
     .help = "a layer's rate, as a share of the layer's above"},
    {0, "freeze", AT(freeze), STRING("WHAT"), RESULT,
     .help = "embeddings; N: and N layers; base: all but the classifier"},
    {0, "gradient-checkpointing", AT(gradient_checkpointing), FLAG,
     .alias = "activation-checkpointing",
     .help = "compute layers again instead of keeping them: less memory"},

    {.name = "Problem and loss"},
    {0, "problem-type", AT(problem_type), CHOICE("TYPE", problem_names), RESULT,
     .help = "auto: as the data or the model says"},
    {0, "label-smoothing-factor", AT(label_smoothing_factor), REAL(0, 1), RESULT,
     .help = "share of the target spread over all classes"},
    {0, "class-weights", AT(class_weights), STRING("W,W,..."), RESULT,
     .help = "of each class's loss, or balanced"},
    {0, "dropout", AT(dropout), REAL(0, DROPOUT_MAX), .help = "all three of the following"},
    {0, "hidden-dropout-prob", AT(hidden_dropout_prob), REAL(0, DROPOUT_MAX), RESULT,
     .help = "after embeddings and each block"},
    {0, "attention-probs-dropout-prob", AT(attention_probs_dropout_prob), REAL(0, DROPOUT_MAX),
     RESULT, .help = "on attention weights"},
    {0, "classifier-dropout", AT(classifier_dropout), REAL(0, DROPOUT_MAX), RESULT,
     .help = "before the classifier"},

    {.name = "Logging, evaluation and checkpoints"},
    {0, "logging-strategy", AT(logging_strategy), CHOICE("WHEN", when_names),
     .help = "when to record metrics"},
    {0, "logging-steps", AT(logging_steps), NUMBER(1, COUNT_MAX),
     .help = "steps between two records of metrics"},
    {0, "logging-first-step", AT(logging_first_step), FLAG, .help = "record step 1 too"},
    {0, "report-to", AT(report_to), CHOICE("WHERE", report_names),
     .help = "event files besides the metrics stream"},
    {0, "logging-dir", AT(logging_dir), STRING("DIR"), .help = "of event files, when not OUT/runs"},
    {0, "eval-strategy", AT(eval_strategy), CHOICE("WHEN", when_names), RESULT,
     .alias = "evaluation-strategy", .help = "when to evaluate"},
    {0, "eval-steps", AT(eval_steps), NUMBER(0, COUNT_MAX), RESULT,
     .help = "for --eval-strategy steps; 0: as --logging-steps"},
    {0, "eval-delay", AT(eval_delay), REAL(0, COUNT_MAX), RESULT,
     .help = "epochs or steps before the first evaluation"},
    {0, "eval-on-start", AT(eval_on_start), FLAG, .help = "evaluate before step 1 too"},
    {0, "save-strategy", AT(save_strategy), CHOICE("WHEN", save_names), RESULT,
     .help = "when to write a checkpoint"},
    {0, "save-steps", AT(save_steps), NUMBER(1, COUNT_MAX), RESULT,
     .help = "for --save-strategy steps"},
    {0, "save-total-limit", AT(save_total_limit), NUMBER(0, COUNT_MAX),
     .help = "most checkpoints kept, the best and the newest always; 0: all"},
    {0, "save-only-model", AT(save_only_model), FLAG,
     .help = "checkpoints that cannot be resumed, a third of the size"},
    {0, "load-best-model-at-end", AT(load_best_model_at_end), FLAG, RESULT,
     .help = "the result is the best checkpoint"},
    {0, "metric-for-best-model", AT(metric_for_best_model), STRING("NAME"), RESULT,
     .help = "what makes a model the best, such as accuracy"},
    {0, "greater-is-better", AT(greater_is_better), CHOICE("BOOL", choice_names), RESULT,
     .help = "of that metric; auto: unless it ends in loss"},
    {0, "early-stopping-patience", AT(early_stopping_patience), NUMBER(0, COUNT_MAX), RESULT,
     .help = "stop after so many evaluations without a better; 0: never"},
    {0, "early-stopping-threshold", AT(early_stopping_threshold), REAL(0, 1e6), RESULT,
     .help = "how much better one must be"},
    {0, "resume-from-checkpoint", AT(resume_from_checkpoint), STRING("FOLDER"),
     .help = "go on from there; last: the newest whole one in OUT"},
    {0},
};
/* clang-format on */

const struct option_foreign train_foreign_arguments[] = {
    {"bf16", "--dtype bf16"},
    {"bf16-full-eval", "--dtype bf16, of bert-eval too"},
    {"fp16", "--dtype bf16, which needs no loss scaling"},
    {"use-cpu", "--device cpu, the default"},
    {"no-cuda", "--device cpu, the default"},
    {"auto-find-batch-size", "--auto-batch SIZE"},
    {"lr-scheduler-kwargs", "--lr-end, --lr-power and --lr-num-cycles"},
    {"log-level", "--verbose or --quiet"},
    {"debug", "--verbose"},
    {"disable-tqdm", "--quiet"},
    {"skip-memory-metrics", "--dry-run and --verbose"},
    {"model-name-or-path", "-m MODEL"},
    {"tokenizer-name", "-m of wp-tokenize, whose files go with the model"},
    {"max-seq-length", "-L of wp-tokenize"},
    {"max-length", "-L of wp-tokenize"},
    {"train-file", "a tokens stream, as an operand or on standard input"},
    {"validation-file", "--eval FILE"},
    {"dataset-name", "a tokens stream: imdb-fetch or rec-load, then wp-tokenize"},
    {"do-train", "what bert-train does"},
    {"do-eval", "--eval FILE, or bert-eval"},
    {"do-predict", "bert-predict"},
    {NULL, NULL},
};

void train_arguments_init(struct train_arguments *arguments)
{
    *arguments = (struct train_arguments){
        .num_train_epochs = 3,
        .per_device_train_batch_size = 16,
        .per_device_eval_batch_size = 64,
        .gradient_accumulation_steps = 1,
        .seed = 42,
        .data_seed = NAN,
        .learning_rate = 5e-5,
        .warmup_steps = 500,
        .lr_end = 1e-7,
        .lr_power = 1,
        .lr_num_cycles = 0.5,
        .adam_beta1 = 0.9,
        .adam_beta2 = 0.999,
        .adam_epsilon = 1e-8,
        .weight_decay = 0.01,
        .max_grad_norm = 1,
        .layerwise_lr_decay = 1,
        .dropout = NAN,
        .hidden_dropout_prob = NAN,
        .attention_probs_dropout_prob = NAN,
        .classifier_dropout = NAN,
        .logging_strategy = TRAIN_STEPS,
        .logging_steps = 10,
        .eval_strategy = TRAIN_EPOCH,
        .save_strategy = TRAIN_EPOCH,
        .save_steps = 500,
        .load_best_model_at_end = true,
        .metric_for_best_model = "loss",
    };
}

/* What needs evaluations is turned off without them, or refused when it was asked for. */
static void settle_evaluation(struct train_arguments *a, bool evaluates)
{
    bool best = options_given(&a->load_best_model_at_end) && a->load_best_model_at_end;
    if (!evaluates) {
        const char *wants = best                                       ? "--load-best-model-at-end"
                            : a->early_stopping_patience               ? "--early-stopping-patience"
                            : a->eval_on_start                         ? "--eval-on-start"
                            : a->save_strategy == TRAIN_BEST           ? "--save-strategy best"
                            : options_given(&a->metric_for_best_model) ? "--metric-for-best-model"
                            : options_given(&a->eval_strategy) && a->eval_strategy != TRAIN_NO
                                ? "--eval-strategy"
                                : NULL;
        if (wants)
            options_usage_error("%s needs --eval FILE", wants);
        diag_note("no --eval FILE: no evaluation, and the last model is the result");
        a->eval_strategy = TRAIN_NO;
    }
    if (a->eval_strategy == TRAIN_NO || a->save_strategy == TRAIN_NO) {
        if (best)
            options_usage_error("--load-best-model-at-end needs evaluations and checkpoints");
        if (evaluates && a->load_best_model_at_end)
            diag_note("no %s: the last model is the result, not the best",
                      a->eval_strategy == TRAIN_NO ? "evaluations" : "checkpoints");
        a->load_best_model_at_end = false;
    }
    if (a->eval_strategy == TRAIN_NO && a->early_stopping_patience)
        options_usage_error("--early-stopping-patience needs evaluations");
    if (a->eval_strategy == TRAIN_NO && a->save_strategy == TRAIN_BEST)
        options_usage_error("--save-strategy best needs evaluations");
}

static void settle_rate(double *rate, double all)
{
    if (isnan(*rate))
        *rate = all;
}

int train_arguments_freeze(const struct train_arguments *arguments, uint32_t *layers)
{
    uint64_t number;
    if (strcmp(arguments->freeze, "embeddings") == 0) {
        *layers = 0;
    } else if (strcmp(arguments->freeze, "base") == 0) {
        *layers = TRAIN_FREEZE_BASE;
    } else {
        if (parse_unsigned(arguments->freeze, &number) || number >= TRAIN_FREEZE_BASE)
            return -1;
        *layers = (uint32_t)number;
    }
    return 0;
}

void train_arguments_settle(struct train_arguments *a, bool evaluates)
{
    if (a->group_by_length) {
        if (options_given(&a->train_sampling_strategy) &&
            a->train_sampling_strategy != TRAIN_GROUP_BY_LENGTH)
            options_usage_error("--group-by-length and --train-sampling-strategy disagree");
        a->train_sampling_strategy = TRAIN_GROUP_BY_LENGTH;
    }
    if (a->optim > TRAIN_SGD)
        a->optim = TRAIN_ADAMW;
    uint32_t layers;
    if (a->freeze && train_arguments_freeze(a, &layers))
        options_usage_error("--freeze: '%s' is not embeddings, base or a number of layers",
                            a->freeze);
    if (isnan(a->data_seed))
        a->data_seed = (double)a->seed;
    if (a->data_seed != floor(a->data_seed))
        options_usage_error("--data-seed: %g is no whole number", a->data_seed);
    settle_rate(&a->hidden_dropout_prob, a->dropout);
    settle_rate(&a->attention_probs_dropout_prob, a->dropout);
    settle_rate(&a->classifier_dropout, a->dropout);
    if (!a->metric_for_best_model[0] || strcmp(a->metric_for_best_model, "eval_") == 0)
        options_usage_error("--metric-for-best-model: the name is empty");
    if (a->logging_dir && a->report_to == TRAIN_REPORT_NONE) {
        if (options_given(&a->report_to))
            options_usage_error("--logging-dir and --report-to none disagree");
        a->report_to = TRAIN_REPORT_TENSORBOARD;
    }
    settle_evaluation(a, evaluates);
}

const char *train_arguments_metric(const struct train_arguments *arguments)
{
    const char *name = arguments->metric_for_best_model;
    return strncmp(name, "eval_", 5) == 0 ? name + 5 : name;
}

bool train_arguments_greater_is_better(const struct train_arguments *arguments)
{
    const char *name = arguments->metric_for_best_model;
    size_t length = strlen(name);
    if (arguments->greater_is_better != TRAIN_AUTO)
        return arguments->greater_is_better == TRAIN_TRUE;
    return length < 4 || strcmp(name + length - 4, "loss") != 0;
}

/* An option's name as TrainingArguments spells it; the size includes the end. */
static void field_name(const char *name, char *field, size_t size)
{
    size_t i = 0;
    for (; name[i] && i + 1 < size; i++)
        field[i] = name[i] == '-' ? '_' : name[i];
    field[i] = '\0';
}

static json_t *value_json(const struct option_row *row, const struct train_arguments *arguments)
{
    const void *value = (const char *)arguments + row->offset;
    if (row->kind == OPTION_FLAG)
        return json_boolean(*(const bool *)value);
    if (row->kind == OPTION_UNSIGNED)
        return json_integer((json_int_t) * (const uint64_t *)value);
    if (row->kind == OPTION_REAL)
        return isnan(*(const double *)value) ? NULL : json_real(*(const double *)value);
    char *text = option_value_text(row, arguments);
    json_t *json = text ? json_string(text) : NULL;
    free(text);
    return json;
}

json_t *train_arguments_json(const struct train_arguments *arguments)
{
    json_t *json = json_object();
    for (const struct option_row *row = train_argument_rows; !option_row_is_last(row); row++) {
        char field[64];
        json_t *value = option_row_is_section(row) ? NULL : value_json(row, arguments);
        if (!value)
            continue;
        field_name(row->name, field, sizeof field);
        json_object_set_new(json, field, value);
    }
    return json;
}

void train_arguments_history(const struct train_arguments *arguments, struct stream_header *header)
{
    for (const struct option_row *row = train_argument_rows; !option_row_is_last(row); row++) {
        char field[64], *text;
        if (!row->changes_result || !(text = option_value_text(row, arguments)))
            continue;
        field_name(row->name, field, sizeof field);
        stream_history_option(header, field, "%s", text);
        free(text);
    }
}
