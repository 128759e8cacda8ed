/*
 * What follows from a run's arguments and data: steps, sizes and schedule.
 */
#ifndef TRAIN_PLAN_H
#define TRAIN_PLAN_H

#include <stdint.h>

#include "data/batches.h"
#include "data/dataset.h"
#include "data/sampler.h"
#include "train/arguments.h"
#include "train/schedule.h"

struct train_plan {
    struct sampler sampler;
    uint32_t samples_per_epoch; /* all of them, unless the last batch is dropped */
    uint64_t batches_per_epoch; /* micro-batches */
    uint64_t steps_per_epoch, steps, epochs;
    struct schedule schedule;
    uint32_t largest_tokens; /* of one micro-batch, at least that of the run's order */
};

/*
 * Follows the run's order once through; a run of very many epochs is planned for the largest batch
 * that any order could give. train must outlive the plan. 0, or -1 with a message when the numbers
 * make no run: no steps, no whole batch, or a micro-batch of 2^31 tokens or more.
 */
int train_plan_init(struct train_plan *plan, const struct train_arguments *arguments,
                    const struct dataset *train);

/*
 * The same run in other micro-batches: changes the two sizes in the arguments, and the plan. batch
 * divides per_device_train_batch_size times gradient_accumulation_steps, which stays as it is; no
 * batch is dropped. 0, or -1 as train_plan_init.
 */
int train_plan_divide(struct train_plan *plan, struct train_arguments *arguments, uint64_t batch);

/* The micro-batches of an epoch; order: [train->count], filled in. */
void train_plan_epoch(const struct train_plan *plan, const struct train_arguments *arguments,
                      uint64_t epoch, uint32_t *order, struct batches *batches);

#endif
