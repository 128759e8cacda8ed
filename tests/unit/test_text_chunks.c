/* The pieces that encoding is fast by: white space found by vectors, keys of short stretches, the
 * cache. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli/memory.h"
#include "text/chunk_cache.h"
#include "text/long_cache.h"
#include "text/spaces.h"

static uint32_t random_state = 1;

static uint32_t draw(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* Every way against one byte at a time, for sets of bytes and texts of random bytes. */
static void test_spaces(void)
{
    static const char *const ways[] = {"portable", "avx2", "avx512"};
    char text[300];
    uint64_t masks[5];
    for (int round = 0; round < 400; round++) {
        struct spaces set = {{0}};
        bool member[256] = {false};
        size_t size = draw() % (sizeof text + 1);
        for (unsigned n = draw() % 12; n > 0; n--) {
            unsigned char byte = draw() & 0x7f;
            member[byte] = true;
            spaces_add(&set, byte);
        }
        for (size_t i = 0; i < size; i++)
            text[i] = (char)(draw() % 3 ? draw() : draw() & 0x2f);
        for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
            spaces_function *way = spaces_way(ways[w]);
            bool same = true;
            if (way == NULL)
                continue;
            memset(masks, 0xff, sizeof masks);
            way(&set, text, size, masks);
            for (size_t i = 0; i < (size + 63) / 64 * 64; i++)
                same = same && (masks[i / 64] >> i % 64 & 1) ==
                                   (i < size && member[(unsigned char)text[i]]);
            CHECK(same, "%s: round %d, %zu bytes", ways[w], round, size);
        }
    }
    CHECK(spaces_way("portable") != NULL && spaces_way("none") == NULL, "the ways");
}

static void test_keys(void)
{
    const char *text = "abcdefghijklmnopqrstuvwxyz";
    for (size_t size = 0; size <= CHUNK_BYTES; size++) {
        char bytes[16] = {0}, got[16];
        struct chunk_key key = chunk_key_of(text, size);
        memcpy(bytes, text, size);
        bytes[15] = (char)size;
        memcpy(got, &key, sizeof got);
        CHECK(memcmp(got, bytes, sizeof got) == 0, "the key of %zu bytes", size);
    }
}

/* ids of a number, which stands for a key. */
static size_t ids_of(uint32_t number, uint32_t largest, uint32_t *ids)
{
    size_t count = number % (CHUNK_NARROW + 2);
    for (size_t i = 0; i < count; i++)
        ids[i] = (number * 2654435761u + (uint32_t)i * 40503u) % (largest + 1);
    return count;
}

/* What is found is what was stored, however often entries drive out each other. */
static void test_cache(uint32_t largest)
{
    struct chunk_cache cache;
    uint32_t ids[CHUNK_ROOM + 1], got[CHUNK_ROOM + 1];
    size_t most = largest > UINT16_MAX ? CHUNK_WIDE : CHUNK_NARROW, found = 0;
    chunk_cache_init(&cache, 1 << 17, (size_t)largest + 1);
    for (int i = 0; i < 200000; i++) {
        uint32_t number = draw() % (i % 2 ? 500 : 20000);
        char text[16] = {0};
        size_t size = (size_t)snprintf(text, sizeof text, "w%u", number), count;
        struct chunk_key key = chunk_key_of(text, size);
        struct chunk_line *line = chunk_cache_line(&cache, key);
        const struct chunk_entry *entry = chunk_line_find(line, key);
        count = ids_of(number, largest, ids);
        if (entry == NULL) {
            chunk_cache_store(&cache, line, key, ids, count);
            if (cache.stored >= chunk_cache_room(&cache))
                chunk_cache_grow(&cache);
            continue;
        }
        found++;
        if (chunk_entry_copy(entry, cache.narrow, got) != count || count > most ||
            memcmp(got, ids, count * sizeof *ids) != 0)
            CHECK(false, "largest %u: entry of %s", largest, text);
    }
    CHECK(found > 50000, "largest %u: %zu found", largest, found);
    CHECK(cache.count * sizeof *cache.lines == 1 << 17, "it has grown to what it may take");
    chunk_cache_free(&cache);
}

static void test_long_keys(void)
{
    const char *text = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (size_t size = CHUNK_BYTES + 1; size <= LONG_BYTES; size++) {
        char bytes[32] = {0}, got[32];
        struct long_key key = long_key_of(text, size);
        memcpy(bytes, text, size);
        bytes[31] = (char)size;
        memcpy(got, &key, sizeof got);
        CHECK(memcmp(got, bytes, sizeof got) == 0, "the key of %zu bytes", size);
    }
}

/* What is found is what was stored, however often lines drive out each other. */
static void test_long_cache(uint32_t largest)
{
    struct long_cache cache;
    size_t most = largest > UINT16_MAX ? LONG_WIDE : LONG_NARROW, found = 0, wrong = 0;
    long_cache_init(&cache, 1 << 18, (size_t)largest + 1);
    for (uint32_t i = 0; i < 20000; i++) {
        char text[32] = {0};
        uint32_t number = draw() % 3000, ids[LONG_NARROW + 2], got[LONG_NARROW];
        size_t size = CHUNK_BYTES + 1 + number % (LONG_BYTES - CHUNK_BYTES), count = number % 18;
        memset(text, 'x', size);
        memcpy(text + number % (size - 4), &number, 4);
        for (size_t k = 0; k < count && k < LONG_NARROW + 2; k++)
            ids[k] = (number * 2654435761u + (uint32_t)k * 40503u) % (largest + 1);
        if (count > LONG_NARROW + 2)
            count = LONG_NARROW + 2;
        struct long_key key = long_key_of(text, size);
        const struct long_line *line = long_cache_line(&cache, &key);
        if (!long_line_holds(line, &key)) {
            long_cache_store(&cache, &key, ids, count);
            if (cache.stored >= long_cache_room(&cache))
                long_cache_grow(&cache);
            continue;
        }
        found++;
        wrong += count > most || long_line_copy(line, cache.narrow, got) != count ||
                 memcmp(got, ids, count * sizeof *ids) != 0;
    }
    CHECK(wrong == 0, "%zu of %zu are not what was stored", wrong, found);
    CHECK(found > 5000, "only %zu found of ids up to %u", found, largest);
    CHECK(cache.count == cache.most, "%zu lines, %zu at most", cache.count, cache.most);
    long_cache_free(&cache);
}

int main(void)
{
    test_spaces();
    test_keys();
    test_cache(UINT16_MAX);
    test_cache(UINT16_MAX + 1);
    test_cache(119546);
    test_long_keys();
    test_long_cache(UINT16_MAX);
    test_long_cache(1000000);
    return check_report();
}
