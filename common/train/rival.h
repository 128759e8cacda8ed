/*
 * Other predictions of the same records, read side by side with what is evaluated.
 */
#ifndef TRAIN_RIVAL_H
#define TRAIN_RIVAL_H

#include "stream/merge.h"
#include "train/predictions.h"

struct rival {
    const char *path;
    struct stream_merge *merge; /* NULL: there is none, and the calls below do nothing */
    struct predictions predictions;
};

/* path: a predictions stream, or NULL. 0, or -1 with a message; to be closed in any case. */
int rival_open(struct rival *rival, const char *path, size_t max_record);
void rival_close(struct rival *rival);

/* Reads the record that stands where this one does. 0, or -1 with a message: its id is another, or
 * there is none. place names this record. */
int rival_follow(struct rival *rival, const struct stream_record *record, const char *place);

/* At the end: the rival has no more records, the same labels (names: [labels]) in the same order,
 * and the same of them are true. 0, or -1 with a message. */
int rival_finish(struct rival *rival, const struct outcomes *outcomes, char *const *names);

#endif
