/*
 * All scores of an evaluation.
 *
 *     summary = summary_open(&outcomes, &options);
 *     summary_scores(summary, NULL, &scores);        the scores by name
 *     summary_label(summary, i, &scores);            those of one class, label or number
 *
 * Names and definitions, which are scikit-learn's unless said otherwise:
 *
 *   OUTCOME_CLASS
 *     loss (mean cross-entropy), accuracy, balanced_accuracy (mean recall of the classes that
 *     occur), precision, recall, f1 (of two classes: those of the second; of more: macro),
 *     {precision,recall,f1}_{micro,macro,weighted} (macro: over the classes that occur or are
 *     predicted), matthews_correlation, cohen_kappa; and with probabilities
 *     roc_auc (of two classes: the second's; of more: macro, one class against the rest),
 *     roc_auc_weighted, average_precision (likewise), brier (sum over classes of squared
 *     differences, half of it with two classes), calibration_error (see calibration.h),
 *     top_k_accuracy (with more classes than k)
 *   OUTCOME_SET
 *     loss (mean over records and labels of the binary cross-entropy), accuracy (the whole set is
 *     right), hamming_loss, {precision,recall,f1} (micro), {precision,recall,f1}_{micro, macro,
 *     weighted, samples}; and with probabilities roc_auc (macro), roc_auc_micro, roc_auc_weighted,
 *     average_precision (macro), average_precision_micro, average_precision_weighted, brier (mean
 *     over labels), calibration_error (of all labels' probabilities)
 *   OUTCOME_NUMBERS
 *     loss and mse, rmse, mae, r2, pearson, spearman: with several numbers a record the mean over
 *     those for which it is defined
 *
 * A precision, recall or F1 whose denominator is 0 is 0. Means of rankings leave out the labels
 * that have no positive record (or, for roc_auc, no negative one): those are undefined. What is
 * undefined altogether is NaN.
 */
#ifndef METRICS_SUMMARY_H
#define METRICS_SUMMARY_H

#include "metrics/outcomes.h"
#include "metrics/scores.h"

struct summary_options {
    uint32_t top_k; /* 0: none */
    uint32_t bins;  /* of the calibration error, at least 1 */
};
#define SUMMARY_OPTIONS_DEFAULT ((struct summary_options){.top_k = 5, .bins = 15})

/* Buffers and sorted orders: about 4 bytes a record and label, 8 of sets and numbers. */
struct summary;

/* The outcomes must outlive it and stay as they are; they hold at least one record. */
struct summary *summary_open(const struct outcomes *outcomes,
                             const struct summary_options *options);
void summary_close(struct summary *summary);

/* The names that summary_scores gives, with no values: to check a name before there are outcomes.
 */
void summary_names(enum outcome_kind kind, uint32_t labels, const struct summary_options *options,
                   struct scores *scores);

/* Replaces *scores. weights: [count] how often each record counts, NULL: once. */
void summary_scores(struct summary *summary, const uint32_t *weights, struct scores *scores);
/* Those of one class, label or number, every record counting once: precision, recall, f1, support
 * (the records that have it) and, with probabilities, roc_auc and average_precision; of numbers
 * mse, rmse, mae, r2, pearson and spearman. */
void summary_label(struct summary *summary, uint32_t label, struct scores *scores);

#endif
