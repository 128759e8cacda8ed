/*
 * Dividing a data set at random into parts of given shares, within each of its strata (labels) if
 * it has some.
 */
#ifndef DATA_PARTITION_H
#define DATA_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTITION_MAX_PARTS 100

struct partition_plan {
    double shares[PARTITION_MAX_PARTS]; /* [parts], positive, their sum is 1 */
    size_t parts;
    uint64_t seed;
    bool in_order; /* the first items go to the first part, and so on; else at random */
};

/*
 * "8:1:1", "80,10,10" or "0.8,0.1,0.1" into shares and parts. NULL, or the reason why it is no
 * ratio, as part of a message.
 */
const char *partition_parse_ratio(struct partition_plan *plan, const char *text);

/*
 * The part of each item, from 0, into part_of [count]; sizes [parts] receives their numbers.
 * strata: [count] stratum of each item, below stratum_count; NULL: there is one.
 *
 * Of n items a part gets n times its share, rounded up or down; and of each stratum's items too, up
 * to one more or less.
 */
void partition_assign(const struct partition_plan *plan, const uint32_t *strata,
                      size_t stratum_count, size_t count, uint8_t *part_of, size_t *sizes);

#endif
