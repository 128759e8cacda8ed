/*
 * Metrics of a classifier from a stream of logits: only counts are kept, so memory does not grow
 * with the data.
 */
#ifndef TRAIN_CLASS_METRICS_H
#define TRAIN_CLASS_METRICS_H

#include <stdint.h>

#include "nn/batch.h"

struct class_metrics {
    uint32_t classes;
    uint64_t *confusion; /* [classes, classes]: row the true class, column the predicted one */
    uint64_t count;      /* rows with a true class */
    double loss_sum;     /* of cross-entropies */
};

/* As scikit-learn's precision_recall_fscore_support with zero_division=0. */
struct class_score {
    double precision, recall, f1;
    uint64_t support; /* rows of this class */
};

void class_metrics_init(struct class_metrics *metrics, uint32_t classes);
void class_metrics_free(struct class_metrics *metrics);

/* Adds the rows of a batch with TARGET_CLASS; logits: [rows, classes]. 0, or -1 with a message. */
int class_metrics_add(struct class_metrics *metrics, const struct batch *batch,
                      const float *logits);

/* The class with the largest logit, the first of equals. */
uint32_t class_metrics_argmax(const float *logits, uint32_t classes);

/* NaN without rows. */
double class_metrics_loss(const struct class_metrics *metrics);
double class_metrics_accuracy(const struct class_metrics *metrics);
struct class_score class_metrics_score(const struct class_metrics *metrics, uint32_t class);

#endif
