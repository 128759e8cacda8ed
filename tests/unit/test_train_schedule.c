/* Learning rates against transformers' get_scheduler; warmup by its TrainingArguments' rule. */
#include "check.h"
#include "schedule_expected.h"
#include "train/schedule.h"

static void check_rates(const char *name, const double *rates, const struct schedule *schedule)
{
    for (uint64_t step = 1; step <= schedule->total; step++)
        CHECK_CLOSE(name, schedule_rate(schedule, step), rates[step - 1], 1e-20, 1e-15);
}

#define CHECK_RATES(rates, kind_, rate_, warmup_, total_, ...)                                     \
    check_rates(#rates, rates,                                                                     \
                &(struct schedule){.kind = kind_,                                                  \
                                   .learning_rate = rate_,                                         \
                                   .warmup = warmup_,                                              \
                                   .total = total_,                                                \
                                   __VA_ARGS__})

int main(void)
{
    CHECK_RATES(rates_warm, SCHEDULE_LINEAR, 5e-5, 5, 20, .cycles = 0.5);
    CHECK_RATES(rates_cold, SCHEDULE_LINEAR, 1e-4, 0, 7, .cycles = 0.5);
    CHECK_RATES(rates_short, SCHEDULE_LINEAR, 1e-4, 9, 4, .cycles = 0.5);
    CHECK_RATES(rates_cosine, SCHEDULE_COSINE, 5e-5, 5, 20, .cycles = 0.5);
    CHECK_RATES(rates_cosine_waves, SCHEDULE_COSINE, 3e-5, 2, 20, .cycles = 1.75);
    CHECK_RATES(rates_constant, SCHEDULE_CONSTANT, 2e-5, 5, 9, .cycles = 0.5);
    CHECK_RATES(rates_constant_warm, SCHEDULE_CONSTANT_WITH_WARMUP, 2e-5, 5, 9, .cycles = 0.5);
    CHECK_RATES(rates_polynomial, SCHEDULE_POLYNOMIAL, 5e-5, 4, 20, .end = 1e-7, .power = 1);
    CHECK_RATES(rates_polynomial_square, SCHEDULE_POLYNOMIAL, 5e-5, 0, 20, .end = 1e-6,
                .power = 2.5);
    /* The tutorial's: 4689 steps, warmup 500: lambda(k) = (4689 - k) / 4189 after it. */
    struct schedule schedule = {.learning_rate = 5e-5, .warmup = 500, .total = 4689};
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
