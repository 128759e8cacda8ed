/*
 * What follows from a run's arguments and data: steps, sizes and schedule.
 */
#ifndef TRAIN_PLAN_H
#define TRAIN_PLAN_H

#include <stdint.h>

#include "data/dataset.h"
#include "train/arguments.h"
#include "train/schedule.h"

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
