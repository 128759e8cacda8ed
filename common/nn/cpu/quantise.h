/*
 * Numbers as int8, each row or column of an operand by its own range.
 *
 * Activations, a row x: q in 0 .. 255, x = scale (q - zero), over its range with 0 in it: ONNX's
 * DynamicQuantizeLinear, which takes a whole tensor. zero is a whole number, so that 0 stays 0.
 *
 * Weights, a column w: q in -127 .. 127, w = scale q, as ONNX Runtime's quantize_dynamic with
 * per_channel.
 *
 * Where a number is not finite the scale is NaN, and so are all products with it. Where all are too
 * small for a float's whole precision they count as zeros.
 */
#ifndef NN_CPU_QUANTISE_H
#define NN_CPU_QUANTISE_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nn/cpu/vector.h"

struct quantised {
    float scale, inverse; /* inverse 0: all are zeros */
    float zero, low, high;
};

#define RANGE_WAYS 4 /* registers of each result, so that none waits for the last */

/* The least and the largest of numbers and zero; and zero, or NaN when one is not finite. */
struct range {
    vec least, most, finite;
};

INLINE void widen(struct range *range, vec x)
{
    range->least = smaller(x, range->least);
    range->most = larger(x, range->most);
    range->finite += x * 0;
}

INLINE void join(struct range *range, const struct range *other)
{
    range->least = smaller(other->least, range->least);
    range->most = larger(other->most, range->most);
    range->finite += other->finite;
}

/* The same of its lanes, in the first. */
INLINE void join_lanes(struct range *range)
{
#ifdef __AVX512F__
    range->least[0] = _mm512_reduce_min_ps(range->least);
    range->most[0] = _mm512_reduce_max_ps(range->most);
    range->finite[0] = _mm512_reduce_add_ps(range->finite);
#else
    for (int i = 1; i < VECTOR; i++) {
        range->least[0] = range->least[i] < range->least[0] ? range->least[i] : range->least[0];
        range->most[0] = range->most[i] > range->most[0] ? range->most[i] : range->most[0];
        range->finite[0] += range->finite[i];
    }
#endif
}

INLINE struct range range_of(const float *x, size_t count)
{
    struct range ranges[RANGE_WAYS] = {{{0}, {0}, {0}}};
    size_t done = 0;
    for (; done + RANGE_WAYS * VECTOR <= count; done += RANGE_WAYS * VECTOR) {
        UNROLL
        for (size_t w = 0; w < RANGE_WAYS; w++)
            widen(&ranges[w], LOAD(x + done + w * VECTOR));
    }
    for (; done < count; done += VECTOR) {
        float part[VECTOR] = {0};
        memcpy(part, x + done, (count - done < VECTOR ? count - done : VECTOR) * sizeof *x);
        widen(&ranges[0], LOAD(part));
    }
    UNROLL
    for (size_t w = 1; w < RANGE_WAYS; w++)
        join(&ranges[0], &ranges[w]);
    join_lanes(&ranges[0]);
    return ranges[0];
}

/* The scale that has `steps` in a range. */
INLINE struct quantised quantised_range(float range, float steps, float finite)
{
    float scale = range / steps;
    return (struct quantised){
        .scale = scale + finite,
        .inverse = scale >= FLT_MIN && scale <= FLT_MAX ? 1 / scale : 0,
    };
}

INLINE struct quantised quantised_activations(const float *x, size_t count)
{
    struct range range = range_of(x, count);
    float least = range.least[0], most = range.most[0];
    /* Halves, whose difference is a number. */
    struct quantised q = quantised_range(most / 2 - least / 2, 127.5F, range.finite[0]);
    if (q.inverse > 0)
        q.zero = (float)(int)(0.5F - least * q.inverse);
    q.low = 0;
    q.high = 255;
    return q;
}

INLINE struct quantised quantised_weights(const float *w, size_t count)
{
    struct range range = range_of(w, count);
    float least = range.least[0], most = range.most[0];
    struct quantised q = quantised_range(most > -least ? most : -least, 127, range.finite[0]);
    q.low = -127;
    q.high = 127;
    return q;
}

/* The bytes of VECTOR numbers; what is not a number becomes the lowest. */
INLINE void quantise_vector(uint8_t *bytes, const struct quantised *q, vec x)
{
    typedef uint8_t byte_vec __attribute__((vector_size(VECTOR)));
    const float whole = 0x1.8p23F; /* whose lowest bit is 1, and the lowest eight are 0 */
    vec number = smaller(larger(x * q->inverse + q->zero, (vec){0} + q->low), (vec){0} + q->high);
    byte_vec packed = __builtin_convertvector((bits_vec)(number + whole) & 255, byte_vec);
    memcpy(bytes, &packed, sizeof packed);
}

/* The bytes of count numbers: of unsigned ones, or of signed. */
INLINE void quantise(uint8_t *bytes, const struct quantised *q, const float *x, size_t count)
{
    size_t whole = count / VECTOR * VECTOR;
    for (size_t i = 0; i < whole; i += VECTOR)
        quantise_vector(bytes + i, q, LOAD(x + i));
    if (whole < count) {
        float part[VECTOR] = {0};
        uint8_t aside[VECTOR];
        memcpy(part, x + whole, (count - whole) * sizeof *x);
        quantise_vector(aside, q, LOAD(part));
        memcpy(bytes + whole, aside, count - whole);
    }
}

#endif
