/*
 * Labelled records in, outcomes out: a scorer whose logits are held against what is true.
 */
#ifndef TRAIN_GRADER_H
#define TRAIN_GRADER_H

#include "data/labels.h"
#include "metrics/outcomes.h"
#include "train/gold.h"
#include "train/scorer.h"

struct grader {
    struct scorer scorer;
    struct gold_queue gold;
    struct label_set classes;
    struct outcomes outcomes; /* of the texts that have been scored */
};

/* The contract of scorer_open; records are not kept. To be closed in any case, and does not move.
 */
int grader_open(struct grader *grader, const struct model *model,
                const struct engine_options *engine, struct scorer_batches batches);
void grader_close(struct grader *grader);

/* scorer_add for the next record of a stream; begins: it is the first window of its text. */
int grader_add(struct grader *grader, const struct stream_record *record, bool begins,
               const struct stream_header *header, const char *place);
/* Scores what is held. */
int grader_flush(struct grader *grader);

#endif
