#include "metrics/ranking.h"

#include <math.h>
#include <stdlib.h>

#include "cli/memory.h"

struct item {
    double score;
    uint32_t index;
};

static int compare(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    return a->index < b->index ? -1 : 1;
}

void ranking_sort(struct ranking_scores scores, uint32_t *order)
{
    struct item *items = mem_realloc_array(NULL, scores.count + 1, sizeof *items);
    for (size_t i = 0; i < scores.count; i++)
        items[i] = (struct item){scores.scores[i * scores.stride], (uint32_t)i};
    qsort(items, scores.count, sizeof *items, compare);
    for (size_t i = 0; i < scores.count; i++)
        order[i] = items[i].index;
    free(items);
}

struct ranking ranking_of(struct ranking_scores scores, const uint32_t *order,
                          const uint8_t *positive, const uint32_t *weights)
{
    double positives = 0, others = 0, area = 0, precisions = 0;
    for (size_t i = 0; i < scores.count;) {
        double score = scores.scores[order[i] * scores.stride], step[2] = {0, 0};
        do {
            uint32_t item = order[i++];
            step[positive[item]] += weights ? weights[item] : 1;
        } while (i < scores.count && scores.scores[order[i] * scores.stride] == score);
        area += step[0] * (positives + step[1] / 2);
        positives += step[1];
        others += step[0];
        if (step[1] > 0)
            precisions += step[1] * positives / (positives + others);
    }
    return (struct ranking){
        .roc_auc = positives > 0 && others > 0 ? area / (positives * others) : (double)NAN,
        .average_precision = positives > 0 ? precisions / positives : (double)NAN,
    };
}
