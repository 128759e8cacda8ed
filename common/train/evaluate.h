/*
 * Evaluation of a dataset with an engine.
 */
#ifndef TRAIN_EVALUATE_H
#define TRAIN_EVALUATE_H

#include <stdint.h>

#include "data/dataset.h"
#include "metrics/outcomes.h"
#include "metrics/scores.h"
#include "nn/engine.h"

struct evaluate_limits {
    uint32_t max_sequences; /* of one batch */
    uint64_t max_tokens;    /* of one batch, at least the dataset's longest sample */
    uint32_t position_offset;
    double label_smoothing; /* the loss is that of training */
};

/* Called first with 0, then after each batch, with the number of samples done. */
typedef void evaluate_progress(void *context, uint64_t done);

/*
 * Evaluates every sample of the dataset: *scores is replaced by what metrics/summary.h names for
 * targets of this kind ("loss", "accuracy", "f1", ...; never a runtime). labels: columns of the
 * logits. Memory: metrics/outcomes.h and summary.h, 12 bytes a sample and label. progress may be
 * NULL. 0, or -1 with a message.
 */
int evaluate_scores(struct engine *engine, const struct dataset *dataset,
                    const struct evaluate_limits *limits, enum target_kind target, uint32_t labels,
                    struct scores *scores, evaluate_progress *progress, void *context);

/* The outcomes that targets of this kind give. */
enum outcome_kind evaluate_outcome_kind(enum target_kind target);

/* What the logits of one row say, which values may be: probabilities (the softmax of TARGET_CLASS,
 * the sigmoid of TARGET_MULTI), or the numbers of TARGET_REAL, which are the logits. */
void evaluate_outputs(enum target_kind target, const float *logits, uint32_t labels, float *values);

/* The first row of logits[rows, labels] with a number that is not finite, or rows. */
uint32_t evaluate_not_finite(const float *logits, uint32_t labels, uint32_t rows);

/* The class with the largest logit, the first of equals. */
uint32_t evaluate_argmax(const float *logits, uint32_t classes);

/*
 * Adds the rows of a batch, with its targets: probabilities are the softmax of TARGET_CLASS and
 * the sigmoid of TARGET_MULTI (whose labels hold from one half), losses of the given form (NULL:
 * plain). Rows with TARGET_IGNORED are passed over. 0, or -1 with a message.
 */
int evaluate_add_batch(struct outcomes *outcomes, const struct batch *batch,
                       const struct loss_form *form, const float *logits);

#endif
