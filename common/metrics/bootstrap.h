/*
 * Percentile bootstrap: how far scores would spread over data sets like this one.
 *
 * A resample draws as many records as there are, with replacement; the interval of a score runs
 * between two percentiles (linear interpolation) of its values over the resamples. Resamples in
 * which a score is undefined are left out of its interval. Resample r depends on the seed and on r
 * alone.
 */
#ifndef METRICS_BOOTSTRAP_H
#define METRICS_BOOTSTRAP_H

#include <stdint.h>

#include "metrics/summary.h"

struct bootstrap {
    uint64_t resamples; /* at least 1 */
    uint64_t seed;
    double confidence; /* 0.95: from the 2.5th to the 97.5th percentile */
};

struct interval {
    double low, high; /* NaN: undefined in every resample */
};

/* Called after each resample with the number done. */
typedef void bootstrap_progress(void *context, uint64_t done);

/* weights: [count], how often resample r draws each record. */
void bootstrap_draw(const struct bootstrap *bootstrap, uint64_t resample, uint32_t *weights,
                    size_t count);

/*
 * intervals: [SCORES_MAX], in the order of summary_scores. With another summary of the same kind
 * over the same records (paired: both are given the same resamples), others is its intervals and
 * differences those of this one's scores less the other's; else the three are NULL. progress may be
 * NULL.
 */
void bootstrap_run(const struct bootstrap *bootstrap, struct summary *summary, size_t count,
                   struct interval *intervals, struct summary *other, struct interval *others,
                   struct interval *differences, bootstrap_progress *progress, void *context);

/* The value at quantile (0 .. 1) of sorted values, count at least 1. */
double bootstrap_quantile(const double *sorted, size_t count, double quantile);

#endif
