/*
 * What bert-eval prints.
 */
#ifndef TRAIN_CLASS_REPORT_H
#define TRAIN_CLASS_REPORT_H

#include <jansson.h>

#include "cli/buffer.h"
#include "train/class_metrics.h"

struct class_report {
    const struct class_metrics *metrics;
    char *const *names; /* [classes] */
    uint64_t tokens;
    double seconds; /* in the engine */
};

/* Tables for people. */
void class_report_text(const struct class_report *report, struct buffer *out);
/* accuracy, loss, records, tokens, runtime, samples_per_second, tokens_per_second, labels, classes
 * {name: {precision, recall, f1, support}}, confusion [true][predicted]. A new reference. */
json_t *class_report_json(const struct class_report *report);

#endif
