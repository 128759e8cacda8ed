/*
 * Metrics of a run: named values at a step, as the metrics stream and trainer_state.json carry
 * them.
 */
#ifndef LOG_METRICS_H
#define LOG_METRICS_H

#include <jansson.h>
#include <stdint.h>

#include "stream/writer.h"

#define METRICS_MAX 64

struct metrics {
    uint64_t step;
    double epoch;
    const char *split; /* "train", "eval"; by reference */
    double time;       /* seconds since 1970 */
    size_t count;
    struct {
        const char *name; /* by reference */
        double value;
    } values[METRICS_MAX];
};

/* Empty, at the present time. */
void metrics_init(struct metrics *metrics, const char *split, uint64_t step, double epoch);
/* Values beyond METRICS_MAX are left out. */
void metrics_add(struct metrics *metrics, const char *name, double value);
/* The value of that name, or NaN. */
double metrics_get(const struct metrics *metrics, const char *name);

/* One record of a metrics stream. 0, or -1 with a message. */
int metrics_write(const struct metrics *metrics, struct stream_writer *writer);

/*
 * One entry of log_history as the Trainer writes it: values, epoch and step; names of another split
 * than "train" get it as a prefix ("eval_loss"). A new reference; NaN and infinities, which JSON
 * lacks, are null.
 */
json_t *metrics_json(const struct metrics *metrics);

#endif
