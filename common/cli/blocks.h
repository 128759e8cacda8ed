/*
 * Memory for many small things that are released together.
 */
#ifndef CLI_BLOCKS_H
#define CLI_BLOCKS_H

#include <stddef.h>

struct memory_block;

/* Zeroed is empty. */
struct blocks {
    struct memory_block *newest; /* followed by the older ones */
    size_t taken;                /* bytes since the last reset */
};

/* size bytes, aligned for any type, where they stay until they are reset or freed. */
void *blocks_take(struct blocks *blocks, size_t size);
/* Releases everything, but keeps one block for what comes next. */
void blocks_reset(struct blocks *blocks);
void blocks_free(struct blocks *blocks);

#endif
