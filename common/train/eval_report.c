#include "train/eval_report.h"

#include <stdlib.h>

#include "cli/memory.h"

static void count_confusion(struct eval_report *report)
{
    const struct outcomes *outcomes = report->outcomes;
    size_t classes = outcomes->labels;
    if (outcomes->kind != OUTCOME_CLASS || classes > EVAL_CONFUSION_CLASSES)
        return;
    report->confusion = mem_calloc(classes * classes, sizeof *report->confusion);
    for (size_t i = 0; i < outcomes->count; i++)
        report->confusion[outcomes->gold[i] * classes + outcomes->guess[i]]++;
}

static void count_calibration(struct eval_report *report)
{
    const struct outcomes *outcomes = report->outcomes;
    bool known = outcomes->kind == OUTCOME_CLASS
                     ? outcomes->has_values
                     : outcomes->kind == OUTCOME_SET && outcomes->values;
    if (!known)
        return;
    report->bins = mem_calloc(report->options.bins, sizeof *report->bins);
    calibration_of(outcomes, NULL, report->options.bins, report->bins);
}

static void test_difference(struct eval_comparison *comparison, const struct outcomes *outcomes)
{
    uint64_t only[2] = {0, 0};
    if (outcomes->kind == OUTCOME_NUMBERS)
        return;
    for (size_t i = 0; i < outcomes->count; i++) {
        bool right = outcomes_right(outcomes, i), other = outcomes_right(comparison->outcomes, i);
        only[0] += right && !other;
        only[1] += other && !right;
    }
    comparison->tested = true;
    comparison->mcnemar = mcnemar_test(only[0], only[1]);
}

void eval_report_compute(struct eval_report *report, const struct outcomes *other,
                         bootstrap_progress *progress, void *context)
{
    struct eval_comparison *comparison = NULL;
    struct summary *other_summary = NULL;
    report->summary = summary_open(report->outcomes, &report->options);
    summary_scores(report->summary, NULL, &report->scores);
    count_confusion(report);
    count_calibration(report);
    if (other) {
        comparison = report->comparison = mem_calloc(1, sizeof *comparison);
        comparison->outcomes = other;
        other_summary = summary_open(other, &report->options);
        summary_scores(other_summary, NULL, &comparison->scores);
        test_difference(comparison, report->outcomes);
    }
    if (report->bootstrap)
        bootstrap_run(report->bootstrap, report->summary, report->outcomes->count,
                      report->intervals, other_summary, other ? comparison->intervals : NULL,
                      other ? comparison->differences : NULL, progress, context);
    summary_close(other_summary);
}

void eval_report_free(struct eval_report *report)
{
    summary_close(report->summary);
    free(report->bins);
    free(report->confusion);
    free(report->comparison);
    report->summary = NULL;
    report->bins = NULL;
    report->confusion = NULL;
    report->comparison = NULL;
}
