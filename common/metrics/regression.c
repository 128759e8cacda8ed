#include "metrics/regression.h"

#include <math.h>

static double weight_of(const uint32_t *weights, size_t i)
{
    return weights ? weights[i] : 1;
}

static double at(struct ranking_scores column, size_t i)
{
    return column.scores[i * column.stride];
}

/* Sums of squared and multiplied deviations from the means. */
struct moments {
    double weight, xx, yy, xy;
};

/* Values are taken relative to the first one, so that constant columns have a variance of exactly
 * 0. */
static struct moments moments_of(struct ranking_scores x, struct ranking_scores y,
                                 const uint32_t *weights)
{
    struct moments moments = {0};
    double mean_x = 0, mean_y = 0;
    for (size_t i = 0; i < x.count; i++) {
        moments.weight += weight_of(weights, i);
        mean_x += weight_of(weights, i) * (at(x, i) - at(x, 0));
        mean_y += weight_of(weights, i) * (at(y, i) - at(y, 0));
    }
    mean_x /= moments.weight;
    mean_y /= moments.weight;
    for (size_t i = 0; i < x.count; i++) {
        double dx = at(x, i) - at(x, 0) - mean_x, dy = at(y, i) - at(y, 0) - mean_y;
        moments.xx += weight_of(weights, i) * dx * dx;
        moments.yy += weight_of(weights, i) * dy * dy;
        moments.xy += weight_of(weights, i) * dx * dy;
    }
    return moments;
}

static double correlation(const struct moments *moments)
{
    if (!(moments->xx > 0 && moments->yy > 0))
        return (double)NAN;
    return fmin(fmax(moments->xy / (sqrt(moments->xx) * sqrt(moments->yy)), -1), 1);
}

/* ranks: [count], from the largest value; equal values share the mean of their places. */
static void rank(struct ranking_scores column, const uint32_t *order, const uint32_t *weights,
                 double *ranks)
{
    double before = 0;
    for (size_t first = 0, end; first < column.count; first = end) {
        double tied = 0;
        for (end = first; end < column.count &&
                          (end == first || at(column, order[end]) == at(column, order[first]));
             end++)
            tied += weight_of(weights, order[end]);
        for (size_t i = first; i < end; i++)
            ranks[order[i]] = before + (tied + 1) / 2;
        before += tied;
    }
}

struct regression regression_of(const struct regression_columns *columns, const uint32_t *weights,
                                double *scratch)
{
    struct ranking_scores gold = columns->gold, guess = columns->guess;
    struct ranking_scores ranks[2] = {{scratch, 1, gold.count},
                                      {scratch + gold.count, 1, gold.count}};
    struct regression result = {.r2 = (double)NAN};
    struct moments moments = moments_of(gold, guess, weights);
    double squares = 0;
    for (size_t i = 0; i < gold.count; i++) {
        double difference = at(gold, i) - at(guess, i);
        squares += weight_of(weights, i) * difference * difference;
        result.mae += weight_of(weights, i) * fabs(difference);
    }
    result.mse = squares / moments.weight;
    result.mae /= moments.weight;
    if (moments.weight >= 2)
        result.r2 = moments.xx > 0 ? 1 - squares / moments.xx : squares == 0;
    result.pearson = correlation(&moments);
    rank(gold, columns->gold_order, weights, scratch);
    rank(guess, columns->guess_order, weights, scratch + gold.count);
    moments = moments_of(ranks[0], ranks[1], weights);
    result.spearman = correlation(&moments);
    return result;
}
