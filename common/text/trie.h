/*
 * A trie over bytes: strings to numbers, for longest-prefix search.
 *
 * Nodes are numbers, and all edges are in one hash table, so that building is a single cheap pass.
 */
#ifndef TEXT_TRIE_H
#define TEXT_TRIE_H

#include <stddef.h>
#include <stdint.h>

#define TRIE_NONE      UINT32_MAX
#define TRIE_ROOT      0
#define TRIE_MAX_BYTES ((UINT32_C(1) << 24) - 2)

struct trie_edge {
    uint32_t key;  /* (node << 8 | byte) + 1; 0 is an empty slot */
    uint32_t node; /* where the edge leads */
};

struct trie {
    struct trie_edge *edges; /* open addressing, a power of 2 of slots */
    uint32_t mask;           /* slots - 1 */
    unsigned shift;          /* 32 - log2(slots) */
    uint32_t *values;        /* [node_count], TRIE_NONE for a node where no string ends */
    uint32_t node_count;
};

/* An empty trie with room for strings of `bytes` bytes in all, at most TRIE_MAX_BYTES. */
void trie_init(struct trie *trie, size_t bytes);
void trie_free(struct trie *trie);

/* Adds a string of at least one byte. */
void trie_add(struct trie *trie, const char *data, size_t size, uint32_t value);

/* The slot of the edge from `node` by `byte`, or the empty one where it belongs. */
static inline struct trie_edge *trie_slot(const struct trie *trie, uint32_t node,
                                          unsigned char byte)
{
    uint32_t key = (node << 8 | byte) + 1;
    uint32_t slot = (key * UINT32_C(2654435769)) >> trie->shift;
    while (trie->edges[slot].key != key && trie->edges[slot].key != 0)
        slot = (slot + 1) & trie->mask;
    return &trie->edges[slot];
}

/* The node reached from `node` by `byte`, or TRIE_NONE. */
static inline uint32_t trie_step(const struct trie *trie, uint32_t node, unsigned char byte)
{
    const struct trie_edge *edge = trie_slot(trie, node, byte);
    return edge->key != 0 ? edge->node : TRIE_NONE;
}

#endif
