/* The page's texts and tables: each appends one part, or nothing when there are no data for it.
 * Internal to report/. */
#ifndef REPORT_PAGE_PARTS_H
#define REPORT_PAGE_PARTS_H

#include "cli/buffer.h"
#include "report/report.h"

/* In page_text.c. */
const char *page_title(const struct report *report);
void page_subtitle(const struct report *report, struct buffer *out);
void page_tiles(const struct report *report, struct buffer *out);
void page_mistakes(const struct report *report, struct buffer *out);
void page_footer(const struct report *report, struct buffer *out);

/* In page_tables.c. */
bool page_has_split(const struct runs *runs, const char *split);
void page_not_finite(const struct runs *runs, struct buffer *out);
void page_evaluations(const struct runs *runs, struct buffer *out);
void page_prediction_counts(const struct report *report, struct buffer *out);
void page_scores(const struct report *report, struct buffer *out);
void page_labels(const struct report *report, struct buffer *out);
void page_lengths(const struct lengths *lengths, struct buffer *out);

#endif
