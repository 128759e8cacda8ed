/*
 * The engine of a training run, planned for the largest batch of the run's own order, and the
 * division of a step's batch into micro-batches that fit into memory.
 */
#ifndef TRAIN_RUN_ENGINE_H
#define TRAIN_RUN_ENGINE_H

#include <stdint.h>

#include "data/dataset.h"
#include "model/model.h"
#include "nn/engine.h"
#include "train/arguments.h"
#include "train/engine_options.h"
#include "train/evaluate.h"
#include "train/optimisation.h"
#include "train/plan.h"

struct run_engine_sources {
    const struct model *model; /* complete: see model_initialise */
    const struct engine_options *options;
    const struct optimisation *optimisation;
    const struct dataset *train, *eval; /* eval may be NULL */
    /*
     * Bytes the engine may hold, by --auto-batch; 0: the batch is as the arguments say, and must
     * fit into the machine. A resumed run's micro-batch, if it fits, else 0.
     */
    uint64_t memory, resumed_batch;
};

/*
 * Opens the engine. With sources->memory, per_device_train_batch_size in the arguments becomes the
 * largest divisor of a step's batch (itself times gradient_accumulation_steps) with which the
 * engine fits, and gradient_accumulation_steps what makes up for it; the plan, made for the same
 * arguments, follows. limits: for evaluations with this engine. 0, or -1 with a message: when
 * nothing fits, it says what the batch takes and what would fit.
 */
int run_engine_open(struct engine **engine, struct train_plan *plan,
                    struct train_arguments *arguments, const struct run_engine_sources *sources,
                    struct evaluate_limits *limits);

#endif
