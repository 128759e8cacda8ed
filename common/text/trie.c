#include "text/trie.h"

#include <stdlib.h>

#include "cli/memory.h"

enum { LEAST_SLOT_BITS = 8 };

void trie_init(struct trie *trie, size_t bytes)
{
    unsigned bits = LEAST_SLOT_BITS;
    while ((size_t)1 << bits <= bytes + bytes / 4)
        bits++;
    *trie = (struct trie){
        .edges = mem_calloc((size_t)1 << bits, sizeof(*trie->edges)),
        .mask = (UINT32_C(1) << bits) - 1,
        .shift = 32 - bits,
        .values = mem_alloc((bytes + 1) * sizeof(*trie->values)),
        .node_count = 1,
    };
    trie->values[TRIE_ROOT] = TRIE_NONE;
}

void trie_free(struct trie *trie)
{
    free(trie->edges);
    free(trie->values);
    *trie = (struct trie){0};
}

void trie_add(struct trie *trie, const char *data, size_t size, uint32_t value)
{
    uint32_t node = TRIE_ROOT;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)data[i];
        struct trie_edge *edge = trie_slot(trie, node, byte);
        if (edge->key == 0) {
            *edge = (struct trie_edge){(node << 8 | byte) + 1, trie->node_count};
            trie->values[trie->node_count++] = TRIE_NONE;
        }
        node = edge->node;
    }
    trie->values[node] = value;
}
