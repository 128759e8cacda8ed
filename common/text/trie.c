#include "text/trie.h"

#include "cli/memory.h"

enum { LEAST_SLOT_BITS = 8 };

static size_t table_size(const struct trie *trie)
{
    return ((size_t)trie->mask + 1) * sizeof(*trie->nodes);
}

void trie_init(struct trie *trie, size_t nodes)
{
    unsigned bits = LEAST_SLOT_BITS;
    while (((size_t)3 << bits) / 4 < nodes)
        bits++;
    *trie = (struct trie){
        .mask = (UINT32_C(1) << bits) - 1,
        .shift = 32 - bits,
        .room = (UINT32_C(3) << bits) / 4,
    };
    trie->nodes = mem_zero_pages(table_size(trie));
    mem_prefer_huge_pages(trie->nodes, table_size(trie));
}

void trie_free(struct trie *trie)
{
    if (trie->nodes != NULL)
        mem_free_pages(trie->nodes, table_size(trie));
    *trie = (struct trie){0};
}

bool trie_add(struct trie *trie, const char *data, size_t size, uint32_t value)
{
    uint32_t node = TRIE_ROOT;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)data[i];
        uint32_t slot = trie_slot(trie, node, byte);
        if (trie->nodes[slot].key == 0) {
            if (trie->room == 0)
                return false;
            trie->room--;
            trie->nodes[slot] = (struct trie_node){(node << 8 | byte) + 1, TRIE_NONE};
        }
        node = slot;
    }
    trie->nodes[node].value = value;
    return true;
}
