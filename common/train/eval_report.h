/*
 * What bert-eval found out, and the forms in which it says so.
 */
#ifndef TRAIN_EVAL_REPORT_H
#define TRAIN_EVAL_REPORT_H

#include <jansson.h>

#include "cli/buffer.h"
#include "metrics/bootstrap.h"
#include "metrics/calibration.h"
#include "metrics/mcnemar.h"
#include "metrics/outcomes.h"
#include "metrics/summary.h"
#include "stream/writer.h"

/* A confusion matrix is part of the report up to so many classes. */
#define EVAL_CONFUSION_CLASSES 1000

/* Other predictions of the same records. */
struct eval_comparison {
    const struct outcomes *outcomes;
    struct scores scores;
    struct interval intervals[SCORES_MAX], differences[SCORES_MAX]; /* when there is a bootstrap */
    bool tested;                                                    /* not of numbers */
    struct mcnemar mcnemar;
};

struct eval_report {
    const struct outcomes *outcomes;
    char *const *names; /* [labels] */
    struct summary_options options;
    const struct bootstrap *bootstrap; /* NULL: no intervals */
    uint64_t tokens;
    double seconds; /* in the engine; 0: predictions were read */

    /* Found by eval_report_compute. */
    struct summary *summary;
    struct scores scores;
    struct interval intervals[SCORES_MAX];
    struct calibration_bin *bins;       /* [options.bins], or NULL: no probabilities */
    uint64_t *confusion;                /* [classes, classes] row: true; or NULL */
    struct eval_comparison *comparison; /* or NULL */
};

/*
 * Computes everything from the outcomes (at least one record), and with other (or NULL) the
 * comparison. progress (or NULL) is called for each resample.
 */
void eval_report_compute(struct eval_report *report, const struct outcomes *other,
                         bootstrap_progress *progress, void *context);
void eval_report_free(struct eval_report *report);

/* Tables for people. */
void eval_report_text(const struct eval_report *report, struct buffer *out);
/* One object with everything. A new reference. */
json_t *eval_report_json(const struct eval_report *report);

/*
 * The flat forms, of the same values: TSV with the columns part, name, value, low and high, and a
 * metrics stream with a record for each part. Parts are "eval", "eval/class/NAME" (after "label"
 * and "number" likewise), "eval/calibration", "eval/comparison".
 */
void eval_report_tsv(const struct eval_report *report, struct buffer *out);
/* One segment. 0, or -1 with a message. */
int eval_report_stream(const struct eval_report *report, struct stream_writer *writer,
                       const struct stream_header *header);

#endif
