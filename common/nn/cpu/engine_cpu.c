/* The CPU backend: plans memory, and answers the engine's calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "nn/cpu/cpu.h"
#include "nn/loss.h"

/* ---- memory ---- */

static float *take(struct cpu_engine *e, size_t rows, size_t width)
{
    size_t count;
    if (__builtin_mul_overflow(rows, width, &count))
        count = SIZE_MAX;
    return arena_take(&e->arena, count, sizeof(float));
}

static void grow_to(size_t *bytes, size_t needed)
{
    *bytes = needed > *bytes ? needed : *bytes;
}

/* Room for the panels of depth x columns, or of columns x depth, whichever products they are for.
 */
static void *take_panels(struct cpu_engine *e, size_t depth, size_t columns)
{
    const struct products *each[] = {e->products, e->kernels->float32};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        grow_to(&bytes, each[i]->panels_bytes(depth, columns));
        grow_to(&bytes, each[i]->panels_bytes(columns, depth));
    }
    return arena_take(&e->arena, bytes, 1);
}

/* Room for the largest left operand there is. */
static void *take_left(struct cpu_engine *e)
{
    const struct cpu_weights *w = e->weights;
    const struct products *p = e->products, *head = e->kernels->float32;
    size_t length = e->plan.max_length, bytes = 0;
    grow_to(&bytes, e->dense->left_bytes(BLOCK, w->hidden));
    grow_to(&bytes, e->dense->left_bytes(BLOCK, w->intermediate));
    grow_to(&bytes, head->left_bytes(BLOCK, w->hidden));
    grow_to(&bytes, head->left_bytes(BLOCK, w->labels));
    grow_to(&bytes, p->left_bytes(p->strip_rows, length));
    grow_to(&bytes, p->left_bytes(p->strip_rows, w->hidden / w->heads));
    grow_to(&bytes, p->left_bytes(length, p->strip_rows));
    grow_to(&bytes, p->left_bytes(GRADIENT_OUTPUTS, GRADIENT_ROWS));
    grow_to(&bytes, head->left_bytes(GRADIENT_OUTPUTS, GRADIENT_ROWS));
    return arena_take(&e->arena, bytes, 1);
}

/* Operands of the gradient of a layer's weight, kept for as many rows. */
static void *take_kept_left(struct cpu_engine *e, size_t rows, size_t outputs)
{
    size_t parts = (rows + GRADIENT_ROWS - 1) / GRADIENT_ROWS;
    return arena_take(&e->arena, parts, e->products->left_bytes(outputs, cpu_part_rows(rows, 0)));
}

static void *take_kept_panels(struct cpu_engine *e, size_t rows, size_t inputs)
{
    size_t parts = (rows + GRADIENT_ROWS - 1) / GRADIENT_ROWS;
    return arena_take(&e->arena, parts, e->products->panels_bytes(cpu_part_rows(rows, 0), inputs));
}

static uint8_t *take_masks(struct cpu_engine *e, size_t rows)
{
    size_t row = e->weights->heads * cpu_mask_bytes(e->plan.max_length);
    return arena_take(&e->arena, rows, row);
}

static void lay_out_layer(struct cpu_engine *e, uint32_t layer)
{
    struct layer_cache *c = &e->layer[layer];
    bool keep = cpu_differentiated(e, layer), last = keep && layer + 1 == e->weights->layers;
    size_t H = e->weights->hidden, tokens = e->plan.max_tokens;
    size_t rows = last ? e->plan.max_rows : tokens;
    c->x = take(e, tokens, H);
    c->x_rows = last ? take(e, rows, H) : c->x;
    c->query = take(e, rows, H);
    c->keys = take(e, tokens, 2 * H);
    c->context = take(e, rows, H);
    if (e->plan.train && dropout_threshold(e->plan.attention_dropout) > 0)
        c->masks = take_masks(e, rows);
    if (!keep)
        return;
    c->z1 = take(e, rows, H);
    c->stats1 = take(e, rows, 2);
    c->pre = take(e, rows, e->weights->intermediate);
    c->z2 = take(e, rows, H);
    c->stats2 = take(e, rows, 2);
}

/* A layer that is computed again has an x of its own, and the rest from another such layer. */
static void lay_out_recomputed(struct cpu_engine *e, uint32_t layer, uint32_t other)
{
    struct layer_cache *c = &e->layer[layer];
    *c = e->layer[other];
    c->x = c->x_rows = take(e, e->plan.max_tokens, e->weights->hidden);
}

static void lay_out_layers(struct cpu_engine *e)
{
    uint32_t layers = e->weights->layers;
    for (uint32_t l = 0; l < layers; l++) {
        if (l > 0 && !cpu_differentiated(e, l))
            e->layer[l] = e->layer[0]; /* which is not differentiated either */
        else if (l > 0 && cpu_recomputed(e, l) && cpu_recomputed(e, l - 1))
            lay_out_recomputed(e, l, l - 1);
        else
            lay_out_layer(e, l);
    }
    if (!cpu_differentiated(e, layers - 1))
        e->layer[layers - 1].x_rows = take(e, e->plan.max_rows, e->weights->hidden);
}

static void lay_out_gradients(struct cpu_engine *e)
{
    struct gradient_cache *g = &e->gradient;
    size_t H = e->weights->hidden, I = e->weights->intermediate, tokens = e->plan.max_tokens;
    size_t rows = e->weights->layers > 1 ? tokens : e->plan.max_rows;
    if (e->weights->lowest == 0) {
        e->z0 = take(e, tokens, H);
        e->stats0 = take(e, tokens, 2);
    }
    e->dlogits = take(e, e->plan.max_rows, e->weights->labels);
    e->dpooled = take(e, e->plan.max_rows, H);
    g->dx = take(e, tokens, H);
    if (!cpu_differentiated(e, e->weights->layers - 1))
        return;
    g->output = take_kept_left(e, rows, H);
    g->hidden = take_kept_left(e, rows, I);
    g->attention_output = take_kept_left(e, rows, H);
    g->active = take_kept_panels(e, rows, I);
    g->h1 = take_kept_panels(e, rows, H);
    if (e->weights->layers > 1)
        g->input = take_kept_panels(e, tokens, H);
    g->biases = take(e, cpu_blocks(rows), 2 * H + I);
    g->z1 = take(e, rows, H);
    g->context = take(e, rows, H);
    g->query = take(e, rows, H);
    g->keys = take(e, tokens, 2 * H);
    g->rows = take(e, e->plan.max_rows, H);
    for (int i = 0; i < 2; i++)
        g->norms[i] = take(e, cpu_norm_parts(tokens), 2 * H);
}

static void lay_out_scratch(struct cpu_engine *e, struct scratch *s)
{
    size_t H = e->weights->hidden, I = e->weights->intermediate, D = H / e->weights->heads;
    size_t length = e->plan.max_length, strip = e->products->strip_rows;
    s->active = take(e, BLOCK, I);
    s->z1 = take(e, BLOCK, H);
    s->h1 = take(e, BLOCK, H);
    s->z2 = take(e, BLOCK, H);
    s->stats = take(e, BLOCK, 2);
    s->left = take_left(e);
    s->keys = take_panels(e, D, length);
    s->values = take_panels(e, length, D);
    s->scores = take(e, strip, cpu_scores_stride(e->plan.max_length));
    if (!e->plan.train)
        return;
    s->hidden = take(e, BLOCK, I);
    s->dscores = take(e, strip, cpu_scores_stride(e->plan.max_length));
    s->keys_by_depth = take_panels(e, length, D);
    s->queries = take_panels(e, strip, D);
    s->outputs = take_panels(e, strip, D);
    s->right = take_panels(e, GRADIENT_ROWS, GRADIENT_INPUTS);
}

/* Runs twice: see arena.h. */
static void lay_out(struct cpu_engine *e)
{
    e->token_sequence = arena_take(&e->arena, e->plan.max_tokens, sizeof(uint32_t));
    e->cu_rows = arena_take(&e->arena, (size_t)e->plan.max_sequences + 1, sizeof(uint32_t));
    lay_out_layers(e);
    e->final = take(e, e->plan.max_rows, e->weights->hidden);
    e->pooled = take(e, e->plan.max_rows, e->weights->hidden);
    e->dropped = take(e, e->plan.max_rows, e->weights->hidden);
    e->logits = take(e, e->plan.max_rows, e->weights->labels);
    if (e->plan.train)
        lay_out_gradients(e);
    for (unsigned t = 0; t < e->plan.threads; t++)
        lay_out_scratch(e, &e->scratch[t]);
}

/* ---- the backend's calls ---- */

static void cpu_close(void *self)
{
    struct cpu_engine *e = self;
    arena_unmap(&e->arena);
    cpu_weights_release(e->weights);
    pool_close(e->pool);
    free(e->profile.time);
    free(e->layer);
    free(e->scratch);
    free(e);
}

/* The lender's, or new ones, packed here so that engines that share them only read. */
static struct cpu_weights *find_weights(struct cpu_engine *e, const struct model *model,
                                        void *weights_from)
{
    struct cpu_weights *weights;
    if (weights_from) {
        weights = ((struct cpu_engine *)weights_from)->weights;
        weights->users++;
        return weights;
    }
    weights = cpu_weights_open(model, &e->plan, e->kernels, e->dense);
    if (weights)
        cpu_weights_pack(weights, e->pool, cpu_time(e, PHASE_PACK, 0));
    return weights;
}

/* Without threads, weights and memory. */
static struct cpu_engine *cpu_new(const struct model *model, const struct engine_plan *plan)
{
    const struct kernels *kernels = kernels_select();
    const struct products *dense = kernels ? products_select(kernels, plan->dtype) : NULL;
    const struct products *others =
        dense && plan->dtype == ENGINE_INT8 ? products_select(kernels, ENGINE_AUTO) : dense;
    if (!others)
        return NULL;
    struct cpu_engine *e = mem_calloc(1, sizeof *e);
    e->kernels = kernels;
    e->dense = dense;
    e->products = others;
    e->plan = *plan;
    e->profile.layers = model->config.num_hidden_layers;
    e->profile.time = mem_calloc((size_t)PHASES * e->profile.layers, sizeof *e->profile.time);
    e->layer = mem_calloc(model->config.num_hidden_layers, sizeof *e->layer);
    e->scratch = mem_calloc(plan->threads, sizeof *e->scratch);
    snprintf(e->description, sizeof e->description, "cpu, %s%s%s, %s kernels, %u threads",
             dense->name, others == dense ? "" : ", attention ",
             others == dense ? "" : others->name, kernels->name, plan->threads);
    return e;
}

static void *cpu_open(const struct model *model, const struct engine_plan *plan, void *weights_from)
{
    struct cpu_engine *e = cpu_new(model, plan);
    if (!e)
        return NULL;
    e->pool = pool_open(plan->threads);
    if (e->pool)
        e->weights = find_weights(e, model, weights_from);
    if (e->weights) {
        lay_out(e);
        if (arena_map(&e->arena) == 0) {
            lay_out(e);
            return e;
        }
    }
    cpu_close(e);
    return NULL;
}

static int cpu_plan_memory(const struct model *model, const struct engine_plan *plan,
                           uint64_t *bytes)
{
    struct cpu_engine *e = cpu_new(model, plan);
    if (!e)
        return -1;
    e->weights = cpu_weights_plan(model, plan, e->kernels, e->dense);
    lay_out(e);
    *bytes = e->arena.used + e->weights->arena.used;
    cpu_close(e);
    return 0;
}

static void cpu_profile(const void *self, struct buffer *out)
{
    cpu_profile_report(self, out);
}

static uint64_t cpu_memory(const void *self)
{
    const struct cpu_engine *e = self;
    return e->arena.size + e->weights->arena.size;
}

static enum engine_dtype cpu_dtype(const void *self)
{
    const struct cpu_engine *e = self;
    if (e->plan.dtype == ENGINE_AUTO)
        return e->dense == e->kernels->float32 ? ENGINE_FLOAT32 : ENGINE_BF16;
    return e->plan.dtype;
}

static const char *cpu_describe(const void *self)
{
    return ((const struct cpu_engine *)self)->description;
}

static struct dropout_rate rate_of(double probability)
{
    return (struct dropout_rate){dropout_threshold(probability), dropout_scale(probability)};
}

static void begin(struct cpu_engine *e, const struct batch *batch, bool training)
{
    static const struct dropout_rate off;
    e->batch = batch;
    cpu_weights_pack(e->weights, e->pool, cpu_time(e, PHASE_PACK, 0));
    e->hidden_dropout = training ? rate_of(e->plan.hidden_dropout) : off;
    e->attention_dropout = training ? rate_of(e->plan.attention_dropout) : off;
    e->head_dropout = training ? rate_of(e->plan.classifier_dropout) : off;
}

static int cpu_engine_forward(void *self, const struct batch *batch, float *logits)
{
    struct cpu_engine *e = self;
    begin(e, batch, false);
    cpu_forward(e);
    memcpy(logits, e->logits, (size_t)batch->rows * e->weights->labels * sizeof *logits);
    return 0;
}

static int cpu_engine_accumulate(void *self, const struct batch *batch, double divisor,
                                 struct engine_stats *stats)
{
    struct cpu_engine *e = self;
    begin(e, batch, true);
    cpu_forward(e);
    if (loss_rows(batch, &e->plan.loss, e->weights->labels, e->logits, divisor, e->dlogits,
                  &stats->loss_sum, &stats->rows))
        return -1;
    cpu_backward(e);
    return 0;
}

static int cpu_apply(void *self, uint64_t t, double lr, double max_norm, double *norm)
{
    struct cpu_engine *e = self;
    return cpu_weights_apply(e->weights, e->pool, cpu_time(e, PHASE_OPTIMISER, 0), &e->plan, t, lr,
                             max_norm, norm);
}

static int cpu_export(const void *self, enum engine_tensor kind, size_t index, float *values)
{
    return cpu_weights_export(((const struct cpu_engine *)self)->weights, kind, index, values);
}

static int cpu_import(void *self, enum engine_tensor kind, size_t index, const float *values)
{
    return cpu_weights_import(((struct cpu_engine *)self)->weights, kind, index, values);
}

const struct backend backend_cpu = {
    .name = "cpu",
    .open = cpu_open,
    .close = cpu_close,
    .memory = cpu_memory,
    .plan_memory = cpu_plan_memory,
    .dtype = cpu_dtype,
    .describe = cpu_describe,
    .profile = cpu_profile,
    .forward = cpu_engine_forward,
    .accumulate = cpu_engine_accumulate,
    .apply = cpu_apply,
    .export_tensor = cpu_export,
    .import_tensor = cpu_import,
};
