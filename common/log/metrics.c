#include "log/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/clock.h"
#include "cli/memory.h"

void metrics_init(struct metrics *metrics, const char *split, uint64_t step, double epoch)
{
    metrics->step = step;
    metrics->epoch = epoch;
    metrics->split = split;
    metrics->time = clock_wall();
    metrics->count = 0;
}

void metrics_add(struct metrics *metrics, const char *name, double value)
{
    if (metrics->count == METRICS_MAX)
        return;
    metrics->values[metrics->count].name = name;
    metrics->values[metrics->count].value = value;
    metrics->count++;
}

double metrics_get(const struct metrics *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->count; i++)
        if (strcmp(metrics->values[i].name, name) == 0)
            return metrics->values[i].value;
    return NAN;
}

int metrics_write(const struct metrics *metrics, struct stream_writer *writer)
{
    struct rec_value values[METRICS_MAX];
    for (size_t i = 0; i < metrics->count; i++)
        values[i] = (struct rec_value){
            .name = rec_span_of(metrics->values[i].name),
            .value = metrics->values[i].value,
        };
    struct stream_record record = {
        .type = STREAM_METRICS,
        .metrics = {.step = metrics->step,
                    .epoch = metrics->epoch,
                    .split = rec_span_of(metrics->split),
                    .time = metrics->time,
                    .values = values,
                    .value_count = metrics->count},
    };
    return stream_writer_record(writer, &record);
}

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *metrics_json(const struct metrics *metrics)
{
    json_t *entry = json_object();
    bool prefixed = strcmp(metrics->split, "train") != 0;
    for (size_t i = 0; i < metrics->count; i++) {
        const char *name = metrics->values[i].name;
        char *full = prefixed ? mem_format("%s_%s", metrics->split, name) : mem_strdup(name);
        json_object_set_new(entry, full, real(metrics->values[i].value));
        free(full);
    }
    json_object_set_new(entry, "epoch", real(metrics->epoch));
    json_object_set_new(entry, "step", json_integer((json_int_t)metrics->step));
    return entry;
}
