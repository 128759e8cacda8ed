/*
 * The CPU engine's parts, private to this folder. H: hidden size, I: intermediate size, T: tokens
 * of the batch, R: rows of the batch, B: BLOCK.
 *
 * Activations are [T, H] without padding. The last layer needs its queries, feed-forward and
 * normalisation only where the head reads: its matrices are [R, ...], row r standing for token
 * row_tokens[r]. In the other layers row and token are the same.
 *
 * Work is cut into units of fixed size (blocks of BLOCK rows, one head of one sequence, one tile of
 * a weight's gradient) that a pool of threads runs in any order; each unit's sums have one order.
 */
#ifndef NN_CPU_CPU_H
#define NN_CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/buffer.h"
#include "nn/backend.h"
#include "nn/cpu/arena.h"
#include "nn/cpu/kernels.h"
#include "nn/cpu/pool.h"
#include "nn/dropout.h"

#define BLOCK             96  /* rows a unit takes through a layer while they are in the cache */
#define GRADIENT_ROWS     384 /* rows summed at a time into a weight's gradient: whole blocks */
#define GRADIENT_OUTPUTS  384
#define GRADIENT_INPUTS   384
#define NORM_ROWS         16 /* rows summed into a normalisation's gradients; divides BLOCK */
#define EMBEDDING_COLUMNS 64 /* columns of embedding gradients that a unit sums */

/* ---- profile ---- */

enum cpu_phase {
    PHASE_EMBEDDINGS,
    PHASE_ATTENTION,
    PHASE_ROWS, /* all of a layer but attention */
    PHASE_HEAD,
    PHASE_AGAIN, /* gradient checkpointing */
    PHASE_HEAD_BACKWARD,
    PHASE_ROWS_BACKWARD,
    PHASE_ATTENTION_BACKWARD,
    PHASE_GRADIENTS, /* of a layer's input and weights */
    PHASE_EMBEDDINGS_BACKWARD,
    PHASE_PACK,
    PHASE_OPTIMISER,
    PHASES,
};

struct cpu_profile {
    struct pool_time *time; /* [PHASES, layers]; what is of no layer is in the first */
    uint32_t layers;
    /* Multiplications and additions of the model's products, without what is computed again. */
    double operations;
};

struct cpu_engine;
/* Counts a pass over the batch at hand; times: 1 forward, 2 backward. */
void cpu_profile_count(struct cpu_engine *e, double times);
/* A table for people. */
void cpu_profile_report(const struct cpu_engine *e, struct buffer *out);

/* ---- weights ---- */

struct dense {
    uint32_t outputs, inputs;
    const float *weight, *bias;             /* [outputs, inputs], [outputs] */
    float *weight_gradient, *bias_gradient; /* NULL when frozen */
    const struct products *products;
    void *forward;  /* weight^T in panels: y = x W^T */
    void *backward; /* weight in panels: dx = dy W; NULL where nothing asks for dx */
};

struct norm {
    const float *gain, *shift;             /* [H] */
    float *gain_gradient, *shift_gradient; /* NULL when frozen */
};

struct layer_weights {
    struct dense query, key, value, attention_output, intermediate, output;
    struct norm attention_norm, output_norm;
};

struct cpu_weights {
    unsigned users; /* engines that share these */
    const struct kernels *kernels;
    const struct products *products; /* of the layers; the head's are of float32 */
    struct arena arena;
    /* The model's configuration, as numbers. */
    uint32_t layers, heads, hidden, intermediate, labels;
    int64_t
        pad; /* the id whose embedding is not trained, as torch.nn.Embedding's padding_idx, or -1 */
    enum activation activation;
    double epsilon;
    /* In the parameter table's order: [tensors]. */
    size_t tensors;
    const float **tensor; /* the values, the model's own or ours */
    uint64_t *count;
    bool *decay;
    /* Training: [tensors]. Frozen tensors have neither gradient nor moments, SGD has no moments. */
    float **value, **gradient, **first, **second;
    float *rate_factor; /* [tensors] on the learning rate; 0: frozen */
    /* The backward pass ends here: 0 at the embeddings, l + 1 at layer l, layers + 1 at the head,
     * layers + 2 when nothing is trained. */
    uint32_t lowest;
    bool stale; /* values changed since they were packed */

    const float *words, *position_embeddings,
        *type_embeddings; /* types NULL: the family has none */
    float *words_gradient, *position_gradient, *type_gradient;
    struct norm embeddings_norm;
    struct layer_weights *layer; /* [layers] */
    struct dense pooler, classifier;
};

/* All but the memory, of which arena.used says how much it will be. */
struct cpu_weights *cpu_weights_plan(const struct model *model, const struct engine_plan *plan,
                                     const struct kernels *kernels,
                                     const struct products *products);
/* To train, copies the values and makes room for gradients and moments. NULL after a message. */
struct cpu_weights *cpu_weights_open(const struct model *model, const struct engine_plan *plan,
                                     const struct kernels *kernels,
                                     const struct products *products);
void cpu_weights_release(struct cpu_weights *weights);
/* Packs the values into panels, if they changed since it was last done. */
void cpu_weights_pack(struct cpu_weights *weights, struct pool *pool, struct pool_time *time);
/* The contracts of engine_apply (t counts from 1), engine_export and engine_import. */
int cpu_weights_apply(struct cpu_weights *weights, struct pool *pool, struct pool_time *time,
                      const struct engine_plan *plan, uint64_t t, double lr, double max_norm,
                      double *norm);
int cpu_weights_export(const struct cpu_weights *weights, enum engine_tensor kind, size_t index,
                       float *values);
int cpu_weights_import(struct cpu_weights *weights, enum engine_tensor kind, size_t index,
                       const float *values);

/* ---- activations ---- */

/* What a layer keeps. Layers that the backward pass does not reach share one set, in which z1,
 * pre and z2 are NULL: they are not kept. With gradient checkpointing all layers but the last share
 * a set, except for x. */
struct layer_cache {
    float *x;           /* [T, H] input */
    float *x_rows;      /* [R, H] its rows; x itself but in the last layer */
    float *query;       /* [R, H] */
    float *keys;        /* [T, 2H] keys, then values */
    float *context;     /* [R, H] attention's output before its projection */
    uint8_t *masks;     /* [R, heads, cpu_mask_bytes] of the probabilities' dropout; NULL without */
    float *z1, *stats1; /* [R, H] sum before the first normalisation; [R, 2] its mean and 1/std */
    float *pre;         /* [R, I] before the activation */
    float *z2, *stats2; /* [R, H], [R, 2]; the second normalisation writes the next layer's x */
};

/* The backward pass's matrices, shared by all layers. */
struct gradient_cache {
    float *dx;      /* [T, H] of a layer's output, then of its input */
    float *z1;      /* [R, H]: the residual branch */
    float *context; /* [R, H] */
    float *query;   /* [R, H] */
    float *keys;    /* [T, 2H] */
    float *rows;    /* [max_rows, H] the last layer's dx by way of queries and residual */
    /* Gradients as left operands of those of weights, see products.h, GRADIENT_ROWS rows after one
     * another: of the feed-forward's output, of its pre-activation, of attention's output. */
    void *output, *hidden, *attention_output; /* [R, H], [R, I], [R, H] */
    /* And their right operands, computed again: the activation, the first normalisation. */
    void *active, *h1; /* [R, I], [R, H] */
    void *input;       /* [T, H] a layer's x as the right operand of three; not the last layer's */
    /* Partial sums: of two normalisations' gain and shift, of the gradients in output, hidden and
     * attention_output. */
    float *norms[2]; /* [parts, 2H] */
    float *biases;   /* [blocks, H + I + H] */
};

/* One thread's own memory. */
struct scratch {
    float *active, *hidden;      /* [B, I] */
    float *z1, *h1, *z2, *stats; /* [B, H], [B, 2] */
    float *scores, *dscores;     /* [strip_rows of the products, length] */
    /* Packed operands: a left one, and panels of one head and of a gradient tile. */
    void *left, *keys, *keys_by_depth, *values, *queries, *outputs, *right;
};

struct dropout_rate {
    uint32_t threshold; /* 0: off */
    float scale;
};

struct cpu_engine {
    const struct kernels *kernels;
    const struct products *dense, *products; /* of the layers' weights, and all others */
    struct pool *pool;
    struct cpu_weights *weights;
    struct engine_plan plan;
    struct arena arena;
    struct cpu_profile profile;
    char description[160];

    /* The batch at hand. */
    const struct batch *batch;
    uint32_t *token_sequence; /* [T] */
    uint32_t *cu_rows; /* [sequences + 1] rows of sequence s are cu_rows[s] .. cu_rows[s+1] - 1 */
    struct dropout_rate hidden_dropout, attention_dropout, head_dropout; /* off when not training */

    float *z0, *stats0;        /* embeddings before their normalisation */
    struct layer_cache *layer; /* [layers] */
    float *final;              /* [R, H] the encoder's output */
    float *pooled, *dropped;   /* [R, H] tanh(pooler), then dropout */
    float *logits, *dlogits;   /* [R, labels] */
    float *dpooled;            /* [R, H] */
    struct gradient_cache gradient;
    struct scratch *scratch; /* [threads] */
};

static inline struct pool_time *cpu_time(struct cpu_engine *e, enum cpu_phase phase, uint32_t layer)
{
    return &e->profile.time[(size_t)phase * e->profile.layers + layer];
}

/* Runs a job of a phase. */
static inline void cpu_run(struct cpu_engine *e, enum cpu_phase phase, uint32_t layer,
                           pool_function *function, void *context, size_t units)
{
    pool_run(e->pool, cpu_time(e, phase, layer), function, context, units);
}

/* Whether the backward pass reaches the layer. */
static inline bool cpu_differentiated(const struct cpu_engine *e, uint32_t layer)
{
    return e->plan.train && layer + 1 >= e->weights->lowest;
}

/* Whether the backward pass computes the layer again. */
static inline bool cpu_recomputed(const struct cpu_engine *e, uint32_t layer)
{
    return e->plan.gradient_checkpointing && cpu_differentiated(e, layer) &&
           layer + 1 < e->weights->layers;
}

static inline uint32_t cpu_layer_rows(const struct cpu_engine *e, uint32_t layer)
{
    return layer + 1 == e->weights->layers ? e->batch->rows : e->batch->tokens;
}

/* The tokens that a layer's rows stand for; NULL where row and token are the same. */
static inline const uint32_t *cpu_row_tokens(const struct cpu_engine *e, uint32_t layer)
{
    return layer + 1 == e->weights->layers ? e->batch->row_tokens : NULL;
}

/* From one row of scores to the next: whole panels of any products', of 32 columns at most, and
 * then some: with a multiple of a page, a column's scores would share a few sets of the first
 * cache.
 */
static inline size_t cpu_scores_stride(uint32_t tokens)
{
    return ((size_t)tokens + 31) / 32 * 32 + 16;
}

/* Of a row of attention's dropout: whole groups of 128 bits. */
static inline size_t cpu_mask_bytes(uint32_t length)
{
    return ((size_t)length + 127) / 128 * 16;
}

static inline size_t cpu_blocks(size_t rows)
{
    return (rows + BLOCK - 1) / BLOCK;
}

/* The rows of the part of a kept operand that begins with row r, a multiple of GRADIENT_ROWS. */
static inline size_t cpu_part_rows(size_t rows, size_t r)
{
    return rows - r < GRADIENT_ROWS ? rows - r : GRADIENT_ROWS;
}

/* Where that part begins, in bytes. */
static inline size_t cpu_kept_left(const struct dense *dense, size_t r)
{
    return r / GRADIENT_ROWS * dense->products->left_bytes(dense->outputs, GRADIENT_ROWS);
}

static inline size_t cpu_kept_panels(const struct dense *dense, size_t r)
{
    return r / GRADIENT_ROWS * dense->products->panels_bytes(GRADIENT_ROWS, dense->inputs);
}

/* Partial sums of a normalisation's gradients. */
static inline size_t cpu_norm_parts(size_t rows)
{
    return (rows + NORM_ROWS - 1) / NORM_ROWS;
}

static inline uint32_t cpu_block_rows(uint32_t rows, uint32_t first)
{
    return rows - first < BLOCK ? rows - first : BLOCK;
}

/* y[rows, outputs] = x[rows, inputs] W^T + b */
void dense_forward(float *y, size_t y_stride, const struct dense *dense, const float *x,
                   size_t x_stride, size_t rows, struct scratch *scratch);
/* The same of an x that several dense layers take: left is dense_left's. */
void dense_forward_left(float *y, size_t y_stride, const struct dense *dense, struct left left,
                        size_t rows);
static inline struct left dense_left(const struct dense *dense, const float *x, size_t x_stride,
                                     size_t rows, struct scratch *scratch)
{
    return dense->products->left(scratch->left, x, x_stride, 1, rows, dense->inputs);
}
/* dx[rows, inputs] = dy[rows, outputs] W, added to dx when accumulate is set */
void dense_backward(float *dx, size_t dx_stride, const struct dense *dense, const float *dy,
                    size_t dy_stride, size_t rows, bool accumulate, struct scratch *scratch);

/* Where the dropout factors of a row come from; tokens as cpu_row_tokens gives them. */
struct dropout_row cpu_dropout_row(const struct cpu_engine *e, struct dropout_rate rate,
                                   uint32_t site, const uint32_t *tokens, uint32_t row);

/*
 * y[rows, H] = y * dropout factors + residual (NULL: nothing is added), for rows first .. of a
 * matrix. y and residual point at row first.
 */
void cpu_dropout_add(const struct cpu_engine *e, float *y, const float *residual,
                     struct dropout_rate rate, uint32_t site, const uint32_t *tokens,
                     uint32_t first, uint32_t rows);

/* One head of one sequence of a layer: context from query and keys; or the gradients of
 * query and keys. */
void attention_forward(const struct cpu_engine *e, uint32_t layer, uint32_t sequence, uint32_t head,
                       struct scratch *scratch);
void attention_backward(const struct cpu_engine *e, uint32_t layer, uint32_t sequence,
                        uint32_t head, struct scratch *scratch);

/* y = the normalisation of z; rows of H. */
void cpu_norm(const struct cpu_engine *e, float *y, float *stats, const float *z,
              const struct norm *norm, uint32_t rows);

/* The whole network on e->batch: e->logits. And back from e->dlogits, adding to the gradients. */
void cpu_forward(struct cpu_engine *e);
/* What layer keeps, from its x. */
void cpu_forward_again(struct cpu_engine *e, uint32_t layer);
void cpu_backward(struct cpu_engine *e);

#endif
