/* gnuplot's SVG as part of an HTML page. */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include "report/chart.h"

/*
 * Appends the document's elements as one <svg> that scales to the page's width and is described by
 * the chart's texts: without what only a file needs (declarations, titles, ids, definitions, empty
 * groups), and with chart_colours as variables of the page's style. Its markers are defined once,
 * by svg_markers.
 */
void svg_inline(const char *document, const struct chart *chart, struct buffer *out);
void svg_markers(struct buffer *out);

#endif
