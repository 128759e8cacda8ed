/*
 * Inner loops of the CPU engine. kernels.c is compiled once for each instruction set and
 * fills one table; kernels_select picks the best that the processor has.
 *
 * All are plain functions: outputs, then inputs, then dimensions. Matrices are row-major float32; a
 * stride counts floats from one row to the next. No kernel allocates. Outputs do not overlap inputs
 * unless said.
 *
 * Every result depends on the values of its own row alone: not on the row's position, on how many
 * rows are computed with it, or on the thread. Sums run in one fixed order.
 */
#ifndef NN_CPU_KERNELS_H
#define NN_CPU_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "model/config.h"

/* The left operand of a product: element (m, k) is data[(m / tile_rows) * tile + (m % tile_rows) *
 * row + k * column]. */
struct gemm_left {
    const float *data;
    size_t row, column, tile;
};

/* Where a row of dropout factors comes from; see nn/dropout.h. */
struct dropout_row {
    uint64_t seed, ordinal;
    uint32_t site, row;
    uint32_t threshold; /* dropout_threshold(probability); 0: nothing is dropped */
    float scale;        /* 1 / (1 - probability) */
};

struct adamw_step {
    float gradient_scale; /* the clip */
    float decay;          /* 1 - lr * weight decay */
    float beta2;
    float share1, share2; /* 1 - beta1, 1 - beta2, rounded once: 1 - 0.999f is off by 1.3e-5 */
    float step_size;      /* lr / (1 - beta1^t) */
    float correction;     /* 1 / sqrt(1 - beta2^t) */
    float epsilon;
};

struct kernels {
    const char *name;
    size_t tile_rows;     /* rows of a register tile: what pack_tiles groups by */
    size_t panel_columns; /* columns of a panel: what pack_panels groups by */

    /*
     * c[rows, columns] = left[rows, depth] x right[depth, columns], plus bias[columns] unless NULL,
     * plus what c held when accumulate is not 0 (bias must then be NULL). right comes packed in
     * panels.
     */
    void (*gemm)(float *c, size_t c_stride, struct gemm_left left, const float *panels,
                 const float *bias, int accumulate, size_t rows, size_t columns, size_t depth);

    /*
     * panels: [ceil(columns / panel_columns), depth, panel_columns], zeros beyond the last column;
     * right operand's element (k, n) is right[k * row + n * column].
     */
    void (*pack_panels)(float *panels, const float *right, size_t row, size_t column, size_t depth,
                        size_t columns);
    /* tiles: [ceil(columns / tile_rows), depth, tile_rows] of x[depth, columns], zeros beyond: the
     * left operand x^T. */
    void (*pack_tiles)(float *tiles, const float *x, size_t x_stride, size_t depth, size_t columns);

    /* y = (x - mean) * rstd * gain + shift; stats[rows, 2] = mean, rstd. y may be x. Ba et al.
     * 2016. */
    void (*layer_norm)(float *y, float *stats, const float *x, const float *gain,
                       const float *shift, double epsilon, size_t rows, size_t width);
    /* dx from dy (dx may be dy), and dgain[width], dshift[width] of these rows (written, not added
     * to). */
    void (*layer_norm_backward)(float *dx, float *dgain, float *dshift, const float *dy,
                                const float *x, const float *stats, const float *gain, size_t rows,
                                size_t width);

    /* y = activation(x); y may be x. */
    void (*activation)(float *y, const float *x, enum activation kind, size_t count);
    /* dx = dy * activation'(x), y = activation(x); dx may be dy. */
    void (*activation_backward)(float *dx, float *y, const float *dy, const float *x,
                                enum activation kind, size_t count);

    /* factors[count]: 0 or scale. */
    void (*dropout_factors)(float *factors, const struct dropout_row *row, size_t count);
    /* y = a * b + c; any of them may be y. */
    void (*multiply_add)(float *y, const float *a, const float *b, const float *c, size_t count);
    /* y = a * b; y may be a. */
    void (*multiply)(float *y, const float *a, const float *b, size_t count);
    /* y = a + b; y may be a. */
    void (*add)(float *y, const float *a, const float *b, size_t count);
    /* sums[width] += the rows of x. */
    void (*add_rows)(float *sums, const float *x, size_t x_stride, size_t rows, size_t width);

    /* scores = softmax(scale * scores) in place. Returns log(sum(exp(scale * scores))). */
    float (*softmax)(float *scores, float scale, size_t count);
    /*
     * One query's row of attention backward. In: its raw scores, dout = d loss / d (probability
     * after dropout), delta = dot(output, d output), lse as softmax returned, factors or NULL. Out:
     * scores = the probabilities after dropout, dout = d loss / d scores.
     */
    void (*softmax_backward)(float *scores, float *dout, const float *factors, float scale,
                             float lse, float delta, size_t count);
    float (*dot)(const float *a, const float *b, size_t count);

    double (*sum_of_squares)(const float *x, size_t count);
    /* One step on count parameters; the gradients are zeroed. Loshchilov and Hutter 2019, as
     * torch.optim.AdamW. */
    void (*adamw)(float *weights, float *first, float *second, float *gradients,
                  const struct adamw_step *step, size_t count);

    /* weights = weights * decay - step * scale * gradients; the gradients become 0. */
    void (*sgd)(float *weights, float *gradients, float scale, float decay, float step,
                size_t count);
};

/*
 * The best table this processor can run. BERTPIPE_KERNELS=avx512|avx2|portable asks for one by
 * name; one that the processor cannot run, or that does not exist, is an error: NULL after a
 * message.
 */
const struct kernels *kernels_select(void);

#endif
