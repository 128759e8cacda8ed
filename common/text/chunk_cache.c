#include "text/chunk_cache.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "cli/memory.h"

#define HUGE_PAGE   ((size_t)2 << 20)
#define LEAST_LINES 1024

static void take_lines(struct chunk_cache *cache, size_t count)
{
    size_t size = count * sizeof *cache->lines;
    cache->lines = mem_zero_pages(size);
    cache->count = count;
    cache->shift = 64 - (unsigned)__builtin_ctzll(count);
    cache->stored = 0;
    /* Entries are touched at random: small pages would be a miss of the TLB each. Only a hint. */
    if (size >= HUGE_PAGE)
        (void)madvise(cache->lines, size, MADV_HUGEPAGE);
}

void chunk_cache_init(struct chunk_cache *cache, size_t bytes, size_t ids)
{
    size_t most = LEAST_LINES;
    while (2 * most * sizeof *cache->lines <= bytes)
        most *= 2;
    *cache = (struct chunk_cache){.most = most, .narrow = ids <= UINT16_MAX + 1};
    take_lines(cache, LEAST_LINES);
}

void chunk_cache_free(struct chunk_cache *cache)
{
    if (cache->lines != NULL)
        mem_free_pages(cache->lines, cache->count * sizeof *cache->lines);
    cache->lines = NULL;
}

/* The first of a line's entries stays the first where two meet again. */
static void move_entry(struct chunk_cache *cache, const struct chunk_entry *entry)
{
    struct chunk_line *line = chunk_cache_line(cache, entry->key);
    if (entry->key.high != 0)
        line->entries[line->entries[0].key.high != 0] = *entry;
}

void chunk_cache_grow(struct chunk_cache *cache)
{
    struct chunk_cache old = *cache;
    if (cache->stored < cache->count || cache->count == cache->most)
        return;
    take_lines(cache, 2 * old.count);
    for (size_t i = 0; i < old.count; i++) {
        move_entry(cache, &old.lines[i].entries[0]);
        move_entry(cache, &old.lines[i].entries[1]);
    }
    chunk_cache_free(&old);
}
