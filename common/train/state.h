/*
 * Where a run stands: what the loop goes by, as trainer_state.json records it.
 *
 * The order of the data, dropout and the learning rate follow from the step alone; what is here
 * besides is what was measured on the way.
 */
#ifndef TRAIN_STATE_H
#define TRAIN_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "log/metrics.h"
#include "train/plan.h"

struct train_state {
    uint64_t step; /* optimiser steps taken */
    double epoch;
    uint64_t samples, tokens;     /* consumed by training */
    double seconds, step_seconds; /* the run's until the last save; those spent in steps alone */
    double flops_per_token;       /* for total_flos; set by the caller */

    /* The metrics of the last step, and the losses of the steps since the last log and of all
     * before. */
    double loss_sum, loss_total, grad_norm, learning_rate;
    /* The last step that was logged, evaluated and, because it was due, saved: what is still to do
     * after a step is told from these when a run is resumed between them. */
    uint64_t logged_step, evaluated_step, saved_step;

    bool has_best;
    double best_metric; /* of --metric-for-best-model */
    uint64_t best_step;
    bool compared;  /* there was an evaluation */
    uint64_t worse; /* evaluations since one was better by the threshold */
    bool stopped;   /* early */

    json_t *log_history; /* as the Trainer's */
    json_t *log_times;   /* of each of its entries, seconds since 1970 */
    json_t *checkpoints; /* the steps of the run's checkpoints that are still there, ascending */
};

void train_state_init(struct train_state *state);
void train_state_free(struct train_state *state);

/* Appends to log_history. */
void train_state_log(struct train_state *state, const struct metrics *metrics);
/* Writes log_history as records of a metrics stream. 0, or -1 with a message. */
int train_state_replay(const struct train_state *state, struct stream_writer *writer);

/*
 * trainer_state.json with the Trainer's keys; the loop's own are in its stateful_callbacks, as
 * "bertpipe". best_folder: the best checkpoint's folder, or NULL. A new reference.
 */
json_t *train_state_json(const struct train_state *state, const struct train_arguments *arguments,
                         const struct train_plan *plan, const char *best_folder);
/* Fills in an initialised state from that object; place: its file. 0, or -1 with a message. */
int train_state_restore(struct train_state *state, const json_t *json, const char *place);

#endif
