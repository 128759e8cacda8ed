/*
 * Evaluation of a dataset with an engine.
 */
#ifndef TRAIN_EVALUATE_H
#define TRAIN_EVALUATE_H

#include <stdint.h>

#include "data/dataset.h"
#include "nn/engine.h"
#include "train/class_metrics.h"

struct evaluate_limits {
    uint32_t max_sequences; /* of one batch */
    uint64_t max_tokens;    /* of one batch, at least the dataset's longest sample */
    uint32_t position_offset;
};

/* Called first with 0, then after each batch, with the number of samples done. */
typedef void evaluate_progress(void *context, uint64_t done);

/* Adds every sample of the dataset, whose classes are set, to metrics. progress may be NULL. 0, or
 * -1 with a message. */
int evaluate_dataset(struct engine *engine, const struct dataset *dataset,
                     const struct evaluate_limits *limits, struct class_metrics *metrics,
                     evaluate_progress *progress, void *context);

#endif
