/* Transposition of 16 x 16 words, the unit in which operands are packed. */
#ifndef NN_CPU_TRANSPOSE_H
#define NN_CPU_TRANSPOSE_H

#include <stddef.h>
#include <string.h>

#include "nn/cpu/vector.h"

#define SQUARE 16

#if defined(__AVX512F__)

/* Pairs of rows `apart`, of the first `count`, exchange the halves of their groups of 2 * apart
 * lanes: four such stages transpose. */
INLINE void exchange_rows(__m512i rows[SQUARE], int count, int apart)
{
    UNROLL
    for (int i = 0; i < count; i++) {
        if (i & apart)
            continue;
        __m512i a = rows[i], b = rows[i + apart];
        switch (apart) {
        case 8:
            rows[i] = _mm512_shuffle_i64x2(a, b, 0x44);
            rows[i + apart] = _mm512_shuffle_i64x2(a, b, 0xee);
            break;
        case 4: {
            const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
            const __m512i high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
            rows[i] = _mm512_permutex2var_epi64(a, low, b);
            rows[i + apart] = _mm512_permutex2var_epi64(a, high, b);
            break;
        }
        case 2:
            rows[i] = _mm512_unpacklo_epi64(a, b);
            rows[i + apart] = _mm512_unpackhi_epi64(a, b);
            break;
        default:
            rows[i] = _mm512_mask_shuffle_epi32(a, 0xaaaa, b, (_MM_PERM_ENUM)0xa0);
            rows[i + apart] = _mm512_mask_shuffle_epi32(b, 0x5555, a, (_MM_PERM_ENUM)0xf5);
        }
    }
}

/* to[j * to_stride + i] = from[i * from_stride + j] for i, j < 16; strides in words. */
INLINE void transpose_square(uint32_t *to, size_t to_stride, const uint32_t *from,
                             size_t from_stride)
{
    __m512i rows[SQUARE];
    UNROLL
    for (int i = 0; i < SQUARE; i++)
        rows[i] = _mm512_loadu_si512(from + (size_t)i * from_stride);
    exchange_rows(rows, SQUARE, 8);
    exchange_rows(rows, SQUARE, 4);
    exchange_rows(rows, SQUARE, 2);
    exchange_rows(rows, SQUARE, 1);
    UNROLL
    for (int j = 0; j < SQUARE; j++)
        _mm512_storeu_si512(to + (size_t)j * to_stride, rows[j]);
}

#else

INLINE void transpose_square(uint32_t *to, size_t to_stride, const uint32_t *from,
                             size_t from_stride)
{
    for (size_t i = 0; i < SQUARE; i++)
        for (size_t j = 0; j < SQUARE; j++)
            to[j * to_stride + i] = from[i * from_stride + j];
}

#endif

/* The same where only rows x columns of it are there: the others are zeros. */
INLINE void transpose_part(uint32_t *to, size_t to_stride, const uint32_t *from, size_t from_stride,
                           size_t rows, size_t columns)
{
    uint32_t aside[SQUARE * SQUARE] = {0};
    for (size_t i = 0; i < rows; i++)
        memcpy(aside + i * SQUARE, from + i * from_stride, columns * sizeof *aside);
    transpose_square(to, to_stride, aside, SQUARE);
}

#endif
