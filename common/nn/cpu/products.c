/*
 * Products of float32, and of float32 rounded to bf16 or to int8: what hardware for them computes,
 * on processors that have none or a slow one. -DKERNELS=avx512, avx2 or portable names the tables.
 *
 * The right operand is in panels of two registers' width: [ceil(columns / PANEL), depth, PANEL],
 * zeros beyond the last column. A tile of rows x two registers stays in registers (12 x 32 with
 * AVX-512, 6 x 16 with AVX2). Each element is summed over k in ascending order in blocks of
 * SUM_DEPTH, each from zero and then added to what is there, whatever the tile it falls into; so
 * the shape of the tile does not show in the bits.
 *
 * A left operand whose rows are contiguous is used in place, as is a shallow transposed one. Others
 * are packed in tiles, [ceil(rows / TILE_ROWS), depth, TILE_ROWS].
 */
#include "nn/cpu/products.h"

#include <string.h>

#include "nn/cpu/quantise.h"
#include "nn/cpu/transpose.h"
#include "nn/cpu/vector.h"

#if defined(__AVX512F__)
#define TILE_ROWS 12
#else
#define TILE_ROWS 6
#endif

#define PANEL       (2 * VECTOR)
#define STRIP_ROWS  48
#define DEPTH_BLOCK 384 /* of the right operand's panel, to stay in the cache */
#define SUM_DEPTH   128 /* summed from zero before it joins the sum: fewer roundings meet */
#define SHALLOW     64 /* depth up to which packing a transposed operand costs more than it saves */
#define PACK_DEPTH  4  /* rows of an operand that stay in the first cache while they are packed */
#define PACK_AHEAD  8  /* rows that are asked for before they are packed */

_Static_assert(KEPT_COLUMNS % TILE_ROWS == 0 && KEPT_COLUMNS % PANEL == 0, "tiles and panels");

/* ---- tiles ---- */

/* What is asked for while a tile is computed, so that it is in the second cache when its turn
 * comes: step floats for each step of the depth. */
struct ahead {
    const float *data;
    size_t step;
};

/* c[m, PANEL] = from + left[m, depth] x panel[depth, PANEL]; m is a constant after inlining. from:
 * rows from_stride apart, or NULL for zeros. */
INLINE void sum_tile(float *c, size_t c_stride, const float *from, size_t from_stride,
                     const float *left, size_t row, size_t column, const float *panel, size_t depth,
                     struct ahead ahead, const int m)
{
    vec low[TILE_ROWS], high[TILE_ROWS];
    UNROLL
    for (int i = 0; i < m; i++)
        low[i] = high[i] = (vec){0};
    for (size_t k = 0; k < depth; k++) {
        vec b0 = LOAD(panel + k * PANEL), b1 = LOAD(panel + k * PANEL + VECTOR);
        __builtin_prefetch(ahead.data + k * ahead.step, 0, 2);
        UNROLL
        for (int i = 0; i < m; i++) {
            float a = left[(size_t)i * row + k * column];
            low[i] += a * b0;
            high[i] += a * b1;
        }
    }
    UNROLL
    for (int i = 0; i < m; i++) {
        if (from) {
            low[i] += LOAD(from + (size_t)i * from_stride);
            high[i] += LOAD(from + (size_t)i * from_stride + VECTOR);
        }
        STORE(c + (size_t)i * c_stride, low[i]);
        STORE(c + (size_t)i * c_stride + VECTOR, high[i]);
    }
}

INLINE void tile(float *c, size_t c_stride, const float *from, size_t from_stride,
                 const float *left, size_t row, size_t column, const float *panel, size_t depth,
                 struct ahead ahead, const int m)
{
    for (size_t k = 0; k < depth || k == 0; k += SUM_DEPTH) {
        size_t block = depth - k < SUM_DEPTH ? depth - k : SUM_DEPTH;
        sum_tile(c, c_stride, from, from_stride, left + k * column, row, column, panel + k * PANEL,
                 block, ahead, m);
        ahead.data += block * ahead.step;
        from = c;
        from_stride = c_stride;
    }
}

/* One function for each height and each of the two ways to walk the left operand (row or column
 * stride 1). */
typedef void tile_function(float *, size_t, const float *, size_t, const float *, size_t,
                           const float *, size_t, struct ahead);

#define TILE(m)                                                                                    \
    static void tile_by_row_##m(float *c, size_t c_stride, const float *from, size_t from_stride,  \
                                const float *left, size_t row, const float *panel, size_t depth,   \
                                struct ahead ahead)                                                \
    {                                                                                              \
        tile(c, c_stride, from, from_stride, left, row, 1, panel, depth, ahead, m);                \
    }                                                                                              \
    static void tile_by_column_##m(float *c, size_t c_stride, const float *from,                   \
                                   size_t from_stride, const float *left, size_t column,           \
                                   const float *panel, size_t depth, struct ahead ahead)           \
    {                                                                                              \
        tile(c, c_stride, from, from_stride, left, 1, column, panel, depth, ahead, m);             \
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
static void tile_at_edge(tile_function *function, float *c, size_t c_stride, const float *from,
                         size_t from_stride, const float *left, size_t stride, const float *panel,
                         size_t depth, size_t rows, size_t columns)
{
    float aside[TILE_ROWS * PANEL];
    memset(aside, 0, sizeof aside);
    for (size_t i = 0; from && i < rows; i++)
        memcpy(aside + i * PANEL, from + i * from_stride, columns * sizeof *c);
    function(aside, PANEL, from ? aside : NULL, PANEL, left, stride, panel, depth,
             (struct ahead){panel, 0});
    for (size_t i = 0; i < rows; i++)
        memcpy(c + i * c_stride, aside + i * PANEL, columns * sizeof *c);
}

static void multiply(float *c, size_t c_stride, struct left left, const void *packed,
                     const float *bias, bool accumulate, size_t rows, size_t columns, size_t depth)
{
    const float *data = left.data, *panels = packed;
    tile_function *const *functions = left.column == 1 ? tiles_by_row : tiles_by_column;
    size_t stride = left.column == 1 ? left.row : left.column;
    size_t step = PANEL / ((rows + TILE_ROWS - 1) / TILE_ROWS);
    for (size_t k = 0; k < depth || k == 0; k += DEPTH_BLOCK) {
        size_t block = depth - k < DEPTH_BLOCK ? depth - k : DEPTH_BLOCK;
        bool adds = k > 0 || accumulate;
        for (size_t n = 0; n < columns; n += PANEL) {
            const float *panel = panels + n * depth + k * PANEL;
            struct ahead ahead = {panel + depth * PANEL, step};
            for (size_t m = 0; m < rows; m += TILE_ROWS, ahead.data += block * step) {
                size_t height = rows - m < TILE_ROWS ? rows - m : TILE_ROWS;
                const float *a = data + m / TILE_ROWS * left.tile + k * left.column;
                float *to = c + m * c_stride + n;
                const float *from = adds ? to : bias ? bias + n : NULL;
                size_t from_stride = adds ? c_stride : 0;
                if (columns - n >= PANEL)
                    functions[height - 1](to, c_stride, from, from_stride, a, stride, panel, block,
                                          ahead);
                else
                    tile_at_edge(functions[height - 1], to, c_stride, from, from_stride, a, stride,
                                 panel, block, height, columns - n);
            }
        }
    }
}

/* ---- packing ---- */

static size_t panels_bytes(size_t depth, size_t columns)
{
    return (columns + PANEL - 1) / PANEL * PANEL * depth * sizeof(float);
}

/* width columns of right, whose rows are contiguous. */
static void pack_rows(float *panel, const float *right, size_t row, size_t depth, size_t width)
{
    for (size_t k = 0; k < depth; k++, panel += PANEL) {
        __builtin_prefetch(right + (k + PACK_AHEAD) * row);
        __builtin_prefetch(right + (k + PACK_AHEAD) * row + PANEL / 2);
        if (width == PANEL) {
            memcpy(panel, right + k * row, PANEL * sizeof *panel);
            continue;
        }
        memset(panel, 0, PANEL * sizeof *panel);
        memcpy(panel, right + k * row, width * sizeof *panel);
    }
}

/* width columns of right, whose columns are contiguous, transposed. */
static void pack_columns(float *panel, const float *right, size_t column, size_t depth,
                         size_t width)
{
    for (size_t k = 0; k < depth; k += SQUARE) {
        size_t deep = depth - k < SQUARE ? depth - k : SQUARE;
        for (size_t n = 0; n < PANEL; n += SQUARE) {
            size_t wide = n >= width ? 0 : width - n < SQUARE ? width - n : SQUARE;
            size_t here = PANEL - n < SQUARE ? PANEL - n : SQUARE;
            const uint32_t *from = (const uint32_t *)(right + n * column + k);
            for (size_t i = 0; i < wide; i++)
                __builtin_prefetch(from + (PANEL + i) * column);
            uint32_t aside[SQUARE * SQUARE];
            if (deep == SQUARE && wide == SQUARE && here == SQUARE) {
                transpose_square((uint32_t *)(panel + k * PANEL + n), PANEL, from, column);
                continue;
            }
            transpose_part(aside, SQUARE, from, column, wide, deep);
            for (size_t i = 0; i < deep; i++)
                memcpy(panel + (k + i) * PANEL + n, aside + i * SQUARE, here * sizeof *panel);
        }
    }
}

/* Rows `first` .. of right's depth, whole, a few at a time. */
static void keep_panels(void *panels, const float *right, size_t row, size_t first, size_t rows,
                        size_t depth, size_t columns)
{
    for (size_t k = 0; k < rows; k += PACK_DEPTH) {
        size_t deep = rows - k < PACK_DEPTH ? rows - k : PACK_DEPTH;
        for (size_t n = 0; n < columns; n += PANEL) {
            float *panel = (float *)panels + n * depth + (first + k) * PANEL;
            size_t width = columns - n < PANEL ? columns - n : PANEL;
            pack_rows(panel, right + k * row + n, row, deep, width);
        }
    }
}

static void pack_panels(void *panels, const float *right, size_t row, size_t column, size_t depth,
                        size_t columns)
{
    if (column == 1) {
        keep_panels(panels, right, row, 0, depth, depth, columns);
        return;
    }
    for (size_t n = 0; n < columns; n += PANEL) {
        size_t width = columns - n < PANEL ? columns - n : PANEL;
        pack_columns((float *)panels + n * depth, right + n * column, column, depth, width);
    }
}

static size_t left_bytes(size_t rows, size_t depth)
{
    return (rows + TILE_ROWS) * depth * sizeof(float);
}

/* Tiles of x^T, x[depth, columns]: rows first .. of x, which are contiguous. */
static void keep_tiles(void *tiles, const float *x, size_t row, size_t first, size_t rows,
                       size_t depth, size_t columns)
{
    for (size_t done = 0; done < rows; done += PACK_DEPTH) {
        size_t end = rows - done < PACK_DEPTH ? rows : done + PACK_DEPTH;
        for (size_t m = 0; m < columns; m += TILE_ROWS) {
            size_t width = columns - m < TILE_ROWS ? columns - m : TILE_ROWS;
            float *tile = (float *)tiles + m * depth + first * TILE_ROWS;
            for (size_t k = done; k < end; k++) {
                __builtin_prefetch(x + (k + PACK_AHEAD) * row + m);
                if (width == TILE_ROWS)
                    memcpy(tile + k * TILE_ROWS, x + k * row + m, TILE_ROWS * sizeof *tile);
                else
                    memcpy(tile + k * TILE_ROWS, x + k * row + m, width * sizeof *tile);
            }
        }
    }
}

static struct left kept_tiles(const void *tiles, size_t column, size_t depth)
{
    return (struct left){(const float *)tiles + column * depth, 1, TILE_ROWS, TILE_ROWS * depth};
}

static struct left take_left(void *room, const float *x, size_t row, size_t column, size_t rows,
                             size_t depth)
{
    if (column == 1)
        return (struct left){x, row, 1, TILE_ROWS * row};
    if (depth <= SHALLOW)
        return (struct left){x, 1, column, TILE_ROWS};
    keep_tiles(room, x, column, 0, depth, depth, rows);
    return kept_tiles(room, 0, depth);
}

extern const struct products NAMED(products_float32_, KERNELS);

const struct products NAMED(products_float32_, KERNELS) = {
    .name = "float32",
    .panel_columns = PANEL,
    .strip_rows = STRIP_ROWS,
    .panels_bytes = panels_bytes,
    .pack_panels = pack_panels,
    .left_bytes = left_bytes,
    .left = take_left,
    .keep_left = keep_tiles,
    .keep_panels = keep_panels,
    .kept_left = kept_tiles,
    .multiply = multiply,
};

/* ---- rounded to bf16 ---- */

static void round_all(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = float_of_bits(bf16_bits(values[i]));
}

static void pack_panels_rounded(void *panels, const float *right, size_t row, size_t column,
                                size_t depth, size_t columns)
{
    pack_panels(panels, right, row, column, depth, columns);
    round_all(panels, panels_bytes(depth, columns) / sizeof(float));
}

static void keep_panels_rounded(void *panels, const float *right, size_t row, size_t first,
                                size_t rows, size_t depth, size_t columns)
{
    keep_panels(panels, right, row, first, rows, depth, columns);
    for (size_t n = 0; n < columns; n += PANEL)
        round_all((float *)panels + n * depth + first * PANEL, rows * PANEL);
}

static void keep_tiles_rounded(void *tiles, const float *x, size_t row, size_t first, size_t rows,
                               size_t depth, size_t columns)
{
    keep_tiles(tiles, x, row, first, rows, depth, columns);
    for (size_t m = 0; m < columns; m += TILE_ROWS)
        round_all((float *)tiles + m * depth + first * TILE_ROWS, rows * TILE_ROWS);
}

static struct left round_left(void *room, const float *x, size_t row, size_t column, size_t rows,
                              size_t depth)
{
    float *to = room;
    if (column != 1) {
        keep_tiles_rounded(room, x, column, 0, depth, depth, rows);
        return kept_tiles(room, 0, depth);
    }
    for (size_t m = 0; m < rows; m++)
        for (size_t k = 0; k < depth; k++)
            to[m * depth + k] = float_of_bits(bf16_bits(x[m * row + k]));
    return (struct left){room, depth, 1, TILE_ROWS * depth};
}

extern const struct products NAMED(products_rounded_, KERNELS);

const struct products NAMED(products_rounded_, KERNELS) = {
    .name = "bf16 by rounded float32",
    .panel_columns = PANEL,
    .strip_rows = STRIP_ROWS,
    .panels_bytes = panels_bytes,
    .pack_panels = pack_panels_rounded,
    .left_bytes = left_bytes,
    .left = round_left,
    .keep_left = keep_tiles_rounded,
    .keep_panels = keep_panels_rounded,
    .kept_left = kept_tiles,
    .multiply = multiply,
};

/* ---- rounded to int8 ---- */

#define QUANTISED 64 /* numbers that are rounded at a time */

/* Columns of right are contiguous. */
static void pack_panels_quantised(void *panels, const float *right, size_t row, size_t column,
                                  size_t depth, size_t columns)
{
    int8_t bytes[QUANTISED];
    pack_panels(panels, right, row, column, depth, columns);
    for (size_t n = 0; n < columns; n++, right += column) {
        const struct quantised q = quantised_weights(right, depth);
        float *to = (float *)panels + n / PANEL * PANEL * depth + n % PANEL;
        for (size_t k = 0; k < depth; k += QUANTISED) {
            size_t deep = depth - k < QUANTISED ? depth - k : QUANTISED;
            quantise((uint8_t *)bytes, &q, right + k, deep);
            for (size_t i = 0; i < deep; i++)
                to[(k + i) * PANEL] = bytes[i] * q.scale;
        }
    }
}

/* x's rows are contiguous. */
static struct left quantise_left(void *room, const float *x, size_t row, size_t column, size_t rows,
                                 size_t depth)
{
    uint8_t bytes[QUANTISED];
    float *to = room;
    (void)column;
    for (size_t m = 0; m < rows; m++, x += row) {
        const struct quantised q = quantised_activations(x, depth);
        for (size_t k = 0; k < depth; k += QUANTISED) {
            size_t deep = depth - k < QUANTISED ? depth - k : QUANTISED;
            quantise(bytes, &q, x + k, deep);
            for (size_t i = 0; i < deep; i++)
                *to++ = (bytes[i] - q.zero) * q.scale;
        }
    }
    return (struct left){room, depth, 1, TILE_ROWS * depth};
}

extern const struct products NAMED(products_quantised_, KERNELS);

const struct products NAMED(products_quantised_, KERNELS) = {
    .name = "int8 by rounded float32",
    .panel_columns = PANEL,
    .strip_rows = STRIP_ROWS,
    .panels_bytes = panels_bytes,
    .pack_panels = pack_panels_quantised,
    .left_bytes = left_bytes,
    .left = quantise_left,
    .multiply = multiply,
};
