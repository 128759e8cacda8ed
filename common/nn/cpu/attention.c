/*
 * Scaled dot-product attention of one head over one sequence (Vaswani et al. 2017), query rows at a
 * time: scores are never kept, the backward pass computes them again from the log of the softmax's
 * sum (as Dao et al. 2022 do).
 *
 * L: the sequence's tokens, D: the head's width. Query rows and keys are strided views of [R, H]
 * and [T, 2H].
 */
#include <string.h>

#include "nn/cpu/cpu.h"

#include <math.h>

/* Where one head's matrices lie. */
struct view {
    uint32_t first, rows; /* query rows of the sequence */
    uint32_t tokens;      /* L */
    uint32_t width;       /* D */
    size_t stride;        /* H: from one query or context row to the next */
    size_t keys_stride;   /* 2H */
    size_t padded;        /* stride of a row of scores */
    size_t queries;       /* offset of the first query's row */
    size_t keys, values;  /* offsets of the first token's key and value */
    float scale;
};

static struct view view_of(const struct cpu_engine *e, uint32_t layer, uint32_t sequence,
                           uint32_t head)
{
    const struct cpu_weights *w = e->weights;
    const uint32_t *cu = e->batch->cu_seqlens;
    bool last = layer + 1 == w->layers;
    uint32_t first = last ? e->cu_rows[sequence] : cu[sequence];
    uint32_t end = last ? e->cu_rows[sequence + 1] : cu[sequence + 1];
    uint32_t width = w->hidden / w->heads;
    size_t panel = e->kernels->panel_columns;
    size_t keys = (size_t)cu[sequence] * 2 * w->hidden + (size_t)head * width;
    uint32_t tokens = cu[sequence + 1] - cu[sequence];
    return (struct view){
        .first = first,
        .rows = end - first,
        .tokens = tokens,
        .width = width,
        .stride = w->hidden,
        .keys_stride = 2 * (size_t)w->hidden,
        .padded = (tokens + panel - 1) / panel * panel,
        .queries = (size_t)first * w->hidden + (size_t)head * width,
        .keys = keys,
        .values = keys + w->hidden,
        .scale = (float)(1 / sqrt((double)width)),
    };
}

static uint32_t query_rows(const struct view *v, uint32_t done)
{
    return v->rows - done < QUERY_BLOCK ? v->rows - done : QUERY_BLOCK;
}

/* factors[L] of a query's probabilities. */
static void probability_factors(const struct cpu_engine *e, float *factors, const struct view *v,
                                uint32_t layer, uint32_t row, uint32_t head)
{
    struct dropout_row source =
        cpu_dropout_row(e, e->attention_dropout, dropout_site(layer, DROPOUT_ATTENTION, head),
                        cpu_row_tokens(e, layer), row);
    e->kernels->dropout_factors(factors, &source, v->tokens);
}

void attention_forward(const struct cpu_engine *e, uint32_t layer, uint32_t sequence, uint32_t head,
                       struct scratch *s)
{
    const struct kernels *k = e->kernels;
    const struct layer_cache *c = &e->layer[layer];
    const struct view v = view_of(e, layer, sequence, head);
    if (v.rows == 0)
        return;
    k->pack_panels(s->keys, c->keys + v.keys, 1, v.keys_stride, v.width, v.tokens);
    k->pack_panels(s->values, c->keys + v.values, v.keys_stride, 1, v.tokens, v.width);
    for (uint32_t done = 0; done < v.rows; done += QUERY_BLOCK) {
        uint32_t rows = query_rows(&v, done);
        size_t at = v.queries + done * v.stride;
        k->gemm(s->scores, v.padded, gemm_rows(k, c->query + at, v.stride), s->keys, NULL, 0, rows,
                v.tokens, v.width);
        for (uint32_t i = 0; i < rows; i++) {
            uint32_t row = v.first + done + i;
            float *scores = s->scores + i * v.padded;
            c->lse[(size_t)row * e->weights->heads + head] = k->softmax(scores, v.scale, v.tokens);
            if (e->attention_dropout.threshold) {
                probability_factors(e, s->factors, &v, layer, row, head);
                k->multiply(scores, scores, s->factors, v.tokens);
            }
        }
        k->gemm(c->context + at, v.stride, gemm_rows(k, s->scores, v.padded), s->values, NULL, 0,
                rows, v.width, v.tokens);
    }
}

/* Turns a block of raw scores and of d loss / d probabilities into probabilities and d loss / d
 * scores. */
static void scores_backward(const struct cpu_engine *e, struct scratch *s, const struct view *v,
                            uint32_t layer, uint32_t head, uint32_t done, uint32_t rows)
{
    const struct kernels *k = e->kernels;
    const struct layer_cache *c = &e->layer[layer];
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t row = v->first + done + i;
        size_t at = v->queries + (done + i) * v->stride;
        float delta = k->dot(c->context + at, e->gradient.context + at, v->width);
        float *factors = NULL;
        if (e->attention_dropout.threshold) {
            probability_factors(e, s->factors, v, layer, row, head);
            factors = s->factors;
        }
        k->softmax_backward(s->scores + i * v->padded, s->dscores + i * v->padded, factors,
                            v->scale, c->lse[(size_t)row * e->weights->heads + head], delta,
                            v->tokens);
    }
}

/* The gradients of one block of query rows: writes dq, adds to (or, first, writes) dk and dv. */
static void block_backward(const struct cpu_engine *e, struct scratch *s, const struct view *v,
                           uint32_t layer, uint32_t head, uint32_t done)
{
    const struct kernels *k = e->kernels;
    const struct layer_cache *c = &e->layer[layer];
    const struct gradient_cache *g = &e->gradient;
    uint32_t rows = query_rows(v, done);
    size_t at = v->queries + done * v->stride;
    k->gemm(s->scores, v->padded, gemm_rows(k, c->query + at, v->stride), s->keys, NULL, 0, rows,
            v->tokens, v->width);
    k->gemm(s->dscores, v->padded, gemm_rows(k, g->context + at, v->stride), s->values, NULL, 0,
            rows, v->tokens, v->width);
    scores_backward(e, s, v, layer, head, done, rows);
    k->gemm(g->query + at, v->stride, gemm_rows(k, s->dscores, v->padded), s->keys_by_depth, NULL,
            0, rows, v->width, v->tokens);
    k->pack_panels(s->queries, c->query + at, v->stride, 1, rows, v->width);
    k->pack_panels(s->outputs, g->context + at, v->stride, 1, rows, v->width);
    struct gemm_left transposed = {s->dscores, 1, v->padded, k->tile_rows};
    k->gemm(g->keys + v->keys, v->keys_stride, transposed, s->queries, NULL, done > 0, v->tokens,
            v->width, rows);
    transposed.data = s->scores;
    k->gemm(g->keys + v->values, v->keys_stride, transposed, s->outputs, NULL, done > 0, v->tokens,
            v->width, rows);
}

void attention_backward(const struct cpu_engine *e, uint32_t layer, uint32_t sequence,
                        uint32_t head, struct scratch *s)
{
    const struct kernels *k = e->kernels;
    const struct layer_cache *c = &e->layer[layer];
    const struct view v = view_of(e, layer, sequence, head);
    if (v.rows == 0) { /* the head reads nothing of this sequence */
        for (uint32_t t = 0; t < v.tokens; t++) {
            memset(e->gradient.keys + v.keys + t * v.keys_stride, 0, v.width * sizeof(float));
            memset(e->gradient.keys + v.values + t * v.keys_stride, 0, v.width * sizeof(float));
        }
        return;
    }
    k->pack_panels(s->keys, c->keys + v.keys, 1, v.keys_stride, v.width, v.tokens);
    k->pack_panels(s->keys_by_depth, c->keys + v.keys, v.keys_stride, 1, v.tokens, v.width);
    k->pack_panels(s->values, c->keys + v.values, 1, v.keys_stride, v.width, v.tokens);
    for (uint32_t done = 0; done < v.rows; done += QUERY_BLOCK)
        block_backward(e, s, &v, layer, head, done);
}
