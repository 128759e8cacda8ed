/*
 * Which command made a model, for --explain.
 */
#ifndef TRAIN_EXPLAIN_H
#define TRAIN_EXPLAIN_H

#include "cli/buffer.h"

/*
 * Appends a shell's text: comments on the model's parent and data, and the command line with all
 * options that differ from their defaults. Its training and evaluation data are called train.mp and
 * eval.mp. From the run record in the folder's bertpipe.json, else from the metadata of its
 * model.safetensors. 0, or -1 with a message.
 */
int explain_model(struct buffer *out, const char *folder);

#endif
