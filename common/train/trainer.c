#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "data/batches.h"
#include "train/assembly.h"

/* What the loop itself keeps between steps. */
struct loop {
    const struct trainer *trainer;
    struct train_state *state;
    struct assembly *micro; /* [gradient_accumulation_steps] of one step */
    uint32_t *order;        /* [samples] of this epoch */
    double started;         /* clock_monotonic */
    double step_seconds;    /* in steps alone, without evaluation and saving */
    double loss_sum;        /* of the steps since the last log */
    double loss_total;      /* of all steps before them */
    uint64_t logged_step;
    double grad_norm, learning_rate; /* of the last step */
};

static bool is_multiple(uint64_t step, uint64_t of)
{
    return of > 0 && step % of == 0;
}

static int emit(struct loop *loop, const struct metrics *metrics)
{
    const struct train_events *events = &loop->trainer->events;
    train_state_log(loop->state, metrics);
    return events->metrics(events->context, metrics);
}

static int log_steps(struct loop *loop)
{
    struct metrics metrics;
    uint64_t steps = loop->state->step - loop->logged_step;
    metrics_init(&metrics, "train", loop->state->step, loop->state->epoch);
    metrics_add(&metrics, "loss", loop->loss_sum / (double)steps);
    metrics_add(&metrics, "grad_norm", loop->grad_norm);
    metrics_add(&metrics, "learning_rate", loop->learning_rate);
    loop->loss_total += loop->loss_sum;
    loop->loss_sum = 0;
    loop->logged_step = loop->state->step;
    return emit(loop, &metrics);
}

static int save(struct loop *loop)
{
    const struct train_events *events = &loop->trainer->events;
    return events->save(events->context, loop->state);
}

/* Evaluates; *is_best is set when the loss is lower than at any evaluation before. */
static int evaluate(struct loop *loop, bool *is_best)
{
    const struct trainer *trainer = loop->trainer;
    struct class_metrics classes;
    struct metrics metrics;
    double started = clock_monotonic();
    class_metrics_init(&classes, trainer->classes);
    if (evaluate_dataset(trainer->engine, trainer->eval, &trainer->eval_limits, &classes,
                         trainer->events.evaluated, trainer->events.context)) {
        class_metrics_free(&classes);
        return -1;
    }
    double seconds = clock_monotonic() - started, loss = class_metrics_loss(&classes);
    uint64_t batch = trainer->arguments->per_device_eval_batch_size;
    uint64_t batches = (trainer->eval->count + batch - 1) / batch;
    metrics_init(&metrics, "eval", loop->state->step, loop->state->epoch);
    metrics_add(&metrics, "loss", loss);
    metrics_add(&metrics, "accuracy", class_metrics_accuracy(&classes));
    metrics_add(&metrics, "runtime", seconds);
    metrics_add(&metrics, "samples_per_second", trainer->eval->count / seconds);
    metrics_add(&metrics, "steps_per_second", (double)batches / seconds);
    class_metrics_free(&classes);
    *is_best = loss < (loop->state->has_best ? loop->state->best_metric : INFINITY);
    if (*is_best) {
        loop->state->has_best = true;
        loop->state->best_metric = loss;
        loop->state->best_step = loop->state->step;
    }
    return emit(loop, &metrics);
}

/* Evaluation and saving where they are due; the best model is saved whenever it will be loaded at
 * the end. */
static int evaluate_and_save(struct loop *loop, bool evaluate_now, bool save_now)
{
    bool is_best = false;
    if (evaluate_now && loop->trainer->eval && evaluate(loop, &is_best))
        return -1;
    if (save_now || (is_best && loop->trainer->arguments->load_best_model_at_end))
        return save(loop);
    return 0;
}

static int after_step(struct loop *loop)
{
    const struct train_arguments *arguments = loop->trainer->arguments;
    uint64_t step = loop->state->step;
    bool last = step == loop->trainer->plan->steps;
    uint64_t eval_steps = arguments->eval_steps ? arguments->eval_steps : arguments->logging_steps;
    if (is_multiple(step, arguments->logging_steps) && log_steps(loop))
        return -1;
    return evaluate_and_save(
        loop, arguments->eval_strategy == TRAIN_STEPS && (last || is_multiple(step, eval_steps)),
        arguments->save_strategy == TRAIN_STEPS &&
            (last || is_multiple(step, arguments->save_steps)));
}

/* Assembles the micro-batches of the next step: their number, 0 at the end of the epoch. */
static uint64_t gather(struct loop *loop, struct batches *batches, uint64_t epoch,
                       uint64_t *samples)
{
    const struct dataset *train = loop->trainer->train;
    uint64_t count = 0, tokens;
    uint32_t first, sequences;
    *samples = 0;
    while (count < loop->trainer->arguments->gradient_accumulation_steps &&
           (sequences = batches_next(batches, &first, &tokens)) > 0) {
        struct assembly *assembly = &loop->micro[count++];
        assembly_clear(assembly);
        for (uint32_t i = 0; i < sequences; i++)
            assembly_add_sample(assembly, train, batches_sample(batches, first + i),
                                epoch * train->count + first + i);
        *samples += sequences;
        loop->state->tokens += tokens;
    }
    return count;
}

static int report_diverged(uint64_t step, const char *what)
{
    return diag_error("step %" PRIu64 ": the %s is not finite: lower --learning-rate, "
                      "raise --warmup-steps, or start from another model",
                      step, what);
}

static int take_step(struct loop *loop, uint64_t micro_batches, uint64_t samples)
{
    const struct trainer *trainer = loop->trainer;
    uint64_t step = loop->state->step + 1;
    struct engine_stats stats = {0};
    for (uint64_t i = 0; i < micro_batches; i++)
        if (engine_accumulate(trainer->engine, assembly_batch(&loop->micro[i], TARGET_CLASS),
                              (double)samples, &stats))
            return -1;
    double loss = stats.loss_sum / (double)samples;
    if (!isfinite(loss))
        return report_diverged(step, "loss");
    loop->learning_rate = schedule_rate(&trainer->plan->schedule, step);
    loop->grad_norm = 0;
    if (engine_reduce(trainer->engine, NULL))
        return -1;
    if (engine_apply(trainer->engine, loop->learning_rate, trainer->arguments->max_grad_norm,
                     &loop->grad_norm))
        return isfinite(loop->grad_norm) ? -1 : report_diverged(step, "gradient");
    loop->loss_sum += loss;
    loop->state->step = step;
    loop->state->samples += samples;
    trainer->events.stepped(trainer->events.context, step, loss);
    return 0;
}

static int run_epoch(struct loop *loop, uint64_t epoch)
{
    const struct trainer *trainer = loop->trainer;
    struct batches batches;
    uint64_t done = 0, samples;
    train_plan_epoch(trainer->plan, trainer->arguments, epoch, loop->order, &batches);
    while (loop->state->step < trainer->plan->steps) {
        double started = clock_monotonic();
        uint64_t micro_batches = gather(loop, &batches, epoch, &samples);
        if (micro_batches == 0)
            break;
        if (take_step(loop, micro_batches, samples))
            return -1;
        done += micro_batches;
        loop->step_seconds += clock_monotonic() - started;
        loop->state->epoch =
            (double)epoch + (double)done / (double)trainer->plan->batches_per_epoch;
        if (after_step(loop))
            return -1;
    }
    return evaluate_and_save(loop, trainer->arguments->eval_strategy == TRAIN_EPOCH,
                             trainer->arguments->save_strategy == TRAIN_EPOCH);
}

static int summarise(struct loop *loop)
{
    struct metrics metrics;
    const struct train_state *state = loop->state;
    double seconds = clock_monotonic() - loop->started;
    metrics_init(&metrics, "train", state->step, state->epoch);
    metrics_add(&metrics, "train_runtime", seconds);
    metrics_add(&metrics, "train_samples_per_second", (double)state->samples / seconds);
    metrics_add(&metrics, "train_steps_per_second", (double)state->step / seconds);
    metrics_add(&metrics, "train_tokens_per_second", (double)state->tokens / loop->step_seconds);
    metrics_add(&metrics, "train_loss", (loop->loss_total + loop->loss_sum) / (double)state->step);
    return emit(loop, &metrics);
}

int trainer_run(const struct trainer *trainer, struct train_state *state)
{
    uint64_t accumulation = trainer->arguments->gradient_accumulation_steps;
    struct loop loop = {.trainer = trainer, .state = state, .started = clock_monotonic()};
    int result = 0;
    loop.order = mem_realloc_array(NULL, trainer->train->count, sizeof *loop.order);
    loop.micro = mem_calloc(accumulation, sizeof *loop.micro);
    for (uint64_t i = 0; i < accumulation; i++)
        assembly_init(&loop.micro[i], trainer->eval_limits.position_offset);
    for (uint64_t epoch = 0; epoch < trainer->plan->epochs && result == 0; epoch++)
        result = run_epoch(&loop, epoch);
    if (result == 0)
        result = summarise(&loop);
    for (uint64_t i = 0; i < accumulation; i++)
        assembly_free(&loop.micro[i]);
    free(loop.micro);
    free(loop.order);
    return result;
}
