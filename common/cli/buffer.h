/* A growing run of bytes; zeroed is empty. */
#ifndef CLI_BUFFER_H
#define CLI_BUFFER_H

#include <stddef.h>

struct buffer {
    char *data; /* not closed with NUL, but by buffer_format and buffer_string */
    size_t size, capacity;
};

void buffer_free(struct buffer *buffer);
/* Room for extra more bytes. */
void buffer_reserve(struct buffer *buffer, size_t extra);
void buffer_append(struct buffer *buffer, const void *data, size_t size);
void buffer_append_string(struct buffer *buffer, const char *string);
void buffer_append_char(struct buffer *buffer, char c);
void buffer_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The contents closed with a NUL that does not count; valid until the next change. */
const char *buffer_string(struct buffer *buffer);

#endif
