/*
 * Going on from a checkpoint.
 *
 * The model, its tokenizer and its optimizer come from the checkpoint; arguments, data and engine
 * from the command, and they must be those that the checkpoint was made with. So must the model
 * that the run started from, where the command names one.
 */
#ifndef TRAIN_RESUME_H
#define TRAIN_RESUME_H

#include <jansson.h>

#include "train/saver.h"

struct resume {
    char *folder; /* the checkpoint's, or NULL: the run begins at its first step */
    json_t *run;  /* its run record */
};

/*
 * wanted: --resume-from-checkpoint. NULL: there is nothing to resume. "last": the checkpoint in out
 * that was written last and is whole; of those passed over a line says why. There may be
 * none, unless all are broken. 0, or -1 with a message; resume_free in either case.
 */
int resume_find(struct resume *resume, const char *wanted, const char *out);
void resume_free(struct resume *resume);

/*
 * Whether a run with this record (see run_record.h) gives what the checkpoint's would have given.
 * If so, its parent becomes the checkpoint's. model: the checkpoint's, with the data's classes. 0,
 * or -1 with a message that names what differs.
 */
int resume_check(const struct resume *resume, const struct model *model, json_t *run);

/* Whether the model in this folder is the one that the run started from, by its digest; NULL, or
 * nothing to resume: it is. 0, or -1 with a message. */
int resume_check_parent(const struct resume *resume, const char *model);

/* Puts the engine, the initialised state and the saver where the checkpoint was. 0, or -1 with a
 * message. */
int resume_restore(const struct resume *resume, struct engine *engine, struct train_state *state,
                   struct saver *saver);

#endif
