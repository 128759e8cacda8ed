/*
 * What a report is made from: everything that the streams given hold, told apart by their types.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>

#include "report/lengths.h"
#include "report/mistakes.h"
#include "report/runs.h"
#include "stream/reader.h"
#include "train/eval_report.h"
#include "train/predictions.h"

struct report_source {
    char *name;
    struct stream_header header; /* of its first segment */
    uint64_t records;
};

struct report {
    struct report_source *sources;
    size_t source_count, source_capacity;
    struct runs runs;
    struct lengths lengths;
    struct stream_header predictions_header;
    struct predictions predictions; /* of the records that have a gold label */
    struct mistakes mistakes;
    struct eval_report eval; /* computed when there are outcomes */
    uint64_t predicted, unlabelled, texts;
    bool has_predictions;
};

/* mistakes: how many are kept. */
void report_init(struct report *report, size_t mistakes);
void report_free(struct report *report);

/* Reads all streams to their ends and computes the scores. 0, or -1 with a message: a damaged
 * stream, predictions streams that disagree, streams of text alone, nothing at all. */
int report_read(struct report *report, struct stream_reader *reader);

static inline bool report_has_scores(const struct report *report)
{
    return report->eval.summary != NULL;
}

#endif
