/*
 * What a user says of a run: transformers' TrainingArguments under their own names (5.23), and what
 * bertpipe adds to them.
 *
 * train_argument_rows is the one table of them: the command line, --config files, --help,
 * completion, run records, history and --explain are all made from it.
 */
#ifndef TRAIN_ARGUMENTS_H
#define TRAIN_ARGUMENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/options.h"
#include "stream/header.h"

enum train_when { TRAIN_NO, TRAIN_EPOCH, TRAIN_STEPS, TRAIN_BEST };
enum train_sampling { TRAIN_RANDOM, TRAIN_SEQUENTIAL, TRAIN_GROUP_BY_LENGTH };
enum train_optimiser { TRAIN_ADAMW, TRAIN_SGD };
enum train_schedule {
    TRAIN_LINEAR,
    TRAIN_COSINE,
    TRAIN_CONSTANT,
    TRAIN_CONSTANT_WITH_WARMUP,
    TRAIN_POLYNOMIAL
};
enum train_problem { TRAIN_PROBLEM_AUTO, TRAIN_SINGLE_LABEL, TRAIN_MULTI_LABEL, TRAIN_REGRESSION };
enum train_choice { TRAIN_AUTO, TRAIN_FALSE, TRAIN_TRUE };
enum train_report { TRAIN_REPORT_NONE, TRAIN_REPORT_TENSORBOARD };

/* A real that is NaN and a string that is NULL were not given. */
struct train_arguments {
    /* How long, and in which order. */
    double num_train_epochs;
    uint64_t max_steps; /* 0: num_train_epochs decides */
    uint64_t per_device_train_batch_size, per_device_eval_batch_size, gradient_accumulation_steps;
    int train_sampling_strategy; /* enum train_sampling */
    bool group_by_length;        /* its old spelling */
    bool dataloader_drop_last;
    uint64_t seed;
    double data_seed; /* NaN: seed */

    /* Optimiser and schedule. */
    double learning_rate, warmup_steps, weight_decay, max_grad_norm;
    int lr_scheduler_type; /* enum train_schedule */
    double lr_end, lr_power, lr_num_cycles;
    int optim; /* enum train_optimiser */
    double adam_beta1, adam_beta2, adam_epsilon;
    double layerwise_lr_decay; /* each layer's rate, as a share of that of the layer above */
    bool gradient_checkpointing;
    const char *freeze; /* what is not trained: see train_arguments_freeze */

    /* The problem and its loss. */
    int problem_type; /* enum train_problem */
    double label_smoothing_factor;
    const char *class_weights; /* "balanced" or "w0,w1,..." */
    double dropout;            /* the three below, unless they are given themselves */
    double hidden_dropout_prob, attention_probs_dropout_prob, classifier_dropout;

    /* Logging, evaluation, checkpoints. */
    int logging_strategy; /* enum train_when, without best */
    uint64_t logging_steps;
    bool logging_first_step;
    int report_to; /* enum train_report */
    const char *logging_dir;
    int eval_strategy;   /* enum train_when, without best */
    uint64_t eval_steps; /* 0: logging_steps */
    double eval_delay;   /* epochs or steps, as eval_strategy, before the first evaluation */
    bool eval_on_start;
    int save_strategy; /* enum train_when */
    uint64_t save_steps;
    uint64_t save_total_limit; /* 0: all are kept */
    bool save_only_model;
    bool load_best_model_at_end;
    const char *metric_for_best_model; /* with or without "eval_" */
    int greater_is_better;             /* enum train_choice */
    uint64_t early_stopping_patience;  /* 0: never */
    double early_stopping_threshold;
    const char *resume_from_checkpoint; /* a folder, or "last" */
};

/* Ends with an empty row; offsets are into struct train_arguments. */
extern const struct option_row train_argument_rows[];

/* What TrainingArguments and transformers' example scripts call otherwise: bertpipe-trainer(7). */
extern const struct option_foreign train_foreign_arguments[];

/* The tutorial's values. */
void train_arguments_init(struct train_arguments *arguments);

/*
 * Settles what depends on other arguments: old spellings, evaluation and best model without
 * evaluation data, dropout rates. A contradiction is a usage error. evaluates: there is data for
 * it.
 */
void train_arguments_settle(struct train_arguments *arguments, bool evaluates);

#define TRAIN_FREEZE_BASE UINT32_MAX
/* How many layers --freeze stops, beside the embeddings: `embeddings` 0, a number that many, `base`
 * TRAIN_FREEZE_BASE: all but the classifier. 0, or -1 without a message when it is none of these.
 */
int train_arguments_freeze(const struct train_arguments *arguments, uint32_t *layers);

/* The metric for the best model, without the "eval_" that the Trainer's names may begin with. */
const char *train_arguments_metric(const struct train_arguments *arguments);

/* Whether a larger value of the metric for the best model is better, as the Trainer decides it. */
bool train_arguments_greater_is_better(const struct train_arguments *arguments);

/* All arguments that have a value, by TrainingArguments' names. A new reference. */
json_t *train_arguments_json(const struct train_arguments *arguments);

/* Those that change the result, as options of the header's last history entry. */
void train_arguments_history(const struct train_arguments *arguments, struct stream_header *header);

#endif
