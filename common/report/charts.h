/*
 * The charts of a report. Each function fills *chart, to be released by chart_free, and returns
 * true; or returns false and leaves it empty when there is nothing to draw.
 */
#ifndef REPORT_CHARTS_H
#define REPORT_CHARTS_H

#include <stdbool.h>

#include "report/chart.h"
#include "report/lengths.h"
#include "report/runs.h"
#include "train/eval_report.h"

/* A wide and a narrow chart; two narrow ones stand beside each other. */
#define CHART_WIDE   1040
#define CHART_NARROW 510
#define CHART_HEIGHT 300

/* Training loss by step, with a moving average when there are many points, and the losses of
 * evaluations when there is one run. */
bool chart_loss(const struct runs *runs, struct chart *chart);
bool chart_learning_rate(const struct runs *runs, struct chart *chart);
bool chart_grad_norm(const struct runs *runs, struct chart *chart);
/* By epoch. */
bool chart_eval_loss(const struct runs *runs, struct chart *chart);
/* By epoch: accuracy, or the score that these runs have instead. */
bool chart_eval_score(const struct runs *runs, struct chart *chart);

/* The confusion matrix: row the true class; shaded by the share of the row. */
bool chart_confusion(const struct eval_report *eval, struct chart *chart);
/* How often the predictions of a confidence are right, and how many there are. */
bool chart_reliability(const struct eval_report *eval, struct chart *chart);
/* Predicted against true numbers. */
bool chart_scatter(const struct eval_report *eval, struct chart *chart);

bool chart_lengths(const struct lengths *lengths, struct chart *chart);

#endif
