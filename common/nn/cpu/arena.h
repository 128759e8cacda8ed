/*
 * One block of memory, planned before it is taken: the same layout function runs twice, first to
 * measure (base NULL, every pointer NULL) and then to hand out.
 */
#ifndef NN_CPU_ARENA_H
#define NN_CPU_ARENA_H

#include <stddef.h>

struct arena {
    unsigned char *base; /* page aligned and zeroed, or NULL while measuring */
    size_t size;         /* bytes mapped */
    size_t used;         /* bytes handed out so far */
};

/* count items of size bytes, aligned to 64 bytes; NULL while measuring. Exits 1 with a message when
 * the sum overflows. */
void *arena_take(struct arena *arena, size_t count, size_t size);

/* Maps what was measured and starts handing out from the beginning. 0, or -1 with a message that
 * says how much memory is missing. */
int arena_map(struct arena *arena);
void arena_unmap(struct arena *arena);

#endif
