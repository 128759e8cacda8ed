#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "cli/buffer.h"
#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/signals.h"
#include "data/batches.h"
#include "metrics/summary.h"
#include "train/assembly.h"

/* What the loop itself keeps between steps. */
struct loop {
    const struct trainer *trainer;
    struct train_state *state;
    struct assembly *micro; /* [gradient_accumulation_steps] of one step */
    uint32_t *order;        /* [samples] of this epoch */
    double counted;         /* clock_monotonic until which state->seconds has counted */
    bool saved;             /* the last checkpoint holds the state as it is */
    bool failed;            /* a checkpoint asked for within an evaluation */
};

static bool is_multiple(uint64_t step, uint64_t of)
{
    return of > 0 && step % of == 0;
}

static void count_seconds(struct loop *loop)
{
    double now = clock_monotonic();
    loop->state->seconds += now - loop->counted;
    loop->counted = now;
}

static int emit(struct loop *loop, const struct metrics *metrics)
{
    const struct train_events *events = &loop->trainer->events;
    loop->saved = false;
    train_state_log(loop->state, metrics);
    return events->metrics(events->context, metrics);
}

/* ---- what follows a step ---- */

static int log_steps(struct loop *loop)
{
    struct train_state *state = loop->state;
    struct metrics metrics;
    uint64_t steps = state->step - state->logged_step;
    if (steps == 0)
        return 0;
    metrics_init(&metrics, "train", state->step, state->epoch);
    metrics_add(&metrics, "loss", state->loss_sum / (double)steps);
    metrics_add(&metrics, "grad_norm", state->grad_norm);
    metrics_add(&metrics, "learning_rate", state->learning_rate);
    state->loss_total += state->loss_sum;
    state->loss_sum = 0;
    state->logged_step = state->step;
    return emit(loop, &metrics);
}

static int save(struct loop *loop, bool asked)
{
    const struct train_events *events = &loop->trainer->events;
    count_seconds(loop);
    if (events->save(events->context, loop->state, asked))
        return -1;
    loop->saved = true;
    return 0;
}

/* Does what signals asked for, between two steps or two batches of an evaluation. Before the first
 * step there is nothing to save. */
static int heed_signals(struct loop *loop)
{
    int stop = signals_stop();
    bool asked = signals_save() || stop != 0;
    if (asked && !loop->saved && loop->state->step > 0 && save(loop, true))
        return -1;
    if (stop)
        loop->trainer->events.stopped(loop->trainer->events.context, stop);
    return 0;
}

static void on_evaluated(void *context, uint64_t done)
{
    struct loop *loop = context;
    const struct train_events *events = &loop->trainer->events;
    events->evaluated(events->context, done);
    if (!loop->failed && heed_signals(loop))
        loop->failed = true;
}

/* As the EarlyStoppingCallback and then Trainer._determine_best_metric. Whether it is the best. */
static bool consider(struct loop *loop, double value)
{
    const struct train_arguments *arguments = loop->trainer->arguments;
    struct train_state *state = loop->state;
    bool greater = train_arguments_greater_is_better(arguments);
    double best = state->has_best ? state->best_metric : greater ? -INFINITY : INFINITY;
    bool better = isfinite(value) && (greater ? value > best : value < best);
    bool clearly = better && fabs(value - best) > arguments->early_stopping_threshold;
    state->worse = clearly || !state->compared ? 0 : state->worse + 1;
    state->compared = true;
    if (arguments->early_stopping_patience > 0 &&
        state->worse >= arguments->early_stopping_patience)
        state->stopped = true;
    if (!better)
        return false;
    state->has_best = true;
    state->best_metric = value;
    state->best_step = state->step;
    return true;
}

static int evaluate(struct loop *loop, struct scores *scores)
{
    const struct trainer *trainer = loop->trainer;
    struct metrics metrics;
    double started = clock_monotonic();
    if (evaluate_scores(trainer->engine, trainer->eval, &trainer->eval_limits, trainer->target,
                        trainer->labels, scores, on_evaluated, loop) ||
        loop->failed)
        return -1;
    double seconds = clock_monotonic() - started;
    uint64_t batch = trainer->arguments->per_device_eval_batch_size;
    uint64_t batches = (trainer->eval->count + batch - 1) / batch;
    metrics_init(&metrics, "eval", loop->state->step, loop->state->epoch);
    for (size_t i = 0; i < scores->count; i++)
        metrics_add(&metrics, scores->items[i].name, scores->items[i].value);
    metrics_add(&metrics, "runtime", seconds);
    metrics_add(&metrics, "samples_per_second", trainer->eval->count / seconds);
    metrics_add(&metrics, "steps_per_second", (double)batches / seconds);
    loop->state->evaluated_step = loop->state->step;
    return emit(loop, &metrics);
}

/*
 * Evaluation and saving where they are due; the best model is saved whenever it will be loaded at
 * the end. What a resumed run did before its checkpoint is not done again.
 */
static int evaluate_and_save(struct loop *loop, bool evaluate_now, bool save_now)
{
    const struct train_arguments *arguments = loop->trainer->arguments;
    struct train_state *state = loop->state;
    bool is_best = false;
    if (evaluate_now && state->evaluated_step < state->step) {
        struct scores scores;
        if (evaluate(loop, &scores))
            return -1;
        is_best = consider(loop, scores_get(&scores, arguments->metric_for_best_model));
    }
    bool due = save_now && state->saved_step < state->step;
    if (!due &&
        !(is_best && (arguments->load_best_model_at_end || arguments->save_strategy == TRAIN_BEST)))
        return 0;
    state->saved_step = state->step;
    return save(loop, false);
}

/* As the Trainer's DefaultFlowCallback at the end of a step. */
static int after_step(struct loop *loop)
{
    const struct train_arguments *arguments = loop->trainer->arguments;
    uint64_t step = loop->state->step;
    bool last = step == loop->trainer->plan->steps;
    uint64_t eval_steps = arguments->eval_steps ? arguments->eval_steps : arguments->logging_steps;
    bool log =
        (step == 1 && arguments->logging_first_step) ||
        (arguments->logging_strategy == TRAIN_STEPS && is_multiple(step, arguments->logging_steps));
    if (log && log_steps(loop))
        return -1;
    return evaluate_and_save(loop,
                             arguments->eval_strategy == TRAIN_STEPS &&
                                 arguments->eval_delay <= (double)step &&
                                 (last || is_multiple(step, eval_steps)),
                             arguments->save_strategy == TRAIN_STEPS &&
                                 (last || is_multiple(step, arguments->save_steps)));
}

/* The same at the end of an epoch, or of the run within one. */
static int after_epoch(struct loop *loop)
{
    const struct train_arguments *arguments = loop->trainer->arguments;
    if (arguments->logging_strategy == TRAIN_EPOCH && log_steps(loop))
        return -1;
    return evaluate_and_save(loop,
                             arguments->eval_strategy == TRAIN_EPOCH &&
                                 arguments->eval_delay <= loop->state->epoch,
                             arguments->save_strategy == TRAIN_EPOCH);
}

/* ---- a step ---- */

/* What a step is taken on: micro[micro_batches]. */
struct gathered {
    uint64_t micro_batches, samples, tokens;
};

/* Assembles the micro-batches of the next step; there are none at the end of the epoch. */
static struct gathered gather(struct loop *loop, struct batches *batches, uint64_t epoch)
{
    const struct dataset *train = loop->trainer->train;
    struct gathered gathered = {0};
    uint64_t tokens;
    uint32_t first, sequences;
    while (gathered.micro_batches < loop->trainer->arguments->gradient_accumulation_steps &&
           (sequences = batches_next(batches, &first, &tokens)) > 0) {
        struct assembly *assembly = &loop->micro[gathered.micro_batches++];
        assembly_clear(assembly);
        for (uint32_t i = 0; i < sequences; i++)
            assembly_add_sample(assembly, train, batches_sample(batches, first + i),
                                epoch * train->count + first + i);
        gathered.samples += sequences;
        gathered.tokens += tokens;
    }
    return gathered;
}

static int report_diverged(uint64_t step, const char *what)
{
    return diag_error("step %" PRIu64 ": the %s is not finite: lower --learning-rate, "
                      "raise --warmup-steps, or start from another model",
                      step, what);
}

static int take_step(struct loop *loop, const struct gathered *gathered)
{
    const struct trainer *trainer = loop->trainer;
    struct train_state *state = loop->state;
    uint64_t step = state->step + 1;
    struct engine_stats stats = {0};
    double divisor = 0;
    for (uint64_t i = 0; i < gathered->micro_batches; i++)
        divisor +=
            engine_divisor(trainer->engine, assembly_batch(&loop->micro[i], trainer->target));
    if (divisor == 0) /* classes without weight: the losses add up to 0 */
        divisor = 1;
    for (uint64_t i = 0; i < gathered->micro_batches; i++)
        if (engine_accumulate(trainer->engine, assembly_batch(&loop->micro[i], trainer->target),
                              divisor, &stats))
            return -1;
    double loss = stats.loss_sum / divisor;
    if (!isfinite(loss))
        return report_diverged(step, "loss");
    state->learning_rate = schedule_rate(&trainer->plan->schedule, step);
    state->grad_norm = 0;
    if (engine_reduce(trainer->engine, NULL))
        return -1;
    if (engine_apply(trainer->engine, state->learning_rate, trainer->arguments->max_grad_norm,
                     &state->grad_norm))
        return isfinite(state->grad_norm) ? -1 : report_diverged(step, "gradient");
    loop->saved = false;
    state->loss_sum += loss;
    state->step = step;
    state->samples += gathered->samples;
    state->tokens += gathered->tokens;
    trainer->events.stepped(trainer->events.context, step, loss);
    return 0;
}

/* ---- the run ---- */

/* Where the run stands in the epoch: the micro-batches behind it. */
static uint64_t find_place(const struct loop *loop, uint64_t epoch, struct batches *batches)
{
    const struct trainer *trainer = loop->trainer;
    uint64_t steps = loop->state->step - epoch * trainer->plan->steps_per_epoch;
    uint64_t done = steps * trainer->arguments->gradient_accumulation_steps;
    if (done >= trainer->plan->batches_per_epoch) {
        batches->next = batches->count;
        return trainer->plan->batches_per_epoch;
    }
    batches->next = (uint32_t)(done * batches->max_sequences);
    return done;
}

static int run_epoch(struct loop *loop, uint64_t epoch)
{
    const struct trainer *trainer = loop->trainer;
    struct train_state *state = loop->state;
    struct batches batches;
    train_plan_epoch(trainer->plan, trainer->arguments, epoch, loop->order, &batches);
    uint64_t done = find_place(loop, epoch, &batches);
    if (done > 0 && after_step(loop))
        return -1;
    while (state->step < trainer->plan->steps && !state->stopped) {
        double started = clock_monotonic();
        struct gathered gathered = gather(loop, &batches, epoch);
        if (gathered.micro_batches == 0)
            break;
        if (take_step(loop, &gathered))
            return -1;
        done += gathered.micro_batches;
        state->step_seconds += clock_monotonic() - started;
        state->epoch = (double)epoch + (double)done / (double)trainer->plan->batches_per_epoch;
        if (heed_signals(loop) || after_step(loop))
            return -1;
    }
    return after_epoch(loop);
}

static int run_epochs(struct loop *loop)
{
    const struct train_plan *plan = loop->trainer->plan;
    struct train_state *state = loop->state;
    /* A state at the end of an epoch is still of that epoch. */
    uint64_t epoch = state->step > 0 ? (state->step - 1) / plan->steps_per_epoch : 0;
    if (state->step == 0 && loop->trainer->arguments->eval_on_start) {
        struct scores scores;
        if (evaluate(loop, &scores))
            return -1;
    }
    for (; epoch < plan->epochs; epoch++) {
        if (run_epoch(loop, epoch) || heed_signals(loop))
            return -1;
        if (state->stopped)
            break;
    }
    return 0;
}

/* The last step's loss is of the weights before it: whether those after it still compute, by a
 * batch that is at hand, or the first where the run had ended before it was resumed. */
static int check_weights(struct loop *loop)
{
    const struct trainer *trainer = loop->trainer;
    struct batches batches;
    if (loop->micro[0].batch.sequences == 0) {
        train_plan_epoch(trainer->plan, trainer->arguments, 0, loop->order, &batches);
        gather(loop, &batches, 0);
    }
    const struct batch *batch = assembly_batch(&loop->micro[0], trainer->target);
    float *logits = mem_realloc_array(NULL, (size_t)batch->rows * trainer->labels, sizeof *logits);
    int result = engine_forward(trainer->engine, batch, logits);
    if (result == 0 && evaluate_not_finite(logits, trainer->labels, batch->rows) < batch->rows)
        result = report_diverged(loop->state->step, "output of the model after it");
    free(logits);
    return result;
}

static int summarise(struct loop *loop)
{
    struct metrics metrics;
    const struct train_state *state = loop->state;
    count_seconds(loop);
    metrics_init(&metrics, "train", state->step, state->epoch);
    metrics_add(&metrics, "train_runtime", state->seconds);
    metrics_add(&metrics, "train_samples_per_second", (double)state->samples / state->seconds);
    metrics_add(&metrics, "train_steps_per_second", (double)state->step / state->seconds);
    metrics_add(&metrics, "train_tokens_per_second", (double)state->tokens / state->step_seconds);
    metrics_add(&metrics, "total_flos", (double)state->tokens * state->flops_per_token);
    metrics_add(&metrics, "train_loss",
                (state->loss_total + state->loss_sum) / (double)state->step);
    return emit(loop, &metrics);
}

int trainer_check(const struct trainer *trainer)
{
    const char *name = trainer->arguments->metric_for_best_model;
    struct buffer names = {0};
    struct scores scores;
    if (!trainer->eval)
        return 0;
    summary_names(evaluate_outcome_kind(trainer->target), trainer->labels, &SUMMARY_OPTIONS_DEFAULT,
                  &scores);
    if (scores_find(&scores, name) >= 0)
        return 0;
    for (size_t i = 0; i < scores.count; i++)
        buffer_format(&names, "%s%s", i > 0 ? ", " : "", scores.items[i].name);
    diag_error("--metric-for-best-model: evaluations have no '%s', but %s", name,
               buffer_string(&names));
    buffer_free(&names);
    return -1;
}

int trainer_run(const struct trainer *trainer, struct train_state *state)
{
    uint64_t accumulation = trainer->arguments->gradient_accumulation_steps;
    struct loop loop = {
        .trainer = trainer, .state = state, .counted = clock_monotonic(), .saved = true};
    loop.order = mem_realloc_array(NULL, trainer->train->count, sizeof *loop.order);
    loop.micro = mem_calloc(accumulation, sizeof *loop.micro);
    for (uint64_t i = 0; i < accumulation; i++)
        assembly_init(&loop.micro[i], trainer->eval_limits.position_offset);
    signals_catch_stop();
    int result = run_epochs(&loop);
    if (result == 0)
        result = check_weights(&loop);
    if (result == 0)
        result = summarise(&loop);
    for (uint64_t i = 0; i < accumulation; i++)
        assembly_free(&loop.micro[i]);
    free(loop.micro);
    free(loop.order);
    return result;
}
