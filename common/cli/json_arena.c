#include "cli/json_arena.h"

#include <jansson.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "cli/memory.h"

/* What a byte of JSON may need: "[0,0,0" takes a value of 32 bytes and its place in an array that
 * doubles, for two. Pages that are not touched cost nothing. */
#define EXPANSION ((size_t)64)
#define LEAST     ((size_t)4 << 20)

static struct {
    char *pages;
    size_t size, used;
    json_malloc_t earlier_malloc;
    json_free_t earlier_free;
} arena;

static void *take(size_t size)
{
    const size_t unit = alignof(max_align_t);
    if (size > arena.size - arena.used)
        return NULL;
    void *taken = arena.pages + arena.used;
    size_t whole = (size + unit - 1) / unit * unit;
    arena.used += whole < arena.size - arena.used ? whole : arena.size - arena.used;
    return taken;
}

static void leave(void *taken)
{
    (void)taken;
}

void json_arena_begin(const char *path)
{
    struct stat status;
    size_t bytes = stat(path, &status) == 0 && status.st_size > 0 ? (size_t)status.st_size : 0;
    arena.size = LEAST + (bytes < SIZE_MAX / 2 / EXPANSION ? EXPANSION * bytes : SIZE_MAX / 2);
    arena.pages = mem_zero_pages(arena.size);
    mem_prefer_huge_pages(arena.pages, arena.size);
    arena.used = 0;
    json_get_alloc_funcs(&arena.earlier_malloc, &arena.earlier_free);
    json_set_alloc_funcs(take, leave);
}

void json_arena_end(void)
{
    json_set_alloc_funcs(arena.earlier_malloc, arena.earlier_free);
    mem_free_pages(arena.pages, arena.size);
    arena.pages = NULL;
}
