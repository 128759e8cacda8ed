#include "stream/merge.h"

#include <stdlib.h>
#include <string.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"

struct stream_part_set {
    char *id;
    uint64_t n;
    bool *seen; /* [n], part k at k - 1 */
};

void stream_parts_free(struct stream_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        free(parts->sets[i].id);
        free(parts->sets[i].seen);
    }
    free(parts->sets);
    *parts = (struct stream_parts){0};
}

static struct stream_part_set *find_set(struct stream_parts *parts, const struct stream_part *part)
{
    struct stream_part_set *set;

    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->sets[i].id, part->set) == 0)
            return &parts->sets[i];
    mem_grow(&parts->sets, &parts->capacity, parts->count + 1, sizeof *parts->sets);
    set = &parts->sets[parts->count++];
    set->id = mem_strdup(part->set);
    set->n = part->n;
    set->seen = mem_calloc(part->n, sizeof *set->seen);
    return set;
}

int stream_parts_add(struct stream_parts *parts, const struct stream_header *header,
                     const char *place)
{
    const struct stream_part *part = &header->part;
    struct stream_part_set *set;

    if (!part->present)
        return 0;
    set = find_set(parts, part);
    if (set->n != part->n)
        return diag_error("%s: set %s has %llu parts, but an earlier part says %llu", place,
                          part->set, (unsigned long long)part->n, (unsigned long long)set->n);
    if (set->seen[part->k - 1])
        return diag_error("%s: part %llu of %llu of set %s occurs twice", place,
                          (unsigned long long)part->k, (unsigned long long)part->n, part->set);
    set->seen[part->k - 1] = true;
    return 0;
}

static int report_missing(const struct stream_part_set *set, const char *place)
{
    struct buffer missing = {0};
    size_t count = 0;

    for (uint64_t i = 0; i < set->n; i++) {
        if (set->seen[i])
            continue;
        if (++count <= 10)
            buffer_format(&missing, "%s%llu", count > 1 ? ", " : "", (unsigned long long)i + 1);
    }
    if (count > 10)
        buffer_format(&missing, " and %zu more", count - 10);
    if (count > 0)
        diag_error("%s: of the %llu parts of set %s, part%s %s %s missing", place,
                   (unsigned long long)set->n, set->id, count > 1 ? "s" : "",
                   buffer_string(&missing), count > 1 ? "are" : "is");
    buffer_free(&missing);
    return count > 0 ? -1 : 0;
}

int stream_parts_finish(const struct stream_parts *parts, const char *place)
{
    for (size_t i = 0; i < parts->count; i++)
        if (report_missing(&parts->sets[i], place) != 0)
            return -1;
    return 0;
}

struct stream_merge {
    struct stream_reader *reader;
    struct stream_header header; /* the first segment's */
    struct stream_parts parts;
    uint64_t count;
};

struct stream_merge *stream_merge_open_any(char *const *paths, int count, size_t max_record)
{
    struct stream_reader *reader = stream_reader_open(paths, count, max_record);
    struct stream_merge *merge;
    const struct stream_header *header;

    if (reader == NULL)
        return NULL;
    if (stream_reader_next(reader) != STREAM_HEADER) {
        stream_reader_close(reader);
        return NULL;
    }
    header = stream_reader_header(reader);
    merge = mem_calloc(1, sizeof *merge);
    merge->reader = reader;
    stream_header_copy(&merge->header, header);
    if (stream_parts_add(&merge->parts, header, stream_reader_source(reader)) != 0) {
        stream_merge_close(merge);
        return NULL;
    }
    return merge;
}

struct stream_merge *stream_merge_open(char *const *paths, int count, size_t max_record,
                                       enum stream_type type)
{
    struct stream_merge *merge = stream_merge_open_any(paths, count, max_record);

    if (merge != NULL &&
        stream_header_expect(&merge->header, type, stream_reader_source(merge->reader)) != 0) {
        stream_merge_close(merge);
        return NULL;
    }
    return merge;
}

void stream_merge_close(struct stream_merge *merge)
{
    if (merge == NULL)
        return;
    stream_reader_close(merge->reader);
    stream_header_free(&merge->header);
    stream_parts_free(&merge->parts);
    free(merge);
}

const struct stream_header *stream_merge_header(const struct stream_merge *merge)
{
    return &merge->header;
}

int stream_merge_next(struct stream_merge *merge, const struct stream_record **record)
{
    const char *source;
    const struct stream_header *header = stream_reader_header(merge->reader);

    for (;;) {
        switch (stream_reader_next(merge->reader)) {
        case STREAM_FAILED:
            return -1;
        case STREAM_EOF:
            return stream_parts_finish(&merge->parts, stream_reader_source(merge->reader));
        case STREAM_HEADER:
            source = stream_reader_source(merge->reader);
            if (stream_header_agree(&merge->header, header, source) != 0 ||
                stream_parts_add(&merge->parts, header, source) != 0)
                return -1;
            break;
        case STREAM_RECORD:
            merge->count++;
            *record = stream_reader_record(merge->reader);
            return 1;
        case STREAM_END:
            break;
        }
    }
}

uint64_t stream_merge_count(const struct stream_merge *merge)
{
    return merge->count;
}

struct stream_reader *stream_merge_reader(struct stream_merge *merge)
{
    return merge->reader;
}
