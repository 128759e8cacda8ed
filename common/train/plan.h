/*
 * What a run does: transformers' TrainingArguments, and the steps, sizes and data order that follow
 * from them.
 */
#ifndef TRAIN_PLAN_H
#define TRAIN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "data/dataset.h"
#include "train/schedule.h"

enum train_when { TRAIN_NO, TRAIN_EPOCH, TRAIN_STEPS };
/* NULL-terminated names in that order: for OPTION_CHOICE. */
extern const char *const train_when_names[];

/* Named as in TrainingArguments; the tutorial's values from train_arguments_init. */
struct train_arguments {
    double num_train_epochs;
    uint64_t max_steps; /* 0: num_train_epochs decides */
    uint64_t per_device_train_batch_size, per_device_eval_batch_size, gradient_accumulation_steps;
    double learning_rate, warmup_steps, weight_decay, max_grad_norm;
    uint64_t logging_steps, eval_steps, save_steps; /* eval_steps 0: logging_steps */
    int eval_strategy, save_strategy;               /* enum train_when */
    bool load_best_model_at_end;
    uint64_t seed;
};

void train_arguments_init(struct train_arguments *arguments);

struct train_plan {
    uint64_t batches_per_epoch; /* micro-batches */
    uint64_t steps_per_epoch, steps, epochs;
    struct schedule schedule;
    uint32_t largest_tokens; /* of one micro-batch, at least that of the run's order */
};

/*
 * Follows the run's order once through; a run of very many epochs is planned for the largest batch
 * that any order could give. 0, or -1 with a message when the numbers make no run: no steps, or a
 * micro-batch of 2^31 tokens or more.
 */
int train_plan_init(struct train_plan *plan, const struct train_arguments *arguments,
                    const struct dataset *train);

#endif
