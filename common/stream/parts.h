/*
 * Numbered parts: which parts of which sets a reader has seen, and whether any is missing.
 */
#ifndef STREAM_PARTS_H
#define STREAM_PARTS_H

#include <stddef.h>

#include "cli/buffer.h"
#include "cli/string_index.h"
#include "stream/header.h"

/* What is asked of the sets when all input has been read. A part that occurs twice is always an
 * error. */
enum stream_parts_rule {
    /* Complete, or one part alone: a stage's share of a set that is worked on in parallel. */
    PARTS_SHARE,
    PARTS_COMPLETE, /* for sinks, whose result stands for the whole */
    PARTS_ANY,
};

/* Zeroed is empty. Takes memory for what has been seen, not for what a header says there will be.
 */
struct stream_parts {
    struct string_index sets;        /* names of the sets */
    struct stream_part_set *details; /* [sets.count] */
    size_t capacity;
    struct string_index seen; /* "K SET" of each part, SET being its number */
    struct buffer key;
};

void stream_parts_free(struct stream_parts *parts);
/* Notes the header's part, if it has one; -1 with `place: ...` when it was seen before or disagrees
 * with its set. */
int stream_parts_add(struct stream_parts *parts, const struct stream_header *header,
                     const char *place);
/* -1 with a message that lists the missing parts, when the rule is broken. */
int stream_parts_finish(struct stream_parts *parts, enum stream_parts_rule rule, const char *place);

#endif
