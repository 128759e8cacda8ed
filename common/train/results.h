/*
 * The summaries of a run that transformers' example scripts leave in the output folder
 * (Trainer.save_metrics and save_state).
 */
#ifndef TRAIN_RESULTS_H
#define TRAIN_RESULTS_H

#include <jansson.h>

#include "data/dataset.h"
#include "model/parameters.h"
#include "train/state.h"

/* Floating-point operations of training by one token as the Trainer estimates them: 6 for each
 * parameter outside the embeddings. (It counts padding as tokens; here there is none.) */
double results_flops_per_token(const struct parameter_table *table);

/*
 * Writes OUT/train_results.json (the run's speed and mean loss, train_samples), eval_results.json
 * (the evaluation after step best_step, or the last when that is 0; eval_samples), all_results.json
 * (both) and trainer_state.json (not consumed). eval may be NULL: an earlier run's
 * eval_results.json is removed then. 0, or -1 with a message.
 */
int results_write(const char *out, const struct train_state *state, uint64_t best_step,
                  const struct dataset *train, const struct dataset *eval,
                  const json_t *trainer_state);

#endif
