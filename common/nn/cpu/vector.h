/*
 * What the files that are compiled once for each instruction set share: the width of a register,
 * VECTOR floats, as a type of the compiler's.
 */
#ifndef NN_CPU_VECTOR_H
#define NN_CPU_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define VECTOR 16
#elif defined(__AVX2__)
#define VECTOR 8
#else
#define VECTOR 4
#endif

/* Unrolls a loop whole: its trip count is known once its function is inlined. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define INLINE       static inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))

typedef float vec __attribute__((vector_size(VECTOR * 4)));
typedef uint32_t bits_vec __attribute__((vector_size(VECTOR * 4)));
/* A vec in memory, aligned as a float. */
typedef float vec_at __attribute__((vector_size(VECTOR * 4), aligned(4), may_alias));

typedef int32_t int_vec __attribute__((vector_size(VECTOR * 4)));
typedef int32_t int_vec_at __attribute__((vector_size(VECTOR * 4), aligned(4), may_alias));

#define LOAD_INTS(p)     (*(const int_vec_at *)(p))
#define STORE_INTS(p, v) (*(int_vec_at *)(p) = (v))

#define LOAD(p)     (*(const vec_at *)(p))
#define STORE(p, v) (*(vec_at *)(p) = (v))

/* The first `count` numbers, VECTOR at most, and zeros. */
INLINE vec load_part(const float *x, size_t count)
{
#if defined(__AVX512F__)
    return _mm512_maskz_loadu_ps((__mmask16)(count < VECTOR ? (1u << count) - 1 : 0xffff), x);
#else
    vec part = {0};
    if (count >= VECTOR)
        return LOAD(x);
    return *(vec *)memcpy(&part, x, count * sizeof *x);
#endif
}

/* a where it is larger than b, else b: so NaN where b is. */
INLINE vec larger(vec a, vec b)
{
#if defined(__AVX512F__)
    return _mm512_max_ps(a, b);
#elif defined(__AVX2__)
    return _mm256_max_ps(a, b);
#elif defined(__SSE2__)
    return _mm_max_ps(a, b);
#else
    for (int i = 0; i < VECTOR; i++)
        b[i] = a[i] > b[i] ? a[i] : b[i];
    return b;
#endif
}

/* a where it is smaller than b, else b. */
INLINE vec smaller(vec a, vec b)
{
#if defined(__AVX512F__)
    return _mm512_min_ps(a, b);
#elif defined(__AVX2__)
    return _mm256_min_ps(a, b);
#elif defined(__SSE2__)
    return _mm_min_ps(a, b);
#else
    for (int i = 0; i < VECTOR; i++)
        b[i] = a[i] < b[i] ? a[i] : b[i];
    return b;
#endif
}

/* A table's name: NAMED(kernels_, avx512) is kernels_avx512. */
#define NAMED_(prefix, name) prefix##name
#define NAMED(prefix, name)  NAMED_(prefix, name)
#define TEXT_(name)          #name
#define TEXT(name)           TEXT_(name)

union float_bits {
    uint32_t bits;
    float value;
};

INLINE float float_of_bits(uint32_t bits)
{
    return (union float_bits){.bits = bits}.value;
}

INLINE uint32_t bits_of_float(float value)
{
    return (union float_bits){.value = value}.bits;
}

/* The bits of the nearest bf16 (ties to even) in the upper half, and zeros. A NaN stays one. */
INLINE uint32_t bf16_bits(float value)
{
    uint32_t bits = bits_of_float(value);
    uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);
    uint32_t nan = bits | 0x400000;
    return ((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded) & 0xffff0000;
}

#endif
