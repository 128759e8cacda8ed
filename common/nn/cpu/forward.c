/* The network forward: embeddings, layers, head. See cpu.h for the shapes. */
#include <math.h>
#include <string.h>

#include "nn/cpu/cpu.h"

void dense_forward_left(float *y, size_t y_stride, const struct dense *dense, struct left left,
                        size_t rows)
{
    dense->products->multiply(y, y_stride, left, dense->forward, dense->bias, false, rows,
                              dense->outputs, dense->inputs);
}

void dense_forward(float *y, size_t y_stride, const struct dense *dense, const float *x,
                   size_t x_stride, size_t rows, struct scratch *scratch)
{
    dense_forward_left(y, y_stride, dense, dense_left(dense, x, x_stride, rows, scratch), rows);
}

struct dropout_row cpu_dropout_row(const struct cpu_engine *e, struct dropout_rate rate,
                                   uint32_t site, const uint32_t *tokens, uint32_t row)
{
    uint32_t token = tokens ? tokens[row] : row;
    uint32_t sequence = e->token_sequence[token];
    return (struct dropout_row){
        .seed = e->plan.seed,
        .ordinal = e->batch->ordinals[sequence],
        .site = site,
        .row = token - e->batch->cu_seqlens[sequence],
        .threshold = rate.threshold,
        .scale = rate.scale,
    };
}

void cpu_dropout_add(const struct cpu_engine *e, float *y, const float *residual,
                     struct dropout_rate rate, uint32_t site, const uint32_t *tokens,
                     uint32_t first, uint32_t rows)
{
    const struct kernels *k = e->kernels;
    size_t width = e->weights->hidden;
    if (!rate.threshold) {
        if (residual)
            k->add(y, y, residual, rows * width);
        return;
    }
    for (uint32_t i = 0; i < rows; i++, y += width) {
        struct dropout_row source = cpu_dropout_row(e, rate, site, tokens, first + i);
        k->dropout_add(y, residual ? residual + i * width : NULL, &source, width);
    }
}

void cpu_norm(const struct cpu_engine *e, float *y, float *stats, const float *z,
              const struct norm *norm, uint32_t rows)
{
    e->kernels->layer_norm(y, stats, z, norm->gain, norm->shift, e->weights->epsilon, rows,
                           e->weights->hidden);
}

/* Keys and values of a block of tokens; queries too, where rows are tokens. */
static void project(const struct cpu_engine *e, uint32_t layer, uint32_t first, uint32_t rows,
                    struct scratch *s)
{
    const struct layer_weights *w = &e->weights->layer[layer];
    const struct layer_cache *c = &e->layer[layer];
    size_t H = e->weights->hidden;
    float *keys = c->keys + first * 2 * H;
    struct left x = dense_left(&w->key, c->x + first * H, H, rows, s);
    dense_forward_left(keys, 2 * H, &w->key, x, rows);
    dense_forward_left(keys + H, 2 * H, &w->value, x, rows);
    if (layer + 1 < e->weights->layers)
        dense_forward_left(c->query + first * H, H, &w->query, x, rows);
}

static void embed_unit(void *context, size_t unit, unsigned thread)
{
    struct cpu_engine *e = context;
    const struct kernels *k = e->kernels;
    const struct cpu_weights *w = e->weights;
    struct scratch *s = &e->scratch[thread];
    size_t H = w->hidden;
    uint32_t first = (uint32_t)unit * BLOCK, rows = cpu_block_rows(e->batch->tokens, first);
    float *x = e->layer[0].x + first * H;
    float *z = e->z0 ? e->z0 + first * H : x;
    float *stats = e->stats0 ? e->stats0 + 2 * (size_t)first : s->stats;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t t = first + i;
        float *row = z + i * H;
        memcpy(row, w->words + e->batch->ids[t] * H, H * sizeof *row);
        if (w->type_embeddings)
            k->add(row, row, w->type_embeddings + e->batch->types[t] * H, H);
        k->add(row, row, w->position_embeddings + e->batch->positions[t] * H, H);
    }
    cpu_norm(e, x, stats, z, &w->embeddings_norm, rows);
    cpu_dropout_add(e, x, NULL, e->hidden_dropout, dropout_site(0, DROPOUT_EMBEDDINGS, 0), NULL,
                    first, rows);
    project(e, 0, first, rows, s);
}

/* The last layer's rows and their queries. */
static void query_unit(void *context, size_t unit, unsigned thread)
{
    struct cpu_engine *e = context;
    uint32_t layer = e->weights->layers - 1;
    const struct layer_cache *c = &e->layer[layer];
    size_t H = e->weights->hidden;
    uint32_t first = (uint32_t)unit * BLOCK, rows = cpu_block_rows(e->batch->rows, first);
    for (uint32_t r = first; r < first + rows; r++)
        memcpy(c->x_rows + r * H, c->x + e->batch->row_tokens[r] * H, H * sizeof *c->x);
    dense_forward(c->query + first * H, H, &e->weights->layer[layer].query, c->x_rows + first * H,
                  H, rows, &e->scratch[thread]);
}

/* A job over one layer. */
struct layer_job {
    struct cpu_engine *engine;
    uint32_t layer;
    bool again; /* in the backward pass: only what the layer keeps is wanted */
};

static void attention_unit(void *context, size_t unit, unsigned thread)
{
    const struct layer_job *job = context;
    uint32_t heads = job->engine->weights->heads;
    attention_forward(job->engine, job->layer, (uint32_t)(unit / heads), (uint32_t)(unit % heads),
                      &job->engine->scratch[thread]);
}

/* Everything between attention and the next layer's attention, for a block of rows. */
static void rows_unit(void *context, size_t unit, unsigned thread)
{
    const struct layer_job *job = context;
    struct cpu_engine *e = job->engine;
    uint32_t layer = job->layer;
    bool last = layer + 1 == e->weights->layers;
    const uint32_t *tokens = cpu_row_tokens(e, layer);
    const struct layer_weights *w = &e->weights->layer[layer];
    const struct layer_cache *c = &e->layer[layer];
    struct scratch *s = &e->scratch[thread];
    size_t H = e->weights->hidden, I = e->weights->intermediate;
    uint32_t first = (uint32_t)unit * BLOCK;
    uint32_t rows = cpu_block_rows(cpu_layer_rows(e, layer), first);
    bool keep = c->z1 != NULL;
    float *z1 = keep ? c->z1 + first * H : s->z1, *h1 = s->h1;
    float *z2 = keep ? c->z2 + first * H : s->z2, *pre = keep ? c->pre + first * I : s->active;
    float *stats1 = keep ? c->stats1 + 2 * (size_t)first : s->stats;
    float *stats2 = keep ? c->stats2 + 2 * (size_t)first : s->stats;
    float *out = job->again ? s->z1 : (last ? e->final : e->layer[layer + 1].x) + first * H;

    dense_forward(z1, H, &w->attention_output, c->context + first * H, H, rows, s);
    cpu_dropout_add(e, z1, c->x_rows + first * H, e->hidden_dropout,
                    dropout_site(layer, DROPOUT_ATTENTION_OUTPUT, 0), tokens, first, rows);
    cpu_norm(e, h1, stats1, z1, &w->attention_norm, rows);
    dense_forward(pre, I, &w->intermediate, h1, H, rows, s);
    e->kernels->activation(s->active, pre, e->weights->activation, rows * I);
    dense_forward(z2, H, &w->output, s->active, I, rows, s);
    cpu_dropout_add(e, z2, h1, e->hidden_dropout, dropout_site(layer, DROPOUT_OUTPUT, 0), tokens,
                    first, rows);
    cpu_norm(e, out, stats2, z2, &w->output_norm, rows);
    if (!last && !job->again)
        project(e, layer + 1, first, rows, s);
}

static void project_unit(void *context, size_t unit, unsigned thread)
{
    const struct layer_job *job = context;
    uint32_t first = (uint32_t)unit * BLOCK;
    project(job->engine, job->layer, first, cpu_block_rows(job->engine->batch->tokens, first),
            &job->engine->scratch[thread]);
}

void cpu_forward_again(struct cpu_engine *e, uint32_t layer)
{
    struct layer_job job = {e, layer, true};
    size_t blocks = cpu_blocks(e->batch->tokens);
    cpu_run(e, PHASE_AGAIN, layer, project_unit, &job, blocks);
    cpu_run(e, PHASE_AGAIN, layer, attention_unit, &job,
            (size_t)e->batch->sequences * e->weights->heads);
    cpu_run(e, PHASE_AGAIN, layer, rows_unit, &job, blocks);
}

static void head_unit(void *context, size_t unit, unsigned thread)
{
    struct cpu_engine *e = context;
    const struct cpu_weights *w = e->weights;
    struct scratch *s = &e->scratch[thread];
    size_t H = w->hidden;
    uint32_t first = (uint32_t)unit * BLOCK, rows = cpu_block_rows(e->batch->rows, first);
    float *pooled = e->pooled + first * H, *dropped = e->dropped + first * H;
    dense_forward(pooled, H, &w->pooler, e->final + first * H, H, rows, s);
    for (size_t i = 0; i < rows * H; i++)
        pooled[i] = tanhf(pooled[i]);
    memcpy(dropped, pooled, rows * H * sizeof *dropped);
    cpu_dropout_add(e, dropped, NULL, e->head_dropout, dropout_site(0, DROPOUT_HEAD, 0),
                    e->batch->row_tokens, first, rows);
    dense_forward(e->logits + (size_t)first * w->labels, w->labels, &w->classifier, dropped, H,
                  rows, s);
}

/* Fills in what is looked up by token and by sequence. */
static void index_batch(struct cpu_engine *e)
{
    const struct batch *b = e->batch;
    uint32_t row = 0;
    for (uint32_t s = 0; s < b->sequences; s++) {
        for (uint32_t t = b->cu_seqlens[s]; t < b->cu_seqlens[s + 1]; t++)
            e->token_sequence[t] = s;
        e->cu_rows[s] = row;
        while (row < b->rows && b->row_tokens[row] < b->cu_seqlens[s + 1])
            row++;
    }
    e->cu_rows[b->sequences] = row;
}

void cpu_forward(struct cpu_engine *e)
{
    const struct batch *b = e->batch;
    const struct cpu_weights *w = e->weights;
    index_batch(e);
    cpu_run(e, PHASE_EMBEDDINGS, 0, embed_unit, e, cpu_blocks(b->tokens));
    for (uint32_t l = 0; l < w->layers; l++) {
        struct layer_job job = {e, l, false};
        if (l + 1 == w->layers)
            cpu_run(e, PHASE_ROWS, l, query_unit, e, cpu_blocks(b->rows));
        cpu_run(e, PHASE_ATTENTION, l, attention_unit, &job, (size_t)b->sequences * w->heads);
        cpu_run(e, PHASE_ROWS, l, rows_unit, &job, cpu_blocks(cpu_layer_rows(e, l)));
    }
    cpu_run(e, PHASE_HEAD, 0, head_unit, e, cpu_blocks(b->rows));
    cpu_profile_count(e, 1);
}
