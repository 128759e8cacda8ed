#include "cli/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"

#define HUGE_PAGE  ((size_t)2 << 20)
#define CACHE_LINE ((size_t)128) /* two, for they are fetched in pairs */

static _Noreturn void out_of_memory(size_t count, size_t size)
{
    diag_hold(NULL);
    if (size == 1)
        diag_error("out of memory: %zu bytes asked for", count);
    else
        diag_error("out of memory: %zu times %zu bytes asked for", count, size);
    exit(1);
}

void mem_exhausted(const char *what)
{
    diag_hold(NULL);
    diag_error("out of memory: %s", what);
    exit(1);
}

void *mem_alloc(size_t size)
{
    void *pointer = malloc(size > 0 ? size : 1);

    if (pointer == NULL)
        out_of_memory(size, 1);
    return pointer;
}

void *mem_calloc(size_t count, size_t size)
{
    void *pointer = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (pointer == NULL)
        out_of_memory(count, size);
    return pointer;
}

void *mem_alloc_lines(size_t size)
{
    size_t whole = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *pointer = aligned_alloc(CACHE_LINE, whole);

    if (pointer == NULL)
        out_of_memory(size, 1);
    return pointer;
}

void *mem_zero_pages(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (pages == MAP_FAILED)
        out_of_memory(size, 1);
    return pages;
}

void mem_prefer_huge_pages(void *pages, size_t size)
{
    if (size >= HUGE_PAGE)
        (void)madvise(pages, size, MADV_HUGEPAGE);
}

void mem_touch_pages(void *pages, size_t size)
{
    const size_t step = (size_t)sysconf(_SC_PAGESIZE);
    mem_prefer_huge_pages(pages, size);
    for (size_t i = 0; i < size; i += step)
        ((volatile char *)pages)[i] = 0;
}

void mem_free_pages(void *pages, size_t size)
{
    munmap(pages, size);
}

void *mem_realloc_array(void *pointer, size_t count, size_t size)
{
    void *moved;

    if (count == 0 || size == 0)
        count = size = 1;
    moved = reallocarray(pointer, count, size);
    if (moved == NULL)
        out_of_memory(count, size);
    return moved;
}

void *mem_duplicate(const void *data, size_t size)
{
    void *copy = mem_alloc(size);

    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *mem_strdup(const char *string)
{
    return mem_duplicate(string, strlen(string) + 1);
}

char *mem_strndup(const char *data, size_t length)
{
    char *copy;

    if (length == SIZE_MAX)
        out_of_memory(length, 1);
    copy = mem_alloc(length + 1);
    if (length > 0)
        memcpy(copy, data, length);
    copy[length] = '\0';
    return copy;
}

char *mem_format_list(const char *format, va_list arguments)
{
    char *text;

    if (vasprintf(&text, format, arguments) < 0)
        out_of_memory(strlen(format), 1);
    return text;
}

char *mem_format(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = mem_format_list(format, arguments);
    va_end(arguments);
    return text;
}

void mem_grow(void *array, size_t *capacity, size_t needed, size_t item_size)
{
    void *pointer;
    size_t larger;

    if (needed <= *capacity)
        return;
    larger = *capacity <= SIZE_MAX / 2 ? *capacity * 2 : SIZE_MAX;
    if (larger < needed)
        larger = needed;
    if (larger < 16)
        larger = 16;
    memcpy(&pointer, array, sizeof pointer);
    pointer = mem_realloc_array(pointer, larger, item_size);
    memcpy(array, &pointer, sizeof pointer);
    *capacity = larger;
}
