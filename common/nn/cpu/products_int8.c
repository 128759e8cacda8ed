/*
 * Products of int8, for inference. -DPRODUCTS=avx512vnni or avxvnni (VPDPBUSD on registers of 512
 * or 256 bits) names the table.
 *
 * quantise.h says what becomes of the numbers. Sums are of integers, and exact up to a depth of
 * 66,311, which no model has (model/config.c); they become floats once they are whole.
 *
 * Both operands are packed in groups of four steps of the depth, a word each, zeros beyond the
 * last:
 *
 *     left    [rows] of: [groups] words; the row's scale and zero
 *     panels  [ceil(columns / PANEL)] of: [groups, PANEL] words; [PANEL] scales; [PANEL] sums of
 *             the column's bytes
 */
#include "nn/cpu/products.h"

#include <string.h>

#include "nn/cpu/quantise.h"
#include "nn/cpu/transpose.h"
#include "nn/cpu/vector.h"

#define PANEL      (2 * VECTOR)
#define BLOCK_ROWS (VECTOR == 16 ? 12 : 6)
#define GROUP      4 /* steps of the depth in a word */

/* sum + the products of four unsigned bytes of a and four signed ones of b, in each lane. */
INLINE int_vec dot(int_vec sum, int_vec a, int_vec b)
{
#if VECTOR == 16
    return (int_vec)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#else
    return (int_vec)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
#endif
}

static size_t groups_of(size_t depth)
{
    return (depth + GROUP - 1) / GROUP;
}

/* ---- packing ---- */

/* A left operand's row is its words and this. */
struct row_form {
    float scale;
    int32_t zero;
};

static size_t row_words(size_t depth)
{
    return groups_of(depth) + sizeof(struct row_form) / sizeof(uint32_t);
}

/* A panel is its words, and for each of its columns a scale and the sum of its bytes. */
static size_t panel_words(size_t depth)
{
    return (groups_of(depth) + 2) * PANEL;
}

static size_t panels_bytes(size_t depth, size_t columns)
{
    return (columns + PANEL - 1) / PANEL * panel_words(depth) * sizeof(uint32_t);
}

static int32_t sum_of(const int8_t *bytes, size_t count)
{
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += bytes[i];
    return sum;
}

/* SQUARE columns of right, of which `width` are there, into those of a panel from `words` on. */
static void pack_columns(uint32_t *words, float *scales, int32_t *sums, const float *right,
                         size_t column, size_t depth, size_t width)
{
    struct quantised q[SQUARE];
    size_t groups = groups_of(depth);
    for (size_t n = 0; n < SQUARE; n++) {
        sums[n] = 0;
        scales[n] = 0;
        if (n < width)
            scales[n] = (q[n] = quantised_weights(right + n * column, depth)).scale;
    }
    for (size_t g = 0; g < groups; g += SQUARE, words += SQUARE * PANEL) {
        uint32_t square[SQUARE * SQUARE] = {0}, across[SQUARE * SQUARE];
        size_t k = g * GROUP, rest = depth - k,
               deep = rest < SQUARE * GROUP ? rest : SQUARE * GROUP;
        for (size_t n = 0; n < width; n++) {
            uint8_t *bytes = (uint8_t *)(square + n * SQUARE);
            quantise(bytes, &q[n], right + n * column + k, deep);
            sums[n] += sum_of((const int8_t *)bytes, deep);
        }
        transpose_square(across, SQUARE, square, SQUARE);
        for (size_t i = 0; i < SQUARE && g + i < groups; i++)
            memcpy(words + i * PANEL, across + i * SQUARE, SQUARE * sizeof *words);
    }
}

static void pack_panels(void *panels, const float *right, size_t row, size_t column, size_t depth,
                        size_t columns)
{
    uint32_t *panel = panels;
    (void)row;
    for (size_t n = 0; n < columns; n += PANEL, panel += panel_words(depth)) {
        float *scales = (float *)(panel + groups_of(depth) * PANEL);
        int32_t *sums = (int32_t *)(scales + PANEL);
        for (size_t half = 0; half < PANEL; half += SQUARE) {
            size_t at = n + half, rest = at < columns ? columns - at : 0;
            pack_columns(panel + half, scales + half, sums + half, right + (rest ? at * column : 0),
                         column, depth, rest < SQUARE ? rest : SQUARE);
        }
    }
}

static size_t left_bytes(size_t rows, size_t depth)
{
    return (rows + BLOCK_ROWS) * row_words(depth) * sizeof(uint32_t);
}

static void pack_row(uint32_t *words, const float *x, size_t depth)
{
    size_t groups = groups_of(depth);
    struct quantised q = quantised_activations(x, depth);
    struct row_form form = {q.scale, (int32_t)q.zero};
    if (depth % GROUP)
        words[groups - 1] = 0;
    quantise((uint8_t *)words, &q, x, depth);
    memcpy(words + groups, &form, sizeof form);
}

static struct left pack_left(void *room, const float *x, size_t row, size_t column, size_t rows,
                             size_t depth)
{
    size_t words = row_words(depth);
    uint32_t *to = room;
    (void)column;
    for (size_t m = 0; m < rows; m++)
        pack_row(to + m * words, x + m * row, depth);
    for (size_t m = rows; m % BLOCK_ROWS; m++)
        memset(to + m * words, 0, words * sizeof *to);
    return (struct left){.data = room};
}

/* ---- a block of the result ---- */

/* BLOCK_ROWS x PANEL of c = from + the rows of left times the panel. from: rows from_stride apart,
 * 0 for the same numbers in each, a bias; or NULL for zeros. */
static void block(float *c, size_t c_stride, const float *from, size_t from_stride,
                  const uint32_t *left, size_t row, const uint32_t *panel, size_t groups)
{
    int_vec low[BLOCK_ROWS], high[BLOCK_ROWS];
    UNROLL
    for (int i = 0; i < BLOCK_ROWS; i++)
        low[i] = high[i] = (int_vec){0};
    for (size_t g = 0; g < groups; g++) {
        int_vec b0 = LOAD_INTS(panel + g * PANEL), b1 = LOAD_INTS(panel + g * PANEL + VECTOR);
        UNROLL
        for (int i = 0; i < BLOCK_ROWS; i++) {
            int_vec a = (int_vec){0} + (int32_t)left[(size_t)i * row + g];
            low[i] = dot(low[i], a, b0);
            high[i] = dot(high[i], a, b1);
        }
    }
    const float *scales = (const float *)(panel + groups * PANEL);
    const int32_t *sums = (const int32_t *)(scales + PANEL);
    UNROLL
    for (size_t i = 0; i < BLOCK_ROWS; i++) {
        struct row_form form;
        memcpy(&form, left + i * row + groups, sizeof form);
        vec y0 = __builtin_convertvector(low[i] - LOAD_INTS(sums) * form.zero, vec);
        vec y1 = __builtin_convertvector(high[i] - LOAD_INTS(sums + VECTOR) * form.zero, vec);
        y0 = y0 * LOAD(scales) * form.scale; /* the scales' own product may be too large */
        y1 = y1 * LOAD(scales + VECTOR) * form.scale;
        if (from) {
            y0 += LOAD(from + i * from_stride);
            y1 += LOAD(from + i * from_stride + VECTOR);
        }
        STORE(c + i * c_stride, y0);
        STORE(c + i * c_stride + VECTOR, y1);
    }
}

/* A block that reaches beyond the last row or column: computed aside. */
static void block_at_edge(float *c, size_t c_stride, const float *from, size_t from_stride,
                          const uint32_t *left, size_t row, const uint32_t *panel, size_t groups,
                          size_t rows, size_t columns)
{
    float aside[BLOCK_ROWS * PANEL] = {0};
    for (size_t i = 0; from && i < rows; i++)
        memcpy(aside + i * PANEL, from + i * from_stride, columns * sizeof *c);
    block(aside, PANEL, from ? aside : NULL, PANEL, left, row, panel, groups);
    for (size_t i = 0; i < rows; i++)
        memcpy(c + i * c_stride, aside + i * PANEL, columns * sizeof *c);
}

static void multiply(float *c, size_t c_stride, struct left operand, const void *packed,
                     const float *bias, bool accumulate, size_t rows, size_t columns, size_t depth)
{
    const uint32_t *left = operand.data, *panel = packed;
    size_t groups = groups_of(depth), row = row_words(depth);
    for (size_t n = 0; n < columns; n += PANEL, panel += panel_words(depth)) {
        size_t wide = columns - n < PANEL ? columns - n : PANEL;
        for (size_t m = 0; m < rows; m += BLOCK_ROWS) {
            size_t high = rows - m < BLOCK_ROWS ? rows - m : BLOCK_ROWS;
            float *to = c + m * c_stride + n;
            const float *from = accumulate ? to : bias ? bias + n : NULL;
            size_t from_stride = accumulate ? c_stride : 0;
            if (high == BLOCK_ROWS && wide == PANEL)
                block(to, c_stride, from, from_stride, left + m * row, row, panel, groups);
            else
                block_at_edge(to, c_stride, from, from_stride, left + m * row, row, panel, groups,
                              high, wide);
        }
    }
}

extern const struct products NAMED(products_int8_, PRODUCTS);

const struct products NAMED(products_int8_, PRODUCTS) = {
    .name = "int8 by " TEXT(PRODUCTS),
    .panel_columns = PANEL,
    .panels_bytes = panels_bytes,
    .pack_panels = pack_panels,
    .left_bytes = left_bytes,
    .left = pack_left,
    .multiply = multiply,
};
