#include "stream/sorter.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/buffer.h"
#include "cli/memory.h"
#include "cli/temporary.h"

#define MIN_WINDOW   ((size_t)16 << 10) /* of a run, while merging */
#define WRITE_SIZE   ((size_t)256 << 10)
#define START_MEMORY ((size_t)64 << 10)

/* A group in the arena. */
struct entry {
    uint64_t key;
    size_t offset, size;
};

/* In the file: key and size, then the bytes. */
struct run_head {
    uint64_t key, size;
};

/* A run while it is merged: a window onto its stretch of the file. */
struct run {
    uint64_t at, end; /* in the file: what the window does not hold yet */
    char *window;
    size_t capacity, begin, filled;
    struct run_head head; /* of the group at begin */
};

/*
 * The arena holds entries from its front and bytes from its back; it is full when they meet. It
 * doubles up to `memory`, so that little input takes little.
 */
struct stream_sorter {
    size_t memory;
    char *arena;
    size_t capacity, entry_count, bytes_begin;
    struct temporary file;
    struct run *runs;
    size_t run_count, run_capacity;
    size_t *heap; /* [heap_count] runs, the one to give next first */
    size_t heap_count;
    size_t next; /* entry to be given out, when there are no runs */
    bool merging;
};

struct stream_sorter *stream_sorter_new(size_t memory)
{
    struct stream_sorter *sorter = mem_calloc(1, sizeof *sorter);

    sorter->memory = memory;
    return sorter;
}

void stream_sorter_free(struct stream_sorter *sorter)
{
    if (sorter == NULL)
        return;
    for (size_t i = 0; i < sorter->run_count; i++)
        free(sorter->runs[i].window);
    free(sorter->runs);
    free(sorter->heap);
    free(sorter->arena);
    temporary_close(&sorter->file);
    free(sorter);
}

size_t stream_sorter_runs(const struct stream_sorter *sorter)
{
    return sorter->run_count;
}

static struct entry *entries_of(struct stream_sorter *sorter)
{
    return (struct entry *)(void *)sorter->arena;
}

/* Bytes are placed downwards, so of two entries with one key the one added first lies higher. */
static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->offset > b->offset ? -1 : a->offset < b->offset;
}

static void sort_entries(struct stream_sorter *sorter)
{
    if (sorter->entry_count > 1)
        qsort(sorter->arena, sorter->entry_count, sizeof(struct entry), compare_entries);
}

static int write_run(struct stream_sorter *sorter)
{
    const struct entry *entries = entries_of(sorter);
    struct buffer out = {0};
    struct run run = {.at = sorter->file.size};
    int status = sorter->file.folder == NULL ? temporary_open(&sorter->file) : 0;

    sort_entries(sorter);
    for (size_t i = 0; i < sorter->entry_count && status == 0; i++) {
        struct run_head head = {entries[i].key, entries[i].size};

        buffer_append(&out, &head, sizeof head);
        buffer_append(&out, sorter->arena + entries[i].offset, entries[i].size);
        if (out.size < WRITE_SIZE && i + 1 < sorter->entry_count)
            continue;
        status = temporary_append(&sorter->file, out.data, out.size);
        out.size = 0;
    }
    buffer_free(&out);
    run.end = sorter->file.size;
    mem_grow(&sorter->runs, &sorter->run_capacity, sorter->run_count + 1, sizeof *sorter->runs);
    sorter->runs[sorter->run_count++] = run;
    sorter->entry_count = 0;
    sorter->bytes_begin = sorter->capacity;
    return status;
}

/* Moves the bytes to the back of an arena of at least `needed` bytes. */
static void grow_arena(struct stream_sorter *sorter, size_t needed)
{
    size_t capacity = sorter->capacity > 0 ? sorter->capacity : START_MEMORY;
    size_t used = sorter->capacity - sorter->bytes_begin, added;

    while (capacity < needed)
        capacity = capacity > sorter->memory / 2 ? needed : 2 * capacity;
    if (capacity < sorter->memory && 2 * capacity > sorter->memory)
        capacity = sorter->memory;
    added = capacity - sorter->capacity;
    sorter->arena = mem_realloc_array(sorter->arena, capacity, 1);
    if (used > 0)
        memmove(sorter->arena + capacity - used, sorter->arena + sorter->bytes_begin, used);
    for (size_t i = 0; i < sorter->entry_count; i++)
        entries_of(sorter)[i].offset += added;
    sorter->capacity = capacity;
    sorter->bytes_begin = capacity - used;
}

int stream_sorter_add(struct stream_sorter *sorter, uint64_t key, struct rec_span group)
{
    size_t wanted = sizeof(struct entry) + group.size;
    size_t used =
        sorter->entry_count * sizeof(struct entry) + sorter->capacity - sorter->bytes_begin;

    if (sorter->entry_count > 0 && used + wanted > sorter->memory) {
        if (write_run(sorter) != 0)
            return -1;
        used = 0;
    }
    if (used + wanted > sorter->capacity)
        grow_arena(sorter, used + wanted);
    sorter->bytes_begin -= group.size;
    memcpy(sorter->arena + sorter->bytes_begin, group.data, group.size);
    entries_of(sorter)[sorter->entry_count++] =
        (struct entry){key, sorter->bytes_begin, group.size};
    return 0;
}

/* Makes sure that the window holds `needed` bytes from begin on. */
static int fill_window(struct stream_sorter *sorter, struct run *run, size_t needed)
{
    size_t held = run->filled - run->begin, count;

    if (held >= needed)
        return 0;
    memmove(run->window, run->window + run->begin, held);
    run->begin = 0;
    mem_grow(&run->window, &run->capacity, needed, 1);
    count = run->capacity - held;
    if (count > run->end - run->at)
        count = (size_t)(run->end - run->at);
    if (temporary_read(&sorter->file, run->at, run->window + held, count) != 0)
        return -1;
    run->at += count;
    run->filled = held + count;
    return 0;
}

/* The head of the run's next group: 1, 0 at its end, -1. */
static int read_head(struct stream_sorter *sorter, struct run *run)
{
    if (run->begin == run->filled && run->at == run->end)
        return 0;
    if (fill_window(sorter, run, sizeof run->head) != 0)
        return -1;
    memcpy(&run->head, run->window + run->begin, sizeof run->head);
    return 1;
}

/* Earlier runs were added earlier. */
static bool comes_before(const struct stream_sorter *sorter, size_t a, size_t b)
{
    uint64_t key_a = sorter->runs[a].head.key, key_b = sorter->runs[b].head.key;

    return key_a < key_b || (key_a == key_b && a < b);
}

static void sift_down(struct stream_sorter *sorter, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1, run = sorter->heap[i];

        if (child + 1 < sorter->heap_count &&
            comes_before(sorter, sorter->heap[child + 1], sorter->heap[child]))
            child++;
        if (child >= sorter->heap_count || comes_before(sorter, run, sorter->heap[child]))
            return;
        sorter->heap[i] = sorter->heap[child];
        sorter->heap[child] = run;
        i = child;
    }
}

static int start_merge(struct stream_sorter *sorter)
{
    size_t window;

    if (sorter->entry_count > 0 && write_run(sorter) != 0)
        return -1;
    free(sorter->arena);
    sorter->arena = NULL;
    sorter->heap = mem_calloc(sorter->run_count, sizeof *sorter->heap);
    window = sorter->memory / sorter->run_count;
    for (size_t i = 0; i < sorter->run_count; i++) {
        struct run *run = &sorter->runs[i];

        mem_grow(&run->window, &run->capacity, window > MIN_WINDOW ? window : MIN_WINDOW, 1);
        if (read_head(sorter, run) < 0)
            return -1;
        sorter->heap[sorter->heap_count++] = i;
    }
    for (size_t i = sorter->heap_count; i-- > 0;)
        sift_down(sorter, i);
    return 0;
}

/* The group given last is passed over only now, for it had to stay valid. */
static int advance_run(struct stream_sorter *sorter)
{
    struct run *run = &sorter->runs[sorter->heap[0]];
    int found;

    run->begin += sizeof run->head + (size_t)run->head.size;
    found = read_head(sorter, run);
    if (found < 0)
        return -1;
    if (found == 0) {
        free(run->window);
        run->window = NULL;
        sorter->heap[0] = sorter->heap[--sorter->heap_count];
    }
    if (sorter->heap_count > 0)
        sift_down(sorter, 0);
    return 0;
}

static int next_merged(struct stream_sorter *sorter, struct rec_span *group)
{
    struct run *run;

    if ((sorter->merging ? advance_run(sorter) : start_merge(sorter)) != 0)
        return -1;
    sorter->merging = true;
    if (sorter->heap_count == 0)
        return 0;
    run = &sorter->runs[sorter->heap[0]];
    if (fill_window(sorter, run, sizeof run->head + (size_t)run->head.size) != 0)
        return -1;
    *group = (struct rec_span){run->window + run->begin + sizeof run->head, (size_t)run->head.size};
    return 1;
}

int stream_sorter_next(struct stream_sorter *sorter, struct rec_span *group)
{
    const struct entry *entry;

    if (sorter->run_count > 0)
        return next_merged(sorter, group);
    if (sorter->next == 0)
        sort_entries(sorter);
    if (sorter->next == sorter->entry_count)
        return 0;
    entry = &entries_of(sorter)[sorter->next++];
    *group = (struct rec_span){sorter->arena + entry->offset, entry->size};
    return 1;
}
