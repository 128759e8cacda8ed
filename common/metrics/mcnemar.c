#include "metrics/mcnemar.h"

#include <math.h>

/* The chance of at most k heads of n fair coins, n at most MCNEMAR_EXACT: sums of whole numbers,
 * exact. */
static double binomial_below(uint64_t k, uint64_t n)
{
    double ways = 1, sum = 0;
    for (uint64_t i = 0; i <= k; i++) {
        sum += ways;
        ways = ways * (double)(n - i) / (double)(i + 1);
    }
    return ldexp(sum, -(int)n);
}

struct mcnemar mcnemar_test(uint64_t first_only, uint64_t second_only)
{
    uint64_t n = first_only + second_only;
    uint64_t less = first_only < second_only ? first_only : second_only;
    struct mcnemar test = {
        .first_only = first_only,
        .second_only = second_only,
        .exact = n <= MCNEMAR_EXACT,
    };
    if (test.exact) {
        test.statistic = (double)less;
        test.p_value = fmin(2 * binomial_below(less, n), 1);
        return test;
    }
    double distance = fmax((double)(n - 2 * less) - 1, 0);
    test.statistic = distance * distance / (double)n;
    test.p_value = erfc(sqrt(test.statistic / 2));
    return test;
}
