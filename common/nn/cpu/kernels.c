/*
 * The kernels, written once and compiled for each instruction set: -DKERNELS=avx512, avx2 or
 * portable names the table. VECTOR is the number of floats in a register.
 *
 * Products read their right operand in panels of two registers' width and keep a tile of rows x two
 * registers in registers (12 x 32 with AVX-512, 6 x 16 with AVX2). Each element of a product is
 * summed over k in ascending order by one accumulator, in blocks of DEPTH_BLOCK between which it
 * rests in memory, whatever the tile it falls into; so the shape of the tile does not show in the
 * bits.
 *
 * The other loops are plain C that compilers vectorise; sums keep LANES partial sums to make that
 * possible without licence to reorder.
 */
#include "nn/cpu/kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define VECTOR    16
#define TILE_ROWS 12
#elif defined(__AVX2__)
#define VECTOR    8
#define TILE_ROWS 6
#else
#define VECTOR    4
#define TILE_ROWS 6
#endif

#define PANEL       (2 * VECTOR)
#define DEPTH_BLOCK 384
#define LANES       16

/* Unrolls a loop whole: its trip count is known once its function is inlined. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(VECTOR * 4)));
/* The same in memory, aligned as a float. */
typedef float vec_at __attribute__((vector_size(VECTOR * 4), aligned(4), may_alias));

#define LOAD(p)     (*(const vec_at *)(p))
#define STORE(p, v) (*(vec_at *)(p) = (v))

/* ---- products ---- */

/* How a tile's accumulators begin. */
enum start { START_ZERO, START_BIAS, START_C };

/* c[m, PANEL] = start + left[m, depth] x panel[depth, PANEL]; m is a constant after inlining. */
INLINE void tile(float *c, size_t c_stride, const float *left, size_t row, size_t column,
                 const float *panel, const float *bias, enum start start, size_t depth, const int m)
{
    vec low[TILE_ROWS], high[TILE_ROWS];
    UNROLL
    for (int i = 0; i < m; i++) {
        low[i] = high[i] = (vec){0};
        if (start != START_ZERO) {
            const float *from = start == START_C ? c + (size_t)i * c_stride : bias;
            low[i] = LOAD(from);
            high[i] = LOAD(from + VECTOR);
        }
    }
    for (size_t k = 0; k < depth; k++) {
        vec b0 = LOAD(panel + k * PANEL), b1 = LOAD(panel + k * PANEL + VECTOR);
        UNROLL
        for (int i = 0; i < m; i++) {
            float a = left[(size_t)i * row + k * column];
            low[i] += a * b0;
            high[i] += a * b1;
        }
    }
    UNROLL
    for (int i = 0; i < m; i++) {
        STORE(c + (size_t)i * c_stride, low[i]);
        STORE(c + (size_t)i * c_stride + VECTOR, high[i]);
    }
}

/* One function for each height and each of the two ways to walk the left operand (row or column
 * stride 1). */
typedef void tile_function(float *, size_t, const float *, size_t, const float *, const float *,
                           enum start, size_t);

#define TILE(m)                                                                                    \
    static void tile_by_row_##m(float *c, size_t c_stride, const float *left, size_t row,          \
                                const float *panel, const float *bias, enum start start,           \
                                size_t depth)                                                      \
    {                                                                                              \
        tile(c, c_stride, left, row, 1, panel, bias, start, depth, m);                             \
    }                                                                                              \
    static void tile_by_column_##m(float *c, size_t c_stride, const float *left, size_t column,    \
                                   const float *panel, const float *bias, enum start start,        \
                                   size_t depth)                                                   \
    {                                                                                              \
        tile(c, c_stride, left, 1, column, panel, bias, start, depth, m);                          \
    }

TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
#if TILE_ROWS == 12
TILE(7)
TILE(8)
TILE(9)
TILE(10)
TILE(11)
TILE(12)
#define TABLE(way)                                                                                 \
    {                                                                                              \
        way##_1, way##_2, way##_3, way##_4, way##_5, way##_6, way##_7, way##_8, way##_9, way##_10, \
            way##_11, way##_12                                                                     \
    }
#else
#define TABLE(way)                                                                                 \
    {                                                                                              \
        way##_1, way##_2, way##_3, way##_4, way##_5, way##_6                                       \
    }
#endif

static tile_function *const tiles_by_row[TILE_ROWS] = TABLE(tile_by_row);
static tile_function *const tiles_by_column[TILE_ROWS] = TABLE(tile_by_column);

/* A tile whose panel reaches beyond the last column: computed aside, and only its real columns are
 * stored. */
static void tile_at_edge(tile_function *function, float *c, size_t c_stride, const float *left,
                         size_t stride, const float *panel, const float *bias, enum start start,
                         size_t depth, size_t rows, size_t columns)
{
    float aside[TILE_ROWS * PANEL], bias_aside[PANEL] = {0};
    memset(aside, 0, sizeof aside);
    if (start == START_C)
        for (size_t i = 0; i < rows; i++)
            memcpy(aside + i * PANEL, c + i * c_stride, columns * sizeof *c);
    if (start == START_BIAS)
        memcpy(bias_aside, bias, columns * sizeof *bias);
    function(aside, PANEL, left, stride, panel, bias_aside, start, depth);
    for (size_t i = 0; i < rows; i++)
        memcpy(c + i * c_stride, aside + i * PANEL, columns * sizeof *c);
}

static void gemm(float *c, size_t c_stride, struct gemm_left left, const float *panels,
                 const float *bias, int accumulate, size_t rows, size_t columns, size_t depth)
{
    tile_function *const *functions = left.column == 1 ? tiles_by_row : tiles_by_column;
    size_t stride = left.column == 1 ? left.row : left.column;
    for (size_t k = 0; k < depth || k == 0; k += DEPTH_BLOCK) {
        size_t block = depth - k < DEPTH_BLOCK ? depth - k : DEPTH_BLOCK;
        enum start start = k > 0 || accumulate ? START_C : bias ? START_BIAS : START_ZERO;
        for (size_t n = 0; n < columns; n += PANEL) {
            const float *panel = panels + n * depth + k * PANEL;
            for (size_t m = 0; m < rows; m += TILE_ROWS) {
                size_t height = rows - m < TILE_ROWS ? rows - m : TILE_ROWS;
                const float *a = left.data + m / TILE_ROWS * left.tile + k * left.column;
                float *to = c + m * c_stride + n;
                const float *shift = bias ? bias + n : NULL;
                if (columns - n >= PANEL)
                    functions[height - 1](to, c_stride, a, stride, panel, shift, start, block);
                else
                    tile_at_edge(functions[height - 1], to, c_stride, a, stride, panel, shift,
                                 start, block, height, columns - n);
            }
        }
    }
}

static void pack_panels(float *panels, const float *right, size_t row, size_t column, size_t depth,
                        size_t columns)
{
    for (size_t n = 0; n < columns; n += PANEL) {
        size_t width = columns - n < PANEL ? columns - n : PANEL;
        const float *from = right + n * column;
        for (size_t k = 0; k < depth; k++, panels += PANEL) {
            if (width == PANEL && column == 1)
                memcpy(panels, from + k * row, PANEL * sizeof *panels);
            else if (width == PANEL)
                for (size_t j = 0; j < PANEL; j++)
                    panels[j] = from[k * row + j * column];
            else
                for (size_t j = 0; j < PANEL; j++)
                    panels[j] = j < width ? from[k * row + j * column] : 0;
        }
    }
}

static void pack_tiles(float *tiles, const float *x, size_t x_stride, size_t depth, size_t columns)
{
    for (size_t m = 0; m < columns; m += TILE_ROWS) {
        size_t width = columns - m < TILE_ROWS ? columns - m : TILE_ROWS;
        for (size_t k = 0; k < depth; k++, tiles += TILE_ROWS) {
            if (width == TILE_ROWS)
                memcpy(tiles, x + k * x_stride + m, TILE_ROWS * sizeof *tiles);
            else
                for (size_t j = 0; j < TILE_ROWS; j++)
                    tiles[j] = j < width ? x[k * x_stride + m + j] : 0;
        }
    }
}

/* ---- sums in a fixed order ---- */

INLINE float lanes_sum(const float lanes[LANES])
{
    float sum[LANES];
    memcpy(sum, lanes, sizeof sum);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            sum[i] += sum[i + width];
    return sum[0];
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

static float dot(const float *a, const float *b, size_t count)
{
    float sum;
    SUM(sum, count, a[i] * b[i]);
    return sum;
}

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

static void add_rows(float *sums, const float *x, size_t x_stride, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < width; i++)
            sums[i] += x[r * x_stride + i];
}

/* ---- element by element ---- */

static void multiply_add(float *y, const float *a, const float *b, const float *c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = a[i] * b[i] + c[i];
}

static void multiply(float *y, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = a[i] * b[i];
}

static void add(float *y, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = a[i] + b[i];
}

INLINE float float_of_bits(uint32_t bits)
{
    union {
        uint32_t bits;
        float value;
    } both = {.bits = bits};
    return both.value;
}

/* e^x within 2 ulp on [-87, 88], clamped outside. Range reduction by ln 2 in two parts and the
 * polynomial of Cephes' expf (Moshier). */
INLINE float exp_inline(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float round = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    float n = (x * 1.44269504088896341f + round) - round;
    float r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    return p * float_of_bits((uint32_t)((int32_t)n + 127) << 23);
}

/* erf(x) within 3e-7: the rational approximation of Eigen's generic_fast_erf_float. */
INLINE float erf_inline(float x)
{
    x = x < -4.0f ? -4.0f : x;
    x = x > 4.0f ? 4.0f : x;
    float s = x * x;
    float p = -2.72614225801306e-10f;
    p = p * s + 2.77068142495902e-08f;
    p = p * s + -2.10102402082508e-06f;
    p = p * s + -5.69250639462346e-05f;
    p = p * s + -7.34990630326855e-04f;
    p = p * s + -2.95459980854025e-03f;
    p = p * s + -1.60960333262415e-02f;
    float q = -1.45660718464996e-05f;
    q = q * s + -2.13374055278905e-04f;
    q = q * s + -1.68282697438203e-03f;
    q = q * s + -7.37332916720468e-03f;
    q = q * s + -1.42647390514189e-02f;
    return x * p / q;
}

INLINE float tanh_inline(float x)
{
    float a = x < 0 ? -x : x;
    float e = exp_inline(-2 * a);
    float t = (1 - e) / (1 + e);
    return x < 0 ? -t : t;
}

/* The normal distribution function and sqrt(2/pi) x + ... of the two kinds of GELU. */
INLINE float normal_cdf(float x)
{
    return 0.5f * (1.0f + erf_inline(x * 0.70710678118654752f));
}

INLINE float gelu_tanh_gate(float x)
{
    return 0.5f * (1 + tanh_inline(0.79788456080286536f * (x + 0.044715f * x * x * x)));
}

static void activation(float *y, const float *x, enum activation kind, size_t count)
{
    switch (kind) {
    case ACTIVATION_GELU:
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] * normal_cdf(x[i]);
        break;
    case ACTIVATION_GELU_TANH:
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] * gelu_tanh_gate(x[i]);
        break;
    case ACTIVATION_RELU:
        for (size_t i = 0; i < count; i++)
            y[i] = x[i] > 0 ? x[i] : 0;
        break;
    }
}

static void activation_backward(float *dx, float *y, const float *dy, const float *x,
                                enum activation kind, size_t count)
{
    switch (kind) {
    case ACTIVATION_GELU:
        for (size_t i = 0; i < count; i++) {
            float cdf = normal_cdf(x[i]);
            float density = 0.39894228040143268f * exp_inline(-0.5f * x[i] * x[i]);
            y[i] = x[i] * cdf;
            dx[i] = dy[i] * (cdf + x[i] * density);
        }
        break;
    case ACTIVATION_GELU_TANH:
        for (size_t i = 0; i < count; i++) {
            float gate = gelu_tanh_gate(x[i]);
            float slope = 0.79788456080286536f * (1 + 3 * 0.044715f * x[i] * x[i]);
            y[i] = x[i] * gate;
            dx[i] = dy[i] * (gate + x[i] * 2 * gate * (1 - gate) * slope);
        }
        break;
    case ACTIVATION_RELU:
        for (size_t i = 0; i < count; i++) {
            y[i] = x[i] > 0 ? x[i] : 0;
            dx[i] = x[i] > 0 ? dy[i] : 0;
        }
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

/*
 * Philox 4x32-10 on the 16 counters of one group of 64 columns. words[w][l]: word w of counter l in
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
            x0[v] = (p1 >> 32) ^ x1[v] ^ key0;
            x2[v] = (p0 >> 32) ^ x3[v] ^ key1;
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

static void dropout_factors(float *factors, const struct dropout_row *row, size_t count)
{
    const uint32_t threshold = row->threshold;
    const float scale = row->scale;
    for (size_t column = 0; column < count; column += 64) {
        uint64_t words[64];
        float group[64];
        philox_group(words, (uint32_t)(column / 64 * 16), row);
        for (int i = 0; i < 64; i++)
            group[i] = (uint32_t)words[i] < threshold ? 0.0f : scale;
        size_t width = count - column < 64 ? count - column : 64;
        memcpy(factors + column, group, width * sizeof *factors);
    }
}

/* ---- attention ---- */

static float softmax(float *scores, float scale, size_t count)
{
    float most = scores[0], sum;
    float lanes[LANES];
    for (int l = 0; l < LANES; l++)
        lanes[l] = most;
    size_t base = 0;
    for (; base + LANES <= count; base += LANES)
        for (size_t l = 0; l < LANES; l++)
            lanes[l] = scores[base + l] > lanes[l] ? scores[base + l] : lanes[l];
    for (; base < count; base++)
        lanes[0] = scores[base] > lanes[0] ? scores[base] : lanes[0];
    for (int l = 0; l < LANES; l++)
        most = lanes[l] > most ? lanes[l] : most;
    for (size_t i = 0; i < count; i++)
        scores[i] = exp_inline((scores[i] - most) * scale);
    SUM(sum, count, scores[i]);
    float inverse = 1 / sum;
    for (size_t i = 0; i < count; i++)
        scores[i] *= inverse;
    return most * scale + logf(sum);
}

static void softmax_backward(float *scores, float *dout, const float *factors, float scale,
                             float lse, float delta, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float probability = exp_inline(scores[i] * scale - lse);
        float factor = factors ? factors[i] : 1;
        scores[i] = probability * factor;
        dout[i] = probability * (dout[i] * factor - delta) * scale;
    }
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

#define NAMED_(prefix, name) prefix##name
#define NAMED(prefix, name)  NAMED_(prefix, name)
#define TEXT_(name)          #name
#define TEXT(name)           TEXT_(name)

extern const struct kernels NAMED(kernels_, KERNELS);

const struct kernels NAMED(kernels_, KERNELS) = {
    .name = TEXT(KERNELS),
    .tile_rows = TILE_ROWS,
    .panel_columns = PANEL,
    .gemm = gemm,
    .pack_panels = pack_panels,
    .pack_tiles = pack_tiles,
    .layer_norm = layer_norm,
    .layer_norm_backward = layer_norm_backward,
    .activation = activation,
    .activation_backward = activation_backward,
    .dropout_factors = dropout_factors,
    .multiply_add = multiply_add,
    .multiply = multiply,
    .add = add,
    .add_rows = add_rows,
    .softmax = softmax,
    .softmax_backward = softmax_backward,
    .dot = dot,
    .sum_of_squares = sum_of_squares,
    .adamw = adamw,
    .sgd = sgd,
};
