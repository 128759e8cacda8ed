/* The CPU engine's weights: their panels, gradients and the optimiser. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "nn/cpu/cpu.h"

#define CHUNK 65536 /* numbers a unit of the optimiser takes */

/* ---- layout ---- */

static void take_values(struct cpu_weights *w, const struct model *model,
                        const struct engine_plan *plan)
{
    for (size_t i = 0; i < w->tensors; i++) {
        w->count[i] = model->table.items[i].count;
        w->decay[i] = model->table.items[i].decay;
        w->tensor[i] = model->weights[i];
    }
    if (!plan->train)
        return;
    for (size_t i = 0; i < w->tensors; i++)
        w->tensor[i] = w->value[i] = arena_take(&w->arena, w->count[i], sizeof(float));
    float ***kinds[] = {&w->gradient, &w->first, &w->second};
    for (size_t kind = 0; kind < (plan->optimiser == ENGINE_SGD ? 1 : 3); kind++)
        for (size_t i = 0; i < w->tensors; i++)
            if (w->rate_factor[i] > 0)
                (*kinds[kind])[i] = arena_take(&w->arena, w->count[i], sizeof(float));
}

static size_t index_of(const struct model *model, enum parameter_role role, uint32_t layer)
{
    return parameter_index(&model->table, role, layer);
}

/* backward: whether dx is asked for. */
static struct dense take_dense(struct cpu_weights *w, const struct model *model,
                               const struct products *products, bool backward,
                               enum parameter_role role, uint32_t layer)
{
    /* In the table's roles a bias follows its weight. */
    size_t weight = index_of(model, role, layer);
    size_t bias = index_of(model, (enum parameter_role)(role + 1), layer);
    const struct parameter *p = &model->table.items[weight];
    struct dense d = {
        .outputs = (uint32_t)p->shape[0],
        .inputs = (uint32_t)p->shape[1],
        .weight = w->tensor[weight],
        .bias = w->tensor[bias],
        .weight_gradient = w->gradient[weight],
        .bias_gradient = w->gradient[bias],
        .products = products,
    };
    d.forward = arena_take(&w->arena, products->panels_bytes(d.inputs, d.outputs), 1);
    if (backward)
        d.backward = arena_take(&w->arena, products->panels_bytes(d.outputs, d.inputs), 1);
    return d;
}

static struct norm take_norm(const struct cpu_weights *w, const struct model *model,
                             enum parameter_role role, uint32_t layer)
{
    size_t gain = index_of(model, role, layer);
    size_t shift = index_of(model, (enum parameter_role)(role + 1), layer);
    return (struct norm){w->tensor[gain], w->tensor[shift], w->gradient[gain], w->gradient[shift]};
}

static void take_embeddings(struct cpu_weights *w, const struct model *model)
{
    size_t words = index_of(model, PARAMETER_WORD_EMBEDDINGS, 0);
    size_t positions = index_of(model, PARAMETER_POSITION_EMBEDDINGS, 0);
    size_t types = index_of(model, PARAMETER_TYPE_EMBEDDINGS, 0);
    w->words = w->tensor[words];
    w->words_gradient = w->gradient[words];
    w->position_embeddings = w->tensor[positions];
    w->position_gradient = w->gradient[positions];
    if (types != SIZE_MAX) {
        w->type_embeddings = w->tensor[types];
        w->type_gradient = w->gradient[types];
    }
    w->embeddings_norm = take_norm(w, model, PARAMETER_EMBEDDINGS_NORM_WEIGHT, 0);
}

/* Runs twice: see arena.h. */
static void lay_out(struct cpu_weights *w, const struct model *model,
                    const struct engine_plan *plan)
{
    take_values(w, model, plan);
    take_embeddings(w, model);
    for (uint32_t l = 0; l < w->layers; l++) {
        struct layer_weights *layer = &w->layer[l];
        const struct products *p = w->products;
        bool inside = l + 1 >= w->lowest, below = l + 1 > w->lowest;
        layer->query = take_dense(w, model, p, below, PARAMETER_QUERY_WEIGHT, l);
        layer->key = take_dense(w, model, p, below, PARAMETER_KEY_WEIGHT, l);
        layer->value = take_dense(w, model, p, below, PARAMETER_VALUE_WEIGHT, l);
        layer->attention_output =
            take_dense(w, model, p, inside, PARAMETER_ATTENTION_OUTPUT_WEIGHT, l);
        layer->intermediate = take_dense(w, model, p, inside, PARAMETER_INTERMEDIATE_WEIGHT, l);
        layer->output = take_dense(w, model, p, inside, PARAMETER_OUTPUT_WEIGHT, l);
        layer->attention_norm = take_norm(w, model, PARAMETER_ATTENTION_NORM_WEIGHT, l);
        layer->output_norm = take_norm(w, model, PARAMETER_OUTPUT_NORM_WEIGHT, l);
    }
    const struct products *head = w->kernels->float32;
    w->pooler = take_dense(w, model, head, plan->train, PARAMETER_POOLER_WEIGHT, 0);
    w->classifier = take_dense(w, model, head, plan->train, PARAMETER_CLASSIFIER_WEIGHT, 0);
}

/* The level of cpu_weights.lowest that a tensor belongs to. */
static uint32_t level_of(const struct parameter *parameter, uint32_t layers)
{
    if (parameter_role_is_per_layer(parameter->role))
        return parameter->layer + 1;
    return parameter->role < PARAMETER_POOLER_WEIGHT ? 0 : layers + 1;
}

static void settle_trained(struct cpu_weights *w, const struct model *model,
                           const struct engine_plan *plan)
{
    w->lowest = w->layers + 2;
    for (size_t i = 0; plan->train && i < w->tensors; i++) {
        uint32_t level = level_of(&model->table.items[i], w->layers);
        w->rate_factor[i] = plan->rate_factors ? plan->rate_factors[i] : 1;
        if (w->rate_factor[i] > 0 && level < w->lowest)
            w->lowest = level;
    }
}

static struct cpu_weights *weights_new(const struct model *model, const struct kernels *kernels,
                                       const struct products *products)
{
    const struct model_config *config = &model->config;
    size_t tensors = model->table.count;
    struct cpu_weights *w = mem_calloc(1, sizeof *w);
    *w = (struct cpu_weights){
        .users = 1,
        .stale = true,
        .kernels = kernels,
        .products = products,
        .layers = config->num_hidden_layers,
        .heads = config->num_attention_heads,
        .hidden = config->hidden_size,
        .intermediate = config->intermediate_size,
        .labels = config->num_labels,
        .pad = config->pad_token_id,
        .activation = config->hidden_act,
        .epsilon = config->layer_norm_eps,
        .tensors = tensors,
        .tensor = mem_calloc(tensors, sizeof *w->tensor),
        .count = mem_calloc(tensors, sizeof *w->count),
        .decay = mem_calloc(tensors, sizeof *w->decay),
        .value = mem_calloc(tensors, sizeof *w->value),
        .gradient = mem_calloc(tensors, sizeof *w->gradient),
        .first = mem_calloc(tensors, sizeof *w->first),
        .second = mem_calloc(tensors, sizeof *w->second),
        .rate_factor = mem_calloc(tensors, sizeof *w->rate_factor),
        .layer = mem_calloc(config->num_hidden_layers, sizeof *w->layer),
    };
    return w;
}

struct cpu_weights *cpu_weights_plan(const struct model *model, const struct engine_plan *plan,
                                     const struct kernels *kernels, const struct products *products)
{
    struct cpu_weights *w = weights_new(model, kernels, products);
    settle_trained(w, model, plan);
    lay_out(w, model, plan);
    return w;
}

struct cpu_weights *cpu_weights_open(const struct model *model, const struct engine_plan *plan,
                                     const struct kernels *kernels, const struct products *products)
{
    struct cpu_weights *w = cpu_weights_plan(model, plan, kernels, products);
    if (arena_map(&w->arena)) {
        cpu_weights_release(w);
        return NULL;
    }
    lay_out(w, model, plan);
    for (size_t i = 0; plan->train && i < w->tensors; i++)
        memcpy(w->value[i], model->weights[i], w->count[i] * sizeof(float));
    return w;
}

void cpu_weights_release(struct cpu_weights *w)
{
    if (!w || --w->users > 0)
        return;
    arena_unmap(&w->arena);
    free(w->tensor);
    free(w->count);
    free(w->decay);
    free(w->value);
    free(w->gradient);
    free(w->first);
    free(w->second);
    free(w->rate_factor);
    free(w->layer);
    free(w);
}

/* ---- panels ---- */

#define DENSES_PER_LAYER 6

static const struct dense *dense_at(const struct cpu_weights *w, size_t index)
{
    if (index == (size_t)w->layers * DENSES_PER_LAYER)
        return &w->pooler;
    if (index > (size_t)w->layers * DENSES_PER_LAYER)
        return &w->classifier;
    const struct layer_weights *l = &w->layer[index / DENSES_PER_LAYER];
    const struct dense *denses[DENSES_PER_LAYER] = {
        &l->query, &l->key, &l->value, &l->attention_output, &l->intermediate, &l->output};
    return denses[index % DENSES_PER_LAYER];
}

static void pack_unit(void *context, size_t unit, unsigned thread)
{
    const struct cpu_weights *w = context;
    const struct dense *d = dense_at(w, unit);
    (void)thread;
    d->products->pack_panels(d->forward, d->weight, 1, d->inputs, d->inputs, d->outputs);
    if (d->backward)
        d->products->pack_panels(d->backward, d->weight, d->inputs, 1, d->outputs, d->inputs);
}

void cpu_weights_pack(struct cpu_weights *w, struct pool *pool, struct pool_time *time)
{
    if (!w->stale)
        return;
    w->stale = false;
    pool_run(pool, time, pack_unit, w, (size_t)w->layers * DENSES_PER_LAYER + 2);
}

/* ---- optimiser ---- */

struct optimiser_job {
    struct cpu_weights *weights;
    size_t *first_unit; /* [tensors + 1] */
    double *squares;    /* [units] */
    enum engine_optimiser optimiser;
    double lr, weight_decay;
    struct adamw_step step; /* without what differs between tensors */
    double step_size;       /* of a tensor whose factor is 1 */
};

/* The part of a tensor that a unit stands for. */
struct chunk {
    size_t tensor, first, count;
};

static struct chunk chunk_of(const struct optimiser_job *job, size_t unit)
{
    size_t low = 0, high = job->weights->tensors;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (job->first_unit[middle] <= unit)
            low = middle;
        else
            high = middle;
    }
    size_t first = (unit - job->first_unit[low]) * CHUNK;
    size_t left = job->weights->count[low] - first;
    return (struct chunk){low, first, left < CHUNK ? left : CHUNK};
}

static void square_unit(void *context, size_t unit, unsigned thread)
{
    struct optimiser_job *job = context;
    struct chunk c = chunk_of(job, unit);
    (void)thread;
    job->squares[unit] =
        job->weights->kernels->sum_of_squares(job->weights->gradient[c.tensor] + c.first, c.count);
}

static void step_unit(void *context, size_t unit, unsigned thread)
{
    const struct optimiser_job *job = context;
    const struct cpu_weights *w = job->weights;
    struct chunk c = chunk_of(job, unit);
    struct adamw_step step = job->step;
    double factor = w->rate_factor[c.tensor];
    float *value = w->value[c.tensor] + c.first, *gradient = w->gradient[c.tensor] + c.first;
    (void)thread;
    step.decay = w->decay[c.tensor] ? (float)(1 - job->lr * factor * job->weight_decay) : 1;
    step.step_size = (float)(job->step_size * factor);
    if (job->optimiser == ENGINE_SGD)
        w->kernels->sgd(value, gradient, step.gradient_scale, step.decay, step.step_size, c.count);
    else
        w->kernels->adamw(value, w->first[c.tensor] + c.first, w->second[c.tensor] + c.first,
                          gradient, &step, c.count);
}

static void prepare_step(struct optimiser_job *job, const struct engine_plan *plan, uint64_t t,
                         double lr, double clip)
{
    double bias1 = 1 - pow(plan->adam_beta1, (double)t),
           bias2 = 1 - pow(plan->adam_beta2, (double)t);
    job->optimiser = plan->optimiser;
    job->lr = lr;
    job->weight_decay = plan->weight_decay;
    job->step_size = plan->optimiser == ENGINE_SGD ? lr : lr / bias1;
    job->step = (struct adamw_step){
        .gradient_scale = (float)clip,
        .beta2 = (float)plan->adam_beta2,
        .share1 = (float)(1 - plan->adam_beta1),
        .share2 = (float)(1 - plan->adam_beta2),
        .correction = (float)(1 / sqrt(bias2)),
        .epsilon = (float)plan->adam_epsilon,
    };
}

int cpu_weights_apply(struct cpu_weights *w, struct pool *pool, struct pool_time *time,
                      const struct engine_plan *plan, uint64_t t, double lr, double max_norm,
                      double *norm)
{
    struct optimiser_job job = {.weights = w};
    job.first_unit = mem_calloc(w->tensors + 1, sizeof *job.first_unit);
    for (size_t i = 0; i < w->tensors; i++)
        job.first_unit[i + 1] =
            job.first_unit[i] + (w->gradient[i] ? (w->count[i] + CHUNK - 1) / CHUNK : 0);
    size_t units = job.first_unit[w->tensors];
    job.squares = mem_calloc(units, sizeof *job.squares);
    pool_run(pool, time, square_unit, &job, units);
    double sum = 0;
    for (size_t i = 0; i < units; i++)
        sum += job.squares[i];
    *norm = sqrt(sum);
    int result = -1;
    if (isfinite(*norm)) {
        double clip = max_norm / (*norm + 1e-6);
        prepare_step(&job, plan, t, lr, max_norm > 0 && clip < 1 ? clip : 1);
        pool_run(pool, time, step_unit, &job, units);
        w->stale = true;
        result = 0;
    }
    free(job.squares);
    free(job.first_unit);
    return result;
}

/* ---- export and import ---- */

static float *training_tensor(const struct cpu_weights *w, enum engine_tensor kind, size_t index)
{
    switch (kind) {
    case ENGINE_WEIGHT:
        return w->value[index];
    case ENGINE_GRADIENT:
        return w->gradient[index];
    case ENGINE_FIRST_MOMENT:
        return w->first[index];
    case ENGINE_SECOND_MOMENT:
        return w->second[index];
    }
    return NULL;
}

int cpu_weights_export(const struct cpu_weights *w, enum engine_tensor kind, size_t index,
                       float *values)
{
    const float *from = kind == ENGINE_WEIGHT ? w->tensor[index] : training_tensor(w, kind, index);
    if (!from && !w->value[index])
        return diag_error("engine: opened for inference, it has no gradients or moments");
    if (from)
        memcpy(values, from, w->count[index] * sizeof *values);
    else
        memset(values, 0, w->count[index] * sizeof *values);
    return 0;
}

int cpu_weights_import(struct cpu_weights *w, enum engine_tensor kind, size_t index,
                       const float *values)
{
    float *to = training_tensor(w, kind, index);
    if (!w->value[index])
        return diag_error("engine: opened for inference, it takes no values");
    if (to)
        memcpy(to, values, w->count[index] * sizeof *values);
    w->stale = true;
    return 0;
}
