/*
 * What a run would take, for --dry-run.
 */
#ifndef TRAIN_DRY_RUN_H
#define TRAIN_DRY_RUN_H

#include "cli/buffer.h"
#include "data/dataset.h"
#include "model/model.h"
#include "nn/engine.h"
#include "train/optimisation.h"
#include "train/plan.h"

/*
 * Appends one line a fact: `name: value`. engine is planned for the run; eval may be NULL.
 *
 * FLOPs are those of the matrix products and attention of real tokens, a multiplication and an
 * addition counted as two, the backward pass as twice the forward: no padding, nothing recomputed,
 * nothing saved by frozen layers.
 */
void dry_run_report(struct buffer *out, const struct model *model, const struct dataset *train,
                    const struct dataset *eval, const struct train_arguments *arguments,
                    const struct train_plan *plan, const struct optimisation *optimisation,
                    const struct engine *engine);

/* The FLOPs of one forward pass over the samples of a dataset; last layer and head counted whole.
 */
double dataset_forward_flops(const struct model_config *config, const struct dataset *dataset);

#endif
