/*
 * The run record: what made a model, as bertpipe.json keeps it.
 */
#ifndef TRAIN_RUN_RECORD_H
#define TRAIN_RUN_RECORD_H

#include <jansson.h>

#include "data/dataset.h"
#include "model/model.h"
#include "text/tokeniser.h"
#include "train/plan.h"
#include "train/state.h"

/* Tool, version, arguments, parent model, tokenizer and data. eval may be NULL. A new reference. */
json_t *run_record(const struct train_arguments *arguments, const struct model *parent,
                   const struct tokeniser *tokeniser, const struct dataset *train,
                   const struct dataset *eval);
/* Adds the steps taken and the best evaluation. */
void run_record_result(json_t *run, const struct train_state *state);

#endif
