/*
 * The training loop, in the order of Hugging Face's Trainer.
 *
 * Per step: the micro-batches' forward and backward passes, clip and optimiser step, log; then,
 * where due, evaluate and save. What becomes of logs, checkpoints and progress is the caller's: see
 * train_events.
 *
 * A run may be resumed from any saved state, bit for bit and at once: the epoch's order is made
 * from its number, and the position in it is an index.
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
     * (split "eval": the scores of evaluate_scores, then runtime, samples_per_second,
     * steps_per_second) or, last, of the run (split "train": train_runtime,
     * train_samples_per_second, train_steps_per_second, train_tokens_per_second, total_flos,
     * train_loss).
     */
    int (*metrics)(void *context, const struct metrics *metrics);
    /* Writes a checkpoint of the engine as it stands. asked: by a signal, so it must be one that
     * can be resumed. */
    int (*save)(void *context, struct train_state *state, bool asked);
    /* After each step (loss: that step's); at the beginning of an evaluation, and after each of its
     * batches. */
    void (*stepped)(void *context, uint64_t step, double loss);
    void (*evaluated)(void *context, uint64_t done);
    /* A signal asked to stop, and the checkpoint is written: ends the program. */
    void (*stopped)(void *context, int signal);
};

struct trainer {
    const struct train_arguments *arguments;
    const struct train_plan *plan;
    struct engine
        *engine; /* planned for training, for the plan's largest micro-batch and eval_limits */
    const struct dataset *train; /* with its targets set */
    const struct dataset *eval;  /* the same, or NULL */
    enum target_kind target;
    uint32_t labels; /* columns of the logits */
    struct evaluate_limits eval_limits;
    struct train_events events;
};

/* Whether evaluations will have --metric-for-best-model. 0, or -1 with a message that lists what
 * they have. */
int trainer_check(const struct trainer *trainer);

/*
 * Trains from *state (initialised or restored by the caller, with the engine) to the last step, or
 * until it stops early. Catches SIGINT and SIGTERM, which end the program after a checkpoint, and
 * SIGUSR1, which only asks for one (see cli/signals.h). *state says afterwards which step was best.
 * 0, or -1 with a message; a loss or gradient that is not finite ends the run.
 */
int trainer_run(const struct trainer *trainer, struct train_state *state);

#endif
