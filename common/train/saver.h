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
    const struct tokeniser *tokeniser; /* its files were kept */
    const struct train_arguments *arguments;
    const struct train_plan *plan;
    const char *out;
    json_t *run;      /* the run record; owned by the caller */
    json_t *metadata; /* of model.safetensors, by run_record_metadata; owned by the caller */

    /* The saver's own. */
    char *best_elsewhere; /* the best checkpoint of a run resumed from another folder, or NULL */
    uint64_t best_elsewhere_step;
    uint64_t writing; /* the step of the checkpoint being written, or 0 */
    float *buffer;    /* [table.largest] */
};

/* The caller has set the members before these. */
void saver_init(struct saver *saver);
void saver_free(struct saver *saver);

/* After the state was restored from the checkpoint in this folder; removes what --save-total-limit
 * leaves no room for. 0, or -1 with a message: the best checkpoint, which is to be the result, is
 * gone. */
int saver_resume(struct saver *saver, const char *folder, struct train_state *state);

/*
 * Writes OUT/checkpoint-STEP with model, trainer_state and (unless --save-only-model; asked: in any
 * case) optimiser, and removes what --save-total-limit leaves no room for: checkpoints of this run,
 * the oldest first, never the newest nor the best. 0, or -1 with a message.
 */
int saver_checkpoint(struct saver *saver, struct train_state *state, bool asked);

/* trainer_state.json as it would be written now. A new reference. */
json_t *saver_state(const struct saver *saver, const struct train_state *state);
/* The step whose checkpoint becomes the final model, 0: none, but the engine's weights. */
uint64_t saver_best_step(const struct saver *saver, const struct train_state *state);

/* Writes the final model into OUT: that of saver_best_step. 0, or -1 with a message. */
int saver_finish(struct saver *saver, const struct train_state *state);

#endif
