/*
 * The network backward. A layer takes three jobs: its rows back to attention's context, attention,
 * and then together the gradient of the layer's input and those of its weights.
 */
#include <string.h>

#include "nn/cpu/cpu.h"

void dense_backward(float *dx, size_t dx_stride, const struct dense *dense, const float *dy,
                    size_t dy_stride, size_t rows, bool accumulate, struct scratch *scratch)
{
    const struct products *p = dense->products;
    struct left left = p->left(scratch->left, dy, dy_stride, 1, rows, dense->outputs);
    p->multiply(dx, dx_stride, left, dense->backward, NULL, accumulate, rows, dense->inputs,
                dense->outputs);
}

/* ---- gradients of weights ---- */

/* W's gradient += dy^T x. Each operand is kept or a matrix, and the other is NULL. Of a matrix dy,
 * bias's += the sum of its rows. */
struct weight_gradient {
    const struct dense *dense;
    const void *kept_dy, *kept_x;
    const float *dy, *x;
    size_t dy_stride, x_stride;
    uint32_t rows;
};

/* to += partial sums, `parts` of them, stride apart. */
struct sum {
    float *to;
    const float *partial;
    size_t stride, parts, width;
};

_Static_assert(BLOCK % KEPT_ROWS == 0 && GRADIENT_ROWS % BLOCK == 0, "rows are kept by the block");
_Static_assert(GRADIENT_OUTPUTS % KEPT_COLUMNS == 0 && GRADIENT_INPUTS % KEPT_COLUMNS == 0,
               "tiles");

#define MOST_WEIGHTS 6
#define MOST_SUMS    7

/* One job: tiles of weight gradients, then sums, then blocks of rows (block may be NULL). The
 * largest units come first, so that threads end together. */
struct gradient_job {
    struct cpu_engine *engine;
    enum cpu_phase phase;
    uint32_t layer;
    pool_function *block;
    size_t blocks;
    struct weight_gradient weights[MOST_WEIGHTS];
    size_t weight_count;
    struct sum sums[MOST_SUMS];
    size_t sum_count;
};

static size_t tiles_across(const struct dense *dense)
{
    return (dense->inputs + GRADIENT_INPUTS - 1) / GRADIENT_INPUTS;
}

static size_t tiles_of(const struct dense *dense)
{
    return tiles_across(dense) * ((dense->outputs + GRADIENT_OUTPUTS - 1) / GRADIENT_OUTPUTS);
}

/* dy^T from output `out` on, `outs` of them, for rows r .. */
static struct left gradient_left(const struct weight_gradient *g, size_t r, size_t rows, size_t out,
                                 size_t outs, struct scratch *s)
{
    const struct products *p = g->dense->products;
    if (g->kept_dy)
        return p->kept_left((const char *)g->kept_dy + cpu_kept_left(g->dense, r), out, rows);
    return p->left(s->left, g->dy + r * g->dy_stride + out, 1, g->dy_stride, outs, rows);
}

/* x's panels from input `in` on, `ins` of them, for rows r .. */
static const void *gradient_right(const struct weight_gradient *g, size_t r, size_t rows, size_t in,
                                  size_t ins, struct scratch *s)
{
    const struct products *p = g->dense->products;
    if (g->kept_x)
        return (const char *)g->kept_x + cpu_kept_panels(g->dense, r) + p->panels_bytes(rows, in);
    p->pack_panels(s->right, g->x + r * g->x_stride + in, g->x_stride, 1, rows, ins);
    return s->right;
}

/* One tile, summed over GRADIENT_ROWS rows at a time in ascending order. */
static void weight_gradient_tile(const struct cpu_engine *e, const struct weight_gradient *g,
                                 size_t tile, struct scratch *s)
{
    const struct dense *d = g->dense;
    size_t out = tile / tiles_across(d) * GRADIENT_OUTPUTS;
    size_t in = tile % tiles_across(d) * GRADIENT_INPUTS;
    size_t outs = d->outputs - out < GRADIENT_OUTPUTS ? d->outputs - out : GRADIENT_OUTPUTS;
    size_t ins = d->inputs - in < GRADIENT_INPUTS ? d->inputs - in : GRADIENT_INPUTS;
    for (size_t r = 0; r < g->rows; r += GRADIENT_ROWS) {
        size_t rows = cpu_part_rows(g->rows, r);
        if (d->weight_gradient) {
            const void *right = gradient_right(g, r, rows, in, ins, s);
            d->products->multiply(d->weight_gradient + out * d->inputs + in, d->inputs,
                                  gradient_left(g, r, rows, out, outs, s), right, NULL, true, outs,
                                  ins, rows);
        }
        if (g->dy && in == 0 && d->bias_gradient)
            e->kernels->add_rows(d->bias_gradient + out, g->dy + r * g->dy_stride + out,
                                 g->dy_stride, rows, outs);
    }
}

static void gradient_unit(void *context, size_t unit, unsigned thread)
{
    const struct gradient_job *job = context;
    const struct cpu_engine *e = job->engine;
    for (size_t i = 0; i < job->weight_count; i++) {
        size_t tiles = tiles_of(job->weights[i].dense);
        if (unit < tiles) {
            weight_gradient_tile(e, &job->weights[i], unit, &e->scratch[thread]);
            return;
        }
        unit -= tiles;
    }
    if (unit < job->sum_count) {
        const struct sum *sum = &job->sums[unit];
        e->kernels->add_rows(sum->to, sum->partial, sum->stride, sum->parts, sum->width);
    } else {
        job->block(context, unit - job->sum_count, thread);
    }
}

/* Frozen weights are left out. */
static void add_weights(struct gradient_job *job, const struct weight_gradient *weights,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (weights[i].dense->weight_gradient || weights[i].dense->bias_gradient)
            job->weights[job->weight_count++] = weights[i];
}

/* to NULL: frozen. */
static void add_sum(struct gradient_job *job, float *to, const float *partial, size_t stride,
                    size_t parts, size_t width)
{
    if (to)
        job->sums[job->sum_count++] = (struct sum){to, partial, stride, parts, width};
}

/* partial: [parts, 2H], of NORM_ROWS rows each. */
static void add_norm_sums(struct gradient_job *job, const struct norm *norm, const float *partial,
                          uint32_t rows)
{
    size_t H = job->engine->weights->hidden, parts = cpu_norm_parts(rows);
    add_sum(job, norm->gain_gradient, partial, 2 * H, parts, H);
    add_sum(job, norm->shift_gradient, partial + H, 2 * H, parts, H);
}

static void run_gradients(struct gradient_job *job)
{
    size_t units = job->blocks + job->sum_count;
    for (size_t i = 0; i < job->weight_count; i++)
        units += tiles_of(job->weights[i].dense);
    cpu_run(job->engine, job->phase, job->layer, gradient_unit, job, units);
}

/* ---- head ---- */

static void head_unit(void *context, size_t unit, unsigned thread)
{
    const struct gradient_job *job = context;
    struct cpu_engine *e = job->engine;
    const struct cpu_weights *w = e->weights;
    struct scratch *s = &e->scratch[thread];
    size_t H = w->hidden;
    uint32_t first = (uint32_t)unit * BLOCK, rows = cpu_block_rows(e->batch->rows, first);
    float *dpooled = e->dpooled + first * H;
    const float *pooled = e->pooled + first * H;
    dense_backward(dpooled, H, &w->classifier, e->dlogits + (size_t)first * w->labels, w->labels,
                   rows, false, s);
    cpu_dropout_add(e, dpooled, NULL, e->head_dropout, dropout_site(0, DROPOUT_HEAD, 0),
                    e->batch->row_tokens, first, rows);
    for (size_t i = 0; i < rows * H; i++)
        dpooled[i] *= 1 - pooled[i] * pooled[i];
    dense_backward(e->gradient.dx + first * H, H, &w->pooler, dpooled, H, rows, false, s);
}

static void head_backward(struct cpu_engine *e)
{
    const struct cpu_weights *w = e->weights;
    uint32_t rows = e->batch->rows;
    struct gradient_job job = {
        .engine = e, .phase = PHASE_HEAD_BACKWARD, .block = head_unit, .blocks = cpu_blocks(rows)};
    run_gradients(&job);
    job.blocks = 0;
    const struct weight_gradient weights[] = {
        {&w->classifier, .dy = e->dlogits, .dy_stride = w->labels, .x = e->dropped,
         .x_stride = w->hidden, .rows = rows},
        {&w->pooler, .dy = e->dpooled, .dy_stride = w->hidden, .x = e->final, .x_stride = w->hidden,
         .rows = rows},
    };
    add_weights(&job, weights, 2);
    run_gradients(&job);
}

/* ---- layers ---- */

/* dx = the normalisation's backward of dy, for rows first .. ; its gain and shift gradients go to
 * their rows of partial. */
static void norm_backward(const struct cpu_engine *e, float *dx, float *partial, uint32_t first,
                          const float *dy, const float *z, const float *stats,
                          const struct norm *norm, uint32_t rows)
{
    size_t H = e->weights->hidden;
    partial += first / NORM_ROWS * 2 * H;
    for (uint32_t r = 0; r < rows; r += NORM_ROWS, partial += 2 * H) {
        uint32_t high = rows - r < NORM_ROWS ? rows - r : NORM_ROWS;
        e->kernels->layer_norm_backward(dx + r * H, partial, partial + H, dy + r * H, z + r * H,
                                        stats + 2 * (size_t)r, norm->gain, high, H);
    }
}

/* Keeps dy of a block of a layer's rows for the gradient of a dense weight; the bias's, summed over
 * the block, goes to sums[outputs]. */
static void keep_gradient(const struct cpu_engine *e, const struct dense *d, void *kept,
                          float *sums, const float *dy, uint32_t first, uint32_t rows, uint32_t all)
{
    size_t r = first / GRADIENT_ROWS * GRADIENT_ROWS;
    if (d->weight_gradient)
        d->products->keep_left((char *)kept + cpu_kept_left(d, r), dy, d->outputs, first - r, rows,
                               cpu_part_rows(all, r), d->outputs);
    if (d->bias_gradient) {
        memset(sums, 0, d->outputs * sizeof *sums);
        e->kernels->add_rows(sums, dy, d->outputs, rows, d->outputs);
    }
}

/* And its x. */
static void keep_input(const struct dense *d, void *kept, const float *x, uint32_t first,
                       uint32_t rows, uint32_t all)
{
    size_t r = first / GRADIENT_ROWS * GRADIENT_ROWS;
    if (d->weight_gradient)
        d->products->keep_panels((char *)kept + cpu_kept_panels(d, r), x, d->inputs, first - r,
                                 rows, cpu_part_rows(all, r), d->inputs);
}

/* And the layer's own, of which query, key and value are computed. */
static void keep_layer_input(const struct layer_weights *w, void *kept, const float *x,
                             uint32_t first, uint32_t rows, uint32_t all)
{
    const struct dense *takers[] = {&w->query, &w->key, &w->value};
    int i = 0;
    while (i < 2 && !takers[i]->weight_gradient)
        i++;
    keep_input(takers[i], kept, x, first, rows, all);
}

/* From the gradient of a layer's output to those of attention's context and of the residual branch.
 */
static void rows_unit(void *context, size_t unit, unsigned thread)
{
    const struct gradient_job *job = context;
    struct cpu_engine *e = job->engine;
    uint32_t layer = job->layer;
    const uint32_t *tokens = cpu_row_tokens(e, layer);
    const struct layer_weights *w = &e->weights->layer[layer];
    const struct layer_cache *c = &e->layer[layer];
    const struct gradient_cache *g = &e->gradient;
    struct scratch *s = &e->scratch[thread];
    size_t H = e->weights->hidden, I = e->weights->intermediate, bytes = H * sizeof(float);
    uint32_t first = (uint32_t)unit * BLOCK, all = cpu_layer_rows(e, layer);
    uint32_t rows = cpu_block_rows(all, first);
    size_t at = first * H;
    float *z1 = g->z1 + at, *biases = g->biases + unit * (2 * H + I);
    const float *stats1 = c->stats1 + 2 * (size_t)first;

    norm_backward(e, s->z2, g->norms[1], first, g->dx + at, c->z2 + at,
                  c->stats2 + 2 * (size_t)first, &w->output_norm, rows);
    memcpy(s->z1, s->z2, rows * bytes);
    cpu_dropout_add(e, s->z1, NULL, e->hidden_dropout, dropout_site(layer, DROPOUT_OUTPUT, 0),
                    tokens, first, rows);
    keep_gradient(e, &w->output, g->output, biases, s->z1, first, rows, all);
    dense_backward(s->hidden, I, &w->output, s->z1, H, rows, false, s);
    e->kernels->activation_backward(s->hidden, s->active, s->hidden, c->pre + first * I,
                                    e->weights->activation, rows * I);
    keep_input(&w->output, g->active, s->active, first, rows, all);
    keep_gradient(e, &w->intermediate, g->hidden, biases + H, s->hidden, first, rows, all);
    dense_backward(s->z2, H, &w->intermediate, s->hidden, I, rows, true, s);
    cpu_norm(e, s->h1, s->stats, c->z1 + at, &w->attention_norm, rows);
    keep_input(&w->intermediate, g->h1, s->h1, first, rows, all);
    norm_backward(e, z1, g->norms[0], first, s->z2, c->z1 + at, stats1, &w->attention_norm, rows);
    memcpy(s->z1, z1, rows * bytes);
    cpu_dropout_add(e, s->z1, NULL, e->hidden_dropout,
                    dropout_site(layer, DROPOUT_ATTENTION_OUTPUT, 0), tokens, first, rows);
    keep_gradient(e, &w->attention_output, g->attention_output, biases + H + I, s->z1, first, rows,
                  all);
    dense_backward(g->context + at, H, &w->attention_output, s->z1, H, rows, false, s);
    if (!tokens)
        keep_layer_input(w, g->input, c->x + at, first, rows, all);
}

static void attention_unit(void *context, size_t unit, unsigned thread)
{
    const struct gradient_job *job = context;
    uint32_t heads = job->engine->weights->heads;
    attention_backward(job->engine, job->layer, (uint32_t)(unit / heads), (uint32_t)(unit % heads),
                       &job->engine->scratch[thread]);
}

/* The last layer's rows: their gradient by way of queries and residual, before it joins the
 * tokens'. */
static void query_unit(void *context, size_t unit, unsigned thread)
{
    const struct gradient_job *job = context;
    struct cpu_engine *e = job->engine;
    const struct gradient_cache *g = &e->gradient;
    size_t H = e->weights->hidden;
    uint32_t first = (uint32_t)unit * BLOCK, rows = cpu_block_rows(e->batch->rows, first);
    memcpy(g->rows + first * H, g->z1 + first * H, rows * H * sizeof *g->rows);
    dense_backward(g->rows + first * H, H, &e->weights->layer[job->layer].query,
                   g->query + first * H, H, rows, true, &e->scratch[thread]);
}

/* Adds the last layer's rows to the gradients of the tokens first .. first + count - 1 they stand
 * for. */
static void add_head_rows(const struct cpu_engine *e, uint32_t first, uint32_t count)
{
    const struct batch *b = e->batch;
    size_t H = e->weights->hidden;
    uint32_t sequence = e->token_sequence[first];
    for (uint32_t r = e->cu_rows[sequence]; r < b->rows && b->row_tokens[r] < first + count; r++) {
        float *dx = e->gradient.dx + b->row_tokens[r] * H;
        if (b->row_tokens[r] >= first)
            e->kernels->add(dx, dx, e->gradient.rows + r * H, H);
    }
}

/* The gradient of a layer's input, for a block of tokens. */
static void input_unit(void *context, size_t unit, unsigned thread)
{
    const struct gradient_job *job = context;
    struct cpu_engine *e = job->engine;
    struct scratch *s = &e->scratch[thread];
    const struct layer_weights *w = &e->weights->layer[job->layer];
    const struct gradient_cache *g = &e->gradient;
    bool last = job->layer + 1 == e->weights->layers;
    size_t H = e->weights->hidden;
    uint32_t first = (uint32_t)unit * BLOCK, rows = cpu_block_rows(e->batch->tokens, first);
    float *dx = g->dx + first * H;
    const float *keys = g->keys + first * 2 * H;
    dense_backward(dx, H, &w->key, keys, 2 * H, rows, false, s);
    dense_backward(dx, H, &w->value, keys + H, 2 * H, rows, true, s);
    if (last) {
        add_head_rows(e, first, rows);
        return;
    }
    dense_backward(dx, H, &w->query, g->query + first * H, H, rows, true, s);
    e->kernels->add(dx, dx, g->z1 + first * H, rows * H);
}

static void layer_backward(struct cpu_engine *e, uint32_t layer)
{
    const struct layer_weights *w = &e->weights->layer[layer];
    const struct layer_cache *c = &e->layer[layer];
    const struct gradient_cache *g = &e->gradient;
    uint32_t H = e->weights->hidden, I = e->weights->intermediate;
    uint32_t rows = cpu_layer_rows(e, layer), tokens = e->batch->tokens;
    bool last = layer + 1 == e->weights->layers;
    struct gradient_job job = {.engine = e, .phase = PHASE_GRADIENTS, .layer = layer};

    if (cpu_recomputed(e, layer))
        cpu_forward_again(e, layer);
    cpu_run(e, PHASE_ROWS_BACKWARD, layer, rows_unit, &job, cpu_blocks(rows));
    cpu_run(e, PHASE_ATTENTION_BACKWARD, layer, attention_unit, &job,
            (size_t)e->batch->sequences * e->weights->heads);
    if (layer + 1 > e->weights->lowest) {
        if (last)
            cpu_run(e, PHASE_GRADIENTS, layer, query_unit, &job, cpu_blocks(rows));
        job.block = input_unit;
        job.blocks = cpu_blocks(tokens);
    }
    const void *input = last ? NULL : g->input;
    const float *x = last ? c->x : NULL;
    const struct weight_gradient weights[] = {
        {&w->output, .kept_dy = g->output, .kept_x = g->active, .rows = rows},
        {&w->intermediate, .kept_dy = g->hidden, .kept_x = g->h1, .rows = rows},
        {&w->attention_output, .kept_dy = g->attention_output, .x = c->context, .x_stride = H,
         .rows = rows},
        {&w->query, .kept_x = input, .dy = g->query, .dy_stride = H, .x = last ? c->x_rows : NULL,
         .x_stride = H, .rows = rows},
        {&w->key, .kept_x = input, .dy = g->keys, .dy_stride = 2 * (size_t)H, .x = x, .x_stride = H,
         .rows = tokens},
        {&w->value, .kept_x = input, .dy = g->keys + H, .dy_stride = 2 * (size_t)H, .x = x,
         .x_stride = H, .rows = tokens},
    };
    add_weights(&job, weights, MOST_WEIGHTS);
    const struct dense *kept[] = {&w->output, &w->intermediate, &w->attention_output};
    const float *biases = g->biases;
    for (int i = 0; i < 3; biases += kept[i++]->outputs)
        add_sum(&job, kept[i]->bias_gradient, biases, 2 * (size_t)H + I, cpu_blocks(rows),
                kept[i]->outputs);
    add_norm_sums(&job, &w->attention_norm, g->norms[0], rows);
    add_norm_sums(&job, &w->output_norm, g->norms[1], rows);
    run_gradients(&job);
}

/* ---- embeddings ---- */

static void embed_unit(void *context, size_t unit, unsigned thread)
{
    const struct gradient_job *job = context;
    struct cpu_engine *e = job->engine;
    size_t H = e->weights->hidden;
    uint32_t first = (uint32_t)unit * BLOCK, rows = cpu_block_rows(e->batch->tokens, first);
    float *dx = e->gradient.dx + first * H;
    (void)thread;
    cpu_dropout_add(e, dx, NULL, e->hidden_dropout, dropout_site(0, DROPOUT_EMBEDDINGS, 0), NULL,
                    first, rows);
    norm_backward(e, dx, e->gradient.norms[0], first, dx, e->z0 + first * H,
                  e->stats0 + 2 * (size_t)first, &e->weights->embeddings_norm, rows);
}

/* Some columns of the embeddings' gradients, token by token in order. */
static void embedding_columns(struct cpu_engine *e, size_t first)
{
    const struct kernels *k = e->kernels;
    const struct cpu_weights *w = e->weights;
    const struct batch *b = e->batch;
    size_t H = w->hidden;
    size_t width = H - first < EMBEDDING_COLUMNS ? H - first : EMBEDDING_COLUMNS;
    for (uint32_t t = 0; t < b->tokens; t++) {
        const float *dz = e->gradient.dx + t * H + first;
        if (w->words_gradient && b->ids[t] != w->pad) {
            float *word = w->words_gradient + b->ids[t] * H + first;
            k->add(word, word, dz, width);
        }
        if (w->position_gradient) {
            float *position = w->position_gradient + b->positions[t] * H + first;
            k->add(position, position, dz, width);
        }
        if (w->type_gradient) {
            float *type = w->type_gradient + b->types[t] * H + first;
            k->add(type, type, dz, width);
        }
    }
}

static void embedding_unit(void *context, size_t unit, unsigned thread)
{
    const struct gradient_job *job = context;
    (void)thread;
    embedding_columns(job->engine, unit * EMBEDDING_COLUMNS);
}

static void embeddings_backward(struct cpu_engine *e)
{
    size_t blocks = cpu_blocks(e->batch->tokens);
    struct gradient_job job = {.engine = e, .phase = PHASE_EMBEDDINGS_BACKWARD};
    cpu_run(e, PHASE_EMBEDDINGS_BACKWARD, 0, embed_unit, &job, blocks);
    job.block = embedding_unit;
    job.blocks = (e->weights->hidden + EMBEDDING_COLUMNS - 1) / EMBEDDING_COLUMNS;
    add_norm_sums(&job, &e->weights->embeddings_norm, e->gradient.norms[0], e->batch->tokens);
    run_gradients(&job);
}

void cpu_backward(struct cpu_engine *e)
{
    head_backward(e);
    for (uint32_t layer = e->weights->layers; layer-- > 0;)
        if (cpu_differentiated(e, layer))
            layer_backward(e, layer);
    if (e->weights->lowest == 0)
        embeddings_backward(e);
    cpu_profile_count(e, 2);
}
