/*
 * A report as one HTML page that asks for nothing else: style and pictures are in it, there is no
 * script, and its Content-Security-Policy forbids every request.
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "report/chart.h"
#include "report/report.h"

/* The charts that a report's data give, in the page's order. */
#define REPORT_CHARTS_MAX 12
struct report_charts {
    struct chart items[REPORT_CHARTS_MAX];
    size_t count;
};

void report_charts_make(const struct report *report, struct report_charts *charts);
void report_charts_free(struct report_charts *charts);

/* title: the page's, or NULL for one that follows from the data. 0, or -1 with a message. */
int page_make(const struct report *report, const struct report_charts *charts, const char *title,
              struct buffer *out);

#endif
