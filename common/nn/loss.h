/*
 * Losses of the head's logits, in double precision, shared by the backends and by evaluation.
 */
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include "nn/batch.h"

/*
 * Adds the losses of the batch's rows to *loss_sum and the number of rows that counted to *counted.
 * logits: [rows, labels]; gradient: [rows, labels] of (sum / divisor), or NULL.
 * Softmax cross-entropy with log-sum-exp; sigmoid cross-entropy and squared error are means over
 * labels. 0, or -1 with a message when a class is not in 0 .. labels - 1 nor TARGET_IGNORED.
 */
int loss_rows(const struct batch *batch, uint32_t labels, const float *logits, double divisor,
              float *gradient, double *loss_sum, uint64_t *counted);

/* probabilities: [labels] of one row: softmax. logits may equal probabilities. */
void softmax_row(const float *logits, uint32_t labels, float *probabilities);

#endif
