/*
 * A checkpoint: one folder OUT/checkpoint-STEP with everything needed to use the model or go on
 * training, written under a temporary name (.checkpoint-STEP.partial), synced and renamed into
 * place whole.
 *
 *   config.json, model.safetensors, the tokenizer's files   the model, as in any model folder
 *   optimizer.safetensors   exp_avg.NAME and exp_avg_sq.NAME per tensor; metadata "step"
 *   trainer_state.json      the trainer's own object
 *   bertpipe.json           size and xxh64 of each
 */
#ifndef MODEL_CHECKPOINT_H
#define MODEL_CHECKPOINT_H

#include <jansson.h>
#include <stdint.h>

#include "model/model.h"

/* What precedes a tensor's name in optimizer.safetensors. */
#define CHECKPOINT_EXP_AVG    "exp_avg."
#define CHECKPOINT_EXP_AVG_SQ "exp_avg_sq."

struct checkpoint {
    struct model_source model;
    /* First and second moments of the model's tensors, by index in its table; NULL: no optimizer
     * state is written. */
    safetensors_get *exp_avg;
    safetensors_get *exp_avg_sq;
    void *optimizer;             /* context of both */
    uint64_t step;               /* optimiser steps taken; names the folder */
    const json_t *trainer_state; /* not consumed; may be NULL */
    const json_t *run;           /* run record of bertpipe.json; not consumed; may be NULL */
};

/* Writes OUT/checkpoint-STEP, replacing one of that name. 0, or -1 with a message and nothing left
 * behind. */
int checkpoint_write(const struct checkpoint *checkpoint, const char *out);

/* A checkpoint's training state, for going on where it was written. */
struct checkpoint_state {
    uint64_t step;
    json_t *trainer_state;        /* or NULL when the checkpoint has none; owned */
    const float **exp_avg;        /* [table->count] first moments, in the mapping; owned */
    const float **exp_avg_sq;     /* the same for second moments */
    struct safetensors optimizer; /* private */
};

/* Reads optimizer.safetensors and trainer_state.json of a checkpoint, verified against its
 * bertpipe.json; the model is read with model_load, and table is its table. 0, or -1 with a
 * message; nothing to free after a failure. */
int checkpoint_load(struct checkpoint_state *state, const char *folder,
                    const struct parameter_table *table);
void checkpoint_state_free(struct checkpoint_state *state);

/*
 * Whether a folder is a checkpoint that can be gone on from: its bertpipe.json lists the model, the
 * optimizer's and the trainer's state, and each file is what it lists. 0, or -1 with a message.
 */
int checkpoint_verify(const char *folder);

/* The steps of all folders OUT/checkpoint-STEP, ascending, whatever they hold: their number, or -1
 * with a message. *steps: to be freed by the caller. */
int64_t checkpoint_list(const char *out, uint64_t **steps);

/* Takes OUT/checkpoint-STEP away: at once under that name, then file by file. 0, or -1 with a
 * message. */
int checkpoint_discard(const char *out, uint64_t step);
/* Removes what killed runs left half written or half removed in OUT, which nobody else may be
 * writing to. 0, or -1 with a message. */
int checkpoint_clean(const char *out);

/* Removes a checkpoint's files and folder. A folder that holds anything else keeps it, with a
 * warning. 0, or -1 with a message. */
int checkpoint_remove(const char *folder);

#endif
