/*
 * Distinct strings, numbered from 0 in the order in which they were added, behind a hash table:
 * ids, names of labels. Zeroed is empty.
 */
#ifndef CLI_STRING_INDEX_H
#define CLI_STRING_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/buffer.h"

#define STRING_INDEX_NONE SIZE_MAX

struct string_index {
    struct buffer bytes; /* of all strings, each closed with a NUL */
    size_t *begins;      /* [count] offsets in bytes */
    size_t count, begin_capacity;
    size_t *slots; /* [slot_count] number + 1, or 0 */
    size_t slot_count;
};

void string_index_free(struct string_index *index);
/* The string's number, or STRING_INDEX_NONE. */
size_t string_index_find(const struct string_index *index, const char *data, size_t size);
/* The number of the string, of which a copy is added if it is new; *added, unless NULL, says so. */
size_t string_index_add(struct string_index *index, const char *data, size_t size, bool *added);
/* A string by its number, closed with a NUL (but it may contain others: see *size, unless NULL);
 * valid until the next is added. */
const char *string_index_get(const struct string_index *index, size_t number, size_t *size);

#endif
