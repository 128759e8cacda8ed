/* Steps and epochs of a run against the Trainer's set_initial_training_values. */
#include <inttypes.h>

#include "check.h"
#include "plan_expected.h"
#include "train/plan.h"

static uint32_t length_of(const struct dataset *dataset, uint32_t index)
{
    (void)dataset;
    return index + 1;
}

static const struct dataset_methods only_lengths = {.length = length_of};

static struct dataset records(uint32_t count)
{
    return (struct dataset){.methods = &only_lengths,
                            .count = count,
                            .tokens = (uint64_t)count * (count + 1) / 2,
                            .longest = count};
}

static void check_plan(size_t index, const struct expected_plan *expected)
{
    struct dataset dataset = records(expected->records);
    struct train_arguments arguments;
    struct train_plan plan;
    train_arguments_init(&arguments);
    arguments.per_device_train_batch_size = expected->batch;
    arguments.gradient_accumulation_steps = expected->accumulation;
    arguments.dataloader_drop_last = expected->drop_last;
    arguments.num_train_epochs = expected->epochs;
    arguments.max_steps = expected->max_steps;
    arguments.data_seed = 42;
    arguments.warmup_steps = 0;
    if (!CHECK(train_plan_init(&plan, &arguments, &dataset) == 0, "plan %zu", index))
        return;
    CHECK(plan.batches_per_epoch == expected->batches_per_epoch, "plan %zu: %" PRIu64 " batches",
          index, plan.batches_per_epoch);
    CHECK(plan.steps_per_epoch == expected->steps_per_epoch, "plan %zu: %" PRIu64 " steps an epoch",
          index, plan.steps_per_epoch);
    CHECK(plan.steps == expected->steps, "plan %zu: %" PRIu64 " steps", index, plan.steps);
    CHECK(plan.epochs == expected->run_epochs, "plan %zu: %" PRIu64 " epochs", index, plan.epochs);
}

/* By hand: lengths 1 to 5 in batches of 2. */
static void test_largest(void)
{
    struct dataset dataset = records(5);
    struct train_arguments arguments;
    struct train_plan plan;
    train_arguments_init(&arguments);
    arguments.per_device_train_batch_size = 2;
    arguments.data_seed = 42;
    arguments.warmup_steps = 0;
    arguments.train_sampling_strategy = TRAIN_SEQUENTIAL;
    train_plan_init(&plan, &arguments, &dataset);
    CHECK(plan.largest_tokens == 7, "1+2, 3+4, 5: %" PRIu32, plan.largest_tokens);
    arguments.dataloader_drop_last = true;
    train_plan_init(&plan, &arguments, &dataset);
    CHECK(plan.samples_per_epoch == 4, "the last is left out: %" PRIu32, plan.samples_per_epoch);
    arguments.per_device_train_batch_size = 5;
    train_plan_init(&plan, &arguments, &dataset);
    CHECK(plan.largest_tokens == 15, "all: %" PRIu32, plan.largest_tokens);
}

/* By hand: lengths 1 to 5, steps of 4 in batches of 4, 2 and 1; the steps stay. */
static void test_divide(void)
{
    static const struct {
        uint64_t batch, batches;
        uint32_t largest;
    } divisions[] = {{4, 2, 10}, {2, 3, 7}, {1, 5, 5}, {4, 2, 10}};
    struct dataset dataset = records(5);
    struct train_arguments arguments;
    struct train_plan plan;
    train_arguments_init(&arguments);
    arguments.per_device_train_batch_size = 2;
    arguments.gradient_accumulation_steps = 2;
    arguments.data_seed = 42;
    arguments.warmup_steps = 0;
    arguments.train_sampling_strategy = TRAIN_SEQUENTIAL;
    train_plan_init(&plan, &arguments, &dataset);
    uint64_t steps = plan.steps;
    for (size_t i = 0; i < sizeof divisions / sizeof divisions[0]; i++) {
        uint64_t batch = divisions[i].batch;
        CHECK(train_plan_divide(&plan, &arguments, batch) == 0, "batches of %" PRIu64, batch);
        CHECK(arguments.per_device_train_batch_size == batch &&
                  arguments.gradient_accumulation_steps == 4 / batch,
              "batches of %" PRIu64 ": %" PRIu64 " of a step", batch,
              arguments.gradient_accumulation_steps);
        CHECK(plan.largest_tokens == divisions[i].largest, "batches of %" PRIu64 ": %" PRIu32,
              batch, plan.largest_tokens);
        CHECK(plan.batches_per_epoch == divisions[i].batches && plan.steps == steps,
              "batches of %" PRIu64 ": %" PRIu64 " of an epoch, %" PRIu64 " steps", batch,
              plan.batches_per_epoch, plan.steps);
    }
}

static void test_refused(void)
{
    struct dataset dataset = records(5);
    struct train_arguments arguments;
    struct train_plan plan;
    train_arguments_init(&arguments);
    arguments.data_seed = 42;
    arguments.dataloader_drop_last = true;
    CHECK(train_plan_init(&plan, &arguments, &dataset) == -1, "no whole batch");
    arguments.dataloader_drop_last = false;
    arguments.lr_scheduler_type = TRAIN_POLYNOMIAL;
    arguments.lr_end = arguments.learning_rate;
    CHECK(train_plan_init(&plan, &arguments, &dataset) == -1, "a rate that does not fall");
}

int main(void)
{
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
        check_plan(i, &plans[i]);
    test_largest();
    test_divide();
    test_refused();
    return check_report();
}
