/*
 * Whether probabilities mean what they say.
 *
 * [0, 1] is cut into bins of equal width, closed on the right: (0, 1/bins], (1/bins, 2/bins], ...;
 * 0 falls into the first. For OUTCOME_CLASS an item is a record, its confidence the probability of
 * the guess, and it is right when the guess is; for OUTCOME_SET an item is each label of each
 * record, its confidence the label's probability, and it is right when the label is true.
 *
 * Expected calibration error (Guo et al. 2017): sum over bins of items of the bin / all items *
 * |mean confidence - share that is right|.
 */
#ifndef METRICS_CALIBRATION_H
#define METRICS_CALIBRATION_H

#include "metrics/outcomes.h"

struct calibration_bin {
    double count;      /* items, by weight */
    double confidence; /* mean; NaN without items */
    double right;      /* share; NaN without items */
};

/* Which bin a confidence falls into. */
uint32_t calibration_bin_of(double confidence, uint32_t bins);
/* out: [bins]. The outcomes have values; weights: [count] or NULL. */
void calibration_of(const struct outcomes *outcomes, const uint32_t *weights, uint32_t bins,
                    struct calibration_bin *out);
double calibration_error(const struct calibration_bin *bins, uint32_t count);

#endif
