/* Charts of metrics streams. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "report/charts.h"

#define POINTS_MAX  1200 /* drawn of one line; more are averaged */
#define POINTS_MANY 60   /* from here on, a moving average */
#define EPOCHS_MAX  10   /* marked on the axis */

/* One line: rows of x, y and the moving average of y. */
struct line {
    double *rows; /* [count, 3] */
    size_t count, not_finite;
};

enum axis { BY_STEP, BY_EPOCH };

/* Means of neighbours, so that at most POINTS_MAX rows remain. */
static void thin(struct line *line)
{
    size_t group = (line->count + POINTS_MAX - 1) / POINTS_MAX, count = 0;
    for (size_t i = 0; group > 1 && i < line->count; i += group, count++) {
        size_t end = i + group < line->count ? i + group : line->count;
        double x = 0, y = 0;
        for (size_t j = i; j < end; j++) {
            x += line->rows[j * 3];
            y += line->rows[j * 3 + 1];
        }
        line->rows[count * 3] = x / (double)(end - i);
        line->rows[count * 3 + 1] = y / (double)(end - i);
    }
    line->count = group > 1 ? count : line->count;
}

/* An exponential mean with its beginning corrected, over about a thirtieth of the line. */
static void smooth(struct line *line)
{
    double keep = 1 - 1 / fmax(2, (double)line->count / 30), sum = 0, weight = 0;
    for (size_t i = 0; i < line->count; i++) {
        double y = line->rows[i * 3 + 1];
        if (isfinite(y)) {
            sum = keep * sum + (1 - keep) * y;
            weight = keep * weight + (1 - keep);
        }
        line->rows[i * 3 + 2] = weight > 0 ? sum / weight : NAN;
    }
}

static struct line line_of(const struct runs *runs, const struct run *run, const char *split,
                           const char *name, enum axis axis)
{
    struct line line = {.rows = mem_realloc_array(NULL, run->count, 3 * sizeof(double))};
    const struct run_entry *entry;
    size_t i = 0;
    while ((entry = run_next(runs, run, &i, split, name))) {
        double *row = line.rows + 3 * line.count++;
        row[0] = axis == BY_STEP ? (double)entry->step : entry->epoch;
        row[1] = run_value(runs, run, entry, name);
        row[2] = NAN;
        line.not_finite += !isfinite(row[1]);
    }
    thin(&line);
    smooth(&line);
    return line;
}

/* What a chart is assembled from. */
struct drawing {
    struct buffer data, plot;
    struct chart_range x, y;
    size_t lines, not_finite, points;
};

/* colour: of CHART_SERIES, from 0. smoothed: with a moving average when there are many points. */
static void draw(struct drawing *drawing, struct line line, const char *title, size_t colour,
                 bool smoothed)
{
    char name[32];
    struct buffer *plot = &drawing->plot;
    unsigned number = (unsigned)(colour % CHART_SERIES) + 1;
    snprintf(name, sizeof name, "d%zu", drawing->lines++);
    chart_data(&drawing->data, name, line.rows, line.count, 3);
    for (size_t i = 0; i < line.count; i++) {
        chart_range_add(&drawing->x, line.rows[i * 3]);
        chart_range_add(&drawing->y, line.rows[i * 3 + 1]);
    }
    smoothed = smoothed && line.count > POINTS_MANY;
    buffer_append_string(plot, plot->size ? ", " : "plot ");
    buffer_format(plot, "$%s using 1:2 with %s lc rgb %s(c%u) lw %s pt 7 ps 0.5 %s", name,
                  line.count > POINTS_MANY ? "lines" : "linespoints", smoothed ? "faint" : "plain",
                  number, smoothed ? "1" : "2", smoothed ? "notitle" : "title ");
    if (smoothed)
        buffer_format(plot, ", $%s using 1:3 with lines lc rgb c%u lw 2.5 title ", name, number);
    chart_quote(plot, title, 32);
    drawing->not_finite += line.not_finite;
    drawing->points += line.count;
    free(line.rows);
}

/* A vertical line and a label above for each epoch's end. */
static void mark_epochs(const struct runs *runs, const struct drawing *drawing,
                        struct buffer *script)
{
    double steps = runs->count == 1 ? run_steps_per_epoch(&runs->items[0]) : NAN;
    double epochs = floor(drawing->x.high / steps + 1e-6);
    if (!(steps >= 1 && epochs >= 1) || drawing->x.high <= drawing->x.low)
        return;
    double every = ceil(epochs / EPOCHS_MAX);
    buffer_append_string(script, "set grid x2 lt 1 lc rgb line lw 1\nset x2tics (");
    for (double epoch = every; epoch <= epochs; epoch += every)
        buffer_format(script, "%s'%s%.0f' %.8g", epoch > every ? ", " : "",
                      epoch > every ? "" : "epoch ", epoch, epoch * steps);
    buffer_append_string(script, ")\n");
    chart_range_set(script, "x2", drawing->x, 0.01);
}

static bool finish(struct drawing *drawing, const struct runs *runs, enum axis axis,
                   struct chart *chart)
{
    struct buffer *script = &chart->script;
    bool any = drawing->y.low <= drawing->y.high;
    if (any) {
        buffer_append_string(script, "plain(c) = c\nfaint(c) = '#a0'.c[2:7]\n");
        buffer_format(script, "set xlabel '%s'\n", axis == BY_STEP ? "step" : "epoch");
        if (axis == BY_STEP)
            mark_epochs(runs, drawing, script);
        chart_range_set(script, "x", drawing->x, axis == BY_STEP ? 0.01 : 0.05);
        chart_range_set(script, "y", drawing->y, 0.06);
        buffer_append(script, drawing->data.data, drawing->data.size);
        buffer_append(script, drawing->plot.data, drawing->plot.size);
        buffer_append_char(script, '\n');
        chart->about = mem_format("%zu point%s from %.6g to %.6g", drawing->points,
                                  drawing->points == 1 ? "" : "s", drawing->y.low, drawing->y.high);
        if (drawing->not_finite > 0) {
            char *about =
                mem_format("%s; %zu not finite and not drawn", chart->about, drawing->not_finite);
            free(chart->about);
            chart->about = about;
        }
    }
    buffer_free(&drawing->data);
    buffer_free(&drawing->plot);
    return any;
}

/* One value of all runs. zero: the axis begins there. */
static bool line_chart(const struct runs *runs, const char *split, const char *name, enum axis axis,
                       const char *title, bool zero, bool smoothed, struct chart *chart)
{
    struct drawing drawing = {.x = CHART_RANGE_EMPTY, .y = CHART_RANGE_EMPTY};
    for (size_t i = 0; i < runs->count; i++) {
        struct line line = line_of(runs, &runs->items[i], split, name, axis);
        if (line.count == 0)
            free(line.rows);
        else
            draw(&drawing, line, runs->count > 1 ? runs->items[i].name : title, i, smoothed);
    }
    if (zero && drawing.y.low <= drawing.y.high)
        chart_range_add(&drawing.y, 0);
    if (drawing.lines < 2)
        buffer_append_string(&chart->script, "unset key\n");
    return finish(&drawing, runs, axis, chart);
}

bool chart_loss(const struct runs *runs, struct chart *chart)
{
    *chart = (struct chart){"loss", "Training loss", NULL, CHART_WIDE, 360, {0}};
    struct drawing drawing = {.x = CHART_RANGE_EMPTY, .y = CHART_RANGE_EMPTY};
    if (runs->count != 1)
        return line_chart(runs, "train", "loss", BY_STEP, chart->title, false, true, chart);
    struct line train = line_of(runs, &runs->items[0], "train", "loss", BY_STEP);
    struct line eval = line_of(runs, &runs->items[0], "eval", "loss", BY_STEP);
    if (train.count == 0) {
        free(train.rows);
        free(eval.rows);
        return false;
    }
    draw(&drawing, train, "training", 0, true);
    if (eval.count > 0)
        draw(&drawing, eval, "evaluation", 1, false);
    else
        free(eval.rows);
    return finish(&drawing, runs, BY_STEP, chart);
}

bool chart_learning_rate(const struct runs *runs, struct chart *chart)
{
    *chart =
        (struct chart){"learning-rate", "Learning rate", NULL, CHART_NARROW, CHART_HEIGHT, {0}};
    return line_chart(runs, "train", "learning_rate", BY_STEP, chart->title, true, false, chart);
}

bool chart_grad_norm(const struct runs *runs, struct chart *chart)
{
    *chart = (struct chart){
        "gradient-norm", "Gradient norm, before clipping", NULL, CHART_NARROW, CHART_HEIGHT, {0}};
    return line_chart(runs, "train", "grad_norm", BY_STEP, chart->title, true, true, chart);
}

bool chart_eval_loss(const struct runs *runs, struct chart *chart)
{
    *chart =
        (struct chart){"evaluation-loss", "Evaluation loss", NULL, CHART_NARROW, CHART_HEIGHT, {0}};
    return line_chart(runs, "eval", "loss", BY_EPOCH, chart->title, false, false, chart);
}

bool chart_eval_score(const struct runs *runs, struct chart *chart)
{
    static const char *const scores[][2] = {{"accuracy", "Evaluation accuracy"},
                                            {"f1", "Evaluation F1"},
                                            {"pearson", "Correlation with the truth"},
                                            {"rmse", "Root mean squared error"}};
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        *chart =
            (struct chart){"evaluation-score", scores[i][1], NULL, CHART_NARROW, CHART_HEIGHT, {0}};
        if (line_chart(runs, "eval", scores[i][0], BY_EPOCH, chart->title, false, false, chart))
            return true;
        chart_free(chart);
    }
    return false;
}
