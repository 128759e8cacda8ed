#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/version.h"
#include "report/charts.h"
#include "report/html.h"
#include "report/page_parts.h"
#include "report/style.h"
#include "report/svg.h"

void report_charts_make(const struct report *report, struct report_charts *charts)
{
    static bool (*const of_runs[])(const struct runs *, struct chart *) = {
        chart_loss, chart_learning_rate, chart_grad_norm, chart_eval_loss, chart_eval_score};
    static bool (*const of_predictions[])(const struct eval_report *, struct chart *) = {
        chart_confusion, chart_reliability, chart_scatter};
    *charts = (struct report_charts){0};
    for (size_t i = 0; i < sizeof of_runs / sizeof *of_runs; i++) {
        if (of_runs[i](&report->runs, &charts->items[charts->count]))
            charts->count++;
        else
            chart_free(&charts->items[charts->count]);
    }
    for (size_t i = 0; report_has_scores(report) && i < 3; i++) {
        if (of_predictions[i](&report->eval, &charts->items[charts->count]))
            charts->count++;
        else
            chart_free(&charts->items[charts->count]);
    }
    if (chart_lengths(&report->lengths, &charts->items[charts->count]))
        charts->count++;
    else
        chart_free(&charts->items[charts->count]);
}

void report_charts_free(struct report_charts *charts)
{
    for (size_t i = 0; i < charts->count; i++)
        chart_free(&charts->items[i]);
    charts->count = 0;
}

static void append_colours(struct buffer *out)
{
    buffer_append_string(out, ":root{color-scheme:light dark");
    for (const struct chart_colour *colour = chart_colours; colour->name; colour++)
        buffer_format(out, ";--%s:%s", colour->name, colour->light);
    buffer_append_string(out, "}@media(prefers-color-scheme:dark){:root{");
    for (const struct chart_colour *colour = chart_colours; colour->name; colour++)
        buffer_format(out, "--%s:%s;", colour->name, colour->dark);
    buffer_append_string(out, "}}");
}

static void append_head(const char *title, struct buffer *out)
{
    buffer_append_string(
        out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
             "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"referrer\" content=\"no-referrer\">\n"
             "<meta name=\"generator\" content=\"bertpipe " BERTPIPE_VERSION "\">\n<title>");
    html_text(out, title);
    buffer_append_string(out, "</title>\n<style>");
    append_colours(out);
    buffer_append_string(out, page_style);
    buffer_append_string(out, "</style>\n</head>\n<body>\n");
    svg_markers(out);
    buffer_append_string(out, "<main>\n");
}

/* The figure of that name, if there is such a chart: 0, or -1 with a message. */
static int append_chart(const struct report_charts *charts, const char *name, struct buffer *out)
{
    for (size_t i = 0; i < charts->count; i++) {
        const struct chart *chart = &charts->items[i];
        if (strcmp(chart->name, name) != 0)
            continue;
        buffer_format(out, "<figure%s>\n<h3>", chart->width >= 700 ? " class=\"wide\"" : "");
        html_text(out, chart->title);
        buffer_append_string(out, "</h3>\n");
        if (chart->about) {
            buffer_append_string(out, "<figcaption>");
            html_text(out, chart->about);
            buffer_append_string(out, ".</figcaption>\n");
        }
        if (chart_draw(chart, CHART_INLINE, out))
            return -1;
        buffer_append_string(out, "</figure>\n");
    }
    return 0;
}

/* A grid of charts; nothing when there is none of them. */
static int append_charts(const struct report_charts *charts, const char *const *names,
                         struct buffer *out)
{
    buffer_append_string(out, "<div class=\"grid\">\n");
    for (; *names; names++)
        if (append_chart(charts, *names, out))
            return -1;
    buffer_append_string(out, "</div>\n");
    return 0;
}

static int append_training(const struct report *report, const struct report_charts *charts,
                           struct buffer *out)
{
    static const char *const training[] = {"loss", "learning-rate", "gradient-norm", NULL};
    static const char *const evaluation[] = {"evaluation-score", "evaluation-loss", NULL};
    if (report->runs.count == 0)
        return 0;
    if (page_has_split(&report->runs, "train")) {
        buffer_append_string(out, "<section>\n<h2>Training</h2>\n");
        page_not_finite(&report->runs, out);
        if (append_charts(charts, training, out))
            return -1;
        buffer_append_string(out, "</section>\n");
    }
    if (page_has_split(&report->runs, "eval")) {
        buffer_append_string(out, "<section>\n<h2>Evaluation</h2>\n");
        if (append_charts(charts, evaluation, out))
            return -1;
        page_evaluations(&report->runs, out);
        buffer_append_string(out, "</section>\n");
    }
    return 0;
}

static int append_predictions(const struct report *report, const struct report_charts *charts,
                              struct buffer *out)
{
    static const char *const names[] = {"confusion", "reliability", "predicted", NULL};
    if (!report->has_predictions)
        return 0;
    buffer_append_string(out, "<section>\n<h2>Predictions</h2>\n");
    page_prediction_counts(report, out);
    if (report_has_scores(report)) {
        page_scores(report, out);
        if (append_charts(charts, names, out))
            return -1;
        page_labels(report, out);
    }
    buffer_append_string(out, "</section>\n");
    page_mistakes(report, out);
    return 0;
}

static int append_lengths(const struct report *report, const struct report_charts *charts,
                          struct buffer *out)
{
    static const char *const names[] = {"lengths", NULL};
    if (report->lengths.count == 0)
        return 0;
    buffer_append_string(out, "<section>\n<h2>Lengths</h2>\n");
    if (append_charts(charts, names, out))
        return -1;
    page_lengths(&report->lengths, out);
    buffer_append_string(out, "</section>\n");
    return 0;
}

int page_make(const struct report *report, const struct report_charts *charts, const char *title,
              struct buffer *out)
{
    if (!title)
        title = page_title(report);
    append_head(title, out);
    buffer_append_string(out, "<header>\n<h1>");
    html_text(out, title);
    buffer_append_string(out, "</h1>\n");
    page_subtitle(report, out);
    buffer_append_string(out, "</header>\n");
    page_tiles(report, out);
    if (append_training(report, charts, out) || append_predictions(report, charts, out) ||
        append_lengths(report, charts, out))
        return -1;
    page_footer(report, out);
    buffer_append_string(out, "</main>\n</body>\n</html>\n");
    return 0;
}
