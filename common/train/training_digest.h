/*
 * Where a run stands, as one number: two runs that have the same go on alike, bit for bit.
 */
#ifndef TRAIN_TRAINING_DIGEST_H
#define TRAIN_TRAINING_DIGEST_H

#include <jansson.h>

#include "model/model.h"
#include "nn/engine.h"

#define TRAINING_DIGEST_SIZE 17 /* 16 hexadecimal digits and a NUL */

/*
 * The xxh64 of every tensor's weights and moments, in table order, then of the record (the
 * metadata of run_record_metadata: arguments, schedule, seeds, data, tokenizer, parent) as JSON and
 * of the step, from which the learning rate, dropout and the position in the data follow. buffer:
 * [table->largest]. 0, or -1 with a message.
 */
int training_digest(const struct engine *engine, const struct parameter_table *table,
                    const json_t *record, float *buffer, char digest[TRAINING_DIGEST_SIZE]);

#endif
