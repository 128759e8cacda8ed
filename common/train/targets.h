/*
 * Which problem a run trains, with which labels, and every record's target.
 */
#ifndef TRAIN_TARGETS_H
#define TRAIN_TARGETS_H

#include "data/dataset.h"
#include "model/model.h"
#include "nn/batch.h"
#include "train/arguments.h"

/*
 * problem: with TRAIN_PROBLEM_AUTO what the training data says or looks like (see dataset_problem),
 * else the model's own problem_type, else one class a record.
 *
 * The labels are `list` ("a,b,c") when it is not NULL, else what the training data suggests (see
 * dataset_suggest_classes); numbers without names take the model's own names where these suffice,
 * else LABEL_0, LABEL_1, ... Sets problem and labels in the model (before model_initialise) and the
 * targets in the datasets; eval may be NULL. 0, or -1 with a message; fewer than two classes are
 * refused.
 */
int targets_decide(struct model *model, struct dataset *train, struct dataset *eval,
                   const char *list, enum train_problem problem, enum target_kind *target);

#endif
