/*
 * Statistics for people and for programs.
 */
#ifndef DATA_STATISTICS_REPORT_H
#define DATA_STATISTICS_REPORT_H

#include <jansson.h>

#include "cli/buffer.h"
#include "data/statistics.h"

/* bins: how many the histogram may have, 0: none. The statistics must be finished. */

/* A table, and the histogram as bars. */
void statistics_text(const struct statistics *statistics, size_t bins, struct buffer *out);

/*
 * The same figures by name. A name with a slash belongs to a group: "label/NAME", "length/median",
 * "histogram/FROM". Counts are whole numbers.
 */
struct statistic {
    char *name;
    double value;
    bool is_count;
};
struct statistic_list {
    struct statistic *items;
    size_t count, capacity;
};
void statistics_list(const struct statistics *statistics, size_t bins, struct statistic_list *list);
void statistic_list_free(struct statistic_list *list);
/* One object, with an object for each group. A new reference. */
json_t *statistics_json(const struct statistics *statistics, size_t bins);

#endif
