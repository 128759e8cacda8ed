/*
 * The kernels, written once and compiled for each instruction set: -DKERNELS=avx512, avx2 or
 * portable names the table.
 *
 * They are C on vectors of a register's width, or plain C that compilers vectorise, where sums keep
 * LANES partial sums to make that possible without licence to reorder.
 */
#include "nn/cpu/kernels.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "nn/cpu/vector.h"

#define LANES 16

/* ---- sums in a fixed order ---- */

INLINE float lanes_sum(const float lanes[LANES])
{
#ifdef __AVX512F__
    return _mm512_reduce_add_ps(_mm512_loadu_ps(lanes)); /* in the order below */
#else
    float sum[LANES];
    memcpy(sum, lanes, sizeof sum);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            sum[i] += sum[i + width];
    return sum[0];
#endif
}

/* The sum over i < count of TERM, an expression in i. */
#define SUM(result, count, TERM)                                                                   \
    do {                                                                                           \
        float lanes_[LANES] = {0};                                                                 \
        size_t base_ = 0;                                                                          \
        for (; base_ + LANES <= (count); base_ += LANES)                                           \
            for (size_t l_ = 0; l_ < LANES; l_++) {                                                \
                size_t i = base_ + l_;                                                             \
                lanes_[l_] += (TERM);                                                              \
            }                                                                                      \
        for (size_t i = base_; i < (count); i++)                                                   \
            lanes_[i - base_] += (TERM);                                                           \
        (result) = lanes_sum(lanes_);                                                              \
    } while (0)

static double sum_of_squares(const float *x, size_t count)
{
    double lanes[LANES] = {0}, sum = 0;
    size_t base = 0;
    for (; base + LANES <= count; base += LANES)
        for (size_t l = 0; l < LANES; l++)
            lanes[l] += (double)x[base + l] * (double)x[base + l];
    for (; base < count; base++)
        lanes[0] += (double)x[base] * (double)x[base];
    for (size_t l = 0; l < LANES; l++)
        sum += lanes[l];
    return sum;
}

/* A group of rows is summed before it joins the sum, which is in double precision: fewer roundings
 * meet in one number. */
static void add_rows(float *sums, const float *x, size_t x_stride, size_t rows, size_t width)
{
    enum { WIDE = 4 * LANES, HIGH = 16 };
    for (size_t first = 0; first < width; first += WIDE) {
        size_t wide = width - first < WIDE ? width - first : WIDE;
        double total[WIDE] = {0};
        for (size_t r = 0; r < rows; r += HIGH) {
            size_t end = rows - r < HIGH ? rows : r + HIGH;
            float group[WIDE] = {0};
            for (size_t k = r; k < end; k++) {
                const float *row = x + k * x_stride + first;
                if (wide == WIDE)
                    for (size_t i = 0; i < WIDE; i++)
                        group[i] += row[i];
                else
                    for (size_t i = 0; i < wide; i++)
                        group[i] += row[i];
            }
            for (size_t i = 0; i < WIDE; i++)
                total[i] += (double)group[i];
        }
        for (size_t i = 0; i < wide; i++)
            sums[first + i] = (float)((double)sums[first + i] + total[i]);
    }
}

/* ---- element by element ---- */

static void add(float *y, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = a[i] + b[i];
}

/* 2^x within 1e-7 for x < 127; 0 from -127 down. A number that small but not 0 would become
 * denormal, which processors multiply a hundred times as slowly. The fraction's polynomial has the
 * least relative error on [-1/2, 1/2]. */
INLINE vec exp2_vec(vec x)
{
    const float round = 12582912.0f; /* 1.5 * 2^23: the sum's low bits are the nearest integer */
    x = larger((vec){0} - 127.0f, x);
    vec shifted = x + round;
    vec f = x - (shifted - round);
    vec p = 1.5346521788e-4f * f + 1.3399983804e-3f;
    p = p * f + 9.6184865070e-3f;
    p = p * f + 5.5503286938e-2f;
    p = p * f + 2.4022646910e-1f;
    p = p * f + 6.9314720565e-1f;
    p = p * f + 1.0f;
    return (vec)((bits_vec)p + ((bits_vec)shifted << 23));
}

/* ---- activations ---- */

#define LOG2_E 1.44269504088896341f

/* The share of the normal distribution above a >= 0, 2^P(a). P has the least error relative to the
 * share below, 1e-8, and falls on where the share is 0 in float32. */
INLINE vec normal_tail(vec a)
{
    vec p = -2.9511915792e-06f * a + 4.0674250314e-05f;
    p = p * a + -1.9180515965e-04f;
    p = p * a + -1.2488066190e-04f;
    p = p * a + 7.0500780901e-03f;
    p = p * a + -5.2489011160e-02f;
    p = p * a + -4.5920965234e-01f;
    p = p * a + -1.1511052138e+00f;
    p = p * a + -9.9999998679e-01f;
    return exp2_vec(p);
}

/* (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 */
INLINE vec gelu_tanh_gate(vec x)
{
    const vec limit = (vec){0} + 126.0f;
    vec u = 2 * 0.79788456080286536f * LOG2_E * (x + 0.044715f * x * x * x);
    return 1 / (1 + exp2_vec(smaller(-u, limit)));
}

INLINE vec activation_of(vec x, enum activation kind)
{
    const vec zero = {0};
    vec a = larger(x, -x);
    switch (kind) {
    case ACTIVATION_GELU:
        return larger(x, zero) - a * normal_tail(a);
    case ACTIVATION_GELU_TANH:
        return x * gelu_tanh_gate(x);
    case ACTIVATION_RELU:
        return larger(zero, x);
    }
    return x;
}

INLINE vec activation_slope(vec x, enum activation kind)
{
    const bits_vec sign = (bits_vec)x & 0x80000000;
    const vec one = (vec){0} + 1.0f;
    vec a = larger(x, -x), gate, tail;
    switch (kind) {
    case ACTIVATION_GELU:
        /* below 0 tail - a density, above 1 - that */
        tail = normal_tail(a) - a * (0.39894228040143268f * exp2_vec(x * x * (-0.5f * LOG2_E)));
        return 0.5f - (vec)((bits_vec)(tail - 0.5f) ^ sign);
    case ACTIVATION_GELU_TANH:
        gate = gelu_tanh_gate(x);
        return gate +
               x * 2 * gate * (1 - gate) * 0.79788456080286536f * (1 + 3 * 0.044715f * x * x);
    case ACTIVATION_RELU:
        return (vec)((bits_vec)(x > 0) & (bits_vec)one);
    }
    return one;
}

INLINE void activate(float *y, const float *x, enum activation kind, size_t count)
{
    size_t i = 0;
    for (; i + VECTOR <= count; i += VECTOR)
        STORE(y + i, activation_of(LOAD(x + i), kind));
    vec rest = activation_of(load_part(x + i, count - i), kind);
    memcpy(y + i, &rest, (count - i) * sizeof *y);
}

static void activation(float *y, const float *x, enum activation kind, size_t count)
{
    switch (kind) {
    case ACTIVATION_GELU:
        activate(y, x, ACTIVATION_GELU, count);
        break;
    case ACTIVATION_GELU_TANH:
        activate(y, x, ACTIVATION_GELU_TANH, count);
        break;
    case ACTIVATION_RELU:
        activate(y, x, ACTIVATION_RELU, count);
        break;
    }
}

INLINE void activate_backward(float *dx, float *y, const float *dy, const float *x,
                              enum activation kind, size_t count)
{
    size_t i = 0;
    for (; i + VECTOR <= count; i += VECTOR) {
        vec from = LOAD(x + i);
        STORE(dx + i, LOAD(dy + i) * activation_slope(from, kind));
        STORE(y + i, activation_of(from, kind));
    }
    vec from = load_part(x + i, count - i);
    vec slope = load_part(dy + i, count - i) * activation_slope(from, kind);
    vec again = activation_of(from, kind);
    memcpy(dx + i, &slope, (count - i) * sizeof *dx);
    memcpy(y + i, &again, (count - i) * sizeof *y);
}

static void activation_backward(float *dx, float *y, const float *dy, const float *x,
                                enum activation kind, size_t count)
{
    switch (kind) {
    case ACTIVATION_GELU:
        activate_backward(dx, y, dy, x, ACTIVATION_GELU, count);
        break;
    case ACTIVATION_GELU_TANH:
        activate_backward(dx, y, dy, x, ACTIVATION_GELU_TANH, count);
        break;
    case ACTIVATION_RELU:
        activate_backward(dx, y, dy, x, ACTIVATION_RELU, count);
        break;
    }
}

/* ---- layer normalisation ---- */

static void layer_norm(float *y, float *stats, const float *x, const float *gain,
                       const float *shift, double epsilon, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++, x += width, y += width) {
        float sum, squares;
        SUM(sum, width, x[i]);
        float mean = sum / (float)width;
        SUM(squares, width, (x[i] - mean) * (x[i] - mean));
        float rstd = (float)(1 / sqrt((double)squares / (double)width + epsilon));
        stats[2 * r] = mean;
        stats[2 * r + 1] = rstd;
        for (size_t i = 0; i < width; i++)
            y[i] = (x[i] - mean) * rstd * gain[i] + shift[i];
    }
}

static void layer_norm_backward(float *dx, float *restrict dgain, float *restrict dshift,
                                const float *dy, const float *x, const float *stats,
                                const float *gain, size_t rows, size_t width)
{
    memset(dgain, 0, width * sizeof *dgain);
    memset(dshift, 0, width * sizeof *dshift);
    for (size_t r = 0; r < rows; r++, x += width, dy += width, dx += width) {
        float mean = stats[2 * r], rstd = stats[2 * r + 1], sum, sum_x;
        SUM(sum, width, dy[i] * gain[i]);
        SUM(sum_x, width, dy[i] * gain[i] * ((x[i] - mean) * rstd));
        sum /= (float)width;
        sum_x /= (float)width;
        for (size_t i = 0; i < width; i++) {
            float normal = (x[i] - mean) * rstd, d = dy[i];
            dgain[i] += d * normal;
            dshift[i] += d;
            dx[i] = rstd * (d * gain[i] - sum - normal * sum_x);
        }
    }
}

/* ---- dropout ---- */

typedef uint64_t words_vec __attribute__((vector_size(VECTOR * 4)));
#define GROUP 128          /* columns of 16 counters, of 8 halves of words each */
#define WORDS (VECTOR / 2) /* words in a vector: one in the low half of each 64-bit lane */

/* The 64-bit products of the low halves of a's lanes and b. Compilers do not find the instruction
 * by themselves. */
INLINE words_vec multiply_low(words_vec a, uint32_t b)
{
#if defined(__AVX512F__)
    return (words_vec)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__)
    return (words_vec)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif defined(__SSE2__)
    return (words_vec)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#else
    return (a & 0xffffffffu) * b;
#endif
}

/* The high halves of the lanes in the low ones. By a shuffle, which other ports of the processor do
 * than products and shifts. */
INLINE words_vec high_halves(words_vec a)
{
#if defined(__AVX512F__)
    return (words_vec)_mm512_shuffle_epi32((__m512i)a, (_MM_PERM_ENUM)0xf5);
#else
    return a >> 32;
#endif
}

/*
 * Philox 4x32-10 on the 16 counters of one group of columns. words[w][l]: word w of counter l in
 * its low half; the high halves are left to hold rubbish, here and between rounds.
 */
INLINE void philox_group(uint64_t words[64], uint32_t first, const struct dropout_row *row)
{
    words_vec x0[16 / WORDS], x1[16 / WORDS], x2[16 / WORDS], x3[16 / WORDS];
    static const uint64_t counters[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const words_vec zero = {0};
    for (uint32_t v = 0; v < 16 / WORDS; v++) {
        memcpy(&x0[v], counters + v * WORDS, sizeof x0[v]);
        x0[v] += first;
        x1[v] = zero + (row->row + ((uint32_t)(row->ordinal >> 32) << 16));
        x2[v] = zero + (uint32_t)row->ordinal;
        x3[v] = zero + row->site;
    }
    uint32_t key0 = (uint32_t)row->seed, key1 = (uint32_t)(row->seed >> 32);
    UNROLL
    for (int round = 0; round < 10; round++) {
        UNROLL
        for (int v = 0; v < 16 / WORDS; v++) {
            words_vec p0 = multiply_low(x0[v], 0xD2511F53u), p1 = multiply_low(x2[v], 0xCD9E8D57u);
            x0[v] = high_halves(p1) ^ x1[v] ^ key0;
            x2[v] = high_halves(p0) ^ x3[v] ^ key1;
            x1[v] = p1;
            x3[v] = p0;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    memcpy(words, x0, sizeof x0);
    memcpy(words + 16, x1, sizeof x1);
    memcpy(words + 32, x2, sizeof x2);
    memcpy(words + 48, x3, sizeof x3);
}

/* Bit i: whether numbers[i] is at least the threshold. */
INLINE uint32_t at_least(const uint32_t numbers[16], uint32_t threshold)
{
#ifdef __AVX512F__
    return _mm512_cmpge_epu32_mask(_mm512_loadu_si512(numbers), _mm512_set1_epi32((int)threshold));
#else
    uint32_t bits = 0;
    for (int i = 0; i < 16; i++)
        bits |= (uint32_t)(numbers[i] >= threshold) << i;
    return bits;
#endif
}

INLINE void group_mask(uint8_t mask[GROUP / 8], const struct dropout_row *row, size_t column)
{
    uint64_t words[GROUP / 2];
    philox_group(words, (uint32_t)(column / GROUP * 16), row);
    for (int word = 0; word < 4; word++) {
        uint32_t low[16], high[16];
        for (int i = 0; i < 16; i++) {
            uint32_t bits = (uint32_t)words[word * 16 + i];
            low[i] = bits & 0xffff;
            high[i] = bits >> 16;
        }
        uint32_t kept = at_least(low, row->threshold) | at_least(high, row->threshold) << 16;
        for (int byte = 0; byte < 4; byte++)
            mask[word * 4 + byte] = (uint8_t)(kept >> byte * 8);
    }
}

static void dropout_mask(uint8_t *mask, const struct dropout_row *row, size_t count)
{
    for (size_t column = 0; column < count; column += GROUP)
        group_mask(mask + column / 8, row, column);
}

/* A vector of factors: scale where the mask's bit is set. i: a multiple of VECTOR. */
INLINE vec factors_at(const uint8_t *mask, size_t i, float scale)
{
#ifdef __AVX512F__
    __mmask16 bits;
    memcpy(&bits, mask + i / 8, sizeof bits);
    return _mm512_maskz_mov_ps(bits, _mm512_set1_ps(scale));
#else
    bits_vec lane = {0};
    for (int l = 0; l < VECTOR; l++)
        lane[l] = 1u << l;
    bits_vec set = (bits_vec)((((uint32_t)mask[i / 8] >> i % 8) & lane) != 0);
    return (vec)(set & bits_of_float(scale));
#endif
}

static void dropout_add(float *y, const float *residual, const struct dropout_row *row,
                        size_t count)
{
    uint8_t mask[GROUP / 8];
    for (size_t first = 0; first < count; first += GROUP) {
        size_t width = count - first < GROUP ? count - first : GROUP, i = 0;
        float *to = y + first;
        const float *from = residual ? residual + first : NULL;
        group_mask(mask, row, first);
        for (; i + VECTOR <= width; i += VECTOR) {
            vec kept = LOAD(to + i) * factors_at(mask, i, row->scale);
            STORE(to + i, from ? kept + LOAD(from + i) : kept);
        }
        for (; i < width; i++) {
            float kept = to[i] * (mask[i / 8] >> i % 8 & 1 ? row->scale : 0);
            to[i] = from ? kept + from[i] : kept;
        }
    }
}

/* ---- attention ---- */

/* A vector of scores; those behind count are so small that their exponential is 0. They are not
 * written to memory for that: reading a row back at once would wait for it. */
INLINE vec scores_at(const float *scores, size_t i, size_t count)
{
#define FOUR(x) x, x, x, x
    static const float bounds[2 * LANES] = {FOUR(FOUR(INFINITY)), FOUR(FOUR(-FLT_MAX))};
    vec x = LOAD(scores + i);
    if (i + VECTOR > count)
        x = smaller(x, LOAD(bounds + LANES - (count - i)));
    return x;
}

INLINE float largest(const float *scores, size_t count)
{
    vec most = {0}, other;
    most = other = most - FLT_MAX;
    for (size_t i = 0; i < count; i += 2 * VECTOR) {
        most = larger(scores_at(scores, i, count), most);
        if (i + VECTOR < count)
            other = larger(scores_at(scores, i + VECTOR, count), other);
    }
    most = larger(most, other);
#ifdef __AVX512F__
    return _mm512_reduce_max_ps(most);
#else
    float result = most[0];
    for (int l = 1; l < VECTOR; l++)
        result = most[l] > result ? most[l] : result;
    return result;
#endif
}

INLINE float vec_sum(vec x)
{
#ifdef __AVX512F__
    return _mm512_reduce_add_ps(x);
#else
    float sum = 0;
    for (int l = 0; l < VECTOR; l++)
        sum += x[l];
    return sum;
#endif
}

/* The largest is taken off first: of a product, one that is rounded and one that is not, within a
 * multiply-add, differ by more than exp2_vec takes where scores are in the billions. */
static void softmax(float *scores, const uint8_t *mask, float kept, float scale, size_t count)
{
    const float scale2 = scale * LOG2_E, most = largest(scores, count);
    vec sum = {0};
    for (size_t i = 0; i < count; i += VECTOR) {
        vec e = exp2_vec((scores_at(scores, i, count) - most) * scale2);
        STORE(scores + i, e);
        sum += e;
    }
    const float inverse = 1 / vec_sum(sum);
    if (!mask)
        for (size_t i = 0; i < count; i += VECTOR)
            STORE(scores + i, LOAD(scores + i) * inverse);
    else
        for (size_t i = 0; i < count; i += VECTOR)
            STORE(scores + i, LOAD(scores + i) * factors_at(mask, i, inverse * kept));
}

/* softmax_backward with and without a mask. The sum is of the very numbers that it is taken from,
 * so that a row's gradients add up to nothing, as they should. */
INLINE void row_backward(float *scores, float *dout, const uint8_t *mask, float kept, float scale,
                         size_t count)
{
    const vec one = (vec){0} + 1.0f;
    const float scale2 = scale * LOG2_E, most = largest(scores, count);
    vec sum = {0}, product = {0};
    for (size_t i = 0; i < count; i += VECTOR) {
        vec e = exp2_vec((scores_at(scores, i, count) - most) * scale2);
        STORE(scores + i, e);
        sum += e;
        product += e * (LOAD(dout + i) * (mask ? factors_at(mask, i, kept) : one));
    }
    const float inverse = 1 / vec_sum(sum), delta = vec_sum(product) * inverse;
    for (size_t i = 0; i < count; i += VECTOR) {
        vec p = LOAD(scores + i) * inverse, f = mask ? factors_at(mask, i, kept) : one;
        STORE(dout + i, p * (LOAD(dout + i) * f - delta) * scale);
        STORE(scores + i, p * f);
    }
}

static void softmax_backward(float *scores, float *dout, const uint8_t *mask, float kept,
                             float scale, size_t count)
{
    if (mask)
        row_backward(scores, dout, mask, kept, scale, count);
    else
        row_backward(scores, dout, NULL, 1, scale, count);
}

/* ---- the optimiser ---- */

static void adamw(float *weights, float *first, float *second, float *gradients,
                  const struct adamw_step *step, size_t count)
{
    const struct adamw_step s = *step;
    for (size_t i = 0; i < count; i++) {
        float g = gradients[i] * s.gradient_scale;
        float m = first[i] + (g - first[i]) * s.share1;
        float v = second[i] * s.beta2 + g * g * s.share2;
        weights[i] = weights[i] * s.decay - s.step_size * m / (sqrtf(v) * s.correction + s.epsilon);
        first[i] = m;
        second[i] = v;
        gradients[i] = 0;
    }
}

static void sgd(float *weights, float *gradients, float scale, float decay, float step,
                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        weights[i] = weights[i] * decay - step * (gradients[i] * scale);
        gradients[i] = 0;
    }
}

extern const struct products NAMED(products_float32_, KERNELS);
extern const struct products NAMED(products_rounded_, KERNELS);
extern const struct products NAMED(products_quantised_, KERNELS);
extern const struct kernels NAMED(kernels_, KERNELS);

const struct kernels NAMED(kernels_, KERNELS) = {
    .name = TEXT(KERNELS),
    .float32 = &NAMED(products_float32_, KERNELS),
    .rounded = &NAMED(products_rounded_, KERNELS),
    .quantised = &NAMED(products_quantised_, KERNELS),
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .activation = activation,
    .activation_backward = activation_backward,
    .dropout_mask = dropout_mask,
    .dropout_add = dropout_add,
    .add = add,
    .add_rows = add_rows,
    .softmax = softmax,
    .softmax_backward = softmax_backward,
    .sum_of_squares = sum_of_squares,
    .adamw = adamw,
    .sgd = sgd,
};
