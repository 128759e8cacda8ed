/* Tables of a page. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/html.h"
#include "report/page_parts.h"

#define COLUMNS_MAX 10
#define LABELS_MAX  200

bool page_has_split(const struct runs *runs, const char *split)
{
    size_t name = string_index_find(&runs->names, split, strlen(split));
    for (size_t i = 0; i < runs->count; i++)
        for (size_t j = 0; j < runs->items[i].count; j++)
            if (runs->items[i].entries[j].split == name)
                return true;
    return false;
}

/* Training that went wrong is said in words: a chart has no place for it. */
void page_not_finite(const struct runs *runs, struct buffer *out)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct run *run = &runs->items[i];
        const struct run_entry *entry;
        size_t j = 0, wrong = 0, all = 0;
        uint64_t first = 0;
        while ((entry = run_next(runs, run, &j, "train", "loss"))) {
            all++;
            if (isfinite(run_value(runs, run, entry, "loss")))
                continue;
            if (wrong++ == 0)
                first = entry->step;
        }
        if (wrong == 0)
            continue;
        buffer_append_string(out, "<p><strong>The loss is not a number</strong> in ");
        buffer_format(out, "%zu of %zu records", wrong, all);
        if (runs->count > 1) {
            buffer_append_string(out, " of ");
            html_text(out, run->name);
        }
        buffer_format(out, ", first at step %" PRIu64 ".</p>\n", first);
    }
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

/* Averages in other ways and speeds are not for people at a glance. */
static bool is_secondary(const char *name)
{
    static const char *const ends[] = {"_micro",      "_macro",  "_weighted", "_samples",
                                       "_per_second", "runtime", "records",   "tokens"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(name, ends[i]))
            return true;
    return false;
}

/* "roc_auc" as "ROC AUC", "calibration_error" as "Calibration error". */
static void append_name(struct buffer *out, const char *name)
{
    static const char *const words[][2] = {{"roc_auc", "ROC AUC"},   {"f1", "F1"},
                                           {"mse", "MSE"},           {"rmse", "RMSE"},
                                           {"mae", "MAE"},           {"r2", "R²"},
                                           {"brier", "Brier score"}, {"cohen_kappa", "Cohen’s κ"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(name, words[i][0]) == 0) {
            buffer_append_string(out, words[i][1]);
            return;
        }
    for (size_t i = 0; name[i]; i++) {
        char c = name[i] == '_' ? ' ' : name[i];
        if (i == 0 && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        html_bytes(out, &c, 1);
    }
}

static void append_cell(struct buffer *out, const char *name, double value)
{
    buffer_append_string(out, "<td>");
    if (strcmp(name, "accuracy") == 0)
        html_percent(out, value);
    else
        html_number(out, value);
    buffer_append_string(out, "</td>");
}

/* The names of evaluations' values, in the order of their first appearance. */
static size_t find_columns(const struct runs *runs, size_t split, const char **columns)
{
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++)
        for (size_t j = 0; j < runs->items[i].count; j++) {
            const struct run *run = &runs->items[i];
            const struct run_entry *entry = &run->entries[j];
            for (size_t k = 0; entry->split == split && k < entry->count; k++) {
                size_t number = run->values[entry->first + k].name, known = 0;
                const char *name = string_index_get(&runs->names, number, NULL);
                while (known < count && columns[known] != name)
                    known++;
                if (known == count && count < COLUMNS_MAX && !is_secondary(name))
                    columns[count++] = name;
            }
        }
    return count;
}

/* The step of a run's lowest evaluation loss, when there are several evaluations. */
static const struct run_entry *best_entry(const struct runs *runs, const struct run *run)
{
    const struct run_entry *entry, *best = NULL;
    size_t i = 0, count = 0;
    double lowest = INFINITY;
    while ((entry = run_next(runs, run, &i, "eval", "loss"))) {
        double loss = run_value(runs, run, entry, "loss");
        count++;
        if (loss < lowest) {
            lowest = loss;
            best = entry;
        }
    }
    return count > 1 ? best : NULL;
}

void page_evaluations(const struct runs *runs, struct buffer *out)
{
    const char *columns[COLUMNS_MAX];
    size_t split = string_index_find(&runs->names, "eval", 4);
    size_t count = find_columns(runs, split, columns);
    buffer_append_string(out, "<div class=\"scroll\"><table>\n<tr>");
    buffer_append_string(out, runs->count > 1 ? "<th>Run</th><th>Epoch</th>" : "<th>Epoch</th>");
    buffer_append_string(out, "<th>Step</th>");
    for (size_t i = 0; i < count; i++) {
        buffer_append_string(out, "<th>");
        append_name(out, columns[i]);
        buffer_append_string(out, "</th>");
    }
    buffer_append_string(out, "</tr>\n");
    for (size_t i = 0; i < runs->count; i++) {
        const struct run *run = &runs->items[i];
        const struct run_entry *best = best_entry(runs, run);
        for (size_t j = 0; j < run->count; j++) {
            const struct run_entry *entry = &run->entries[j];
            if (entry->split != split)
                continue;
            buffer_append_string(out, entry == best ? "<tr class=\"best\">" : "<tr>");
            if (runs->count > 1) {
                buffer_append_string(out, "<td>");
                html_text(out, run->name);
                buffer_append_string(out, "</td>");
            }
            buffer_format(out, "<td>%.4g</td><td>", entry->epoch);
            html_count(out, (double)entry->step);
            buffer_append_string(out, "</td>");
            for (size_t k = 0; k < count; k++)
                append_cell(out, columns[k], run_value(runs, run, entry, columns[k]));
            buffer_append_string(out, "</tr>\n");
        }
    }
    buffer_append_string(out, "</table></div>\n");
}

void page_prediction_counts(const struct report *report, struct buffer *out)
{
    uint64_t labelled = report->predicted - report->unlabelled;
    if (report->unlabelled == 0)
        return;
    buffer_append_string(out, "<p class=\"quiet\">");
    html_count(out, (double)report->unlabelled);
    buffer_append_string(out, " of ");
    html_count(out, (double)report->predicted);
    buffer_append_string(out, labelled ? " records have no true label and are left out.</p>\n"
                                       : " records have no true label to compare with.</p>\n");
}

void page_scores(const struct report *report, struct buffer *out)
{
    const struct scores *scores = &report->eval.scores;
    buffer_append_string(out, "<dl class=\"tiles small\">\n<div><dt>Records</dt><dd>");
    html_count(out, (double)report->eval.outcomes->count);
    buffer_append_string(out, "</dd></div>\n");
    for (size_t i = 0; i < scores->count; i++) {
        if (is_secondary(scores->items[i].name) || isnan(scores->items[i].value))
            continue;
        buffer_append_string(out, "<div><dt>");
        append_name(out, scores->items[i].name);
        buffer_append_string(out, "</dt><dd>");
        html_number(out, scores->items[i].value);
        buffer_append_string(out, "</dd></div>\n");
    }
    buffer_append_string(out, "</dl>\n");
}

void page_labels(const struct report *report, struct buffer *out)
{
    const struct eval_report *eval = &report->eval;
    struct scores scores;
    uint32_t labels = eval->outcomes->labels;
    if (labels < 2 || labels > LABELS_MAX)
        return;
    for (uint32_t i = 0; i < labels; i++) {
        summary_label(eval->summary, i, &scores);
        if (i == 0) {
            buffer_append_string(out, "<div class=\"scroll\"><table>\n<tr><th>");
            buffer_append_string(out, eval->outcomes->kind == OUTCOME_CLASS ? "Class" : "Label");
            buffer_append_string(out, "</th>");
            for (size_t k = 0; k < scores.count; k++) {
                buffer_append_string(out, "<th>");
                append_name(out, scores.items[k].name);
                buffer_append_string(out, "</th>");
            }
            buffer_append_string(out, "</tr>\n");
        }
        buffer_append_string(out, "<tr><td>");
        html_text(out, eval->names[i]);
        buffer_append_string(out, "</td>");
        for (size_t k = 0; k < scores.count; k++)
            append_cell(out, scores.items[k].name, scores.items[k].value);
        buffer_append_string(out, "</tr>\n");
    }
    buffer_append_string(out, "</table></div>\n");
}

void page_lengths(const struct lengths *lengths, struct buffer *out)
{
    static const double shares[] = {0.5, 0.9, 0.99};
    buffer_append_string(out, "<div class=\"scroll\"><table>\n<tr><th>Stream</th><th>Records</th>"
                              "<th>Tokens</th><th>Mean</th><th>Median</th><th>90\u202f%</th>"
                              "<th>99\u202f%</th><th>Longest</th><th>Cut records</th>"
                              "<th>Tokens lost</th></tr>\n");
    for (size_t i = 0; i < lengths->count; i++) {
        const struct length_source *source = &lengths->sources[i];
        if (source->records == 0)
            continue;
        double records = (double)source->records;
        buffer_append_string(out, "<tr><td>");
        html_text(out, source->name);
        buffer_append_string(out, "</td><td>");
        html_count(out, records);
        buffer_append_string(out, "</td><td>");
        html_count(out, (double)source->tokens);
        buffer_format(out, "</td><td>%.1f</td>", (double)source->tokens / records);
        for (size_t k = 0; k < sizeof shares / sizeof *shares; k++)
            buffer_format(out, "<td>%zu</td>", lengths_quantile(source, shares[k]));
        buffer_format(out, "<td>%zu</td><td>", source->longest);
        html_percent(out, (double)source->cut_records / records);
        buffer_append_string(out, "</td><td>");
        html_percent(out,
                     (double)source->cut_tokens / (double)(source->tokens + source->cut_tokens));
        buffer_append_string(out, "</td></tr>\n");
    }
    buffer_append_string(out, "</table></div>\n");
}
