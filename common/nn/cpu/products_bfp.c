/*
 * Products of block floating point, which stand for those of bf16 where a processor has no fast
 * ones of its own. -DPRODUCTS=avx512vnni or avxvnni (VPDPWSSD on registers of 512 or 256 bits), or
 * avx2 (VPMADDWD), names the table.
 *
 * CHUNK numbers along the depth share a power of two, and each is a whole number of 13 bits with
 * its sign: half a unit is 2^-13 to 2^-12 of the largest, where bf16 rounds each by up to 2^-9 of
 * itself. A chunk's products are summed as integers, exactly, and join the sum in float32. A chunk
 * with a number that is not finite is NaN, and one whose numbers are all below 2^-114 is zeros.
 *
 * Both operands are packed in pairs of steps of the depth, a word each, and in blocks of `width`
 * vectors. A panel is a block of PANEL columns. A left operand whose rows are contiguous is one
 * block of them all; of another's rows LEFT_WIDTH make a block:
 *
 *     panels, left by steps  [ceil(vectors / width), chunks] of: [CHUNK_PAIRS, width] words;
 *                                                                [width] scales
 *     left by rows           [chunks] of: [rows, CHUNK_PAIRS] words; [rows] scales
 */
#include "nn/cpu/products.h"

#include <string.h>

#include "nn/cpu/transpose.h"
#include "nn/cpu/vector.h"

#define PANEL       (2 * VECTOR)
#define TILE_ROWS   (VECTOR == 16 ? 12 : 6)
#define STRIP_ROWS  48
#define CHUNK       96 /* 96 products of 4096^2 are below 2^31 */
#define CHUNK_PAIRS (CHUNK / 2)
#define WHOLE_BITS  12 /* the largest number of a chunk is 2^11 to 2^12 units */

#define LINE       16 /* words of a line of the cache */
#define LEFT_WIDTH 48 /* vectors of a block of a left operand: whole tiles */

/* Words of a chunk of a block. */
#define BLOCK_CHUNK(width) ((CHUNK_PAIRS + 1) * (size_t)(width))

_Static_assert(((int64_t)CHUNK << 2 * WHOLE_BITS) <= INT32_MAX, "sums of a chunk");
_Static_assert(KEPT_ROWS % CHUNK == 0, "chunks");
_Static_assert(KEPT_COLUMNS % PANEL == 0 && KEPT_COLUMNS % LEFT_WIDTH == 0, "blocks");
_Static_assert(LEFT_WIDTH % TILE_ROWS == 0 && LEFT_WIDTH % VECTOR == 0, "tiles and vectors");

#if VECTOR == 16

/* sum + the two products of the 16-bit numbers of a and b, in each lane. */
INLINE int_vec dot(int_vec sum, int_vec a, int_vec b)
{
    return (int_vec)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}

INLINE bits_vec larger_bits(bits_vec a, bits_vec b)
{
    return (bits_vec)_mm512_max_epu32((__m512i)a, (__m512i)b);
}

/* Of each vector: as transpose_square, but only the largest of a column is kept. */
INLINE void largest_lanes(uint32_t largest[SQUARE], const bits_vec vectors[SQUARE])
{
    __m512i rows[SQUARE];
    memcpy(rows, vectors, sizeof rows);
    UNROLL
    for (int half = SQUARE / 2; half > 0; half /= 2) {
        exchange_rows(rows, 2 * half, half);
        UNROLL
        for (int i = 0; i < half; i++)
            rows[i] = _mm512_max_epu32(rows[i], rows[i + half]);
    }
    _mm512_storeu_si512(largest, rows[0]);
}

/* The low 16 bits: x * inverse as whole numbers, to nearest, ties to even. */
INLINE int_vec whole_numbers(vec x, vec inverse)
{
    return (int_vec)(x * inverse + 12582912.0f); /* 1.5 * 2^23, whose low bits are zeros */
}

/* The low 16 bits of each. */
INLINE void store_narrow(void *to, int_vec numbers)
{
    __m256i narrow = _mm512_cvtepi32_epi16((__m512i)numbers);
    memcpy(to, &narrow, sizeof narrow);
}

#else

INLINE int_vec dot(int_vec sum, int_vec a, int_vec b)
{
#ifdef __AVXVNNI__
    return (int_vec)_mm256_dpwssd_avx_epi32((__m256i)sum, (__m256i)a, (__m256i)b);
#else
    sum += (int_vec)_mm256_madd_epi16((__m256i)a, (__m256i)b);
    /* Compilers would multiply for several sums first, and run out of registers. */
    __asm__("" : "+x"(sum));
    return sum;
#endif
}

INLINE bits_vec larger_bits(bits_vec a, bits_vec b)
{
    return (bits_vec)_mm256_max_epu32((__m256i)a, (__m256i)b);
}

/* Of each vector. */
INLINE void largest_lanes(uint32_t largest[SQUARE], const bits_vec vectors[SQUARE])
{
    for (int n = 0; n < SQUARE; n++) {
        largest[n] = vectors[n][0];
        for (int i = 1; i < VECTOR; i++)
            largest[n] = vectors[n][i] > largest[n] ? vectors[n][i] : largest[n];
    }
}

INLINE int_vec whole_numbers(vec x, vec inverse)
{
    return (int_vec)_mm256_cvtps_epi32(x * inverse);
}

INLINE void store_narrow(void *to, int_vec numbers)
{
    __m128i narrow = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)numbers),
                                     _mm256_extracti128_si256((__m256i)numbers, 1));
    memcpy(to, &narrow, sizeof narrow);
}

#endif

static size_t chunks_of(size_t depth)
{
    return (depth + CHUNK - 1) / CHUNK;
}

static size_t chunk_depth(size_t depth, size_t k)
{
    return depth - k < CHUNK ? depth - k : CHUNK;
}

/* ---- packing ---- */

/* Of chunks side by side in the lanes: what a unit is worth, and its inverse. */
struct units {
    vec scale, inverse;
};

/* From the bits of the largest magnitudes. */
INLINE struct units units_of(bits_vec most)
{
    bits_vec exponent = most >> 23;
    bits_vec none = (bits_vec)(exponent <= WHOLE_BITS), bad = (bits_vec)(exponent == 255);
    bits_vec scale = (((exponent - (WHOLE_BITS - 1)) << 23) & ~none) | bad;
    bits_vec inverse = (254 + WHOLE_BITS - 1 - exponent) << 23 & ~none & ~bad;
    return (struct units){(vec)scale, (vec)inverse};
}

INLINE bits_vec magnitude(vec x)
{
    return (bits_vec)x & 0x7fffffff;
}

/* chunks_along; deep may be a constant. */
INLINE void pack_along(uint32_t *words, float *scales, const float *x, size_t stride,
                       size_t vectors, size_t deep)
{
    size_t whole = deep / VECTOR * VECTOR, rest = deep - whole;
    bits_vec most[SQUARE] = {{0}};
    for (size_t n = 0; n < vectors; n++) {
        const float *from = x + n * stride;
        if (rest)
            most[n] = magnitude(load_part(from + whole, rest));
        for (size_t i = 0; i < whole; i += VECTOR)
            most[n] = larger_bits(most[n], magnitude(LOAD(from + i)));
    }
    uint32_t largest[SQUARE];
    float inverse[SQUARE];
    largest_lanes(largest, most);
    for (size_t n = 0; n < SQUARE; n += VECTOR) {
        struct units units = units_of((bits_vec)LOAD_INTS(largest + n));
        STORE(scales + n, units.scale);
        STORE(inverse + n, units.inverse);
    }
    for (size_t n = 0; n < vectors; n++, words += CHUNK_PAIRS) {
        const float *from = x + n * stride;
        vec unit = (vec){0} + inverse[n];
        for (size_t i = 0; i < whole; i += VECTOR)
            store_narrow(words + i / 2, whole_numbers(LOAD(from + i), unit));
        if (rest)
            store_narrow(words + whole / 2, whole_numbers(load_part(from + whole, rest), unit));
    }
}

/* One chunk of each of up to SQUARE vectors, `stride` apart, whose numbers are contiguous:
 * [vectors, CHUNK_PAIRS] words and [SQUARE] scales, zeros beyond the last vector. */
INLINE void chunks_along(uint32_t *words, float *scales, const float *x, size_t stride,
                         size_t vectors, size_t deep)
{
    if (deep == CHUNK)
        pack_along(words, scales, x, stride, vectors, CHUNK);
    else
        pack_along(words, scales, x, stride, vectors, deep);
}

/* chunk_across; width and deep may be constants. */
INLINE void pack_across(uint32_t *words, size_t to_stride, float *scales, const float *x,
                        size_t stride, size_t width, size_t deep)
{
    bits_vec most = {0};
    for (size_t k = 0; k < deep; k++)
        most = larger_bits(most, magnitude(load_part(x + k * stride, width)));
    struct units units = units_of(most);
    for (size_t k = 0; k < deep; k += 2, words += to_stride) {
        int_vec first = whole_numbers(load_part(x + k * stride, width), units.inverse);
        int_vec second = {0};
        if (k + 1 < deep)
            second = whole_numbers(load_part(x + (k + 1) * stride, width), units.inverse);
        STORE_INTS(words, (first & 0xffff) | second << 16);
    }
    STORE(scales, units.scale);
}

/* One chunk of VECTOR vectors side by side, of which `width` are there; the next step of the depth
 * is at x + stride. Pairs are to_stride words apart. */
INLINE void chunk_across(uint32_t *words, size_t to_stride, float *scales, const float *x,
                         size_t stride, size_t width, size_t deep)
{
    if (width >= VECTOR && deep == CHUNK)
        pack_across(words, to_stride, scales, x, stride, VECTOR, CHUNK);
    else if (width >= VECTOR)
        pack_across(words, to_stride, scales, x, stride, VECTOR, deep);
    else
        pack_across(words, to_stride, scales, x, stride, width, deep);
}

/* Blocks of the vectors side by side in x[depth, columns]: its rows first .. , chunk by chunk. */
INLINE void pack_blocks(uint32_t *blocks, size_t block_width, const float *x, size_t row,
                        size_t first, size_t rows, size_t depth, size_t columns)
{
    size_t chunks = chunks_of(depth);
    for (size_t k = 0; k < rows; k += CHUNK)
        for (size_t n = 0; n < (columns + block_width - 1) / block_width * block_width;
             n += VECTOR) {
            uint32_t *chunk =
                blocks + n % block_width +
                (n / block_width * chunks + (first + k) / CHUNK) * BLOCK_CHUNK(block_width);
            size_t width = n < columns ? columns - n : 0;
            chunk_across(chunk, block_width, (float *)(chunk + CHUNK_PAIRS * block_width),
                         x + k * row + (width ? n : 0), row, width, chunk_depth(rows, k));
        }
}

static size_t panels_bytes(size_t depth, size_t columns)
{
    return (columns + PANEL - 1) / PANEL * chunks_of(depth) * BLOCK_CHUNK(PANEL) * sizeof(uint32_t);
}

static void keep_panels(void *panels, const float *right, size_t row, size_t first, size_t rows,
                        size_t depth, size_t columns)
{
    pack_blocks(panels, PANEL, right, row, first, rows, depth, columns);
}

/* SQUARE columns of right, which are contiguous and of which `width` are there. */
static void pack_columns(uint32_t *chunk, const float *right, size_t column, size_t depth,
                         size_t width)
{
    uint32_t words[SQUARE * CHUNK_PAIRS];
    if (width < SQUARE)
        memset(words, 0, sizeof words);
    for (size_t k = 0; k < depth; k += CHUNK, chunk += BLOCK_CHUNK(PANEL)) {
        size_t deep = chunk_depth(depth, k);
        chunks_along(words, (float *)(chunk + CHUNK_PAIRS * PANEL), right + k, column, width, deep);
        for (size_t p = 0; 2 * p < deep; p += SQUARE)
            transpose_square(chunk + p * PANEL, PANEL, words + p, CHUNK_PAIRS);
    }
}

static void pack_panels(void *panels, const float *right, size_t row, size_t column, size_t depth,
                        size_t columns)
{
    if (column == 1) {
        keep_panels(panels, right, row, 0, depth, depth, columns);
        return;
    }
    for (size_t n = 0; n < (columns + PANEL - 1) / PANEL * PANEL; n += SQUARE) {
        uint32_t *chunk =
            (uint32_t *)panels + n / PANEL * chunks_of(depth) * BLOCK_CHUNK(PANEL) + n % PANEL;
        size_t rest = n < columns ? columns - n : 0;
        pack_columns(chunk, right + (rest ? n * column : 0), column, depth,
                     rest < SQUARE ? rest : SQUARE);
    }
}

static size_t left_bytes(size_t rows, size_t depth)
{
    return (rows + LEFT_WIDTH - 1) / LEFT_WIDTH * chunks_of(depth) * BLOCK_CHUNK(LEFT_WIDTH) *
           sizeof(uint32_t);
}

static void keep_left(void *kept, const float *x, size_t row, size_t first, size_t rows,
                      size_t depth, size_t columns)
{
    pack_blocks(kept, LEFT_WIDTH, x, row, first, rows, depth, columns);
}

/* struct left's row and column: from a row and from a pair to the next, in words; tile: the width
 * of its blocks. */
static struct left kept_left(const void *kept, size_t column, size_t depth)
{
    const uint32_t *blocks = kept;
    return (struct left){
        .data = blocks + column / LEFT_WIDTH * chunks_of(depth) * BLOCK_CHUNK(LEFT_WIDTH),
        .row = 1,
        .column = LEFT_WIDTH,
        .tile = LEFT_WIDTH,
    };
}

static struct left pack_left(void *room, const float *x, size_t row, size_t column, size_t rows,
                             size_t depth)
{
    if (column != 1) {
        keep_left(room, x, column, 0, depth, depth, rows);
        return kept_left(room, 0, depth);
    }
    uint32_t *chunk = room;
    for (size_t k = 0; k < depth; k += CHUNK, chunk += BLOCK_CHUNK(rows))
        for (size_t m = 0; m < rows; m += SQUARE)
            /* Scales beyond the last row are the next chunk's to overwrite, or fall into the room
             * of whole blocks. */
            chunks_along(chunk + m * CHUNK_PAIRS, (float *)(chunk + rows * CHUNK_PAIRS) + m,
                         x + m * row + k, row, rows - m < SQUARE ? rows - m : SQUARE,
                         chunk_depth(depth, k));
    return (struct left){.data = room, .row = CHUNK_PAIRS, .column = 1, .tile = rows};
}

/* ---- a tile of the result ---- */

/* TILE_ROWS x PANEL of c = from + one chunk of rows of left times one of a panel. */
struct product {
    float *c;
    const float *from; /* from_stride 0: the same numbers in each row, a bias; NULL: zeros */
    size_t c_stride, from_stride;
    const uint32_t *left, *panel;
    const float *left_scales;
    size_t pairs;
    const uint32_t *ahead; /* what is soon wanted in the second cache: a line for 4 pairs */
};

INLINE void add_pair(int_vec low[TILE_ROWS], int_vec high[TILE_ROWS], const uint32_t *left,
                     size_t row, const uint32_t *panel)
{
    int_vec b0 = LOAD_INTS(panel), b1 = LOAD_INTS(panel + VECTOR);
    UNROLL
    for (size_t i = 0; i < TILE_ROWS; i++) {
        int_vec a = (int_vec){0} + (int32_t)left[i * row];
        low[i] = dot(low[i], a, b0);
        high[i] = dot(high[i], a, b1);
    }
}

/* row, column: left's. Constants, so that one register addresses all rows. */
INLINE void add_chunk(const struct product *t, size_t row, size_t column)
{
    int_vec low[TILE_ROWS], high[TILE_ROWS];
    UNROLL
    for (int i = 0; i < TILE_ROWS; i++)
        low[i] = high[i] = (int_vec){0};
    const uint32_t *left = t->left, *panel = t->panel, *ahead = t->ahead;
    const float *soon = t->c; /* wanted when all pairs are summed */
    size_t p = 0;
    for (; p + 4 <= t->pairs; p += 4, left += 4 * column, panel += 4 * PANEL) {
        for (size_t j = 0; j < PANEL; j += LINE)
            __builtin_prefetch(soon + j, 1);
        __builtin_prefetch(ahead, 0, 2);
        soon += t->c_stride;
        ahead += LINE;
        UNROLL
        for (size_t q = 0; q < 4; q++)
            add_pair(low, high, left + q * column, row, panel + q * PANEL);
    }
    for (; p < t->pairs; p++, left += column, panel += PANEL)
        add_pair(low, high, left, row, panel);
    float *c = t->c;
    const float *from = t->from, *scales = (const float *)(t->panel + CHUNK_PAIRS * PANEL);
    size_t c_stride = t->c_stride, from_stride = t->from_stride;
    UNROLL
    for (size_t i = 0; i < TILE_ROWS; i++) {
        float scale = t->left_scales[i];
        /* The scales' own product may be too large. */
        vec y0 = __builtin_convertvector(low[i], vec) * LOAD(scales) * scale;
        vec y1 = __builtin_convertvector(high[i], vec) * LOAD(scales + VECTOR) * scale;
        if (from) {
            y0 += LOAD(from + i * from_stride);
            y1 += LOAD(from + i * from_stride + VECTOR);
        }
        STORE(c + i * c_stride, y0);
        STORE(c + i * c_stride + VECTOR, y1);
    }
}

static NEVER_INLINE void add_chunk_by_rows(const struct product *t)
{
    add_chunk(t, CHUNK_PAIRS, 1);
}

static NEVER_INLINE void add_chunk_by_steps(const struct product *t)
{
    add_chunk(t, 1, LEFT_WIDTH);
}

/* All chunks; t: the first, which changes. */
static void tile(struct product *t, struct left left, size_t depth)
{
    for (size_t k = 0; k < depth; k += CHUNK) {
        t->pairs = (chunk_depth(depth, k) + 1) / 2;
        if (left.row == 1)
            add_chunk_by_steps(t);
        else
            add_chunk_by_rows(t);
        t->from = t->c;
        t->from_stride = t->c_stride;
        t->left += BLOCK_CHUNK(left.tile);
        t->left_scales += BLOCK_CHUNK(left.tile);
        t->panel += BLOCK_CHUNK(PANEL);
        t->ahead += BLOCK_CHUNK(PANEL);
    }
}

/* A tile that reaches beyond the last row or column: computed aside. */
static void tile_at_edge(struct product *t, struct left left, size_t depth, size_t rows,
                         size_t columns)
{
    float aside[TILE_ROWS * PANEL] = {0}, *c = t->c;
    size_t c_stride = t->c_stride;
    for (size_t i = 0; t->from && i < rows; i++)
        memcpy(aside + i * PANEL, t->from + i * t->from_stride, columns * sizeof *c);
    t->c = aside;
    t->from = aside;
    t->c_stride = t->from_stride = PANEL;
    tile(t, left, depth);
    for (size_t i = 0; i < rows; i++)
        memcpy(c + i * c_stride, aside + i * PANEL, columns * sizeof *c);
}

static void multiply(float *c, size_t c_stride, struct left left, const void *panels,
                     const float *bias, bool accumulate, size_t rows, size_t columns, size_t depth)
{
    const uint32_t *panel = panels;
    size_t chunks = chunks_of(depth), tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
    /* Of each chunk of the next panel, asked for while a tile is computed. */
    size_t share = (CHUNK_PAIRS * PANEL / LINE + tiles - 1) / tiles * LINE;
    for (size_t n = 0; n < columns; n += PANEL, panel += chunks * BLOCK_CHUNK(PANEL)) {
        size_t wide = columns - n < PANEL ? columns - n : PANEL, row = 0;
        const uint32_t *block = left.data, *ahead = panel + chunks * BLOCK_CHUNK(PANEL);
        for (size_t m = 0; m < rows; m += TILE_ROWS, row += TILE_ROWS, ahead += share) {
            size_t high = rows - m < TILE_ROWS ? rows - m : TILE_ROWS;
            if (row == left.tile) {
                block += chunks * BLOCK_CHUNK(left.tile);
                row = 0;
            }
            float *to = c + m * c_stride + n;
            const float *from = accumulate ? to : bias ? bias + n : NULL;
            struct product t = {
                .c = to,
                .from = from,
                .c_stride = c_stride,
                .from_stride = accumulate ? c_stride : 0,
                .left = block + row * left.row,
                .left_scales = (const float *)(block + CHUNK_PAIRS * left.tile) + row,
                .panel = panel,
                .ahead = ahead,
            };
            if (high == TILE_ROWS && wide == PANEL)
                tile(&t, left, depth);
            else
                tile_at_edge(&t, left, depth, high, wide);
        }
    }
}

extern const struct products NAMED(products_bfp_, PRODUCTS);

const struct products NAMED(products_bfp_, PRODUCTS) = {
    .name = "bf16 by block floating point with " TEXT(PRODUCTS),
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
