#include "report/runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

void runs_free(struct runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        free(runs->items[i].name);
        free(runs->items[i].entries);
        free(runs->items[i].values);
    }
    free(runs->items);
    string_index_free(&runs->names);
    *runs = (struct runs){0};
}

static char *name_of_source(const char *source)
{
    const char *slash = strrchr(source, '/'), *base = slash ? slash + 1 : source;
    const char *dot = strrchr(base, '.');
    /* metrics.mp is what every run calls it: its folder says more. */
    if (slash && strcmp(base, "metrics.mp") == 0) {
        const char *folder = memrchr(source, '/', (size_t)(slash - source));
        folder = folder ? folder + 1 : source;
        return mem_strndup(folder, (size_t)(slash - folder));
    }
    return mem_strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

void runs_begin(struct runs *runs, const char *source)
{
    mem_grow(&runs->items, &runs->capacity, runs->count + 1, sizeof *runs->items);
    runs->items[runs->count++] = (struct run){.name = name_of_source(source)};
}

void runs_add(struct runs *runs, const struct rec_metrics *metrics)
{
    struct run *run = &runs->items[runs->count - 1];
    struct rec_span split = metrics->split.data ? metrics->split : rec_span_of("train");
    mem_grow(&run->entries, &run->capacity, run->count + 1, sizeof *run->entries);
    mem_grow(&run->values, &run->value_capacity, run->value_count + metrics->value_count,
             sizeof *run->values);
    run->entries[run->count++] = (struct run_entry){
        .step = metrics->step,
        .epoch = metrics->epoch,
        .time = metrics->time,
        .split = (uint32_t)string_index_add(&runs->names, split.data, split.size, NULL),
        .first = run->value_count,
        .count = metrics->value_count,
    };
    for (size_t i = 0; i < metrics->value_count; i++) {
        struct rec_span name = metrics->values[i].name;
        run->values[run->value_count++] = (struct run_value){
            .name = (uint32_t)string_index_add(&runs->names, name.data, name.size, NULL),
            .value = metrics->values[i].value,
        };
    }
}

static size_t find_name(const struct runs *runs, const char *name)
{
    return string_index_find(&runs->names, name, strlen(name));
}

static const double *find_value(const struct run *run, const struct run_entry *entry, size_t name)
{
    for (size_t i = 0; i < entry->count; i++)
        if (run->values[entry->first + i].name == name)
            return &run->values[entry->first + i].value;
    return NULL;
}

double run_value(const struct runs *runs, const struct run *run, const struct run_entry *entry,
                 const char *name)
{
    const double *value = find_value(run, entry, find_name(runs, name));
    return value ? *value : NAN;
}

const struct run_entry *run_next(const struct runs *runs, const struct run *run, size_t *i,
                                 const char *split, const char *name)
{
    size_t split_name = find_name(runs, split), value_name = find_name(runs, name);
    while (*i < run->count) {
        const struct run_entry *entry = &run->entries[(*i)++];
        if (entry->split == split_name && find_value(run, entry, value_name))
            return entry;
    }
    return NULL;
}

double run_steps_per_epoch(const struct run *run)
{
    for (size_t i = run->count; i-- > 0;)
        if (run->entries[i].epoch > 0 && run->entries[i].step > 0)
            return (double)run->entries[i].step / run->entries[i].epoch;
    return NAN;
}
