/*
 * Where the ASCII white space of a text is: 64 bytes at a time, as bits.
 */
#ifndef TEXT_SPACES_H
#define TEXT_SPACES_H

#include <stddef.h>
#include <stdint.h>

/* A set of bytes below 0x80: byte b is in it when low[b & 15] has bit b >> 4. */
struct spaces {
    uint8_t low[16];
};

/* Adds a byte, below 0x80. */
void spaces_add(struct spaces *set, unsigned char byte);

/*
 * masks: [(size + 63) / 64]; bit i of masks[k] says whether data[64 k + i] is in the set. Bits
 * beyond size are 0. By the vector instructions that the processor has (AVX-512, AVX2), else by
 * portable C.
 */
void spaces_find(const struct spaces *set, const char *data, size_t size, uint64_t *masks);

/* Which of them it is: "avx512", "avx2" or "portable". */
const char *spaces_best_way(void);

/* The same by one of these ways; NULL where the processor lacks it. */
typedef void spaces_function(const struct spaces *set, const char *data, size_t size,
                             uint64_t *masks);
spaces_function *spaces_way(const char *name);

#endif
