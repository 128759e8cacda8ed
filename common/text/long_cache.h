/*
 * The chunk cache's companion for stretches of 16 to 31 bytes: words of other scripts than Latin,
 * which take two or three bytes a letter.
 *
 * A line of the processor's cache holds one of them, which is written once.
 */
#ifndef TEXT_LONG_CACHE_H
#define TEXT_LONG_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "text/chunk_key.h"

#define LONG_BYTES  31
#define LONG_NARROW 15 /* the most ids of a line, when all are below 65,536 */
#define LONG_WIDE   7  /* and else */

/* The bytes, zeros, and their number as the last byte. */
struct long_key {
    struct chunk_key first, second;
};

/* Zeroed is free. */
struct long_line {
    struct long_key key;
    union {
        struct {
            uint16_t ids[LONG_NARROW], count;
        } narrow;
        struct {
            uint32_t ids[LONG_WIDE], count;
        } wide;
    };
};

struct long_cache {
    struct long_line *lines; /* [most], of which [count] are in use; powers of 2 */
    size_t count, most;
    unsigned shift; /* 64 - log2(count) */
    size_t stored;  /* since it has this size */
    bool narrow;
};

/* As chunk_cache_init and so on. */
void long_cache_init(struct long_cache *cache, size_t bytes, size_t ids);
size_t long_cache_room(const struct long_cache *cache);
void long_cache_prepare(const struct long_cache *cache);
void long_cache_grow(struct long_cache *cache);
void long_cache_free(struct long_cache *cache);

/* size: from CHUNK_BYTES + 1 to LONG_BYTES. Reads 32 bytes from data whatever the size. */
static inline struct long_key long_key_of(const char *data, size_t size)
{
    const size_t half = sizeof(struct chunk_key);
    struct long_key key;
    memcpy(&key.first, data, half);
    key.second = chunk_key_of(data + half, size - half);
    key.second.high += (uint64_t)half << 56;
    return key;
}

static inline struct long_line *long_cache_line(const struct long_cache *cache,
                                                const struct long_key *key)
{
    uint64_t hash = chunk_key_hash(key->first) ^ chunk_key_hash(key->second) * 3;
    return &cache->lines[hash * UINT64_C(0x9e3779b97f4a7c15) >> cache->shift];
}

static inline bool long_line_holds(const struct long_line *line, const struct long_key *key)
{
    return chunk_key_published(&line->key.second, key->second) &&
           chunk_key_equal(line->key.first, key->first);
}

/* Copies a line's ids to out, which has LONG_NARROW; their number. */
static inline size_t long_line_copy(const struct long_line *line, bool narrow, uint32_t *out)
{
    size_t count = narrow ? line->narrow.count : line->wide.count;
    if (!narrow)
        memcpy(out, line->wide.ids, sizeof line->wide.ids);
    for (size_t i = 0; i < count && narrow; i++)
        out[i] = line->narrow.ids[i];
    return count;
}

/* Keeps ids under the key, unless they are too many or its line is taken. */
void long_cache_store(struct long_cache *cache, const struct long_key *key, const uint32_t *ids,
                      size_t count);

#endif
