#include "stream/merge.h"

#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

struct stream_merge {
    struct stream_reader *reader;
    struct stream_header header; /* the first segment's */
    uint64_t count;
};

struct stream_merge *stream_merge_open_any(char *const *paths, int count, size_t max_record)
{
    struct stream_reader *reader = stream_reader_open(paths, count, max_record);
    struct stream_merge *merge;
    const struct stream_header *header;

    if (reader == NULL)
        return NULL;
    stream_reader_require_parts(reader, PARTS_COMPLETE);
    if (stream_reader_next(reader) != STREAM_HEADER) {
        stream_reader_close(reader);
        return NULL;
    }
    header = stream_reader_header(reader);
    merge = mem_calloc(1, sizeof *merge);
    merge->reader = reader;
    stream_header_copy(&merge->header, header);
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
            return 0;
        case STREAM_HEADER:
            source = stream_reader_source(merge->reader);
            if (stream_header_agree(&merge->header, header, source) != 0)
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
