#include "train/run_engine.h"

#include <inttypes.h>

#include "cli/diag.h"
#include "cli/machine.h"

#define MEGABYTE      1e6
#define LARGEST_BATCH 1000000 /* of --per-device-train-batch-size */

/* A division of the run into micro-batches, and how much memory it may take. */
struct division {
    const struct run_engine_sources *sources;
    struct train_arguments arguments;
    struct train_plan plan;
    uint64_t limit, bytes; /* bytes: what it takes */
};

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t longest(const struct run_engine_sources *sources)
{
    return larger(sources->train->longest, sources->eval ? sources->eval->longest : 0);
}

/* All but the sizes. */
static struct engine_plan begin_plan(const struct run_engine_sources *sources,
                                     const struct train_arguments *arguments)
{
    struct engine_plan plan;
    engine_plan_init(&plan, sources->model);
    engine_options_apply(sources->options, &plan);
    plan.train = true;
    plan.seed = arguments->seed;
    optimisation_plan(sources->optimisation, arguments, &plan);
    return plan;
}

static struct engine_plan division_plan(const struct division *d)
{
    struct engine_plan plan = begin_plan(d->sources, &d->arguments);
    plan.max_length = longest(d->sources);
    plan.max_tokens = larger(plan.max_length, d->plan.largest_tokens);
    plan.max_sequences = (uint32_t)d->arguments.per_device_train_batch_size;
    if (d->sources->eval)
        plan.max_sequences =
            larger(plan.max_sequences, (uint32_t)d->arguments.per_device_eval_batch_size);
    return plan;
}

/* Fills in d->bytes. */
static int measure(struct division *d)
{
    struct engine_plan plan = division_plan(d);
    return engine_plan_memory(d->sources->model, &plan, &d->bytes);
}

/* Bytes of an engine for one sequence of that length. */
static int measure_length(const struct division *d, uint32_t length, uint64_t *bytes)
{
    struct engine_plan plan = begin_plan(d->sources, &d->arguments);
    plan.max_length = plan.max_tokens = length;
    plan.max_sequences = 1;
    return engine_plan_memory(d->sources->model, &plan, bytes);
}

/* Divides into micro-batches of that size. Whether they fit: 1 or 0, or -1. */
static int try_batch(struct division *d, uint64_t batch)
{
    if (batch * d->sources->train->longest > INT32_MAX)
        return 0;
    if (train_plan_divide(&d->plan, &d->arguments, batch) || measure(d))
        return -1;
    return d->bytes <= d->limit;
}

/* The largest micro-batches that fit. Whether there are any: 1 or 0, or -1. */
static int search(struct division *d)
{
    uint64_t step =
        d->arguments.per_device_train_batch_size * d->arguments.gradient_accumulation_steps;
    uint64_t resumed = d->sources->resumed_batch;
    int fits = resumed > 0 && step % resumed == 0 ? try_batch(d, resumed) : 0;
    for (uint64_t batch = step < LARGEST_BATCH ? step : LARGEST_BATCH; batch > 0 && fits == 0;
         batch--)
        if (step % batch == 0)
            fits = try_batch(d, batch);
    return fits;
}

/* ---- what does not fit ---- */

/* Not even one record at a time: of which length they would. */
static int refuse_length(const struct division *d)
{
    uint32_t fits = 0, beyond = longest(d->sources);
    uint64_t bytes, most, least;
    if (measure_length(d, beyond, &most) || measure_length(d, 1, &least))
        return -1;
    while (beyond - fits > 1) {
        uint32_t middle = fits + (beyond - fits) / 2;
        if (measure_length(d, middle, &bytes))
            return -1;
        *(bytes <= d->limit ? &fits : &beyond) = middle;
    }
    if (fits == 0)
        return diag_error("memory: the model alone takes %.1f MB to train, of %.1f MB",
                          (double)least / MEGABYTE, (double)d->limit / MEGABYTE);
    return diag_error(
        "memory: one record of %" PRIu32 " tokens takes %.1f MB, of %.1f MB: records of "
        "%" PRIu32 " tokens would fit (wp-tokenize -L %" PRIu32 ")",
        longest(d->sources), (double)most / MEGABYTE, (double)d->limit / MEGABYTE, fits, fits);
}

/* The batch that was asked for does not fit: which one would. */
static int refuse_batch(const struct division *asked)
{
    struct division d = *asked;
    int fits = search(&d);
    if (fits <= 0)
        return fits < 0 ? -1 : refuse_length(&d);
    return diag_error("memory: batches of %" PRIu64 " records, of up to %" PRIu32
                      " tokens, take %.1f MB, of %.1f MB: -b %" PRIu64 " -a %" PRIu64
                      " would fit, and --auto-batch finds it",
                      asked->arguments.per_device_train_batch_size, asked->plan.largest_tokens,
                      (double)asked->bytes / MEGABYTE, (double)d.limit / MEGABYTE,
                      d.arguments.per_device_train_batch_size,
                      d.arguments.gradient_accumulation_steps);
}

/* The batch as it was asked for. */
static int settle_asked(struct division *d)
{
    if (measure(d))
        return -1;
    return d->bytes <= d->limit ? 0 : refuse_batch(d);
}

static int settle_divided(struct division *d)
{
    int fits = search(d);
    if (fits <= 0)
        return fits < 0 ? -1 : refuse_length(d);
    uint64_t batch = d->arguments.per_device_train_batch_size;
    uint64_t accumulation = d->arguments.gradient_accumulation_steps;
    diag_note("a step's %" PRIu64 " records go in batches of %" PRIu64 " (-b %" PRIu64
              " -a %" PRIu64 "): %.1f of %.1f MB",
              batch * accumulation, batch, batch, accumulation, (double)d->bytes / MEGABYTE,
              (double)d->limit / MEGABYTE);
    return 0;
}

int run_engine_open(struct engine **engine, struct train_plan *plan,
                    struct train_arguments *arguments, const struct run_engine_sources *sources,
                    struct evaluate_limits *limits)
{
    struct division d = {
        .sources = sources,
        .arguments = *arguments,
        .plan = *plan,
        .limit = sources->memory > 0 ? sources->memory : machine_memory(),
    };
    *engine = NULL;
    if (sources->memory > 0 ? settle_divided(&d) : settle_asked(&d))
        return -1;
    struct engine_plan engine_plan = division_plan(&d);
    if (engine_open(engine, sources->model, &engine_plan))
        return -1;
    *plan = d.plan;
    arguments->per_device_train_batch_size = d.arguments.per_device_train_batch_size;
    arguments->gradient_accumulation_steps = d.arguments.gradient_accumulation_steps;
    *limits = (struct evaluate_limits){
        .max_sequences = (uint32_t)arguments->per_device_eval_batch_size,
        .max_tokens = engine_plan.max_tokens,
        .position_offset = sources->model->config.architecture->position_offset,
        .label_smoothing = arguments->label_smoothing_factor,
    };
    diag_verbose("%s; %.1f MB planned", engine_describe(*engine),
                 (double)engine_memory(*engine) / MEGABYTE);
    return 0;
}
