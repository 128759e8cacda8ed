#include "cli/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

void buffer_reserve(struct buffer *buffer, size_t extra)
{
    if (extra > SIZE_MAX - buffer->size)
        mem_exhausted("a buffer would exceed the address space");
    mem_grow(&buffer->data, &buffer->capacity, buffer->size + extra, 1);
}

void buffer_append(struct buffer *buffer, const void *data, size_t size)
{
    buffer_reserve(buffer, size);
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

void buffer_append_string(struct buffer *buffer, const char *string)
{
    buffer_append(buffer, string, strlen(string));
}

void buffer_append_char(struct buffer *buffer, char c)
{
    buffer_append(buffer, &c, 1);
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = mem_format_list(format, arguments);
    va_end(arguments);
    buffer_append(buffer, text, strlen(text) + 1);
    buffer->size--;
    free(text);
}

const char *buffer_string(struct buffer *buffer)
{
    buffer_append_char(buffer, '\0');
    buffer->size--;
    return buffer->data;
}
