/*
 * McNemar's test: do two classifiers, asked about the same records, err equally often?
 *
 * Only the records that one alone gets right matter. Up to MCNEMAR_EXACT of them: the exact
 * two-sided binomial test; beyond, chi-squared with one degree of freedom and Edwards' continuity
 * correction. As statsmodels' mcnemar, but for equal numbers the statistic is 0, not 1/n.
 */
#ifndef METRICS_MCNEMAR_H
#define METRICS_MCNEMAR_H

#include <stdbool.h>
#include <stdint.h>

#define MCNEMAR_EXACT 25

struct mcnemar {
    uint64_t first_only, second_only; /* records that only that one got right */
    bool exact;
    double statistic; /* exact: the smaller number; else chi-squared */
    double p_value;
};

struct mcnemar mcnemar_test(uint64_t first_only, uint64_t second_only);

#endif
