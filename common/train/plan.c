#include "train/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "data/batches.h"
#include "data/sampler.h"

/* Runs of more epochs are planned for the worst order there could be. */
#define FOLLOWED_EPOCHS 1000

static uint64_t divide_up(uint64_t amount, uint64_t by)
{
    return amount / by + (amount % by > 0);
}

/* Adds up one epoch of the order, stopping where the run's steps end. */
static int follow_epoch(struct train_plan *plan, const struct train_arguments *arguments,
                        const struct dataset *train, const uint32_t *order, uint64_t *batches_left)
{
    struct batches batches;
    uint32_t first;
    uint64_t tokens;
    batches_init(&batches, train, order, (uint32_t)arguments->per_device_train_batch_size, 0);
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
    uint64_t worst = arguments->per_device_train_batch_size * train->longest;
    if (plan->epochs > FOLLOWED_EPOCHS && worst <= INT32_MAX) {
        plan->largest_tokens = (uint32_t)(worst < train->tokens ? worst : train->tokens);
        return 0;
    }
    uint64_t batches_left = count_batches(plan, arguments->gradient_accumulation_steps);
    uint32_t *order = mem_realloc_array(NULL, train->count, sizeof *order);
    int result = 0;
    for (uint64_t epoch = 0; epoch < plan->epochs && result == 0; epoch++) {
        sampler_permute(order, train->count, arguments->seed, epoch);
        result = follow_epoch(plan, arguments, train, order, &batches_left);
    }
    free(order);
    return result;
}

int train_plan_init(struct train_plan *plan, const struct train_arguments *arguments,
                    const struct dataset *train)
{
    *plan = (struct train_plan){0};
    plan->batches_per_epoch = divide_up(train->count, arguments->per_device_train_batch_size);
    plan->steps_per_epoch =
        divide_up(plan->batches_per_epoch, arguments->gradient_accumulation_steps);
    double wanted = ceil(arguments->num_train_epochs * (double)plan->steps_per_epoch);
    if (arguments->max_steps == 0 && !(wanted >= 1 && wanted < 0x1p53))
        return diag_error("%g epochs make no run", arguments->num_train_epochs);
    plan->steps = arguments->max_steps ? arguments->max_steps : (uint64_t)wanted;
    plan->epochs = divide_up(plan->steps, plan->steps_per_epoch);
    plan->schedule = (struct schedule){
        .kind = SCHEDULE_LINEAR,
        .learning_rate = arguments->learning_rate,
        .warmup = schedule_warmup_steps(arguments->warmup_steps, plan->steps),
        .total = plan->steps,
    };
    return measure(plan, arguments, train);
}
