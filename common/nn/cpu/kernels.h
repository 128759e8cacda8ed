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
#include "nn/engine.h"
#include "nn/cpu/products.h"

/* Where a row of dropout factors comes from; see nn/dropout.h. */
struct dropout_row {
    uint64_t seed, ordinal;
    uint32_t site, row;
    uint32_t threshold; /* dropout_threshold(probability); 0: nothing is dropped */
    float scale;        /* dropout_scale(probability) */
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
    /* Products of float32, and of what bf16 and int8 would round their operands to. */
    const struct products *float32, *rounded, *quantised;

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

    /* Which of count numbers are kept: bit i % 8 of mask[i / 8]. The mask has room for a multiple
     * of 128 bits. */
    void (*dropout_mask)(uint8_t *mask, const struct dropout_row *row, size_t count);
    /* y = y * (0 or the row's scale) + residual (NULL: nothing is added) */
    void (*dropout_add)(float *y, const float *residual, const struct dropout_row *row,
                        size_t count);
    /* y = a + b; y may be a. */
    void (*add)(float *y, const float *a, const float *b, size_t count);
    /* sums[width] += the rows of x. */
    void (*add_rows)(float *sums, const float *x, size_t x_stride, size_t rows, size_t width);

    /* scores = softmax(scale * scores) in place; with a mask (or NULL), then times kept where it
     * has a bit, and 0 elsewhere. Rows of these two go on to a multiple of 16 numbers, which are
     * finite before and 0 after. */
    void (*softmax)(float *scores, const uint8_t *mask, float kept, float scale, size_t count);
    /*
     * One query's row of attention backward. In: its raw scores, dout = d loss / d (probability
     * after dropout), mask and kept as above. Out: scores = the probabilities after dropout, dout =
     * d loss / d scores.
     */
    void (*softmax_backward)(float *scores, float *dout, const uint8_t *mask, float kept,
                             float scale, size_t count);

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

/*
 * The products for a dtype: bf16 and int8 by the processor's own instructions, where it has some
 * that compute what they should, bf16 also by block floating point; else by float32 on rounded
 * operands. ENGINE_AUTO is float32 in that case.
 * BERTPIPE_BF16=amx|avx512bf16|avx512vnni|avxvnni|avx2|rounded|emulated and
 * BERTPIPE_INT8=avx512vnni|avxvnni|rounded ask for one kind by name, as BERTPIPE_KERNELS does.
 */
const struct products *products_select(const struct kernels *kernels, enum engine_dtype dtype);

#endif
