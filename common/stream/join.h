/*
 * Two records of one thing as one: a record of the left's type with what the right one adds.
 *
 *  - The user's data (text, pair, words, tags, and the label, which is called gold in a prediction)
 *    fill the left's fields where it has none.
 *  - Entries of the right's x are added to x.
 *  - Everything else of the right, such as a prediction's label, name, score and probs, is added to
 *    x under its name with the prefix before it; so is data that differs from the left's.
 *  - What both have alike is left out; so are tokens.
 */
#ifndef STREAM_JOIN_H
#define STREAM_JOIN_H

#include <stdbool.h>

#include "cli/buffer.h"
#include "cli/string_index.h"
#include "stream/header.h"
#include "stream/record.h"

struct stream_joiner {
    const struct stream_header *right;
    const char *prefix;
    struct stream_header header; /* of the result */
    struct string_index labels;  /* of that header */
    bool same_labels;            /* on the right */
    /* Behind the record made last. */
    struct buffer x, pairs, key, value, other;
    size_t pair_count;
    struct rec_label *items;
    size_t item_capacity;
};

/* The right header and the prefix are borrowed. The result's header is the left's, without part,
 * and with the right's problem and labels where the left states no problem. */
void stream_joiner_init(struct stream_joiner *joiner, const struct stream_header *left,
                        const struct stream_header *right, const char *prefix);
void stream_joiner_free(struct stream_joiner *joiner);

/* *joined points into both records and the joiner, until its next call. 0, or -1 with a message
 * `place: ...` when the left's x has an entry of a name that is needed. */
int stream_joiner_join(struct stream_joiner *joiner, const struct stream_record *left,
                       const struct stream_record *right, const char *place,
                       struct stream_record *joined);

#endif
