/*
 * The optimiser and the loss of a run, as its arguments, its model and its data have them.
 */
#ifndef TRAIN_OPTIMISATION_H
#define TRAIN_OPTIMISATION_H

#include "data/dataset.h"
#include "model/model.h"
#include "nn/engine.h"
#include "train/arguments.h"

struct optimisation {
    float *rate_factors;  /* [table.count], or NULL: 1 for all; see engine_plan */
    float *class_weights; /* [num_labels], or NULL: 1 */
};

/*
 * --layerwise-lr-decay d gives the head the whole rate, layer l of L the factor d^(L - l) and the
 * embeddings d^(L + 1) (Clark et al. 2020, ELECTRA); --freeze gives what it names 0.
 * --class-weights balanced are n / (C n_c), which scikit-learn uses; a class without a record
 * weighs 1. train: with its classes set. 0, or -1 with a message: what the model does not have, a
 * list of another length than its labels, or classes' options for another target.
 */
int optimisation_init(struct optimisation *optimisation, const struct train_arguments *arguments,
                      const struct model *model, const struct dataset *train,
                      enum target_kind target);
void optimisation_free(struct optimisation *optimisation);

/* Fills in the plan's optimiser, factors and loss; the arrays are lent. */
void optimisation_plan(const struct optimisation *optimisation,
                       const struct train_arguments *arguments, struct engine_plan *plan);

/* How many of the table's numbers are trained. */
uint64_t optimisation_trained(const struct optimisation *optimisation,
                              const struct parameter_table *table);

#endif
