#include "nn/cpu/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cli/diag.h"

#define ALIGNMENT 64

void *arena_take(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT ||
        arena->used > SIZE_MAX - ALIGNMENT - bytes) {
        diag_error("memory: %zu times %zu bytes cannot be addressed", count, size);
        exit(1);
    }
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *taken = arena->base ? arena->base + arena->used : NULL;
    arena->used += bytes;
    return taken;
}

int arena_map(struct arena *arena)
{
    arena->size = arena->used ? arena->used : 1;
    arena->used = 0;
    void *base =
        mmap(NULL, arena->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return diag_error("memory: cannot have the %zu MiB that this takes: smaller batches and "
                          "shorter texts take less",
                          arena->size >> 20);
    /* Pages are touched at random by products; only a hint, so its failure does not matter. */
    (void)madvise(base, arena->size, MADV_HUGEPAGE);
    arena->base = base;
    return 0;
}

void arena_unmap(struct arena *arena)
{
    if (arena->base)
        munmap(arena->base, arena->size);
    *arena = (struct arena){0};
}
