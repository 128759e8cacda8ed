/*
 * Where a run stands, as trainer_state.json records it.
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
    uint64_t samples, tokens; /* consumed by training */
    bool has_best;
    double best_metric; /* the lowest eval_loss */
    uint64_t best_step;
    json_t *log_history;
};

void train_state_init(struct train_state *state);
void train_state_free(struct train_state *state);

/* Appends to log_history. */
void train_state_log(struct train_state *state, const struct metrics *metrics);

/*
 * trainer_state.json with the Trainer's keys. best_folder: the best checkpoint's folder, or NULL. A
 * new reference.
 */
json_t *train_state_json(const struct train_state *state, const struct train_arguments *arguments,
                         const struct train_plan *plan, const char *best_folder);

#endif
