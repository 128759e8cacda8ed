/*
 * Losses of the head's logits, in double precision, shared by the backends and by evaluation.
 */
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include "nn/batch.h"

/*
 * How the cross-entropy of a class is formed; zeroed: plain. With smoothing e, C classes and
 * weights w, the loss of a row of class y is
 *     (1 - e) w_y (-log p_y) + e / C sum_c w_c (-log p_c)
 * as torch's CrossEntropyLoss(weight, label_smoothing) and, without weights, transformers'
 * LabelSmoother. Other targets are not touched by it.
 */
struct loss_form {
    double label_smoothing;     /* [0, 1] */
    const float *class_weights; /* [labels], or NULL: 1 */
};

/* What the sum of the rows' losses is divided by for their mean: the rows that count, by the
 * weights of their classes. */
double loss_divisor(const struct batch *batch, const struct loss_form *form);

/*
 * Adds the losses of the batch's rows to *loss_sum and the number of rows that counted to *counted.
 * logits: [rows, labels]; gradient: [rows, labels] of (sum / divisor), or NULL. form: NULL is
 * plain. Softmax cross-entropy with log-sum-exp, in the given form; sigmoid cross-entropy and
 * squared error are means over labels. 0, or -1 with a message when a class is not in 0 .. labels -
 * 1 nor TARGET_IGNORED.
 */
int loss_rows(const struct batch *batch, const struct loss_form *form, uint32_t labels,
              const float *logits, double divisor, float *gradient, double *loss_sum,
              uint64_t *counted);

/* The same of sigmoids. */
void sigmoid_row(const float *logits, uint32_t labels, float *probabilities);

/* probabilities: [labels] of one row: softmax. logits may equal probabilities. */
void softmax_row(const float *logits, uint32_t labels, float *probabilities);

#endif
