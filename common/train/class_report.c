#include "train/class_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

/* Characters, which are not continuation bytes of UTF-8. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void append_padded(struct buffer *out, const char *text, size_t width, bool right)
{
    size_t own = width_of(text), blanks = own < width ? width - own : 0;
    if (!right)
        buffer_append_string(out, text);
    while (blanks-- > 0)
        buffer_append_char(out, ' ');
    if (right)
        buffer_append_string(out, text);
}

static size_t name_width(const struct class_report *report)
{
    size_t width = 8;
    for (uint32_t i = 0; i < report->metrics->classes; i++)
        if (width_of(report->names[i]) > width)
            width = width_of(report->names[i]);
    return width;
}

static void append_scores(const struct class_report *report, struct buffer *out)
{
    size_t width = name_width(report);
    append_padded(out, "", width, false);
    buffer_append_string(out, "  precision  recall      f1  support\n");
    for (uint32_t i = 0; i < report->metrics->classes; i++) {
        struct class_score score = class_metrics_score(report->metrics, i);
        append_padded(out, report->names[i], width, false);
        buffer_format(out, "  %9.4f  %6.4f  %6.4f  %7" PRIu64 "\n", score.precision, score.recall,
                      score.f1, score.support);
    }
}

static void append_confusion(const struct class_report *report, struct buffer *out)
{
    const struct class_metrics *metrics = report->metrics;
    size_t width = name_width(report);
    buffer_append_string(out, "confusion matrix (rows: label, columns: prediction)\n");
    append_padded(out, "", width, false);
    for (uint32_t i = 0; i < metrics->classes; i++) {
        buffer_append_string(out, "  ");
        append_padded(out, report->names[i], width, true);
    }
    buffer_append_char(out, '\n');
    for (uint32_t row = 0; row < metrics->classes; row++) {
        append_padded(out, report->names[row], width, false);
        for (uint32_t column = 0; column < metrics->classes; column++)
            buffer_format(out, "  %*" PRIu64, (int)width,
                          metrics->confusion[(size_t)row * metrics->classes + column]);
        buffer_append_char(out, '\n');
    }
}

void class_report_text(const struct class_report *report, struct buffer *out)
{
    uint64_t count = report->metrics->count;
    buffer_format(out, "accuracy  %.4f\n", class_metrics_accuracy(report->metrics));
    buffer_format(out, "loss      %.4f\n", class_metrics_loss(report->metrics));
    buffer_format(out,
                  "speed     %.1f records/s, %.0f tokens/s (%" PRIu64 " records in %.1f s)\n\n",
                  (double)count / report->seconds, (double)report->tokens / report->seconds, count,
                  report->seconds);
    append_scores(report, out);
    buffer_append_char(out, '\n');
    append_confusion(report, out);
}

static json_t *score_json(const struct class_score *score)
{
    json_t *json = json_object();
    json_object_set_new(json, "precision", json_real(score->precision));
    json_object_set_new(json, "recall", json_real(score->recall));
    json_object_set_new(json, "f1", json_real(score->f1));
    json_object_set_new(json, "support", json_integer((json_int_t)score->support));
    return json;
}

static json_t *confusion_json(const struct class_metrics *metrics)
{
    json_t *rows = json_array();
    for (uint32_t row = 0; row < metrics->classes; row++) {
        json_t *columns = json_array();
        for (uint32_t column = 0; column < metrics->classes; column++) {
            uint64_t count = metrics->confusion[(size_t)row * metrics->classes + column];
            json_array_append_new(columns, json_integer((json_int_t)count));
        }
        json_array_append_new(rows, columns);
    }
    return rows;
}

json_t *class_report_json(const struct class_report *report)
{
    const struct class_metrics *metrics = report->metrics;
    json_t *json = json_object(), *labels = json_array(), *classes = json_object();
    double loss = class_metrics_loss(metrics);
    for (uint32_t i = 0; i < metrics->classes; i++) {
        struct class_score score = class_metrics_score(metrics, i);
        json_array_append_new(labels, json_string(report->names[i]));
        json_object_set_new(classes, report->names[i], score_json(&score));
    }
    json_object_set_new(json, "accuracy", json_real(class_metrics_accuracy(metrics)));
    json_object_set_new(json, "loss", isfinite(loss) ? json_real(loss) : json_null());
    json_object_set_new(json, "records", json_integer((json_int_t)metrics->count));
    json_object_set_new(json, "tokens", json_integer((json_int_t)report->tokens));
    json_object_set_new(json, "runtime", json_real(report->seconds));
    json_object_set_new(json, "samples_per_second",
                        json_real((double)metrics->count / report->seconds));
    json_object_set_new(json, "tokens_per_second",
                        json_real((double)report->tokens / report->seconds));
    json_object_set_new(json, "labels", labels);
    json_object_set_new(json, "classes", classes);
    json_object_set_new(json, "confusion", confusion_json(metrics));
    return json;
}
