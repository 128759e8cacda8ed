/*
 * A trie over bytes: strings to numbers, for longest-prefix search.
 *
 * All nodes are in one hash table, and a node's number is its slot there, so that a step is one
 * access to memory, and building a single cheap pass.
 */
#ifndef TEXT_TRIE_H
#define TEXT_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIE_NONE      UINT32_MAX
#define TRIE_ROOT      ((UINT32_C(1) << 24) - 2) /* in no slot */
#define TRIE_MAX_NODES (UINT32_C(6) << 20)

struct trie_node {
    uint32_t key;   /* (parent << 8 | byte) + 1; 0 is an empty slot */
    uint32_t value; /* TRIE_NONE for a node where no string ends */
};

struct trie {
    struct trie_node *nodes; /* open addressing, a power of 2 of slots */
    uint32_t mask;           /* slots - 1 */
    unsigned shift;          /* 32 - log2(slots) */
    uint32_t room;           /* nodes that may be added yet */
};

/* An empty trie with room for so many nodes, at most TRIE_MAX_NODES: strings have one for each
 * byte, which those that begin alike share. */
void trie_init(struct trie *trie, size_t nodes);
void trie_free(struct trie *trie);

/* Adds a string of at least one byte; false when there is no room for it: then it is there in part,
 * which is of use to nobody. */
bool trie_add(struct trie *trie, const char *data, size_t size, uint32_t value);

/* The slot of the node that `byte` leads to from `parent`, or the empty one where it belongs. */
static inline uint32_t trie_slot(const struct trie *trie, uint32_t parent, unsigned char byte)
{
    uint32_t key = (parent << 8 | byte) + 1;
    uint32_t slot = (key * UINT32_C(2654435769)) >> trie->shift;
    while (trie->nodes[slot].key != key && trie->nodes[slot].key != 0)
        slot = (slot + 1) & trie->mask;
    return slot;
}

/* The node reached from `node` by `byte`, or TRIE_NONE. */
static inline uint32_t trie_step(const struct trie *trie, uint32_t node, unsigned char byte)
{
    uint32_t slot = trie_slot(trie, node, byte);
    return trie->nodes[slot].key != 0 ? slot : TRIE_NONE;
}

/* The value of the string that ends at a node, or TRIE_NONE. Not of the root. */
static inline uint32_t trie_value(const struct trie *trie, uint32_t node)
{
    return trie->nodes[node].value;
}

#endif
