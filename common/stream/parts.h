/*
 * Numbered parts: which parts of which sets a reader has seen, and whether any is missing.
 */
#ifndef STREAM_PARTS_H
#define STREAM_PARTS_H

#include <stddef.h>

#include "stream/header.h"

/* What is asked of the sets when all input has been read. A part that occurs twice is always an
 * error. */
enum stream_parts_rule {
    /* Complete, or one part alone: a stage's share of a set that is worked on in parallel. */
    PARTS_SHARE,
    PARTS_COMPLETE, /* for sinks, whose result stands for the whole */
    PARTS_ANY,
};

struct stream_parts {
    struct stream_part_set *sets;
    size_t count, capacity;
};

void stream_parts_free(struct stream_parts *parts);
/* Notes the header's part, if it has one; -1 with `place: ...` when it was seen before or disagrees
 * with its set. */
int stream_parts_add(struct stream_parts *parts, const struct stream_header *header,
                     const char *place);
/* -1 with a message that lists the missing parts, when the rule is broken. */
int stream_parts_finish(const struct stream_parts *parts, enum stream_parts_rule rule,
                        const char *place);

#endif
