/* Title, figures at the top, mistakes and footer. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/version.h"
#include "report/html.h"
#include "report/page_parts.h"

#define TEXT_SHOWN 420 /* bytes of a text before it must be opened */

const char *page_title(const struct report *report)
{
    const struct stream_model *model = &report->predictions_header.model;
    if (report->runs.count > 1)
        return "Training runs";
    if (report->runs.count == 1) {
        const char *name = report->runs.items[0].name;
        bool says_nothing = strcmp(name, "metrics") == 0 || strcmp(name, "standard input") == 0;
        return says_nothing ? "Training run" : name;
    }
    if (report->has_predictions)
        return model->name ? model->name : "Predictions";
    return "Token lengths";
}

/* The last value of that name, or NaN. */
static double last_value(const struct report *report, const char *split, const char *name)
{
    const struct run *run = &report->runs.items[0];
    const struct run_entry *entry;
    double value = NAN;
    size_t i = 0;
    if (report->runs.count == 1)
        while ((entry = run_next(&report->runs, run, &i, split, name)))
            value = run_value(&report->runs, run, entry, name);
    return value;
}

static double best_value(const struct report *report, const char *name, bool less)
{
    const struct run *run = &report->runs.items[0];
    const struct run_entry *entry;
    double best = NAN;
    size_t i = 0;
    if (report->runs.count == 1)
        while ((entry = run_next(&report->runs, run, &i, "eval", name))) {
            double value = run_value(&report->runs, run, entry, name);
            best = less ? fmin(best, value) : fmax(best, value);
        }
    return best;
}

void page_subtitle(const struct report *report, struct buffer *out)
{
    buffer_append_string(out, "<p class=\"sub\">");
    if (report->runs.count == 1 && report->runs.items[0].count > 0) {
        const struct run *run = &report->runs.items[0];
        const struct run_entry *last = &run->entries[run->count - 1];
        time_t seconds = (time_t)run->entries[0].time;
        struct tm date;
        char text[64];
        if (seconds > 0 && gmtime_r(&seconds, &date) &&
            strftime(text, sizeof text, "%B %Y, %H:%M UTC · ", &date))
            buffer_format(out, "%d %s", date.tm_mday, text);
        html_count(out, (double)last->step);
        buffer_format(out, " step%s", last->step == 1 ? "" : "s");
        if (last->epoch > 0)
            buffer_format(out, " · %.4g epoch%s", last->epoch, last->epoch == 1 ? "" : "s");
    } else if (report->runs.count > 1) {
        buffer_format(out, "%zu runs", report->runs.count);
    }
    if (report->has_predictions) {
        buffer_append_string(out, report->runs.count ? " · " : "");
        html_count(out, (double)report->predicted);
        buffer_append_string(out, report->predicted == 1 ? " prediction" : " predictions");
    }
    buffer_append_string(out, "</p>\n");
}

enum tile_form { TILE_NUMBER, TILE_PERCENT, TILE_DURATION };

static void tile(struct buffer *out, const char *name, double value, enum tile_form form)
{
    if (isnan(value))
        return;
    buffer_append_string(out, "<div><dt>");
    html_text(out, name);
    buffer_append_string(out, "</dt><dd>");
    if (form == TILE_PERCENT)
        html_percent(out, value);
    else if (form == TILE_DURATION)
        html_duration(out, value);
    else
        html_number(out, value);
    buffer_append_string(out, "</dd></div>\n");
}

void page_tiles(const struct report *report, struct buffer *out)
{
    const struct scores *scores = &report->eval.scores;
    size_t before = out->size;
    buffer_append_string(out, "<dl class=\"tiles\">\n");
    size_t empty = out->size;
    if (report_has_scores(report)) {
        tile(out, "Accuracy", scores_get(scores, "accuracy"), TILE_PERCENT);
        if (report->eval.outcomes->kind != OUTCOME_NUMBERS)
            tile(out, "F1", scores_get(scores, "f1"), TILE_NUMBER);
        tile(out, "Correlation", scores_get(scores, "pearson"), TILE_NUMBER);
        tile(out, "Mean absolute error", scores_get(scores, "mae"), TILE_NUMBER);
        tile(out, "Calibration error", scores_get(scores, "calibration_error"), TILE_PERCENT);
    } else {
        tile(out, "Best accuracy", best_value(report, "accuracy", false), TILE_PERCENT);
    }
    tile(out, "Lowest evaluation loss", best_value(report, "loss", true), TILE_NUMBER);
    tile(out, "Last training loss", last_value(report, "train", "loss"), TILE_NUMBER);
    tile(out, "Training time", last_value(report, "train", "train_runtime"), TILE_DURATION);
    tile(out, "Tokens a second", last_value(report, "train", "train_tokens_per_second"),
         TILE_NUMBER);
    if (out->size == empty)
        out->size = before;
    else
        buffer_append_string(out, "</dl>\n");
}

static void mistake_text(const struct mistake *mistake, struct buffer *out)
{
    size_t shown = mistake->text_size;
    if (shown > TEXT_SHOWN + TEXT_SHOWN / 3)
        shown = TEXT_SHOWN;
    while (shown < mistake->text_size && ((unsigned char)mistake->text[shown] & 0xc0) == 0x80)
        shown--;
    if (shown == mistake->text_size) {
        html_bytes(out, mistake->text, shown);
        return;
    }
    buffer_append_string(out, "<details><summary>");
    html_bytes(out, mistake->text, shown);
    buffer_append_string(out, "… <span class=\"rest\">more</span></summary>");
    html_bytes(out, mistake->text, mistake->text_size);
    buffer_append_string(out, mistake->cut ? "…</details>" : "</details>");
}

static void append_mistake(const struct mistake *mistake, enum outcome_kind kind,
                           struct buffer *out)
{
    buffer_append_string(out, "<li><div><div class=\"said\">");
    html_text(out, mistake->guess);
    buffer_append_string(out, "</div>\n");
    if (!isnan(mistake->score)) {
        buffer_format(out,
                      "<svg class=\"bar\" viewBox=\"0 0 100 5\" preserveAspectRatio=\"none\" "
                      "aria-hidden=\"true\"><rect width=\"100\" height=\"5\" "
                      "fill=\"var(--line)\"/><rect width=\"%.1f\" height=\"5\" "
                      "fill=\"var(--c2)\"/></svg>\n<div class=\"meta\">with ",
                      mistake->score * 100);
        html_percent(out, mistake->score);
        buffer_append_string(out, " confidence</div>\n");
    }
    buffer_append_string(out, "<div class=\"meta\">true: ");
    html_text(out, mistake->gold);
    if (kind == OUTCOME_NUMBERS)
        buffer_format(out, ", off by %.4g", mistake->rank);
    buffer_append_string(out, "</div>");
    if (mistake->id) {
        buffer_append_string(out, "<div class=\"meta\">");
        html_text(out, mistake->id);
        buffer_append_string(out, "</div>");
    }
    buffer_append_string(out, "</div>\n<div class=\"text\" dir=\"auto\">");
    if (mistake->text)
        mistake_text(mistake, out);
    buffer_append_string(out, "</div></li>\n");
}

void page_mistakes(const struct report *report, struct buffer *out)
{
    const struct mistakes *mistakes = &report->mistakes;
    if (mistakes->count == 0)
        return;
    enum outcome_kind kind = report->eval.outcomes->kind;
    buffer_append_string(out, "<section>\n<h2>");
    buffer_append_string(out, kind == OUTCOME_CLASS ? "The most confident mistakes"
                              : kind == OUTCOME_SET ? "The sets with the most mistakes"
                                                    : "The largest errors");
    buffer_append_string(out, "</h2>\n");
    if (report->texts == 0)
        buffer_append_string(out, "<p class=\"quiet\">The predictions came without their texts; "
                                  "<code>wp-tokenize -k</code> keeps them.</p>\n");
    buffer_append_string(out, "<ol class=\"mistakes\">\n");
    for (size_t i = 0; i < mistakes->count; i++)
        append_mistake(&mistakes->items[i], kind, out);
    buffer_append_string(out, "</ol>\n</section>\n");
}

static void append_history(const struct stream_header *header, struct buffer *out)
{
    for (size_t i = 0; i < header->history_count; i++) {
        const struct stream_history_entry *entry = &header->history[i];
        buffer_append_string(out, i ? " → <code>" : ": <code>");
        html_text(out, entry->tool);
        for (size_t j = 0; j < entry->option_count; j++) {
            buffer_append_char(out, ' ');
            html_text(out, entry->options[j].key);
            buffer_append_char(out, '=');
            html_text(out, entry->options[j].value);
        }
        buffer_append_string(out, "</code>");
    }
}

void page_footer(const struct report *report, struct buffer *out)
{
    buffer_append_string(out, "<footer>\nMade from\n<ul>\n");
    for (size_t i = 0; i < report->source_count; i++) {
        const struct report_source *source = &report->sources[i];
        buffer_append_string(out, "<li>");
        html_text(out, source->name);
        buffer_format(out, ", %s, ", stream_type_name(source->header.type));
        html_count(out, (double)source->records);
        buffer_append_string(out, source->records == 1 ? " record" : " records");
        append_history(&source->header, out);
        buffer_append_string(out, "</li>\n");
    }
    buffer_append_string(out, "</ul>\nbert-report, bertpipe " BERTPIPE_VERSION "\n</footer>\n");
}
