/*
 * What the targets of readers share: a folder for the files that they read, and what must hold of
 * any reading: what is refused is refused by one line, what is accepted by none, and the memory in
 * use grows by no more than the input's size and 64 MiB (as AddressSanitizer counts it; without it,
 * that is for replay.c to see).
 */
#ifndef TESTS_FUZZ_READING_H
#define TESTS_FUZZ_READING_H

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"
#include "fuzz.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define COUNTS_MEMORY 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define COUNTS_MEMORY 1
#endif

/* ---- memory ---- */

static size_t memory_now, memory_most;

#ifdef COUNTS_MEMORY
/* As <sanitizer/allocator_interface.h> has them, which comes with clang alone. */
size_t __sanitizer_get_allocated_size(const volatile void *block);
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *block, size_t size)
{
    (void)block;
    size_t now = __atomic_add_fetch(&memory_now, size, __ATOMIC_RELAXED);
    if (now > memory_most)
        memory_most = now;
}

static void on_free(const volatile void *block)
{
    if (block != NULL)
        __atomic_sub_fetch(&memory_now, __sanitizer_get_allocated_size(block), __ATOMIC_RELAXED);
}
#endif

/* ---- files ---- */

static char reading_folder[] = "/dev/shm/bertpipe-fuzz-XXXXXX";

/* A name within the folder; valid until the call after the next three. */
static inline const char *reading_path(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", reading_folder, name);
    return path;
}

static inline const char *reading_write(const char *name, const void *data, size_t size)
{
    const char *path = reading_path(name);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0, "%s", path);
    return path;
}

static void reading_remove(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", reading_folder);
    REQUIRE(system(command) == 0, "%s", command);
}

/* To be called once; the folder goes when the process ends. */
static inline void reading_init(void)
{
    diag_init("fuzz");
    REQUIRE(mkdtemp(reading_folder) != NULL, "%s", reading_folder);
    atexit(reading_remove);
#ifdef COUNTS_MEMORY
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
#endif
}

/* ---- one reading ---- */

#define READING_SPARE ((size_t)64 << 20)

struct reading {
    struct diag_held held;
    size_t memory;
};

static inline void reading_begin(struct reading *reading)
{
    reading->held.size = 0;
    reading->memory = memory_most = memory_now;
    diag_hold(&reading->held);
}

/* size: of what was read. */
static inline void reading_end(struct reading *reading, bool accepted, size_t size)
{
    const char *lines = reading->held.lines;
    size_t count = 0, warnings = 0;
    diag_hold(NULL);
    for (size_t i = 0; i < reading->held.size; i++) {
        warnings +=
            (i == 0 || lines[i - 1] == '\n') && strncmp(lines + i, "fuzz: warning: ", 15) == 0;
        count += lines[i] == '\n';
    }
    REQUIRE(count - warnings == !accepted, "%s, with the lines\n%.*s",
            accepted ? "accepted" : "refused", (int)reading->held.size, lines);
    REQUIRE(memory_most - reading->memory <= size + READING_SPARE, "%zu bytes of memory for %zu",
            memory_most - reading->memory, size);
}

#endif
