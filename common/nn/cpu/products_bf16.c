/*
 * Products of bf16 by the processor's instructions for them. -DPRODUCTS=avx512bf16 (VDPBF16PS),
 * amx (TDPBF16PS, with -DAMX) or emulated (AMX's tiles in plain C, which runs anywhere and is there
 * to test their use; with -DAMX -DEMULATED) names the table.
 *
 * Both operands are packed in units of DEEP steps of depth, zeros beyond the last:
 *
 *     left    [ceil(rows / 16), units, 16 rows, DEEP]: a unit of 16 rows is a tile of AMX
 *     panels  [ceil(columns / PANEL), units, DEEP / 2, PANEL, 2]: a row has two steps of depth side
 *             by side, as the instructions want them; half of its columns are a tile of AMX
 *
 * The instructions round each step's sum to nearest and take denormal numbers as zeros.
 */
#include "nn/cpu/products.h"

#include <string.h>

#include "nn/cpu/transpose.h"
#include "nn/cpu/vector.h"

#define PANEL      32
#define STRIP_ROWS 96
#define DEEP       32
#define PAIRS      (DEEP / 2)
#define TILE_ROWS  16
#define LEFT_UNIT  (TILE_ROWS * PAIRS) /* words of a pair of bf16 */
#define PANEL_UNIT (PAIRS * PANEL)
#define LINE       16 /* words of a line of the cache */

_Static_assert(KEPT_ROWS % DEEP == 0, "units");
_Static_assert(KEPT_COLUMNS % TILE_ROWS == 0 && KEPT_COLUMNS % PANEL == 0, "tiles and panels");

static size_t units_of(size_t depth)
{
    return (depth + DEEP - 1) / DEEP;
}

/* ---- packing ---- */

#ifdef __AVX512BF16__

/* words[i] = x[2 i] and x[2 i + 1] as bf16, the first in the lower half; count of x are there, and
 * zeros beyond. */
INLINE void pairs_along(uint32_t words[PAIRS], const float *x, size_t count)
{
    vec first = load_part(x, count), second = {0};
    if (count > VECTOR)
        second = load_part(x + VECTOR, count - VECTOR);
    __m512bh both = _mm512_cvtne2ps_pbh(second, first);
    _mm512_storeu_si512(words, (__m512i)both);
}

/* words[i] = x[i] and below[i], of which width are there; below NULL: zeros. */
INLINE void pairs_across(uint32_t words[SQUARE], const float *x, const float *below, size_t width)
{
    static const uint16_t interleaved[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                             21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                             11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    vec second = {0};
    if (below)
        second = load_part(below, width);
    __m512bh both = _mm512_cvtne2ps_pbh(second, load_part(x, width));
    __m512i order = _mm512_loadu_si512(interleaved);
    _mm512_storeu_si512(words, _mm512_permutexvar_epi16(order, (__m512i)both));
}

#else

INLINE void pairs_along(uint32_t words[PAIRS], const float *x, size_t count)
{
    float part[DEEP] = {0};
    memcpy(part, x, count * sizeof *x);
    for (int i = 0; i < PAIRS; i++)
        words[i] = bf16_bits(part[2 * i]) >> 16 | bf16_bits(part[2 * i + 1]);
}

INLINE void pairs_across(uint32_t words[SQUARE], const float *x, const float *below, size_t width)
{
    for (size_t i = 0; i < SQUARE; i++) {
        uint32_t second = below && i < width ? bf16_bits(below[i]) : 0;
        words[i] = (i < width ? bf16_bits(x[i]) >> 16 : 0) | second;
    }
}

#endif

/* SQUARE x PAIRS words: the pairs along the depth of `height` vectors, `deep` steps from x on; the
 * next vector is at x + stride. */
INLINE void square_along(uint32_t words[SQUARE * PAIRS], const float *x, size_t stride,
                         size_t height, size_t deep)
{
    if (height == SQUARE && deep == DEEP) {
        for (size_t i = 0; i < SQUARE; i++, x += stride)
            pairs_along(words + i * PAIRS, x, DEEP);
        return;
    }
    for (size_t i = 0; i < SQUARE; i++) {
        if (i < height)
            pairs_along(words + i * PAIRS, x + i * stride, deep);
        else
            memset(words + i * PAIRS, 0, PAIRS * sizeof *words);
    }
}

/* PAIRS rows of SQUARE words, to_stride apart: the pairs across `width` columns; the next step of
 * the depth is at x + stride. */
INLINE void square_across(uint32_t *words, size_t to_stride, const float *x, size_t stride,
                          size_t width, size_t deep)
{
    if (width == SQUARE && deep == DEEP) {
        for (size_t p = 0; p < PAIRS; p++, x += 2 * stride)
            pairs_across(words + p * to_stride, x, x + stride, SQUARE);
        return;
    }
    for (size_t p = 0; p < PAIRS; p++) {
        const float *first = x + 2 * p * stride;
        if (2 * p < deep)
            pairs_across(words + p * to_stride, first, 2 * p + 1 < deep ? first + stride : NULL,
                         width);
        else
            memset(words + p * to_stride, 0, SQUARE * sizeof *words);
    }
}

static size_t panels_bytes(size_t depth, size_t columns)
{
    return (columns + PANEL - 1) / PANEL * units_of(depth) * PANEL_UNIT * sizeof(uint32_t);
}

/* right's columns are contiguous: panel by panel. */
static void pack_panels_along(uint32_t *words, const float *right, size_t column, size_t depth,
                              size_t columns)
{
    uint32_t square[SQUARE * PAIRS];
    for (size_t n = 0; n < columns; n += PANEL) {
        for (size_t k = 0; k < depth; k += DEEP, words += PANEL_UNIT) {
            size_t deep = depth - k < DEEP ? depth - k : DEEP;
            for (size_t half = 0; half < PANEL; half += SQUARE) {
                size_t at = n + half, rest = at < columns ? columns - at : 0;
                size_t width = rest < SQUARE ? rest : SQUARE;
                const float *x = right + (width ? at * column : 0) + k;
                square_along(square, x, column, width, deep);
                transpose_square(words + half, PANEL, square, PAIRS);
            }
        }
    }
}

/* Rows first .. of right's depth, which are contiguous: a few whole. */
static void keep_panels(void *panels, const float *right, size_t row, size_t first, size_t rows,
                        size_t depth, size_t columns)
{
    size_t units = units_of(depth);
    for (size_t k = 0; k < rows; k += DEEP) {
        size_t deep = rows - k < DEEP ? rows - k : DEEP, u = (first + k) / DEEP;
        for (size_t n = 0; n < columns; n += SQUARE) {
            size_t width = columns - n < SQUARE ? columns - n : SQUARE;
            const float *x = right + k * row + n;
            uint32_t *to = (uint32_t *)panels + (n / PANEL * units + u) * PANEL_UNIT + n % PANEL;
            square_across(to, PANEL, x, row, width, deep);
            if (columns - n <= SQUARE && n % PANEL == 0)
                square_across(to + SQUARE, PANEL, x, row, 0, deep);
        }
    }
}

static void pack_panels(void *panels, const float *right, size_t row, size_t column, size_t depth,
                        size_t columns)
{
    if (column == 1)
        keep_panels(panels, right, row, 0, depth, depth, columns);
    else
        pack_panels_along(panels, right, column, depth, columns);
}

static size_t left_bytes(size_t rows, size_t depth)
{
    return (rows + 2 * TILE_ROWS - 1) / TILE_ROWS * units_of(depth) * LEFT_UNIT * sizeof(uint32_t);
}

/* x's rows are contiguous: read whole, each to its line of the units. */
static void pack_left_along(uint32_t *words, const float *x, size_t row, size_t rows, size_t depth)
{
    size_t units = units_of(depth), whole = depth / DEEP;
    for (size_t m = 0; m < (rows + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS; m++, x += row) {
        uint32_t *to = words + m / TILE_ROWS * units * LEFT_UNIT + m % TILE_ROWS * PAIRS;
        if (m >= rows) {
            for (size_t u = 0; u < units; u++)
                memset(to + u * LEFT_UNIT, 0, PAIRS * sizeof *to);
            continue;
        }
        for (size_t u = 0; u < whole; u++)
            pairs_along(to + u * LEFT_UNIT, x + u * DEEP, DEEP);
        if (whole < units)
            pairs_along(to + whole * LEFT_UNIT, x + whole * DEEP, depth - whole * DEEP);
    }
}

/* x^T, x[depth, columns]: rows first .. of x, which are contiguous, a few whole. */
static void keep_left(void *kept, const float *x, size_t row, size_t first, size_t rows,
                      size_t depth, size_t columns)
{
    uint32_t square[SQUARE * PAIRS];
    size_t units = units_of(depth);
    for (size_t k = 0; k < rows; k += DEEP) {
        size_t deep = rows - k < DEEP ? rows - k : DEEP, u = (first + k) / DEEP;
        for (size_t m = 0; m < columns; m += TILE_ROWS) {
            size_t height = columns - m < TILE_ROWS ? columns - m : TILE_ROWS;
            uint32_t *to = (uint32_t *)kept + (m / TILE_ROWS * units + u) * LEFT_UNIT;
            square_across(square, SQUARE, x + k * row + m, row, height, deep);
            transpose_square(to, PAIRS, square, SQUARE);
        }
    }
}

static struct left kept_left(const void *kept, size_t column, size_t depth)
{
    return (struct left){.data = (const uint32_t *)kept +
                                 column / TILE_ROWS * units_of(depth) * LEFT_UNIT};
}

static struct left pack_left(void *room, const float *x, size_t row, size_t column, size_t rows,
                             size_t depth)
{
    if (column == 1)
        pack_left_along(room, x, row, rows, depth);
    else
        keep_left(room, x, column, 0, depth, depth, rows);
    return kept_left(room, 0, depth);
}

/* ---- a block of the result ---- */

/* What is asked for while a block is computed, so that it is in the second cache when its turn
 * comes: lines of the cache for each unit of the depth. */
struct ahead {
    const uint32_t *data;
    size_t lines;
};

INLINE void ask_for(struct ahead ahead, size_t unit)
{
    for (size_t i = 0; i < ahead.lines; i++)
        __builtin_prefetch(ahead.data + (unit * ahead.lines + i) * LINE, 0, 2);
}

/* BLOCK_ROWS x PANEL of c = from + the units of the two operands' words. from: rows
 * from_stride apart, 0 for the same numbers in each, a bias; or NULL for zeros. */
#ifdef AMX

#define BLOCK_ROWS 32

#ifdef EMULATED

/* Tiles of 16 rows of 64 bytes, one set for each thread. */
static _Thread_local uint32_t tiles[8][TILE_ROWS][16];

static void tile_load(int tile, const void *data, size_t stride)
{
    for (size_t i = 0; i < TILE_ROWS; i++)
        memcpy(tiles[tile][i], (const char *)data + i * stride, sizeof tiles[tile][i]);
}

static void tile_store(int tile, void *data, size_t stride)
{
    for (size_t i = 0; i < TILE_ROWS; i++)
        memcpy((char *)data + i * stride, tiles[tile][i], sizeof tiles[tile][i]);
}

/* c[m][n] += the sum over pairs k of a[m][k] and b[k][n]. */
static void tile_multiply(int c, int a, int b)
{
    for (size_t m = 0; m < TILE_ROWS; m++)
        for (size_t k = 0; k < PAIRS; k++)
            for (size_t n = 0; n < 16; n++) {
                uint32_t left = tiles[a][m][k], right = tiles[b][k][n];
                float sum = float_of_bits(tiles[c][m][n]);
                sum += float_of_bits(left << 16) * float_of_bits(right << 16);
                sum += float_of_bits(left & 0xffff0000) * float_of_bits(right & 0xffff0000);
                tiles[c][m][n] = bits_of_float(sum);
            }
}

#define TILES_BEGIN()
#define TILES_END()
#define TILE_LOAD(tile, data, stride)  tile_load(tile, data, stride)
#define TILE_STORE(tile, data, stride) tile_store(tile, data, stride)
#define TILE_MULTIPLY(c, a, b)         tile_multiply(c, a, b)
#define TILE_ZERO(tile)                memset(tiles[tile], 0, sizeof tiles[tile])

#else

/* Eight tiles of 16 rows of 64 bytes: Intel's Software Developer's Manual, volume 1, chapter 18. */
static const struct tile_configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} configuration __attribute__((aligned(64))) = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

#define TILES_BEGIN()                  _tile_loadconfig(&configuration)
#define TILES_END()                    _tile_release()
#define TILE_LOAD(tile, data, stride)  _tile_loadd(tile, data, stride)
#define TILE_STORE(tile, data, stride) _tile_stored(tile, data, stride)
#define TILE_MULTIPLY(c, a, b)         _tile_dpbf16ps(c, a, b)
#define TILE_ZERO(tile)                _tile_zero(tile)

#endif

/* Tiles 0 to 3 hold the result (two rows of two), 4 and 5 the left operand, 6 and 7 the right. */
INLINE void load_result(const float *from, size_t stride)
{
    if (!from) {
        TILE_ZERO(0);
        TILE_ZERO(1);
        TILE_ZERO(2);
        TILE_ZERO(3);
        return;
    }
    TILE_LOAD(0, from, stride * sizeof *from);
    TILE_LOAD(1, from + 16, stride * sizeof *from);
    TILE_LOAD(2, from + TILE_ROWS * stride, stride * sizeof *from);
    TILE_LOAD(3, from + TILE_ROWS * stride + 16, stride * sizeof *from);
}

static void block(float *c, size_t c_stride, const float *from, size_t from_stride,
                  const uint32_t *left, size_t left_tile, const uint32_t *panel, size_t units,
                  struct ahead ahead)
{
    /* GCC's tile loads do not say that they read memory: what they read is stored by here. */
    __asm__ volatile("" ::: "memory");
    load_result(from, from_stride);
    /* The next block is the one below. */
    const float *soon = c + BLOCK_ROWS * c_stride;
    size_t soon_rows = units ? (BLOCK_ROWS + units - 1) / units : 0;
    for (size_t u = 0; u < units; u++) {
        ask_for(ahead, u);
        for (size_t i = 0; i < soon_rows; i++, soon += c_stride) {
            __builtin_prefetch(soon, 1);
            __builtin_prefetch(soon + LINE, 1);
        }
        TILE_LOAD(4, left + u * LEFT_UNIT, PAIRS * sizeof *left);
        TILE_LOAD(6, panel + u * PANEL_UNIT, PANEL * sizeof *panel);
        TILE_LOAD(7, panel + u * PANEL_UNIT + 16, PANEL * sizeof *panel);
        TILE_MULTIPLY(0, 4, 6);
        TILE_MULTIPLY(1, 4, 7);
        TILE_LOAD(5, left + left_tile + u * LEFT_UNIT, PAIRS * sizeof *left);
        TILE_MULTIPLY(2, 5, 6);
        TILE_MULTIPLY(3, 5, 7);
    }
    TILE_STORE(0, c, c_stride * sizeof *c);
    TILE_STORE(1, c + 16, c_stride * sizeof *c);
    TILE_STORE(2, c + TILE_ROWS * c_stride, c_stride * sizeof *c);
    TILE_STORE(3, c + TILE_ROWS * c_stride + 16, c_stride * sizeof *c);
}

#else

#define BLOCK_ROWS 8
#define TILES_BEGIN()
#define TILES_END()

static void block(float *c, size_t c_stride, const float *from, size_t from_stride,
                  const uint32_t *left, size_t left_tile, const uint32_t *panel, size_t units,
                  struct ahead ahead)
{
    __m512 low[BLOCK_ROWS], high[BLOCK_ROWS];
    (void)left_tile;
    UNROLL
    for (int i = 0; i < BLOCK_ROWS; i++) {
        low[i] = from ? _mm512_loadu_ps(from + (size_t)i * from_stride) : _mm512_setzero_ps();
        high[i] = from ? _mm512_loadu_ps(from + (size_t)i * from_stride + 16) : low[i];
    }
    for (size_t u = 0; u < units; u++, left += LEFT_UNIT) {
        ask_for(ahead, u);
        for (size_t p = 0; p < PAIRS; p++, panel += PANEL) {
            __m512bh b0 = (__m512bh)_mm512_loadu_si512(panel);
            __m512bh b1 = (__m512bh)_mm512_loadu_si512(panel + 16);
            UNROLL
            for (int i = 0; i < BLOCK_ROWS; i++) {
                __m512bh a = (__m512bh)_mm512_set1_epi32((int)left[(size_t)i * PAIRS + p]);
                low[i] = _mm512_dpbf16_ps(low[i], a, b0);
                high[i] = _mm512_dpbf16_ps(high[i], a, b1);
            }
        }
    }
    UNROLL
    for (int i = 0; i < BLOCK_ROWS; i++) {
        _mm512_storeu_ps(c + (size_t)i * c_stride, low[i]);
        _mm512_storeu_ps(c + (size_t)i * c_stride + 16, high[i]);
    }
}

#endif

/* A block that reaches beyond the last row or column: computed aside. */
static void block_at_edge(float *c, size_t c_stride, const float *from, size_t from_stride,
                          const uint32_t *left, size_t left_tile, const uint32_t *panel,
                          size_t units, struct ahead ahead, size_t rows, size_t columns)
{
    float aside[BLOCK_ROWS * PANEL];
    memset(aside, 0, sizeof aside);
    for (size_t i = 0; from && i < rows; i++)
        memcpy(aside + i * PANEL, from + i * from_stride, columns * sizeof *c);
    block(aside, PANEL, aside, PANEL, left, left_tile, panel, units, ahead);
    for (size_t i = 0; i < rows; i++)
        memcpy(c + i * c_stride, aside + i * PANEL, columns * sizeof *c);
}

static void multiply(float *c, size_t c_stride, struct left operand, const void *packed,
                     const float *bias, bool accumulate, size_t rows, size_t columns, size_t depth)
{
    const uint32_t *left = operand.data, *panels = packed;
    size_t units = units_of(depth), left_tile = units * LEFT_UNIT;
    size_t lines = PANEL_UNIT / LINE / ((rows + BLOCK_ROWS - 1) / BLOCK_ROWS);
    TILES_BEGIN();
    for (size_t n = 0; n < columns; n += PANEL, panels += units * PANEL_UNIT) {
        struct ahead ahead = {panels + units * PANEL_UNIT, lines};
        for (size_t m = 0; m < rows; m += BLOCK_ROWS, ahead.data += units * lines * LINE) {
            const uint32_t *a = left + m / TILE_ROWS * left_tile + m % TILE_ROWS * (size_t)PAIRS;
            size_t high = rows - m < BLOCK_ROWS ? rows - m : BLOCK_ROWS;
            size_t wide = columns - n < PANEL ? columns - n : PANEL;
            float *to = c + m * c_stride + n;
            const float *from = accumulate ? to : bias ? bias + n : NULL;
            size_t from_stride = accumulate ? c_stride : 0;
            if (high == BLOCK_ROWS && wide == PANEL)
                block(to, c_stride, from, from_stride, a, left_tile, panels, units, ahead);
            else
                block_at_edge(to, c_stride, from, from_stride, a, left_tile, panels, units, ahead,
                              high, wide);
        }
    }
    TILES_END();
}

extern const struct products NAMED(products_, PRODUCTS);

const struct products NAMED(products_, PRODUCTS) = {
    .name = "bf16 by " TEXT(PRODUCTS),
    .panel_columns = PANEL,
    .strip_rows = STRIP_ROWS,
    .panels_bytes = panels_bytes,
    .pack_panels = pack_panels,
    .left_bytes = left_bytes,
    .left = pack_left,
    .keep_left = keep_left,
    .keep_panels = keep_panels,
    .kept_left = kept_left,
    .multiply = multiply,
};
