/*
 * A chart: a gnuplot script and what is said about it, drawn in a page's colours or as a file.
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include <stddef.h>
#include <stdint.h>

#include "cli/buffer.h"

/* Each is a variable of every script (`lc rgb ink`) and of the page's style (`var(--ink)`), where
 * it has another value on a dark screen. */
struct chart_colour {
    const char *name, *light, *dark; /* "#rrggbb" */
};

/* Ends with a name of NULL. The series' colours c1, c2, ... are CHART_SERIES. */
extern const struct chart_colour chart_colours[];
#define CHART_SERIES 6

struct chart {
    const char *name; /* of its file, without an ending: "loss" */
    const char *title;
    char *about;            /* what it shows, in words; owned */
    unsigned width, height; /* pixels */
    struct buffer script;   /* between the settings that every chart shares and the end */
};

enum chart_form {
    CHART_INLINE, /* <svg> to stand in a page: its colours are the page's variables */
    CHART_SVG,    /* files, with title and background */
    CHART_PNG,
};

void chart_free(struct chart *chart);

/* Appends the picture. 0, or -1 with a message. */
int chart_draw(const struct chart *chart, enum chart_form form, struct buffer *out);

/* Appends text as a string of gnuplot's language that stands for itself, at most limit characters
 * long. */
void chart_quote(struct buffer *script, const char *text, size_t limit);
/* Appends numbers as the data block $name, a line for each of rows; NaN where they are not finite.
 */
void chart_data(struct buffer *script, const char *name, const double *values, size_t rows,
                size_t columns);

/* The range of the finite ones of values, which every range on a chart is made from. */
struct chart_range {
    double low, high; /* low > high: there is none */
};
#define CHART_RANGE_EMPTY ((struct chart_range){1, 0})
void chart_range_add(struct chart_range *range, double value);
/* `set xrange [low:high]`, a little wider, and never empty. */
void chart_range_set(struct buffer *script, const char *axis, struct chart_range range,
                     double margin);

#endif
