/*
 * Scores that follow from counts: how often each label is true, is guessed, and both.
 *
 * Definitions as in scikit-learn 1.9: precision_recall_fscore_support with zero_division=0,
 * balanced_accuracy_score, matthews_corrcoef, cohen_kappa_score.
 */
#ifndef METRICS_COUNTS_H
#define METRICS_COUNTS_H

#include "metrics/outcomes.h"

/* Of one label; sums of weights. */
struct label_counts {
    double right;   /* true and guessed */
    double guessed; /* guessed */
    double support; /* true */
};

struct precision_recall {
    double precision, recall, f1;
};

enum counts_average { AVERAGE_MICRO, AVERAGE_MACRO, AVERAGE_WEIGHTED };

/* counts: [labels]. weights: [count], or NULL; not for OUTCOME_NUMBERS. */
void counts_of(const struct outcomes *outcomes, const uint32_t *weights,
               struct label_counts *counts);

struct precision_recall counts_of_label(const struct label_counts *counts);
/* Over the labels, or (occurring) over those alone that are true or guessed at least once. */
struct precision_recall counts_average(const struct label_counts *counts, uint32_t labels,
                                       enum counts_average average, bool occurring);
/* The mean over records of each record's own, for OUTCOME_SET. */
struct precision_recall counts_of_samples(const struct outcomes *outcomes, const uint32_t *weights);

/* Of classes; NaN without records. */
double counts_accuracy(const struct label_counts *counts, uint32_t classes);
double counts_balanced_accuracy(const struct label_counts *counts, uint32_t classes);
/* 0 when only one class occurs, or only one is guessed. */
double counts_matthews(const struct label_counts *counts, uint32_t classes);
/* NaN when one and the same class is always true and always guessed. */
double counts_kappa(const struct label_counts *counts, uint32_t classes);

#endif
