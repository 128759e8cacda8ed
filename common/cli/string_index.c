#include "cli/string_index.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cli/memory.h"

void string_index_free(struct string_index *index)
{
    buffer_free(&index->bytes);
    free(index->begins);
    free(index->slots);
    *index = (struct string_index){0};
}

const char *string_index_get(const struct string_index *index, size_t number, size_t *size)
{
    size_t begin = index->begins[number];
    size_t end = number + 1 < index->count ? index->begins[number + 1] : index->bytes.size;

    if (size != NULL)
        *size = end - begin - 1;
    return index->bytes.data + begin;
}

static bool is_equal(const struct string_index *index, size_t number, const char *data, size_t size)
{
    size_t own_size;
    const char *own = string_index_get(index, number, &own_size);

    return own_size == size && (size == 0 || memcmp(own, data, size) == 0);
}

/* The slot that holds the string, or the free one where it belongs; slot_count is a power of two
 * and never full. */
static size_t find_slot(const struct string_index *index, const char *data, size_t size)
{
    size_t slot = (size_t)XXH64(data, size, 0) & (index->slot_count - 1);

    while (index->slots[slot] != 0 && !is_equal(index, index->slots[slot] - 1, data, size))
        slot = (slot + 1) & (index->slot_count - 1);
    return slot;
}

/* Twice the slots, as soon as half of them are taken. */
static void grow(struct string_index *index)
{
    size_t slot_count = index->slot_count > 0 ? 2 * index->slot_count : 16;

    if (2 * (index->count + 1) <= index->slot_count)
        return;
    free(index->slots);
    index->slots = mem_calloc(slot_count, sizeof *index->slots);
    index->slot_count = slot_count;
    for (size_t i = 0; i < index->count; i++) {
        size_t size;
        const char *data = string_index_get(index, i, &size);

        index->slots[find_slot(index, data, size)] = i + 1;
    }
}

size_t string_index_find(const struct string_index *index, const char *data, size_t size)
{
    if (index->count == 0)
        return STRING_INDEX_NONE;
    return index->slots[find_slot(index, data, size)] - 1; /* 0 - 1 is STRING_INDEX_NONE */
}

size_t string_index_add(struct string_index *index, const char *data, size_t size, bool *added)
{
    size_t slot;

    grow(index);
    slot = find_slot(index, data, size);
    if (added != NULL)
        *added = index->slots[slot] == 0;
    if (index->slots[slot] != 0)
        return index->slots[slot] - 1;
    mem_grow(&index->begins, &index->begin_capacity, index->count + 1, sizeof *index->begins);
    index->begins[index->count++] = index->bytes.size;
    buffer_append(&index->bytes, data, size);
    buffer_append_char(&index->bytes, '\0');
    index->slots[slot] = index->count;
    return index->count - 1;
}
