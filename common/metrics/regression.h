/*
 * Scores of predicted numbers, one column at a time.
 *
 * As scikit-learn's mean_squared_error, mean_absolute_error and r2_score and scipy's pearsonr and
 * spearmanr (ranks of equal values are their mean). A weight of n is the same as n such records.
 */
#ifndef METRICS_REGRESSION_H
#define METRICS_REGRESSION_H

#include <stddef.h>
#include <stdint.h>

#include "metrics/ranking.h"

struct regression {
    double mse, mae;
    double r2;                /* NaN of fewer than two records; of constant truth 1 or 0 */
    double pearson, spearman; /* NaN when a side is constant */
};

/* What it is computed from: gold and guess of the same count, their orders as ranking_sort gives
 * them. */
struct regression_columns {
    struct ranking_scores gold, guess;
    const uint32_t *gold_order, *guess_order;
};

/* weights: [count] or NULL; scratch: [2 * count]. */
struct regression regression_of(const struct regression_columns *columns, const uint32_t *weights,
                                double *scratch);

#endif
