/*
 * A growing byte buffer: what the stages of text/ hand to each other.
 *
 * A zeroed buffer is empty and valid. Memory comes from cli/memory.h, so growing cannot fail.
 */
#ifndef TEXT_BUFFER_H
#define TEXT_BUFFER_H

#include <stddef.h>
#include <string.h>

#include "cli/memory.h"

struct text_buffer {
    char *data; /* owned */
    size_t size, capacity;
};

static inline void text_buffer_reserve(struct text_buffer *buffer, size_t more)
{
    if (buffer->capacity - buffer->size < more)
        mem_grow(&buffer->data, &buffer->capacity, buffer->size + more, 1);
}

static inline void text_buffer_append(struct text_buffer *buffer, const void *data, size_t size)
{
    text_buffer_reserve(buffer, size);
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

void text_buffer_free(struct text_buffer *buffer);

#endif
