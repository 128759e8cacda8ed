/*
 * Outcomes out of a predictions stream: what was predicted for each record, and what is true.
 *
 * The header's problem says what the labels are (none stated: one class a record). Labels have the
 * names that the header lists; where it lists none, the first record's number of probabilities
 * counts them and they are called LABEL_0, LABEL_1, ...
 */
#ifndef TRAIN_PREDICTIONS_H
#define TRAIN_PREDICTIONS_H

#include "data/labels.h"
#include "metrics/outcomes.h"
#include "stream/merge.h"

struct predictions {
    const struct stream_header *header; /* by reference */
    struct label_set names;             /* [outcomes.labels] */
    struct outcomes outcomes;
    bool started;
    uint8_t *gold_set, *guess_set; /* [outcomes.labels] */
    double *gold_values, *values;  /* [outcomes.labels] */
};

/* stream_merge_open of a predictions stream, with a hint when it holds tokens. */
struct stream_merge *predictions_stream(char *const *paths, int count, size_t max_record);

/* 0, or -1 with a message `place: ...` when the problem is none that can be evaluated. */
int predictions_init(struct predictions *predictions, const struct stream_header *header,
                     const char *place);
void predictions_free(struct predictions *predictions);

/* Adds one record. 0, or -1 with a message: no gold label or no prediction, a label or a number of
 * probabilities that does not fit, a probability outside of [0, 1]. */
int predictions_add(struct predictions *predictions, const struct rec_prediction *prediction,
                    const char *place);

#endif
