/*
 * Rankings: how well scores put the positive items before the others.
 *
 * Equal scores are one step of the curve, as in scikit-learn's roc_auc_score and
 * average_precision_score.
 */
#ifndef METRICS_RANKING_H
#define METRICS_RANKING_H

#include <stddef.h>
#include <stdint.h>

/* Item i's score is scores[i * stride]. */
struct ranking_scores {
    const double *scores;
    size_t stride, count;
};

struct ranking {
    double roc_auc;           /* NaN unless there are positive and other items */
    double average_precision; /* NaN without positive items */
};

/* order: [count] items by falling score; count is below 2^32. */
void ranking_sort(struct ranking_scores scores, uint32_t *order);
/* positive: [count] 0 or 1; weights: [count] or NULL; both by item. */
struct ranking ranking_of(struct ranking_scores scores, const uint32_t *order,
                          const uint8_t *positive, const uint32_t *weights);

#endif
