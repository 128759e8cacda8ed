#include "train/schedule.h"

#include <math.h>

#define PI 3.14159265358979323846

uint64_t schedule_warmup_steps(double warmup, uint64_t total)
{
    return (uint64_t)(warmup >= 1 ? warmup : ceil(warmup * (double)total));
}

/* The operations are in the order of transformers/optimization.py. */
double schedule_rate(const struct schedule *schedule, uint64_t step)
{
    double rate = schedule->learning_rate;
    uint64_t done = step - 1;
    if (schedule->kind == SCHEDULE_CONSTANT)
        return rate;
    if (done < schedule->warmup)
        return rate * ((double)done / (double)schedule->warmup);
    if (schedule->kind == SCHEDULE_CONSTANT_WITH_WARMUP)
        return rate;
    if (done >= schedule->total)
        return schedule->kind == SCHEDULE_POLYNOMIAL ? schedule->end : 0;
    double span = (double)(schedule->total - schedule->warmup);
    double progress = (double)(done - schedule->warmup) / span;
    switch (schedule->kind) {
    case SCHEDULE_COSINE:
        return rate * fmax(0, 0.5 * (1 + cos(PI * schedule->cycles * 2 * progress)));
    case SCHEDULE_POLYNOMIAL:
        return rate *
               (((rate - schedule->end) * pow(1 - progress, schedule->power) + schedule->end) /
                rate);
    default:
        return rate * ((double)(schedule->total - done) / span);
    }
}
