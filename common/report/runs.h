/*
 * Runs out of metrics streams: what was logged at each step.
 *
 * Memory: 40 bytes a record and 16 a value.
 */
#ifndef REPORT_RUNS_H
#define REPORT_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/string_index.h"
#include "stream/record.h"

struct run_value {
    uint32_t name; /* index into runs.names */
    double value;
};

struct run_entry {
    uint64_t step;
    double epoch, time;
    uint32_t split;      /* index into runs.names */
    size_t first, count; /* of the run's values */
};

struct run {
    char *name; /* the file's, without folder and ending */
    struct run_entry *entries;
    struct run_value *values;
    size_t count, capacity, value_count, value_capacity;
};

/* Zeroed at first. */
struct runs {
    struct run *items;
    size_t count, capacity;
    struct string_index names; /* of values and splits */
};

void runs_free(struct runs *runs);

/* A run's records follow. source: the file's name; segments of one file are one run. */
void runs_begin(struct runs *runs, const char *source);
void runs_add(struct runs *runs, const struct rec_metrics *metrics);

/* An entry's value of that name, or NaN. */
double run_value(const struct runs *runs, const struct run *run, const struct run_entry *entry,
                 const char *name);
/* The entry of that split and at or after index i that has such a value, or NULL. Next: i is one
 * more than its index. */
const struct run_entry *run_next(const struct runs *runs, const struct run *run, size_t *i,
                                 const char *split, const char *name);
/* Optimiser steps of one epoch, or NaN. */
double run_steps_per_epoch(const struct run *run);

#endif
