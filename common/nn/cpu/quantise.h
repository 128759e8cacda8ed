/*
 * Numbers as int8, each row or column of an operand by its own range:
 *
 *     activations  a row x: q in 0 .. 255, x = scale (q - zero); its range, with zero in it, as
 * ONNX's DynamicQuantizeLinear does for whole tensors weights      a column w: q in -127 .. 127, w
 * = scale q, as ONNX Runtime's quantize_dynamic does with per_channel
 *
 * zero is a whole number, so that 0 stays 0. A row or column with a number that is not finite has
 * the scale NaN, and so do all products with it. One whose numbers are too small for a float's
 * whole precision counts as zeros.
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

/* The least and the largest of x and zero, and zero, or NaN when one is not finite. */
INLINE void range_of(const float *x, size_t count, float *least, float *most, float *finite)
{
    vec low = {0}, high = {0}, poison = {0};
    for (size_t i = 0; i < count; i += VECTOR) {
        vec part = {0};
        if (count - i >= VECTOR)
            part = LOAD(x + i);
        else
            memcpy(&part, x + i, (count - i) * sizeof *x);
        low = smaller(part, low);
        high = larger(part, high);
        poison += part * 0;
    }
    *least = *most = *finite = 0;
    for (int i = 0; i < VECTOR; i++) {
        *least = low[i] < *least ? low[i] : *least;
        *most = high[i] > *most ? high[i] : *most;
        *finite += poison[i];
    }
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
    float least, most, finite;
    range_of(x, count, &least, &most, &finite);
    /* Halves, whose difference is a number. */
    struct quantised q = quantised_range(most / 2 - least / 2, 127.5F, finite);
    if (q.inverse > 0)
        q.zero = (float)(int)(0.5F - least * q.inverse);
    q.low = 0;
    q.high = 255;
    return q;
}

INLINE struct quantised quantised_weights(const float *w, size_t count)
{
    float least, most, finite;
    range_of(w, count, &least, &most, &finite);
    struct quantised q = quantised_range(most > -least ? most : -least, 127, finite);
    q.low = -127;
    q.high = 127;
    return q;
}

/* The whole number q of x, as a float. */
INLINE float quantised_number(const struct quantised *q, float x)
{
    const float whole = 0x1.8p23F; /* the lowest bit of such a number is 1 */
    float number = x * q->inverse + q->zero;
    number = number > q->low ? number : q->low;
    number = number < q->high ? number : q->high;
    return number + whole - whole;
}

/* The bytes of count numbers: of unsigned ones, or of signed. */
INLINE void quantise(uint8_t *bytes, const struct quantised *q, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(int)quantised_number(q, x[i]);
}

#endif
