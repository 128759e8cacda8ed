#include "train/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/memory.h"

/* Runs of more epochs are planned for the worst order there could be. */
#define FOLLOWED_EPOCHS 1000

static uint64_t divide_up(uint64_t amount, uint64_t by)
{
    return amount / by + (amount % by > 0);
}

void train_plan_epoch(const struct train_plan *plan, const struct train_arguments *arguments,
                      uint64_t epoch, uint32_t *order, struct batches *batches)
{
    sampler_epoch(&plan->sampler, epoch, order);
    batches_init(batches, plan->sampler.dataset, order,
                 (uint32_t)arguments->per_device_train_batch_size, 0);
    batches->count = plan->samples_per_epoch;
}

/* Adds up one epoch of the order, stopping where the run's steps end. */
static int follow_epoch(struct train_plan *plan, const struct train_arguments *arguments,
                        uint64_t epoch, uint32_t *order, uint64_t *batches_left)
{
    struct batches batches;
    uint32_t first;
    uint64_t tokens;
    train_plan_epoch(plan, arguments, epoch, order, &batches);
    while (*batches_left > 0 && batches_next(&batches, &first, &tokens) > 0) {
        if (tokens > INT32_MAX)
            return diag_error("a batch of %" PRIu64
                              " tokens is too large: lower --per-device-train-batch-size",
                              tokens);
        if (tokens > plan->largest_tokens)
            plan->largest_tokens = (uint32_t)tokens;
        (*batches_left)--;
    }
    return 0;
}

/* Micro-batches until the last step: an epoch's last step may have fewer than the others. */
static uint64_t count_batches(const struct train_plan *plan, uint64_t accumulation)
{
    uint64_t whole = plan->steps / plan->steps_per_epoch;
    uint64_t rest = (plan->steps % plan->steps_per_epoch) * accumulation;
    return whole * plan->batches_per_epoch + rest;
}

static int measure(struct train_plan *plan, const struct train_arguments *arguments,
                   const struct dataset *train)
{
    plan->largest_tokens = 0;
    uint64_t worst = arguments->per_device_train_batch_size * train->longest;
    if (plan->epochs > FOLLOWED_EPOCHS && worst <= INT32_MAX) {
        plan->largest_tokens = (uint32_t)(worst < train->tokens ? worst : train->tokens);
        return 0;
    }
    uint64_t batches_left = count_batches(plan, arguments->gradient_accumulation_steps);
    uint32_t *order = mem_realloc_array(NULL, train->count, sizeof *order);
    int result = 0;
    for (uint64_t epoch = 0; epoch < plan->epochs && result == 0; epoch++)
        result = follow_epoch(plan, arguments, epoch, order, &batches_left);
    free(order);
    return result;
}

static int plan_schedule(struct train_plan *plan, const struct train_arguments *arguments)
{
    static const enum schedule_kind kinds[] = {
        [TRAIN_LINEAR] = SCHEDULE_LINEAR,
        [TRAIN_COSINE] = SCHEDULE_COSINE,
        [TRAIN_CONSTANT] = SCHEDULE_CONSTANT,
        [TRAIN_CONSTANT_WITH_WARMUP] = SCHEDULE_CONSTANT_WITH_WARMUP,
        [TRAIN_POLYNOMIAL] = SCHEDULE_POLYNOMIAL,
    };
    plan->schedule = (struct schedule){
        .kind = kinds[arguments->lr_scheduler_type],
        .learning_rate = arguments->learning_rate,
        .warmup = schedule_warmup_steps(arguments->warmup_steps, plan->steps),
        .total = plan->steps,
        .cycles = arguments->lr_num_cycles,
        .end = arguments->lr_end,
        .power = arguments->lr_power,
    };
    if (plan->schedule.kind == SCHEDULE_POLYNOMIAL && arguments->lr_end >= arguments->learning_rate)
        return diag_error("--lr-end %g is not below --learning-rate %g", arguments->lr_end,
                          arguments->learning_rate);
    if (plan->schedule.kind != SCHEDULE_CONSTANT && plan->schedule.warmup >= plan->steps)
        diag_warn("the warmup of %" PRIu64 " steps is not shorter than the run of %" PRIu64
                  ": the learning rate never reaches %g",
                  plan->schedule.warmup, plan->steps, arguments->learning_rate);
    return 0;
}

/* As the Trainer's set_initial_training_values and its batch sampler's length. */
static int plan_steps(struct train_plan *plan, const struct train_arguments *arguments,
                      const struct dataset *train)
{
    uint64_t batch = arguments->per_device_train_batch_size;
    uint32_t dropped = arguments->dataloader_drop_last ? (uint32_t)(train->count % batch) : 0;
    plan->samples_per_epoch = train->count - dropped;
    if (plan->samples_per_epoch == 0)
        return diag_error("%" PRIu32 " records make no batch of %" PRIu64
                          ", and --dataloader-drop-last leaves out smaller ones",
                          train->count, batch);
    plan->batches_per_epoch = divide_up(plan->samples_per_epoch, batch);
    plan->steps_per_epoch =
        divide_up(plan->batches_per_epoch, arguments->gradient_accumulation_steps);
    double wanted = ceil(arguments->num_train_epochs * (double)plan->steps_per_epoch);
    if (arguments->max_steps == 0 && !(wanted >= 1 && wanted < 0x1p53))
        return diag_error("%g epochs make no run", arguments->num_train_epochs);
    plan->steps = arguments->max_steps ? arguments->max_steps : (uint64_t)wanted;
    plan->epochs = divide_up(plan->steps, plan->steps_per_epoch);
    return 0;
}

int train_plan_init(struct train_plan *plan, const struct train_arguments *arguments,
                    const struct dataset *train)
{
    static const enum sampler_kind kinds[] = {
        [TRAIN_RANDOM] = SAMPLER_RANDOM,
        [TRAIN_SEQUENTIAL] = SAMPLER_SEQUENTIAL,
        [TRAIN_GROUP_BY_LENGTH] = SAMPLER_GROUP_BY_LENGTH,
    };
    *plan = (struct train_plan){
        .sampler =
            {
                .kind = kinds[arguments->train_sampling_strategy],
                .dataset = train,
                .seed = (uint64_t)arguments->data_seed,
                .step_samples =
                    arguments->per_device_train_batch_size * arguments->gradient_accumulation_steps,
            },
    };
    if (plan_steps(plan, arguments, train) || plan_schedule(plan, arguments))
        return -1;
    return measure(plan, arguments, train);
}

int train_plan_divide(struct train_plan *plan, struct train_arguments *arguments, uint64_t batch)
{
    uint64_t step = arguments->per_device_train_batch_size * arguments->gradient_accumulation_steps;
    arguments->per_device_train_batch_size = batch;
    arguments->gradient_accumulation_steps = step / batch;
    if (plan_steps(plan, arguments, plan->sampler.dataset))
        return -1;
    return measure(plan, arguments, plan->sampler.dataset);
}
