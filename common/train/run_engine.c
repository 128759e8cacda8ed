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
    uint64_t limit;
    /* Bytes of an engine without tokens, and of each token; what a record takes besides is left
     * out. */
    double base, per_token;
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

/* Bytes of an engine for one sequence of that length, in a batch of so many tokens. */
static int measure(const struct division *d, uint32_t length, uint32_t tokens, uint64_t *bytes)
{
    struct engine_plan plan = begin_plan(d->sources, &d->arguments);
    struct engine *engine;
    plan.max_length = length;
    plan.max_tokens = tokens;
    plan.max_sequences = 1;
    if (engine_open(&engine, d->sources->model, &plan))
        return -1;
    *bytes = engine_memory(engine);
    engine_close(engine);
    return 0;
}

/* What a token takes is learnt from two small engines: one as large as the batch might not open. */
static int learn(struct division *d)
{
    uint32_t length = longest(d->sources);
    uint64_t one, two;
    if (measure(d, length, length, &one) || measure(d, length, 2 * length, &two))
        return -1;
    d->per_token = (double)(two - one) / length;
    d->base = (double)one - d->per_token * length;
    return 0;
}

static double expected(const struct division *d)
{
    return d->base + d->per_token * larger(longest(d->sources), d->plan.largest_tokens);
}

/* The engine for micro-batches of that size: NULL when it takes too much. 0, or -1. */
static int try_batch(struct division *d, uint64_t batch, struct engine **engine)
{
    *engine = NULL;
    if (batch * d->sources->train->longest > INT32_MAX)
        return 0;
    if (train_plan_divide(&d->plan, &d->arguments, batch))
        return -1;
    struct engine_plan plan = division_plan(d);
    if (expected(d) > (double)d->limit)
        return 0;
    if (engine_open(engine, d->sources->model, &plan))
        return -1;
    if (engine_memory(*engine) > d->limit) {
        engine_close(*engine);
        *engine = NULL;
    }
    return 0;
}

/* The engine with the largest micro-batches that fit, NULL when none do. 0, or -1. */
static int search(struct division *d, struct engine **engine)
{
    uint64_t step =
        d->arguments.per_device_train_batch_size * d->arguments.gradient_accumulation_steps;
    uint64_t resumed = d->sources->resumed_batch;
    *engine = NULL;
    if (resumed > 0 && step % resumed == 0 && try_batch(d, resumed, engine))
        return -1;
    for (uint64_t batch = step < LARGEST_BATCH ? step : LARGEST_BATCH; batch > 0 && !*engine;
         batch--)
        if (step % batch == 0 && try_batch(d, batch, engine))
            return -1;
    return 0;
}

/* ---- what does not fit ---- */

/* Not even one record at a time: of which length they would. */
static int refuse_length(const struct division *d)
{
    uint32_t fits = 0, beyond = longest(d->sources);
    uint64_t bytes, most;
    if (measure(d, beyond, beyond, &most))
        return -1;
    while (beyond - fits > 1) {
        uint32_t middle = fits + (beyond - fits) / 2;
        if (measure(d, middle, middle, &bytes))
            return -1;
        *(bytes <= d->limit ? &fits : &beyond) = middle;
    }
    if (fits == 0)
        return diag_error("memory: the model alone takes %.1f MB to train, of %.1f MB",
                          d->base / MEGABYTE, (double)d->limit / MEGABYTE);
    return diag_error(
        "memory: one record of %" PRIu32 " tokens takes %.1f MB, of %.1f MB: records of "
        "%" PRIu32 " tokens would fit (wp-tokenize -L %" PRIu32 ")",
        longest(d->sources), (double)most / MEGABYTE, (double)d->limit / MEGABYTE, fits, fits);
}

/* The batch that was asked for does not fit: which one would. */
static int refuse_batch(const struct division *asked, double bytes)
{
    struct division d = *asked;
    struct engine *engine;
    if (search(&d, &engine))
        return -1;
    if (!engine)
        return refuse_length(&d);
    engine_close(engine);
    return diag_error("memory: batches of %" PRIu64 " records, of up to %" PRIu32
                      " tokens, take %.1f MB, of %.1f MB: -b %" PRIu64 " -a %" PRIu64
                      " would fit, and --auto-batch finds it",
                      asked->arguments.per_device_train_batch_size, asked->plan.largest_tokens,
                      bytes / MEGABYTE, (double)d.limit / MEGABYTE,
                      d.arguments.per_device_train_batch_size,
                      d.arguments.gradient_accumulation_steps);
}

/* Weights, gradients and two moments, and what a layer keeps of each token: to the factor 2. */
static bool may_be_too_large(const struct division *d)
{
    const struct model_config *config = &d->sources->model->config;
    double activations = (double)d->plan.largest_tokens * config->num_hidden_layers *
                         (6.0 * config->hidden_size + 2.0 * config->intermediate_size) *
                         sizeof(float);
    double weights = 4.0 * sizeof(float) * (double)d->sources->model->table.total;
    return 2 * (weights + activations) > (double)d->limit;
}

/* The batch as it was asked for. */
static int open_asked(struct division *d, struct engine **engine)
{
    bool careful = may_be_too_large(d);
    if (careful && learn(d))
        return -1;
    if (careful && expected(d) > (double)d->limit)
        return refuse_batch(d, expected(d));
    struct engine_plan plan = division_plan(d);
    return engine_open(engine, d->sources->model, &plan);
}

static int open_divided(struct division *d, struct engine **engine)
{
    if (learn(d) || search(d, engine))
        return -1;
    if (!*engine)
        return refuse_length(d);
    uint64_t batch = d->arguments.per_device_train_batch_size;
    uint64_t accumulation = d->arguments.gradient_accumulation_steps;
    diag_note("a step's %" PRIu64 " records go in batches of %" PRIu64 " (-b %" PRIu64
              " -a %" PRIu64 "): %.1f of %.1f MB",
              batch * accumulation, batch, batch, accumulation,
              (double)engine_memory(*engine) / MEGABYTE, (double)d->limit / MEGABYTE);
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
    if (sources->memory > 0 ? open_divided(&d, engine) : open_asked(&d, engine))
        return -1;
    *plan = d.plan;
    arguments->per_device_train_batch_size = d.arguments.per_device_train_batch_size;
    arguments->gradient_accumulation_steps = d.arguments.gradient_accumulation_steps;
    *limits = (struct evaluate_limits){
        .max_sequences = (uint32_t)arguments->per_device_eval_batch_size,
        .max_tokens = division_plan(&d).max_tokens,
        .position_offset = sources->model->config.architecture->position_offset,
        .label_smoothing = arguments->label_smoothing_factor,
    };
    diag_verbose("%s; %.1f MB planned", engine_describe(*engine),
                 (double)engine_memory(*engine) / MEGABYTE);
    return 0;
}
