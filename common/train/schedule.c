#include "train/schedule.h"

#include <math.h>

uint64_t schedule_warmup_steps(double warmup, uint64_t total)
{
    return (uint64_t)(warmup >= 1 ? warmup : ceil(warmup * (double)total));
}

double schedule_rate(const struct schedule *schedule, uint64_t step)
{
    uint64_t done = step - 1;
    double factor = 0;
    if (done < schedule->warmup)
        factor = (double)done / (double)schedule->warmup;
    else if (done < schedule->total)
        factor = (double)(schedule->total - done) / (double)(schedule->total - schedule->warmup);
    return schedule->learning_rate * factor;
}
