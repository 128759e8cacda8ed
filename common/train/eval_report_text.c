/* The report for people: the summary first, then label by label. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "stream/text_form.h"
#include "train/eval_report.h"

/* What a table shows at most; the other forms show all. */
#define TEXT_LABELS            100
#define TEXT_CONFUSION_CLASSES 12
#define TEXT_MISTAKES          10

/* Characters of UTF-8, which are its bytes but the continuation bytes. */
static size_t width_of(const char *text, size_t size)
{
    size_t width = 0;
    for (size_t i = 0; i < size; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

/* Pads with blanks, on the left for right-aligned columns. */
static void append_padded(struct buffer *out, const char *text, size_t width, bool right)
{
    struct buffer shown = {0};
    text_show(&shown, rec_span_of(text));
    size_t own = width_of(shown.data, shown.size), blanks = own < width ? width - own : 0;
    if (!right)
        buffer_append(out, shown.data, shown.size);
    while (blanks-- > 0)
        buffer_append_char(out, ' ');
    if (right)
        buffer_append(out, shown.data, shown.size);
    buffer_free(&shown);
}

static void append_value(struct buffer *out, size_t width, double value)
{
    if (isnan(value))
        buffer_format(out, "  %*s", (int)width, "-");
    else
        buffer_format(out, "  %*.4f", (int)width, value);
}

static void append_interval(struct buffer *out, struct interval interval)
{
    if (!isnan(interval.low))
        buffer_format(out, "  %.4f to %.4f", interval.low, interval.high);
}

static bool ends_in(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);
    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

/* Averages are rows of the table of labels, not lines of the summary. */
static bool is_average(const char *name)
{
    return ends_in(name, "_micro") || ends_in(name, "_macro") || ends_in(name, "_weighted") ||
           ends_in(name, "_samples");
}

static void append_summary(const struct eval_report *report, struct buffer *out)
{
    const struct eval_comparison *comparison = report->comparison;
    if (comparison)
        buffer_format(out, "%-21s  %8s  %8s  %10s\n", "", "this", "other", "difference");
    for (size_t i = 0; i < report->scores.count; i++) {
        const struct score *score = &report->scores.items[i];
        if (is_average(score->name))
            continue;
        buffer_format(out, "%-21s", score->name);
        append_value(out, 8, score->value);
        if (comparison) {
            append_value(out, 8, comparison->scores.items[i].value);
            append_value(out, 10, score->value - comparison->scores.items[i].value);
        }
        if (report->bootstrap)
            append_interval(out, comparison ? comparison->differences[i] : report->intervals[i]);
        buffer_append_char(out, '\n');
    }
}

static void append_counts(const struct eval_report *report, struct buffer *out)
{
    double records = (double)report->outcomes->count;
    buffer_format(out, "%-21s  %8zu\n", "records", report->outcomes->count);
    if (report->seconds > 0)
        buffer_format(out, "%-21s  %.1f records/s, %.0f tokens/s (%.1f s)\n", "speed",
                      records / report->seconds, (double)report->tokens / report->seconds,
                      report->seconds);
    if (report->outcomes->kind == OUTCOME_CLASS && report->outcomes->labels == 2) {
        buffer_append_string(out, "precision, recall and f1 are those of ");
        text_show(out, rec_span_of(report->names[1]));
        buffer_append_char(out, '\n');
    }
    if (report->bootstrap)
        buffer_format(out, "%g %% intervals%s of %" PRIu64 " resamples, seed %" PRIu64 "\n",
                      100 * report->bootstrap->confidence,
                      report->comparison ? " of the difference" : "", report->bootstrap->resamples,
                      report->bootstrap->seed);
}

static void append_test(const struct mcnemar *test, struct buffer *out)
{
    buffer_format(out,
                  "McNemar's test: this alone right %" PRIu64 ", other alone right %" PRIu64 ", ",
                  test->first_only, test->second_only);
    if (test->exact)
        buffer_append_string(out, "exact");
    else
        buffer_format(out, "chi-squared %.4f", test->statistic);
    buffer_format(out, ", p %.4g\n", test->p_value);
}

static uint32_t shown_labels(const struct eval_report *report)
{
    uint32_t labels = report->outcomes->labels;
    return labels < TEXT_LABELS ? labels : TEXT_LABELS;
}

static size_t name_width(const struct eval_report *report)
{
    size_t width = 8;
    for (uint32_t i = 0; i < shown_labels(report); i++) {
        size_t own = width_of(report->names[i], strlen(report->names[i]));
        width = own > width ? own : width;
    }
    return width;
}

static size_t column_width(const char *name)
{
    return strlen(name) < 8 ? 8 : strlen(name);
}

static void append_support(struct buffer *out, double support)
{
    buffer_format(out, "  %8.0f", support);
}

/* A row of averages: the columns' names with this ending; plain: the rankings' have none. */
static void append_average(const struct eval_report *report, const struct scores *columns,
                           double support, const char *ending, bool plain, struct buffer *out)
{
    append_padded(out, ending, name_width(report), false);
    for (size_t i = 0; i < columns->count; i++) {
        const char *column = columns->items[i].name;
        bool ranking = strcmp(column, "roc_auc") == 0 || strcmp(column, "average_precision") == 0;
        char *name = mem_format(plain && ranking ? "%s" : "%s_%s", column, ending);
        int at = scores_find(&report->scores, name);
        free(name);
        if (strcmp(column, "support") == 0)
            append_support(out, support);
        else if (at < 0)
            buffer_format(out, "  %*s", (int)column_width(column), "");
        else
            append_value(out, column_width(column), report->scores.items[at].value);
    }
    while (out->data[out->size - 1] == ' ')
        out->size--;
    buffer_append_char(out, '\n');
}

static void append_averages(const struct eval_report *report, struct buffer *out)
{
    bool sets = report->outcomes->kind == OUTCOME_SET, two = report->outcomes->labels == 2;
    struct scores columns;
    double support = 0;
    if (report->outcomes->kind == OUTCOME_NUMBERS)
        return;
    for (uint32_t i = 0; i < report->outcomes->labels; i++) {
        summary_label(report->summary, i, &columns);
        support += scores_get(&columns, "support");
    }
    if (sets)
        append_average(report, &columns, support, "micro", false, out);
    append_average(report, &columns, support, "macro", sets || !two, out);
    append_average(report, &columns, support, "weighted", false, out);
    if (sets)
        append_average(report, &columns, support, "samples", false, out);
}

/* The names of a label's scores. */
static void append_columns(const struct eval_report *report, struct buffer *out)
{
    struct scores columns;
    summary_label(report->summary, 0, &columns);
    append_padded(out, "", name_width(report), false);
    for (size_t j = 0; j < columns.count; j++)
        buffer_format(out, "  %*s", (int)column_width(columns.items[j].name),
                      columns.items[j].name);
    buffer_append_char(out, '\n');
}

static void append_labels(const struct eval_report *report, struct buffer *out)
{
    uint32_t labels = report->outcomes->labels;
    append_columns(report, out);
    for (uint32_t i = 0; i < shown_labels(report); i++) {
        struct scores scores;
        summary_label(report->summary, i, &scores);
        append_padded(out, report->names[i], name_width(report), false);
        for (size_t j = 0; j < scores.count; j++) {
            const char *name = scores.items[j].name;
            if (strcmp(name, "support") == 0)
                append_support(out, scores.items[j].value);
            else
                append_value(out, column_width(name), scores.items[j].value);
        }
        buffer_append_char(out, '\n');
    }
    if (labels > TEXT_LABELS)
        buffer_format(out, "and %" PRIu32 " more: -f json or -f tsv\n", labels - TEXT_LABELS);
    append_averages(report, out);
}

static void append_confusion(const struct eval_report *report, struct buffer *out)
{
    size_t width = name_width(report), classes = report->outcomes->labels;
    buffer_append_string(out, "\nconfusion matrix (rows: label, columns: prediction)\n");
    append_padded(out, "", width, false);
    for (size_t i = 0; i < classes; i++) {
        buffer_append_string(out, "  ");
        append_padded(out, report->names[i], width, true);
    }
    buffer_append_char(out, '\n');
    for (size_t row = 0; row < classes; row++) {
        append_padded(out, report->names[row], width, false);
        for (size_t column = 0; column < classes; column++)
            buffer_format(out, "  %*" PRIu64, (int)width,
                          report->confusion[row * classes + column]);
        buffer_append_char(out, '\n');
    }
}

/* What is mistaken for what, where a matrix would be too wide: the most frequent pairs. */
static void append_mistakes(const struct eval_report *report, struct buffer *out)
{
    size_t classes = report->outcomes->labels, width = name_width(report);
    size_t predicted = width > strlen("prediction") ? width : strlen("prediction");
    uint64_t below = UINT64_MAX; /* pairs of this frequency and above are shown already */
    unsigned shown = 0;
    buffer_append_string(out, "\nmost frequent mistakes\n");
    append_padded(out, "label", width, false);
    buffer_append_string(out, "  ");
    append_padded(out, "prediction", predicted, false);
    buffer_append_string(out, "   records\n");
    while (shown < TEXT_MISTAKES) {
        uint64_t most = 0;
        for (size_t i = 0; i < classes * classes; i++)
            if (i / classes != i % classes && report->confusion[i] < below)
                most = report->confusion[i] > most ? report->confusion[i] : most;
        if (most == 0)
            break;
        for (size_t i = 0; i < classes * classes && shown < TEXT_MISTAKES; i++) {
            if (i / classes == i % classes || report->confusion[i] != most)
                continue;
            append_padded(out, report->names[i / classes], width, false);
            buffer_append_string(out, "  ");
            append_padded(out, report->names[i % classes], predicted, false);
            buffer_format(out, "  %8" PRIu64 "\n", most);
            shown++;
        }
        below = most;
    }
}

static void append_calibration(const struct eval_report *report, struct buffer *out)
{
    bool sets = report->outcomes->kind == OUTCOME_SET;
    buffer_format(out, "\ncalibration\n%-16s  %8s  %15s  %11s\n",
                  sets ? "probability" : "confidence", sets ? "labels" : "records",
                  sets ? "mean" : "mean confidence", sets ? "share true" : "share right");
    for (uint32_t i = 0; i < report->options.bins; i++) {
        const struct calibration_bin *bin = &report->bins[i];
        if (bin->count > 0)
            buffer_format(out, "%.4f to %.4f  %8.0f  %15.4f  %11.4f\n",
                          (double)i / report->options.bins, (double)(i + 1) / report->options.bins,
                          bin->count, bin->confidence, bin->right);
    }
}

void eval_report_text(const struct eval_report *report, struct buffer *out)
{
    append_summary(report, out);
    append_counts(report, out);
    if (report->comparison && report->comparison->tested)
        append_test(&report->comparison->mcnemar, out);
    if (report->outcomes->kind != OUTCOME_NUMBERS || report->outcomes->labels > 1) {
        buffer_append_char(out, '\n');
        append_labels(report, out);
    }
    if (report->confusion && report->outcomes->labels <= TEXT_CONFUSION_CLASSES)
        append_confusion(report, out);
    else if (report->confusion)
        append_mistakes(report, out);
    if (report->bins)
        append_calibration(report, out);
}
