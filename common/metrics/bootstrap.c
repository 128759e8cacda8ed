#include "metrics/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "cli/philox.h"

void bootstrap_draw(const struct bootstrap *bootstrap, uint64_t resample, uint32_t *weights,
                    size_t count)
{
    memset(weights, 0, count * sizeof *weights);
    for (size_t i = 0; i < count; i += 2) {
        struct philox_block block =
            philox((struct philox_block){{(uint32_t)i, (uint32_t)((uint64_t)i >> 32),
                                          (uint32_t)resample, (uint32_t)(resample >> 32)}},
                   (uint32_t)bootstrap->seed, (uint32_t)(bootstrap->seed >> 32));
        for (size_t j = 0; j < 2 && i + j < count; j++) {
            uint64_t bits = (uint64_t)block.word[2 * j] << 32 | block.word[2 * j + 1];
            double uniform = (double)(bits >> 11) * 0x1p-53;
            weights[(size_t)(uniform * (double)count)]++;
        }
    }
}

double bootstrap_quantile(const double *sorted, size_t count, double quantile)
{
    double place = quantile * (double)(count - 1);
    size_t below = (size_t)place;
    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* values: [count], left sorted and without what is undefined. */
static struct interval interval_of(double *values, size_t count, double confidence)
{
    size_t defined = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i]))
            values[defined++] = values[i];
    if (defined == 0)
        return (struct interval){(double)NAN, (double)NAN};
    qsort(values, defined, sizeof *values, compare);
    return (struct interval){bootstrap_quantile(values, defined, (1 - confidence) / 2),
                             bootstrap_quantile(values, defined, (1 + confidence) / 2)};
}

/* values: [SCORES_MAX, resamples]. */
static void store(double *values, const struct bootstrap *bootstrap, uint64_t resample,
                  const struct scores *scores, const struct scores *less)
{
    for (size_t i = 0; i < scores->count; i++)
        values[i * bootstrap->resamples + resample] =
            scores->items[i].value - (less ? less->items[i].value : 0);
}

static void finish(double *values, const struct bootstrap *bootstrap, size_t scores,
                   struct interval *intervals)
{
    for (size_t i = 0; i < scores; i++)
        intervals[i] = interval_of(values + i * bootstrap->resamples, bootstrap->resamples,
                                   bootstrap->confidence);
    free(values);
}

static double *values_of(const struct bootstrap *bootstrap)
{
    return mem_realloc_array(NULL, bootstrap->resamples, SCORES_MAX * sizeof(double));
}

void bootstrap_run(const struct bootstrap *bootstrap, struct summary *summary, size_t count,
                   struct interval *intervals, struct summary *other, struct interval *others,
                   struct interval *differences, bootstrap_progress *progress, void *context)
{
    struct scores scores, other_scores;
    double *values = values_of(bootstrap);
    double *other_values = other ? values_of(bootstrap) : NULL;
    double *difference_values = other ? values_of(bootstrap) : NULL;
    uint32_t *weights = mem_realloc_array(NULL, count, sizeof *weights);
    for (uint64_t r = 0; r < bootstrap->resamples; r++) {
        bootstrap_draw(bootstrap, r, weights, count);
        summary_scores(summary, weights, &scores);
        store(values, bootstrap, r, &scores, NULL);
        if (other) {
            summary_scores(other, weights, &other_scores);
            store(other_values, bootstrap, r, &other_scores, NULL);
            store(difference_values, bootstrap, r, &scores, &other_scores);
        }
        if (progress)
            progress(context, r + 1);
    }
    free(weights);
    finish(values, bootstrap, scores.count, intervals);
    if (other) {
        finish(other_values, bootstrap, scores.count, others);
        finish(difference_values, bootstrap, scores.count, differences);
    }
}
