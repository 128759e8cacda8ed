/*
 * Where a run's metrics and progress go: the metrics stream, TensorBoard event files, and lines or
 * progress on standard error.
 */
#ifndef TRAIN_REPORTER_H
#define TRAIN_REPORTER_H

#include "cli/progress.h"
#include "log/event_file.h"
#include "log/metrics.h"
#include "model/model.h"
#include "stream/writer.h"
#include "train/plan.h"

struct reporter {
    struct stream_writer *writer; /* the caller's; its segment is begun */
    const struct train_arguments *arguments;
    const struct train_plan *plan;
    uint64_t eval_records; /* of each evaluation, for its progress */

    /* The reporter's own. */
    struct event_file *events; /* or NULL */
    struct progress progress, eval_progress;
    bool evaluating;
    bool shown; /* the metrics stream itself goes to the terminal */
};

/*
 * Begins the metrics stream, with the arguments in its history, and (--report-to tensorboard) an
 * event file in --logging-dir, else $TENSORBOARD_LOGGING_DIR, else OUT/runs/DATE_HOST (see
 * event_file_default_folder), with the arguments and the model's configuration as texts. step: the
 * steps already taken when the run is resumed. 0, or -1 with a message; reporter_close in either
 * case.
 */
int reporter_begin(struct reporter *reporter, const struct model *model, const char *out,
                   uint64_t step);

/* The functions of train_events, for a reporter. */
int reporter_metrics(struct reporter *reporter, const struct metrics *metrics);
void reporter_stepped(struct reporter *reporter, uint64_t step, double loss);
void reporter_evaluated(struct reporter *reporter, uint64_t done);

/* Removes progress and closes the event file; the writer stays open. 0, or -1 with a message. */
int reporter_close(struct reporter *reporter);

#endif
