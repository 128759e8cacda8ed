#include "cli/blocks.h"

#include <stdalign.h>
#include <stdlib.h>

#include "cli/memory.h"

#define BLOCK_BYTES ((size_t)64 << 10)

struct memory_block {
    struct memory_block *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

static struct memory_block *add_block(struct blocks *blocks, size_t size)
{
    struct memory_block *block = mem_alloc(sizeof(*block) + size);
    *block = (struct memory_block){.next = blocks->newest, .size = size};
    blocks->newest = block;
    return block;
}

void *blocks_take(struct blocks *blocks, size_t size)
{
    const size_t unit = alignof(max_align_t);
    struct memory_block *block = blocks->newest;
    if (block == NULL || block->size - block->used < size)
        block = add_block(blocks, size < BLOCK_BYTES ? BLOCK_BYTES : size);
    void *taken = block->bytes + block->used;
    size_t left = block->size - block->used, whole = (size + unit - 1) / unit * unit;
    block->used += whole < left ? whole : left;
    blocks->taken += size;
    return taken;
}

void blocks_reset(struct blocks *blocks)
{
    struct memory_block *kept = NULL;
    for (struct memory_block *block = blocks->newest, *next; block != NULL; block = next) {
        next = block->next;
        if (kept == NULL && block->size == BLOCK_BYTES) {
            *block = (struct memory_block){.size = block->size};
            kept = block;
        } else {
            free(block);
        }
    }
    *blocks = (struct blocks){.newest = kept};
}

void blocks_free(struct blocks *blocks)
{
    for (struct memory_block *block = blocks->newest, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    *blocks = (struct blocks){0};
}
