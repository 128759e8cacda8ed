/*
 * Checked allocation. These functions never return NULL: when memory ends, or a size
 * overflows, they report one line that says how much was asked for and exit with status 1.
 */
#ifndef CLI_MEMORY_H
#define CLI_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

/* Reports that memory has ended, for what, and exits with status 1, as these functions do; also in
 * a thread that holds its messages back. */
_Noreturn void mem_exhausted(const char *what);

void *mem_alloc(size_t size);                /* uninitialised */
void *mem_calloc(size_t count, size_t size); /* zeroed */
void *mem_realloc_array(void *pointer, size_t count, size_t size);
/* In lines of the processor's cache that nothing else is in: for what one thread writes to all the
 * time, and others do not. Release with free. */
void *mem_alloc_lines(size_t size);
void *mem_duplicate(const void *data, size_t size);
char *mem_strdup(const char *string);
char *mem_strndup(const char *data, size_t length); /* adds the closing NUL */
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *mem_format_list(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* Zeroed memory of its own, which is only taken from the system as it is touched. */
void *mem_zero_pages(size_t size);
/* For tables that are read at random, where each small page would be a miss of the TLB. Only a
 * hint; it does nothing for less than a huge page. */
void mem_prefer_huge_pages(void *pages, size_t size);
/* Takes all of them from the system, huge ones if it has any: they are zero still. */
void mem_touch_pages(void *pages, size_t size);
void mem_free_pages(void *pages, size_t size);

/* Grows *array so that it holds at least needed items; *capacity at least doubles. */
void mem_grow(void *array, size_t *capacity, size_t needed, size_t item_size);

#endif
