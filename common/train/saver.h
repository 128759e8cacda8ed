/*
 * Writing a run's checkpoints and its final model.
 */
#ifndef TRAIN_SAVER_H
#define TRAIN_SAVER_H

#include <jansson.h>

#include "model/model.h"
#include "nn/engine.h"
#include "text/tokeniser.h"
#include "train/state.h"

struct saver {
    const struct engine *engine;
    const struct model *model; /* its configuration and table; the weights are the engine's */
    const struct tokeniser *tokeniser;
    const char *source; /* folder whose tokenizer files are copied */
    const char *out;
    json_t *run;      /* the run record; owned by the caller */
    json_t *metadata; /* of model.safetensors, by run_record_metadata; owned by the caller */
    float *buffer;    /* [table.largest] */
};

void saver_init(struct saver *saver, const struct engine *engine, const struct model *model,
                const struct tokeniser *tokeniser, const char *out);
void saver_free(struct saver *saver);

/* OUT/checkpoint-STEP, to be freed by the caller. */
char *saver_checkpoint_folder(const struct saver *saver, uint64_t step);
/* Writes OUT/checkpoint-STEP with model, optimiser and trainer_state. 0, or -1 with a message. */
int saver_checkpoint(struct saver *saver, uint64_t step, const json_t *trainer_state);
/* Writes the final model into OUT: the checkpoint of best_step, or the engine's weights when that
 * is 0. */
int saver_finish(struct saver *saver, uint64_t best_step);

#endif
