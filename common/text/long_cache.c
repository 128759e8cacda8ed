#include "text/long_cache.h"

#include "cli/memory.h"

#define LEAST_LINES          64
#define STORES_UNTIL_EMPTIED 4 /* a line */

static void set_count(struct long_cache *cache, size_t count)
{
    cache->count = count;
    cache->shift = 64 - (unsigned)__builtin_ctzll(count);
    cache->stored = 0;
}

void long_cache_init(struct long_cache *cache, size_t bytes, size_t ids)
{
    size_t most = LEAST_LINES;
    while (2 * most * sizeof *cache->lines <= bytes)
        most *= 2;
    *cache = (struct long_cache){.most = most, .narrow = ids <= UINT16_MAX + 1};
    cache->lines = mem_zero_pages(most * sizeof *cache->lines);
    set_count(cache, LEAST_LINES);
}

void long_cache_free(struct long_cache *cache)
{
    if (cache->lines != NULL)
        mem_free_pages(cache->lines, cache->most * sizeof *cache->lines);
    cache->lines = NULL;
}

size_t long_cache_room(const struct long_cache *cache)
{
    return cache->count < cache->most ? cache->count / 2 : STORES_UNTIL_EMPTIED * cache->count;
}

void long_cache_prepare(const struct long_cache *cache)
{
    if (cache->count < cache->most)
        mem_touch_pages(cache->lines + cache->count, cache->count * sizeof *cache->lines);
}

/* In place, as chunk_cache_grow. */
void long_cache_grow(struct long_cache *cache)
{
    size_t old = cache->count;
    if (old == cache->most) {
        memset(cache->lines, 0, old * sizeof *cache->lines);
        set_count(cache, old);
        return;
    }
    set_count(cache, 2 * old);
    for (size_t i = old; i-- > 0;) {
        struct long_line line = cache->lines[i];
        cache->lines[i] = (struct long_line){0};
        if (line.key.second.high != 0)
            *long_cache_line(cache, &line.key) = line;
    }
}

void long_cache_store(struct long_cache *cache, const struct long_key *key, const uint32_t *ids,
                      size_t count)
{
    struct long_line *line = long_cache_line(cache, key);
    cache->stored++;
    if (count > (cache->narrow ? LONG_NARROW : LONG_WIDE) || !chunk_key_claim(&line->key.second))
        return;
    line->key.first = key->first;
    for (size_t i = 0; i < count && cache->narrow; i++)
        line->narrow.ids[i] = (uint16_t)ids[i];
    for (size_t i = 0; i < count && !cache->narrow; i++)
        line->wide.ids[i] = ids[i];
    if (cache->narrow)
        line->narrow.count = (uint16_t)count;
    else
        line->wide.count = (uint32_t)count;
    chunk_key_publish(&line->key.second, key->second);
}
