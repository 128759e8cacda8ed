#include "train/class_metrics.h"

#include <math.h>
#include <stdlib.h>

#include "cli/memory.h"
#include "nn/loss.h"

void class_metrics_init(struct class_metrics *metrics, uint32_t classes)
{
    *metrics = (struct class_metrics){
        .classes = classes,
        .confusion = mem_calloc((size_t)classes * classes, sizeof *metrics->confusion),
    };
}

void class_metrics_free(struct class_metrics *metrics)
{
    free(metrics->confusion);
    metrics->confusion = NULL;
}

uint32_t class_metrics_argmax(const float *logits, uint32_t classes)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < classes; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

int class_metrics_add(struct class_metrics *metrics, const struct batch *batch, const float *logits)
{
    uint32_t classes = metrics->classes;
    if (loss_rows(batch, classes, logits, 1, NULL, &metrics->loss_sum, &metrics->count))
        return -1;
    for (uint32_t row = 0; row < batch->rows; row++) {
        int32_t gold = batch->classes[row];
        if (gold == TARGET_IGNORED)
            continue;
        uint32_t guess = class_metrics_argmax(logits + (size_t)row * classes, classes);
        metrics->confusion[(size_t)gold * classes + guess]++;
    }
    return 0;
}

double class_metrics_loss(const struct class_metrics *metrics)
{
    return metrics->count ? metrics->loss_sum / (double)metrics->count : NAN;
}

double class_metrics_accuracy(const struct class_metrics *metrics)
{
    uint64_t right = 0;
    for (uint32_t class = 0; class < metrics->classes; class ++)
        right += metrics->confusion[(size_t) class * metrics->classes + class];
    return metrics->count ? (double)right / (double)metrics->count : NAN;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

struct class_score class_metrics_score(const struct class_metrics *metrics, uint32_t class)
{
    const uint64_t *confusion = metrics->confusion;
    size_t classes = metrics->classes;
    uint64_t right = confusion[class * classes + class], guessed = 0, support = 0;
    for (size_t other = 0; other < classes; other++) {
        guessed += confusion[other * classes + class];
        support += confusion[class * classes + other];
    }
    return (struct class_score){
        .precision = ratio(right, guessed),
        .recall = ratio(right, support),
        .f1 = ratio(2 * right, guessed + support),
        .support = support,
    };
}
