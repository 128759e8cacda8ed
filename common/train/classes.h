/*
 * Which classes a run trains, and every record's class.
 */
#ifndef TRAIN_CLASSES_H
#define TRAIN_CLASSES_H

#include "data/dataset.h"
#include "model/model.h"

/*
 * The classes are `list` ("a,b,c") when it is not NULL, else what the training data suggests (see
 * dataset_suggest_classes); numbers without names take the model's own names where these suffice,
 * else LABEL_0, LABEL_1, ... Sets them in the model (before model_initialise) and in the datasets;
 * eval may be NULL. 0, or -1 with a message; fewer than two classes are refused.
 */
int classes_decide(struct model *model, struct dataset *train, struct dataset *eval,
                   const char *list);

#endif
