#include "metrics/calibration.h"

#include <math.h>
#include <string.h>

uint32_t calibration_bin_of(double confidence, uint32_t bins)
{
    double place = ceil(confidence * bins) - 1;
    uint32_t bin = place >= bins ? bins - 1 : place > 0 ? (uint32_t)place : 0;
    /* The product may have been rounded over an edge. */
    while (bin > 0 && confidence <= (double)bin / bins)
        bin--;
    while (bin + 1 < bins && confidence > (double)(bin + 1) / bins)
        bin++;
    return bin;
}

static void add(struct calibration_bin *bins, uint32_t count, double confidence, bool right,
                double weight)
{
    struct calibration_bin *bin = &bins[calibration_bin_of(confidence, count)];
    bin->count += weight;
    bin->confidence += weight * confidence;
    bin->right += weight * right;
}

void calibration_of(const struct outcomes *outcomes, const uint32_t *weights, uint32_t bins,
                    struct calibration_bin *out)
{
    memset(out, 0, bins * sizeof *out);
    for (size_t i = 0; i < outcomes->count; i++) {
        double weight = weights ? weights[i] : 1;
        size_t at = i * outcomes->labels;
        if (outcomes->kind == OUTCOME_CLASS)
            add(out, bins, outcomes->confidence[i], outcomes_right(outcomes, i), weight);
        for (size_t j = at; outcomes->kind == OUTCOME_SET && j < at + outcomes->labels; j++)
            add(out, bins, outcomes->values[j], outcomes->gold_set[j], weight);
    }
    for (uint32_t i = 0; i < bins; i++) {
        out[i].confidence = out[i].count > 0 ? out[i].confidence / out[i].count : (double)NAN;
        out[i].right = out[i].count > 0 ? out[i].right / out[i].count : (double)NAN;
    }
}

double calibration_error(const struct calibration_bin *bins, uint32_t count)
{
    double sum = 0, items = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (bins[i].count == 0)
            continue;
        sum += bins[i].count * fabs(bins[i].confidence - bins[i].right);
        items += bins[i].count;
    }
    return items > 0 ? sum / items : (double)NAN;
}
