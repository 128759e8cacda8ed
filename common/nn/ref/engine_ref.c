/*
 * The reference backend: double precision, one thread, one sequence at a time. Its weights and
 * moments are doubles; float32 goes in and out through import and export, so a run continued from a
 * checkpoint is not bit for bit the uninterrupted one.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "nn/backend.h"
#include "nn/ref/layers.h"
#include "nn/ref/network.h"
#include "nn/ref/optimiser.h"

#define KINDS (ENGINE_SECOND_MOMENT + 1)

struct ref {
    struct engine_plan plan;
    struct ref_arena arena;
    struct ref_network network;
    double **tensors[KINDS]; /* by enum engine_tensor, each [table.count]; NULL without training */
    bool borrowed;           /* the weights are another engine's */
    double *logits;          /* [labels] of one row */
    double *d_logits;        /* [labels] */
};

static double **take_tensors(struct ref *ref)
{
    const struct parameter_table *table = &ref->network.table;
    double **tensors = mem_calloc(table->count, sizeof *tensors);

    for (size_t i = 0; i < table->count; i++)
        tensors[i] = ref_arena_take(&ref->arena, table->items[i].count);
    return tensors;
}

static void widen(double *out, const float *in, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        out[i] = in[i];
}

static void *ref_open(const struct model *model, const struct engine_plan *plan, void *weights_from)
{
    struct ref *ref = mem_calloc(1, sizeof *ref);
    struct ref *lender = weights_from;

    ref->plan = *plan;
    ref_network_init(&ref->network, model, plan->max_length, plan->train, &ref->arena);
    ref->logits = ref_arena_take(&ref->arena, model->config.num_labels);
    ref->d_logits = ref_arena_take(&ref->arena, model->config.num_labels);
    if (lender) {
        ref->borrowed = true;
        ref->tensors[ENGINE_WEIGHT] = lender->tensors[ENGINE_WEIGHT];
    } else {
        ref->tensors[ENGINE_WEIGHT] = take_tensors(ref);
        for (size_t i = 0; i < model->table.count; i++)
            widen(ref->tensors[ENGINE_WEIGHT][i], model->weights[i], model->table.items[i].count);
    }
    for (int kind = ENGINE_GRADIENT; plan->train && kind < KINDS; kind++)
        ref->tensors[kind] = take_tensors(ref);
    ref->network.weights = ref->tensors[ENGINE_WEIGHT];
    ref->network.weight_gradients = ref->tensors[ENGINE_GRADIENT];
    return ref;
}

static void ref_close(void *self)
{
    struct ref *ref = self;

    for (int kind = ref->borrowed ? ENGINE_GRADIENT : ENGINE_WEIGHT; kind < KINDS; kind++)
        free(ref->tensors[kind]);
    ref_network_free(&ref->network);
    ref_arena_free(&ref->arena);
    free(ref);
}

static uint64_t ref_memory(const void *self)
{
    const struct ref *ref = self;

    return sizeof *ref + ref->arena.bytes;
}

static const char *ref_describe(const void *self)
{
    (void)self;
    return "ref: float64, plain loops, 1 thread";
}

static struct ref_sample sample_of(const struct batch *batch, uint32_t s)
{
    uint32_t begin = batch->cu_seqlens[s];

    return (struct ref_sample){
        .ids = batch->ids + begin,
        .positions = batch->positions + begin,
        .types = batch->types ? batch->types + begin : NULL,
        .length = batch->cu_seqlens[s + 1] - begin,
        .ordinal = batch->ordinals ? batch->ordinals[s] : 0,
    };
}

static int ref_forward(void *self, const struct batch *batch, float *logits)
{
    struct ref *ref = self;
    const struct ref_dropouts none = {0.0, 0.0, 0.0, 0};
    size_t labels = ref->network.labels;
    uint32_t r = 0;

    for (uint32_t s = 0; s < batch->sequences; s++) {
        const struct ref_sample sample = sample_of(batch, s);

        if (r == batch->rows || batch->row_tokens[r] >= batch->cu_seqlens[s + 1])
            continue;
        ref_encode(&ref->network, &sample, &none);
        for (; r < batch->rows && batch->row_tokens[r] < batch->cu_seqlens[s + 1]; r++) {
            ref_head(&ref->network, ref->logits, &sample,
                     batch->row_tokens[r] - batch->cu_seqlens[s], &none);
            for (size_t j = 0; j < labels; j++)
                logits[r * labels + j] = (float)ref->logits[j];
        }
    }
    return 0;
}

/* The loss of row r from ref->logits; its gradient times scale goes to ref->d_logits. */
static double row_loss(struct ref *ref, const struct batch *batch, uint32_t r, double scale)
{
    size_t labels = ref->network.labels;

    if (batch->target == TARGET_CLASS)
        return ref_cross_entropy(ref->d_logits, ref->logits, &ref->plan.loss,
                                 (uint32_t)batch->classes[r], scale, labels);
    if (batch->target == TARGET_MULTI)
        return ref_sigmoid_cross_entropy(ref->d_logits, ref->logits, batch->values + r * labels,
                                         scale, labels);
    return ref_squared_error(ref->d_logits, ref->logits, batch->values + r * labels, scale, labels);
}

static double rate_factor(const struct ref *ref, size_t tensor)
{
    return ref->plan.rate_factors ? ref->plan.rate_factors[tensor] : 1.0;
}

/* The oracle differentiates frozen tensors too; their gradients are forgotten. */
static void clear_frozen(struct ref *ref)
{
    const struct parameter_table *table = &ref->network.table;

    for (size_t i = 0; i < table->count; i++)
        if (rate_factor(ref, i) == 0.0)
            memset(ref->tensors[ENGINE_GRADIENT][i], 0,
                   table->items[i].count * sizeof *ref->tensors[ENGINE_GRADIENT][i]);
}

static int ref_accumulate(void *self, const struct batch *batch, double divisor,
                          struct engine_stats *stats)
{
    struct ref *ref = self;
    const struct ref_dropouts dropouts = {ref->plan.hidden_dropout, ref->plan.attention_dropout,
                                          ref->plan.classifier_dropout, ref->plan.seed};
    uint32_t r = 0;

    for (uint32_t s = 0; s < batch->sequences; s++) {
        const struct ref_sample sample = sample_of(batch, s);

        ref_encode(&ref->network, &sample, &dropouts);
        ref_backward_begin(&ref->network, &sample);
        for (; r < batch->rows && batch->row_tokens[r] < batch->cu_seqlens[s + 1]; r++) {
            uint32_t token = batch->row_tokens[r] - batch->cu_seqlens[s];

            if (batch->target == TARGET_CLASS && batch->classes[r] == TARGET_IGNORED)
                continue;
            ref_head(&ref->network, ref->logits, &sample, token, &dropouts);
            stats->loss_sum += row_loss(ref, batch, r, 1.0 / divisor);
            stats->rows++;
            ref_head_backward(&ref->network, ref->d_logits, &sample, token, &dropouts);
        }
        ref_encode_backward(&ref->network, &sample, &dropouts);
    }
    clear_frozen(ref);
    return 0;
}

static double gradient_norm(const struct ref *ref)
{
    const struct parameter_table *table = &ref->network.table;
    double squares = 0.0;

    for (size_t i = 0; i < table->count; i++) {
        const double *gradient = ref->tensors[ENGINE_GRADIENT][i];
        for (uint64_t e = 0; e < table->items[i].count; e++)
            squares += gradient[e] * gradient[e];
    }
    return sqrt(squares);
}

static int ref_apply(void *self, uint64_t step, double lr, double max_norm, double *norm)
{
    struct ref *ref = self;
    const struct parameter_table *table = &ref->network.table;

    *norm = gradient_norm(ref);
    if (!isfinite(*norm))
        return -1;

    struct ref_adamw adamw = {
        .step = step,
        .beta1 = ref->plan.adam_beta1,
        .beta2 = ref->plan.adam_beta2,
        .epsilon = ref->plan.adam_epsilon,
        .clip = ref_clip_factor(*norm, max_norm),
    };
    for (size_t i = 0; i < table->count; i++) {
        const struct parameter *parameter = &table->items[i];
        double *gradient = ref->tensors[ENGINE_GRADIENT][i];
        double decay = parameter->decay ? ref->plan.weight_decay : 0.0;

        adamw.lr = lr * rate_factor(ref, i);
        if (rate_factor(ref, i) == 0.0)
            continue;
        if (ref->plan.optimiser == ENGINE_SGD)
            ref_sgd_step(ref->tensors[ENGINE_WEIGHT][i], gradient, adamw.lr, adamw.clip, decay,
                         parameter->count);
        else
            ref_adamw_step(ref->tensors[ENGINE_WEIGHT][i], ref->tensors[ENGINE_FIRST_MOMENT][i],
                           ref->tensors[ENGINE_SECOND_MOMENT][i], gradient, &adamw, decay,
                           parameter->count);
        memset(gradient, 0, parameter->count * sizeof *gradient);
    }
    return 0;
}

static int ref_export(const void *self, enum engine_tensor kind, size_t index, float *values)
{
    const struct ref *ref = self;
    const double *from = ref->tensors[kind][index];

    for (uint64_t e = 0; e < ref->network.table.items[index].count; e++)
        values[e] = (float)from[e];
    return 0;
}

static int ref_import(void *self, enum engine_tensor kind, size_t index, const float *values)
{
    struct ref *ref = self;

    widen(ref->tensors[kind][index], values, ref->network.table.items[index].count);
    return 0;
}

const struct backend backend_ref = {
    .name = "ref",
    .open = ref_open,
    .close = ref_close,
    .memory = ref_memory,
    .describe = ref_describe,
    .forward = ref_forward,
    .accumulate = ref_accumulate,
    .apply = ref_apply,
    .export_tensor = ref_export,
    .import_tensor = ref_import,
};
