/*
 * The training loop, in the order of Hugging Face's Trainer.
 *
 * Per step: the micro-batches' forward and backward passes, clip and AdamW step, log; then, where
 * due, evaluate and save. What becomes of logs, checkpoints and progress is the caller's: see
 * train_events.
 */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "data/dataset.h"
#include "log/metrics.h"
#include "nn/engine.h"
#include "train/evaluate.h"
#include "train/plan.h"
#include "train/state.h"

/* Functions give 0, or -1 after a message, which ends the run. */
struct train_events {
    void *context;
    /*
     * Values of the last steps (split "train": loss, grad_norm, learning_rate), of an evaluation
     * (split "eval": loss, accuracy, runtime, samples_per_second, steps_per_second) or, last, of
     * the run (split "train": train_runtime, train_samples_per_second, train_steps_per_second,
     * train_tokens_per_second, train_loss).
     */
    int (*metrics)(void *context, const struct metrics *metrics);
    /* Writes a checkpoint of the engine as it stands. */
    int (*save)(void *context, const struct train_state *state);
    /* After each step (loss: that step's); at the beginning of an evaluation, and after each of its
     * batches. */
    void (*stepped)(void *context, uint64_t step, double loss);
    void (*evaluated)(void *context, uint64_t done);
};

struct trainer {
    const struct train_arguments *arguments;
    const struct train_plan *plan;
    struct engine
        *engine; /* planned for training, for the plan's largest micro-batch and eval_limits */
    const struct dataset *train; /* with its classes set */
    const struct dataset *eval;  /* the same, or NULL */
    uint32_t classes;
    struct evaluate_limits eval_limits;
    struct train_events events;
};

/*
 * Trains all steps. *state, initialised by the caller, says afterwards which step was best. 0, or
 * -1 with a message; a loss or gradient that is not finite ends the run.
 */
int trainer_run(const struct trainer *trainer, struct train_state *state);

#endif
