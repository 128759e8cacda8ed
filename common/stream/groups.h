/*
 * Windows stay together: a text that was cut into windows is several tokens records one after the
 * other, and counts as one. A group is those records, or any other record alone.
 */
#ifndef STREAM_GROUPS_H
#define STREAM_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/buffer.h"
#include "stream/reader.h"

/* Zeroed at first. */
struct stream_groups {
    uint64_t count;   /* groups begun */
    uint64_t k, n;    /* window last seen, or 0, 0 */
    struct buffer id; /* of that window's record */
};

void stream_groups_free(struct stream_groups *groups);

/*
 * Takes note of the reader's record: 1 when it begins a group, 0 when it is the next window of the
 * same one, -1 with a message when windows are missing or out of order.
 */
int stream_groups_add(struct stream_groups *groups, struct stream_reader *reader);
/* Whether the record noted last is its group's last, too. */
bool stream_groups_complete(const struct stream_groups *groups);
/* After the last record: 0, or -1 with a message when its group is not complete. */
int stream_groups_end(const struct stream_groups *groups, struct stream_reader *reader);

#endif
