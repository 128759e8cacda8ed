/*
 * What short stretches of text became, by their bytes. Nine words in ten of a text have been seen
 * before, and the time that tokenising takes is the time that it takes to find them here.
 *
 * A line of the processor's cache holds the two entries that a key may be in. A key is 15 bytes at
 * most, with its length in the 16th, so that it is compared as two numbers. An entry is written
 * once: what finds none free is not kept, and when that has happened often the cache begins anew.
 * So threads may share it (word_cache.h): an entry's key is complete when its length is there,
 * which is written last.
 */
#ifndef TEXT_CHUNK_CACHE_H
#define TEXT_CHUNK_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "text/chunk_key.h"

#define CHUNK_NARROW 7 /* the most ids of an entry, when all are below 65,536 */
#define CHUNK_WIDE   3 /* and else */

/* Zeroed is free, as no key has the length 0. The count is behind the ids, with which it is read.
 */
struct chunk_entry {
    struct chunk_key key;
    union {
        struct {
            uint16_t ids[CHUNK_NARROW], count;
        } narrow;
        struct {
            uint32_t ids[CHUNK_WIDE], count;
        } wide;
    };
};

struct chunk_line {
    struct chunk_entry entries[2];
};

struct chunk_cache {
    struct chunk_line *lines; /* [count] */
    size_t count, most;       /* powers of 2 */
    unsigned shift;           /* 64 - log2(count) */
    size_t stored;            /* since it has this size, or was to be */
    bool narrow;
};

/* Small at first; bytes: what it may grow to, of which a power of 2 is taken. ids: one more than
 * the largest that may come. */
void chunk_cache_init(struct chunk_cache *cache, size_t bytes, size_t ids);
/* How many may be stored before it is time to grow. */
size_t chunk_cache_room(const struct chunk_cache *cache);
/* Before it grows: takes the memory for that, which other threads need not wait for. */
void chunk_cache_prepare(const struct chunk_cache *cache);
/* Twice the size, for a cache that is larger than the text needs is slower, as its
 * lines are farther away; or empty, when it may not grow. Lines found before are no longer its own,
 * and no other thread may use it meanwhile. */
void chunk_cache_grow(struct chunk_cache *cache);
void chunk_cache_free(struct chunk_cache *cache);

static inline struct chunk_line *chunk_cache_line(const struct chunk_cache *cache,
                                                  struct chunk_key key)
{
    return &cache->lines[chunk_key_hash(key) >> cache->shift];
}

/* The key's entry in its line, or NULL. */
static inline const struct chunk_entry *chunk_line_find(const struct chunk_line *line,
                                                        struct chunk_key key)
{
    if (chunk_key_published(&line->entries[0].key, key))
        return &line->entries[0];
    if (chunk_key_published(&line->entries[1].key, key))
        return &line->entries[1];
    return NULL;
}

/* A narrow entry's ids, and behind them its count, as vectors of the compiler's. */
typedef uint16_t chunk_narrow __attribute__((vector_size(16)));
typedef uint32_t chunk_widened __attribute__((vector_size(32)));

/* What chunk_entry_copy may write. */
#define CHUNK_ROOM (CHUNK_NARROW + 1)

/* Copies an entry's ids to out, which has CHUNK_ROOM; their number. */
static inline size_t chunk_entry_copy(const struct chunk_entry *entry, bool narrow, uint32_t *out)
{
    if (!narrow) {
        memcpy(out, entry->wide.ids, sizeof entry->wide.ids);
        return entry->wide.count;
    }
    chunk_narrow ids;
    memcpy(&ids, &entry->narrow, sizeof ids);
    const chunk_widened widened = __builtin_convertvector(ids, chunk_widened);
    memcpy(out, &widened, sizeof widened);
    return entry->narrow.count;
}

/* Keeps ids under the key, unless they are too many or there is no room. */
void chunk_cache_store(struct chunk_cache *cache, struct chunk_line *line, struct chunk_key key,
                       const uint32_t *ids, size_t count);

#endif
