/* Charts of predictions and tokens. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "report/charts.h"

#define CONFUSION_CLASSES 40
#define NUMBERED_CLASSES  20 /* cells with their counts written into them */
#define SCATTER_POINTS    3000
#define NAME_CHARACTERS   18

/* Width in pixels that the longest name takes on the left. */
static unsigned name_width(char *const *names, uint32_t count)
{
    size_t longest = 4;
    for (uint32_t i = 0; i < count; i++)
        longest = strlen(names[i]) > longest ? strlen(names[i]) : longest;
    return (unsigned)(longest < NAME_CHARACTERS ? longest : NAME_CHARACTERS) * 8 + 50;
}

/* gnuplot takes a tic's label for a format. */
static void quote_tic(struct buffer *script, const char *name)
{
    struct buffer quoted = {0};
    chart_quote(&quoted, name, NAME_CHARACTERS);
    for (size_t i = 0; i < quoted.size; i++) {
        if (quoted.data[i] == '%')
            buffer_append_char(script, '%');
        buffer_append_char(script, quoted.data[i]);
    }
    buffer_free(&quoted);
}

static void name_tics(struct buffer *script, const char *axis, char *const *names, uint32_t count)
{
    buffer_format(script, "set %stics (", axis);
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_string(script, i ? ", " : "");
        quote_tic(script, names[i]);
        buffer_format(script, " %" PRIu32, i);
    }
    buffer_append_string(script, ") tc rgb ink\n");
}

/* Cells as boxes, the right ones in one colour and the wrong ones in another. */
static void confusion_cells(struct buffer *script, const struct eval_report *eval, uint32_t classes)
{
    for (uint32_t row = 0; row < classes; row++) {
        const uint64_t *cells = eval->confusion + (size_t)row * classes;
        double sum = 0;
        for (uint32_t column = 0; column < classes; column++)
            sum += (double)cells[column];
        for (uint32_t column = 0; column < classes; column++) {
            double share = sum > 0 ? (double)cells[column] / sum : 0;
            unsigned clear = (unsigned)(255 - 235 * sqrt(share));
            if (cells[column] == 0)
                clear = 250;
            buffer_format(script,
                          "set object rectangle from %g,%g to %g,%g fc rgb '#%02x'.%s[2:7] "
                          "fs solid noborder behind\n",
                          column - 0.48, row - 0.48, column + 0.48, row + 0.48, clear,
                          row == column ? "c1" : "c2");
            if (classes > NUMBERED_CLASSES)
                continue;
            const char *ink = share > 0.4 ? "strong" : cells[column] ? "ink" : "muted";
            buffer_format(script, "set label '%" PRIu64 "' at %u,%u center offset 0,%s tc rgb %s",
                          cells[column], column, row, classes <= 4 ? "0.6" : "0", ink);
            buffer_append_string(script, classes <= 4 ? " font ',20'\n" : " font ',12'\n");
            if (classes <= 4)
                buffer_format(script,
                              "set label '%.1f %%' at %u,%u center offset 0,-0.9 tc rgb %s\n",
                              share * 100, column, row, ink);
        }
    }
}

bool chart_confusion(const struct eval_report *eval, struct chart *chart)
{
    uint32_t classes = eval->outcomes->labels;
    *chart = (struct chart){"confusion", "Confusion matrix", NULL, 0, 0, {0}};
    if (!eval->confusion || classes > CONFUSION_CLASSES)
        return false;
    struct buffer *script = &chart->script;
    unsigned left = name_width(eval->names, classes), cell = classes <= 4 ? 110 : 46;
    if (classes > NUMBERED_CLASSES)
        cell = 24;
    unsigned side = classes * cell, below = classes <= 4 ? 60 : left - 10;
    chart->width = side + left + 20 > CHART_NARROW ? side + left + 20 : CHART_NARROW;
    chart->height = side + below + 40;
    buffer_format(script,
                  "unset key\nunset grid\nunset border\nset lmargin at screen %g\n"
                  "set rmargin at screen %g\nset bmargin at screen %g\nset tmargin at screen %g\n",
                  (double)left / chart->width, (double)(left + side) / chart->width,
                  (double)below / chart->height, (double)(below + side) / chart->height);
    name_tics(script, "x", eval->names, classes);
    name_tics(script, "y", eval->names, classes);
    buffer_format(script, "set xtics %s\n", classes <= 4 ? "norotate" : "rotate by -45 left");
    buffer_append_string(script, "set xlabel 'predicted'\nset ylabel 'true'\n");
    buffer_format(script, "set xrange [-0.5:%g]\nset yrange [%g:-0.5]\n", classes - 0.5,
                  classes - 0.5);
    confusion_cells(script, eval, classes);
    buffer_append_string(script, "plot NaN notitle\n");
    chart->about = mem_strdup("Rows are the true classes, columns the predicted ones; shaded by "
                              "the share of the row");
    return true;
}

bool chart_reliability(const struct eval_report *eval, struct chart *chart)
{
    uint32_t bins = eval->options.bins;
    *chart = (struct chart){"reliability", "Reliability", NULL, CHART_NARROW, 380, {0}};
    if (!eval->bins)
        return false;
    bool sets = eval->outcomes->kind == OUTCOME_SET;
    struct buffer *script = &chart->script;
    double *rows = mem_realloc_array(NULL, bins, 4 * sizeof *rows), sum = 0, most = 0;
    for (uint32_t i = 0; i < bins; i++)
        sum += eval->bins[i].count;
    for (uint32_t i = 0; i < bins; i++) {
        double *row = rows + i * 4;
        row[0] = (i + 0.5) / bins;
        row[1] = eval->bins[i].count > 0 ? eval->bins[i].confidence : NAN;
        row[2] = eval->bins[i].count > 0 ? eval->bins[i].right : NAN;
        row[3] = eval->bins[i].count / sum;
        most = fmax(most, row[3]);
    }
    chart_data(script, "bins", rows, bins, 4);
    free(rows);
    buffer_format(script,
                  "set xrange [0:1]\nset yrange [0:1]\nset xtics 0,0.2,1\nset ytics 0,0.2,1\n"
                  "set format x ''\nset boxwidth %g\nset lmargin at screen 0.13\n"
                  "set rmargin at screen 0.97\nset multiplot\nset bmargin at screen 0.36\n"
                  "set tmargin at screen 0.91\nset ylabel '%s'\nset key at graph 0.03,0.97 left "
                  "top vertical Left reverse\n"
                  "set arrow from 0,0 to 1,1 nohead lc rgb muted dt (6,5) front\n"
                  "plot $bins using 1:3 with boxes lc rgb '#90'.c1[2:7] title '%s', "
                  "$bins using 2:3 with points pt 7 ps 0.7 lc rgb c1 title 'at the mean "
                  "confidence'\n",
                  0.9 / bins, sets ? "share that holds" : "share that is right",
                  sets ? "labels that hold" : "right predictions");
    buffer_format(script,
                  "unset arrow\nunset key\nunset title\nset bmargin at screen 0.14\n"
                  "set tmargin at screen 0.32\nset format x '%%g'\nset xlabel '%s'\n"
                  "set ylabel 'share of all'\nset yrange [0:%g]\nset ytics %g\n"
                  "plot $bins using 1:4 with boxes lc rgb '#50'.c6[2:7]\nunset multiplot\n",
                  sets ? "probability" : "confidence", most * 1.08,
                  most > 0.6    ? 0.4
                  : most > 0.3  ? 0.2
                  : most > 0.15 ? 0.1
                                : 0.05);
    chart->about = mem_strdup("Bars on the dashed line: predictions made with 80 % confidence are "
                              "right 80 times of 100");
    return true;
}

bool chart_scatter(const struct eval_report *eval, struct chart *chart)
{
    const struct outcomes *outcomes = eval->outcomes;
    *chart = (struct chart){
        "predicted", "Predicted and true numbers", NULL, CHART_NARROW, CHART_NARROW, {0}};
    if (outcomes->kind != OUTCOME_NUMBERS)
        return false;
    struct buffer *script = &chart->script;
    struct chart_range range = CHART_RANGE_EMPTY;
    size_t count = outcomes->count * outcomes->labels, every = (count - 1) / SCATTER_POINTS + 1;
    double *rows = mem_realloc_array(NULL, count / every + 1, 2 * sizeof *rows);
    size_t drawn = 0;
    for (size_t i = 0; i < count; i += every, drawn++) {
        rows[drawn * 2] = outcomes->gold_values[i];
        rows[drawn * 2 + 1] = outcomes->values[i];
        chart_range_add(&range, rows[drawn * 2]);
        chart_range_add(&range, rows[drawn * 2 + 1]);
    }
    chart_data(script, "points", rows, drawn, 2);
    free(rows);
    chart_range_set(script, "x", range, 0.04);
    chart_range_set(script, "y", range, 0.04);
    buffer_append_string(script,
                         "unset key\nset xlabel 'true'\nset ylabel 'predicted'\n"
                         "plot x with lines lc rgb muted dt (6,5), "
                         "$points using 1:2 with points pt 7 ps 0.5 lc rgb '#80'.c1[2:7]\n");
    chart->about = mem_strdup("Each point is a record; on the dashed line it is right");
    return true;
}

/* A round width that makes about fifty bins. */
static double bin_width(size_t longest)
{
    static const double widths[] = {1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000};
    size_t i = 0;
    while (i + 1 < sizeof widths / sizeof *widths && (double)longest / widths[i] > 52)
        i++;
    return widths[i];
}

static void length_bins(struct buffer *script, const struct length_source *source, size_t index,
                        double width)
{
    char name[] = {'s', (char)('0' + index), '\0'};
    size_t bins = (size_t)((double)source->longest / width) + 1;
    double *rows = mem_calloc(bins, 2 * sizeof *rows);
    for (size_t length = 0; length <= source->longest; length++)
        rows[(size_t)((double)length / width) * 2 + 1] +=
            (double)source->counts[length] / (double)source->records;
    for (size_t i = 0; i < bins; i++)
        rows[i * 2] = ((double)i + 0.5) * width - (width == 1 ? 0.5 : 0);
    chart_data(script, name, rows, bins, 2);
    free(rows);
}

bool chart_lengths(const struct lengths *lengths, struct chart *chart)
{
    *chart = (struct chart){"lengths", "Lengths", NULL, CHART_WIDE, 300, {0}};
    struct buffer *script = &chart->script, plot = {0};
    size_t longest = 0, drawn = 0;
    for (size_t i = 0; i < lengths->count; i++)
        longest = lengths->sources[i].longest > longest ? lengths->sources[i].longest : longest;
    double width = bin_width(longest);
    for (size_t i = 0; i < lengths->count && drawn < CHART_SERIES; i++) {
        const struct length_source *source = &lengths->sources[i];
        if (source->records == 0)
            continue;
        length_bins(script, source, drawn, width);
        buffer_format(&plot, "%s$s%zu using 1:2 with boxes lc rgb '#70'.c%zu[2:7] title ",
                      drawn ? ", " : "plot ", drawn, drawn + 1);
        chart_quote(&plot, source->name, 32);
        drawn++;
    }
    if (drawn > 0) {
        buffer_format(script,
                      "set boxwidth %g\nset xlabel 'tokens'\nset xrange [0:%g]\n"
                      "set yrange [0:*]\nset format y '%%.0h %%%%'\n%s",
                      width * 0.92, ((double)longest + width) * 1.01,
                      drawn < 2 ? "unset key\n" : "");
        buffer_append(script, plot.data, plot.size);
        buffer_append_char(script, '\n');
        chart->about = mem_format("Bars of %g token%s", width, width > 1 ? "s each" : "");
    }
    buffer_free(&plot);
    return drawn > 0;
}
