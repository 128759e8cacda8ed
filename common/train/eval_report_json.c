#include <math.h>

#include "train/eval_report.h"

/* JSON has neither NaN nor infinities. */
static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static void set_scores(json_t *json, const struct scores *scores)
{
    for (size_t i = 0; i < scores->count; i++)
        json_object_set_new(json, scores->items[i].name, real(scores->items[i].value));
}

static json_t *intervals_json(const struct scores *scores, const struct interval *intervals)
{
    json_t *json = json_object();
    for (size_t i = 0; i < scores->count; i++)
        json_object_set_new(json, scores->items[i].name,
                            json_pack("[o, o]", real(intervals[i].low), real(intervals[i].high)));
    return json;
}

static json_t *labels_json(const struct eval_report *report)
{
    json_t *json = json_array();
    for (uint32_t i = 0; i < report->outcomes->labels; i++)
        json_array_append_new(json, json_string(report->names[i]));
    return json;
}

static json_t *classes_json(const struct eval_report *report)
{
    json_t *json = json_object();
    for (uint32_t i = 0; i < report->outcomes->labels; i++) {
        struct scores scores;
        json_t *one = json_object();
        summary_label(report->summary, i, &scores);
        set_scores(one, &scores);
        json_t *support = json_object_get(one, "support");
        if (support)
            json_object_set_new(one, "support", integer((uint64_t)json_real_value(support)));
        json_object_set_new(json, report->names[i], one);
    }
    return json;
}

static json_t *confusion_json(const struct eval_report *report)
{
    size_t classes = report->outcomes->labels;
    json_t *rows = json_array();
    for (size_t row = 0; row < classes; row++) {
        json_t *columns = json_array();
        for (size_t column = 0; column < classes; column++)
            json_array_append_new(columns, integer(report->confusion[row * classes + column]));
        json_array_append_new(rows, columns);
    }
    return rows;
}

static json_t *calibration_json(const struct eval_report *report)
{
    json_t *json = json_array();
    for (uint32_t i = 0; i < report->options.bins; i++) {
        const struct calibration_bin *bin = &report->bins[i];
        json_t *one = json_object();
        json_object_set_new(one, "from", json_real((double)i / report->options.bins));
        json_object_set_new(one, "to", json_real((double)(i + 1) / report->options.bins));
        json_object_set_new(one, "count", integer((uint64_t)bin->count));
        json_object_set_new(one, "confidence", real(bin->confidence));
        json_object_set_new(one, "right", real(bin->right));
        json_array_append_new(json, one);
    }
    return json;
}

static json_t *bootstrap_json(const struct eval_report *report)
{
    json_t *json = json_object();
    json_object_set_new(json, "resamples", integer(report->bootstrap->resamples));
    json_object_set_new(json, "seed", integer(report->bootstrap->seed));
    json_object_set_new(json, "confidence", json_real(report->bootstrap->confidence));
    json_object_set_new(json, "intervals", intervals_json(&report->scores, report->intervals));
    return json;
}

static json_t *mcnemar_json(const struct mcnemar *test)
{
    json_t *json = json_object();
    json_object_set_new(json, "only_this_right", integer(test->first_only));
    json_object_set_new(json, "only_other_right", integer(test->second_only));
    json_object_set_new(json, "method", json_string(test->exact ? "exact" : "chi_squared"));
    json_object_set_new(json, "statistic", real(test->statistic));
    json_object_set_new(json, "p_value", real(test->p_value));
    return json;
}

static json_t *comparison_json(const struct eval_report *report)
{
    const struct eval_comparison *comparison = report->comparison;
    json_t *json = json_object(), *other = json_object(), *differences = json_object();
    set_scores(other, &comparison->scores);
    for (size_t i = 0; i < report->scores.count; i++)
        json_object_set_new(
            differences, report->scores.items[i].name,
            real(report->scores.items[i].value - comparison->scores.items[i].value));
    json_object_set_new(json, "other", other);
    json_object_set_new(json, "differences", differences);
    if (report->bootstrap) {
        json_object_set_new(json, "other_intervals",
                            intervals_json(&report->scores, comparison->intervals));
        json_object_set_new(json, "difference_intervals",
                            intervals_json(&report->scores, comparison->differences));
    }
    if (comparison->tested)
        json_object_set_new(json, "mcnemar", mcnemar_json(&comparison->mcnemar));
    return json;
}

json_t *eval_report_json(const struct eval_report *report)
{
    static const char *const problems[] = {
        [OUTCOME_CLASS] = "single", [OUTCOME_SET] = "multi", [OUTCOME_NUMBERS] = "regression"};
    double records = (double)report->outcomes->count;
    json_t *json = json_object();
    json_object_set_new(json, "problem", json_string(problems[report->outcomes->kind]));
    json_object_set_new(json, "records", integer(report->outcomes->count));
    set_scores(json, &report->scores);
    if (report->seconds > 0) {
        json_object_set_new(json, "tokens", integer(report->tokens));
        json_object_set_new(json, "runtime", json_real(report->seconds));
        json_object_set_new(json, "samples_per_second", json_real(records / report->seconds));
        json_object_set_new(json, "tokens_per_second",
                            json_real((double)report->tokens / report->seconds));
    }
    if (scores_find(&report->scores, "top_k_accuracy") >= 0)
        json_object_set_new(json, "top_k", integer(report->options.top_k));
    json_object_set_new(json, "labels", labels_json(report));
    json_object_set_new(json, "classes", classes_json(report));
    if (report->confusion)
        json_object_set_new(json, "confusion", confusion_json(report));
    if (report->bins)
        json_object_set_new(json, "calibration", calibration_json(report));
    if (report->bootstrap)
        json_object_set_new(json, "bootstrap", bootstrap_json(report));
    if (report->comparison)
        json_object_set_new(json, "comparison", comparison_json(report));
    return json;
}
