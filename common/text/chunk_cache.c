#include "text/chunk_cache.h"

#include "cli/memory.h"

#define LEAST_LINES          1024
#define STORES_UNTIL_EMPTIED 8 /* a line: four times what fits */

static void set_count(struct chunk_cache *cache, size_t count)
{
    cache->count = count;
    cache->shift = 64 - (unsigned)__builtin_ctzll(count);
    cache->stored = 0;
}

/* Pages cost nothing until they are written to, so that all are asked for at once. */
void chunk_cache_init(struct chunk_cache *cache, size_t bytes, size_t ids)
{
    size_t most = LEAST_LINES;
    while (2 * most * sizeof *cache->lines <= bytes)
        most *= 2;
    *cache = (struct chunk_cache){.most = most, .narrow = ids <= UINT16_MAX + 1};
    cache->lines = mem_zero_pages(most * sizeof *cache->lines);
    set_count(cache, LEAST_LINES);
}

void chunk_cache_free(struct chunk_cache *cache)
{
    if (cache->lines != NULL)
        mem_free_pages(cache->lines, cache->most * sizeof *cache->lines);
    cache->lines = NULL;
}

static void put_entry(struct chunk_cache *cache, const struct chunk_entry *entry)
{
    struct chunk_line *line = chunk_cache_line(cache, entry->key);
    if (entry->key.high != 0)
        line->entries[line->entries[0].key.high != 0] = *entry;
}

size_t chunk_cache_room(const struct chunk_cache *cache)
{
    return cache->count < cache->most ? cache->count : STORES_UNTIL_EMPTIED * cache->count;
}

void chunk_cache_prepare(const struct chunk_cache *cache)
{
    if (cache->count < cache->most)
        mem_touch_pages(cache->lines + cache->count, cache->count * sizeof *cache->lines);
}

/* A line's number is the first bits of the hash, of which there is now one more: what was in line i
 * belongs into 2 i or 2 i + 1. From the last line down, those have been emptied before. */
void chunk_cache_grow(struct chunk_cache *cache)
{
    size_t old = cache->count;
    if (old == cache->most) {
        memset(cache->lines, 0, old * sizeof *cache->lines);
        set_count(cache, old);
        return;
    }
    set_count(cache, 2 * old);
    for (size_t i = old; i-- > 0;) {
        struct chunk_line line = cache->lines[i];
        cache->lines[i] = (struct chunk_line){0};
        put_entry(cache, &line.entries[0]);
        put_entry(cache, &line.entries[1]);
    }
}

void chunk_cache_store(struct chunk_cache *cache, struct chunk_line *line, struct chunk_key key,
                       const uint32_t *ids, size_t count)
{
    struct chunk_entry *entry = &line->entries[0];
    cache->stored++;
    if (count > (cache->narrow ? CHUNK_NARROW : CHUNK_WIDE))
        return;
    if (!chunk_key_claim(&entry->key) && !chunk_key_claim(&(++entry)->key))
        return;
    for (size_t i = 0; i < count && cache->narrow; i++)
        entry->narrow.ids[i] = (uint16_t)ids[i];
    for (size_t i = 0; i < count && !cache->narrow; i++)
        entry->wide.ids[i] = ids[i];
    if (cache->narrow)
        entry->narrow.count = (uint16_t)count;
    else
        entry->wide.count = (uint32_t)count;
    chunk_key_publish(&entry->key, key);
}
