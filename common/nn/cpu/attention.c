/*
 * Scaled dot-product attention of one head over one sequence (Vaswani et al. 2017), query rows at a
 * time: scores are never kept, the backward pass computes them again (as Dao et al. 2022 do).
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
    uint32_t whole;       /* L up to whole panels, which rows of scores have room for */
    uint32_t strip;       /* query rows to take at a time */
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
    uint32_t width = w->hidden / w->heads, panel = e->products->panel_columns;
    size_t keys = (size_t)cu[sequence] * 2 * w->hidden + (size_t)head * width;
    uint32_t tokens = cu[sequence + 1] - cu[sequence];
    return (struct view){
        .first = first,
        .rows = end - first,
        .tokens = tokens,
        .width = width,
        .stride = w->hidden,
        .keys_stride = 2 * (size_t)w->hidden,
        .padded = cpu_scores_stride(tokens),
        .whole = (tokens + panel - 1) / panel * panel,
        .strip = e->products->strip_rows,
        .queries = (size_t)first * w->hidden + (size_t)head * width,
        .keys = keys,
        .values = keys + w->hidden,
        .scale = (float)(1 / sqrt((double)width)),
    };
}

static uint32_t query_rows(const struct view *v, uint32_t done)
{
    return v->rows - done < v->strip ? v->rows - done : v->strip;
}

/* The mask of a query's probabilities, or NULL where nothing is dropped. */
static uint8_t *mask_of(const struct cpu_engine *e, uint32_t layer, uint32_t row, uint32_t head)
{
    if (!e->attention_dropout.threshold)
        return NULL;
    return e->layer[layer].masks +
           ((size_t)row * e->weights->heads + head) * cpu_mask_bytes(e->plan.max_length);
}

/* The probabilities of a block of queries, done .. of the view, after dropout. */
static void softmax_rows(const struct cpu_engine *e, float *scores, const struct view *v,
                         uint32_t layer, uint32_t head, uint32_t done, uint32_t rows)
{
    struct dropout_rate rate = e->attention_dropout;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t row = v->first + done + i;
        uint8_t *mask = mask_of(e, layer, row, head);
        if (mask) {
            struct dropout_row source =
                cpu_dropout_row(e, rate, dropout_site(layer, DROPOUT_ATTENTION, head),
                                cpu_row_tokens(e, layer), row);
            e->kernels->dropout_mask(mask, &source, v->tokens);
        }
        e->kernels->softmax(scores + i * v->padded, mask, rate.scale, v->scale, v->tokens);
    }
}

/* Asks for the rows of a head's block, whose strides are too long for the processor to foresee. */
static void ask_for(const float *matrix, size_t stride, uint32_t rows, uint32_t width)
{
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t j = 0; j < width; j += 16)
            __builtin_prefetch(matrix + i * stride + j);
}

void attention_forward(const struct cpu_engine *e, uint32_t layer, uint32_t sequence, uint32_t head,
                       struct scratch *s)
{
    const struct products *p = e->products;
    const struct layer_cache *c = &e->layer[layer];
    const struct view v = view_of(e, layer, sequence, head);
    if (v.rows == 0)
        return;
    p->pack_panels(s->keys, c->keys + v.keys, 1, v.keys_stride, v.width, v.tokens);
    p->pack_panels(s->values, c->keys + v.values, v.keys_stride, 1, v.tokens, v.width);
    for (uint32_t done = 0; done < v.rows; done += v.strip) {
        uint32_t rows = query_rows(&v, done);
        size_t at = v.queries + done * v.stride;
        ask_for(c->query + at + rows * v.stride, v.stride, query_rows(&v, done + rows), v.width);
        ask_for(c->context + at, v.stride, rows, v.width);
        struct left query = p->left(s->left, c->query + at, v.stride, 1, rows, v.width);
        p->multiply(s->scores, v.padded, query, s->keys, NULL, false, rows, v.whole, v.width);
        softmax_rows(e, s->scores, &v, layer, head, done, rows);
        struct left scores = p->left(s->left, s->scores, v.padded, 1, rows, v.tokens);
        p->multiply(c->context + at, v.stride, scores, s->values, NULL, false, rows, v.width,
                    v.tokens);
    }
}

/* Turns a block of raw scores and of d loss / d probabilities into probabilities and d loss / d
 * scores. */
static void scores_backward(const struct cpu_engine *e, struct scratch *s, const struct view *v,
                            uint32_t layer, uint32_t head, uint32_t done, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++)
        e->kernels->softmax_backward(s->scores + i * v->padded, s->dscores + i * v->padded,
                                     mask_of(e, layer, v->first + done + i, head),
                                     e->attention_dropout.scale, v->scale, v->tokens);
}

/* The gradients of one block of query rows: writes dq, adds to (or, first, writes) dk and dv. */
static void block_backward(const struct cpu_engine *e, struct scratch *s, const struct view *v,
                           uint32_t layer, uint32_t head, uint32_t done)
{
    const struct products *p = e->products;
    const struct layer_cache *c = &e->layer[layer];
    const struct gradient_cache *g = &e->gradient;
    uint32_t rows = query_rows(v, done), L = v->tokens, D = v->width;
    size_t at = v->queries + done * v->stride, next = at + rows * v->stride;
    ask_for(c->query + next, v->stride, query_rows(v, done + rows), D);
    ask_for(g->context + next, v->stride, query_rows(v, done + rows), D);
    ask_for(g->query + at, v->stride, rows, D);
    struct left left = p->left(s->left, c->query + at, v->stride, 1, rows, D);
    p->multiply(s->scores, v->padded, left, s->keys, NULL, false, rows, v->whole, D);
    left = p->left(s->left, g->context + at, v->stride, 1, rows, D);
    p->multiply(s->dscores, v->padded, left, s->values, NULL, false, rows, v->whole, D);
    scores_backward(e, s, v, layer, head, done, rows);
    left = p->left(s->left, s->dscores, v->padded, 1, rows, L);
    p->multiply(g->query + at, v->stride, left, s->keys_by_depth, NULL, false, rows, D, L);
    p->pack_panels(s->queries, c->query + at, v->stride, 1, rows, D);
    p->pack_panels(s->outputs, g->context + at, v->stride, 1, rows, D);
    left = p->left(s->left, s->dscores, 1, v->padded, L, rows);
    p->multiply(g->keys + v->keys, v->keys_stride, left, s->queries, NULL, done > 0, L, D, rows);
    left = p->left(s->left, s->scores, 1, v->padded, L, rows);
    p->multiply(g->keys + v->values, v->keys_stride, left, s->outputs, NULL, done > 0, L, D, rows);
}

void attention_backward(const struct cpu_engine *e, uint32_t layer, uint32_t sequence,
                        uint32_t head, struct scratch *s)
{
    const struct products *p = e->products;
    const struct layer_cache *c = &e->layer[layer];
    const struct view v = view_of(e, layer, sequence, head);
    if (v.rows == 0) { /* the head reads nothing of this sequence */
        for (uint32_t t = 0; t < v.tokens; t++) {
            memset(e->gradient.keys + v.keys + t * v.keys_stride, 0, v.width * sizeof(float));
            memset(e->gradient.keys + v.values + t * v.keys_stride, 0, v.width * sizeof(float));
        }
        return;
    }
    p->pack_panels(s->keys, c->keys + v.keys, 1, v.keys_stride, v.width, v.tokens);
    p->pack_panels(s->keys_by_depth, c->keys + v.keys, v.keys_stride, 1, v.tokens, v.width);
    p->pack_panels(s->values, c->keys + v.values, 1, v.keys_stride, v.width, v.tokens);
    for (uint32_t done = 0; done < v.rows; done += v.strip)
        block_backward(e, s, &v, layer, head, done);
}
