#include "train/reporter.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"

/* ---- event files ---- */

/* As Python's os.path.expanduser, for one's own home. */
static char *expand_home(const char *path)
{
    const char *home = getenv("HOME");
    bool own = path[0] == '~' && (path[1] == '/' || path[1] == '\0');
    return own && home ? mem_format("%s%s", home, path + 1) : mem_strdup(path);
}

static char *events_folder(const struct train_arguments *arguments, const char *out, uint64_t step)
{
    const char *named = getenv("TENSORBOARD_LOGGING_DIR");
    if (arguments->logging_dir)
        return mem_strdup(arguments->logging_dir);
    return named && named[0] ? expand_home(named) : event_file_default_folder(out, step);
}

static int put_text(struct event_file *events, const char *tag, const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
    int result = event_file_text(events, tag, text ? text : "");
    free(text);
    return result;
}

static int open_events(struct reporter *reporter, const struct model *model, const char *out,
                       uint64_t step)
{
    char *folder = events_folder(reporter->arguments, out, step);
    reporter->events = folder ? event_file_open(folder, step) : NULL;
    free(folder);
    if (!reporter->events)
        return -1;
    diag_verbose("%s: events for TensorBoard", event_file_path(reporter->events));
    json_t *arguments = train_arguments_json(reporter->arguments);
    int result = put_text(reporter->events, "args", arguments);
    json_decref(arguments);
    return result ? -1 : put_text(reporter->events, "model_config", model->config.json);
}

/* ---- standard error ---- */

/* The first score besides the loss, when there is one. */
static char *score_text(const struct metrics *metrics)
{
    if (metrics->count < 2 || strcmp(metrics->values[1].name, "runtime") == 0)
        return mem_strdup("");
    return mem_format(" %s %.4f", metrics->values[1].name, metrics->values[1].value);
}

static void say_evaluation(const struct reporter *reporter, const struct metrics *metrics)
{
    char *score = score_text(metrics);
    diag_note("epoch %.2f: eval loss %.4f%s (%" PRIu64 " records in %.1f s)", metrics->epoch,
              metrics_get(metrics, "loss"), score, reporter->eval_records,
              metrics_get(metrics, "runtime"));
    free(score);
}

static void say_metrics(const struct reporter *reporter, const struct metrics *metrics)
{
    if (strcmp(metrics->split, "eval") == 0)
        say_evaluation(reporter, metrics);
    else if (!isnan(metrics_get(metrics, "train_runtime")))
        diag_note("%" PRIu64 " steps in %.1f s: %.1f records/s, %.0f tokens/s in training, "
                  "mean loss %.4f",
                  metrics->step, metrics_get(metrics, "train_runtime"),
                  metrics_get(metrics, "train_samples_per_second"),
                  metrics_get(metrics, "train_tokens_per_second"),
                  metrics_get(metrics, "train_loss"));
    else if (!reporter->progress.enabled)
        diag_note("step %" PRIu64 "/%" PRIu64
                  " loss %.4f grad_norm %.4g learning_rate %.4g epoch %.2f",
                  metrics->step, reporter->plan->steps, metrics_get(metrics, "loss"),
                  metrics_get(metrics, "grad_norm"), metrics_get(metrics, "learning_rate"),
                  metrics->epoch);
}

/* ---- the run ---- */

static int begin_stream(const struct reporter *reporter)
{
    struct stream_header header;
    stream_header_init(&header, STREAM_METRICS);
    stream_history_append(&header, diag_program());
    train_arguments_history(reporter->arguments, &header);
    int result = stream_writer_begin(reporter->writer, &header);
    stream_header_free(&header);
    return result;
}

int reporter_begin(struct reporter *reporter, const struct model *model, const char *out,
                   uint64_t step)
{
    if (begin_stream(reporter))
        return -1;
    if (reporter->arguments->report_to == TRAIN_REPORT_TENSORBOARD &&
        open_events(reporter, model, out, step))
        return -1;
    progress_init(&reporter->progress, "steps", step, reporter->plan->steps);
    reporter->shown = stream_writer_form(reporter->writer) == FORM_TEXT && isatty(STDOUT_FILENO);
    return 0;
}

int reporter_metrics(struct reporter *reporter, const struct metrics *metrics)
{
    if (reporter->evaluating)
        progress_finish(&reporter->eval_progress);
    reporter->evaluating = false;
    if (reporter->shown)
        progress_finish(&reporter->progress);
    else
        say_metrics(reporter, metrics);
    if (reporter->events && event_file_metrics(reporter->events, metrics))
        return -1;
    if (metrics_write(metrics, reporter->writer))
        return -1;
    return stream_writer_flush(reporter->writer);
}

void reporter_stepped(struct reporter *reporter, uint64_t step, double loss)
{
    char *note = reporter->progress.enabled ? mem_format("loss %.4f", loss) : NULL;
    progress_update(&reporter->progress, step, note);
    free(note);
}

void reporter_evaluated(struct reporter *reporter, uint64_t done)
{
    if (!reporter->evaluating)
        progress_init(&reporter->eval_progress, "evaluated", 0, reporter->eval_records);
    reporter->evaluating = true;
    progress_update(&reporter->eval_progress, done, NULL);
}

int reporter_close(struct reporter *reporter)
{
    progress_finish(&reporter->progress);
    int result = event_file_close(reporter->events);
    reporter->events = NULL;
    return result;
}
