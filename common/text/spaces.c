#include "text/spaces.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define BLOCK 64

void spaces_add(struct spaces *set, unsigned char byte)
{
    set->low[byte & 15] |= (uint8_t)(1 << (byte >> 4));
}

static void find_portable(const struct spaces *set, const char *data, size_t size, uint64_t *masks)
{
    memset(masks, 0, (size + BLOCK - 1) / BLOCK * sizeof *masks);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)data[i];
        uint64_t in = byte < 0x80 && (set->low[byte & 15] >> (byte >> 4) & 1);
        masks[i / BLOCK] |= in << i % BLOCK;
    }
}

#if defined(__x86_64__)

/* The bit of a high nibble; bytes from 0x80 have none. */
#define HIGH_BITS 1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0

__attribute__((target("avx2"))) static void find_avx2(const struct spaces *set, const char *data,
                                                      size_t size, uint64_t *masks)
{
    const __m256i high = _mm256_setr_epi8(HIGH_BITS, HIGH_BITS);
    const __m256i low =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)set->low));
    const __m256i nibble = _mm256_set1_epi8(15), zero = _mm256_setzero_si256();
    size_t whole = size / BLOCK;
    for (size_t k = 0; k < whole; k++) {
        uint64_t mask = 0;
        for (unsigned half = 0; half < 2; half++) {
            const char *from = data + k * BLOCK + half * 32;
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)from);
            /* A byte from 0x80 gives 0 here, too: shuffle's index has its top bit. */
            __m256i rows = _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble));
            __m256i bits =
                _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
            __m256i out = _mm256_cmpeq_epi8(_mm256_and_si256(rows, bits), zero);
            mask |= (uint64_t)(uint32_t)~_mm256_movemask_epi8(out) << 32 * half;
        }
        masks[k] = mask;
    }
    if (size % BLOCK > 0)
        find_portable(set, data + whole * BLOCK, size % BLOCK, masks + whole);
}

__attribute__((target("avx512bw"))) static void
find_avx512(const struct spaces *set, const char *data, size_t size, uint64_t *masks)
{
    const __m128i high_bits = _mm_setr_epi8(HIGH_BITS);
    const __m512i high = _mm512_broadcast_i32x4(high_bits);
    const __m512i low =
        _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)set->low));
    const __m512i nibble = _mm512_set1_epi8(15);
    for (size_t at = 0; at < size; at += BLOCK) {
        size_t left = size - at;
        __mmask64 inside = left >= BLOCK ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
        __m512i bytes = _mm512_maskz_loadu_epi8(inside, data + at);
        __m512i rows = _mm512_shuffle_epi8(low, _mm512_and_si512(bytes, nibble));
        __m512i bits =
            _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble));
        masks[at / BLOCK] = _mm512_mask_test_epi8_mask(inside, rows, bits);
    }
}

#endif

spaces_function *spaces_way(const char *name)
{
#if defined(__x86_64__)
    if (strcmp(name, "avx512") == 0)
        return __builtin_cpu_supports("avx512bw") ? find_avx512 : NULL;
    if (strcmp(name, "avx2") == 0)
        return __builtin_cpu_supports("avx2") ? find_avx2 : NULL;
#endif
    return strcmp(name, "portable") == 0 ? find_portable : NULL;
}

const char *spaces_best_way(void)
{
    static const char *const names[] = {"avx512", "avx2", "portable"};
    size_t i = 0;
    while (spaces_way(names[i]) == NULL)
        i++;
    return names[i];
}

void spaces_find(const struct spaces *set, const char *data, size_t size, uint64_t *masks)
{
    static _Atomic(spaces_function *) best;
    spaces_function *way = best;
    if (way == NULL)
        best = way = spaces_way(spaces_best_way());
    way(set, data, size, masks);
}
