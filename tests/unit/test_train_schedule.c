/* Learning rates against transformers' get_scheduler; warmup by its TrainingArguments' rule. */
#include "check.h"
#include "schedule_expected.h"
#include "train/schedule.h"

static void check_rates(const char *name, const double *rates, double rate, uint64_t warmup,
                        uint64_t total)
{
    struct schedule schedule = {SCHEDULE_LINEAR, rate, warmup, total};
    for (uint64_t step = 1; step <= total; step++)
        CHECK_CLOSE(name, schedule_rate(&schedule, step), rates[step - 1], 0, 1e-15);
}

int main(void)
{
    check_rates("warm", rates_warm, 5e-5, 5, 20);
    check_rates("cold", rates_cold, 1e-4, 0, 7);
    check_rates("short", rates_short, 1e-4, 9, 4);
    /* The tutorial's: 4689 steps, warmup 500: lambda(k) = (4689 - k) / 4189 after it. */
    struct schedule schedule = {SCHEDULE_LINEAR, 5e-5, 500, 4689};
    CHECK_CLOSE("step 1", schedule_rate(&schedule, 1), 0, 0, 0);
    CHECK_CLOSE("step 251", schedule_rate(&schedule, 251), 2.5e-5, 0, 1e-15);
    CHECK_CLOSE("step 501", schedule_rate(&schedule, 501), 5e-5, 0, 1e-15);
    CHECK_CLOSE("step 4689", schedule_rate(&schedule, 4689), 5e-5 / 4189, 0, 1e-12);
    CHECK(schedule_warmup_steps(500, 100) == 500, "whole steps");
    CHECK(schedule_warmup_steps(1, 100) == 1, "one step");
    CHECK(schedule_warmup_steps(0.06, 1000) == 60, "a share");
    CHECK(schedule_warmup_steps(0.1, 11) == 2, "a share is rounded up");
    CHECK(schedule_warmup_steps(0, 100) == 0, "none");
    return check_report();
}
