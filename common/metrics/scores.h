/*
 * Named values of an evaluation, in the order in which they are reported.
 *
 * Names are string literals: a copy of a struct scores stays valid for as long as the program runs.
 */
#ifndef METRICS_SCORES_H
#define METRICS_SCORES_H

#include <stdbool.h>
#include <stddef.h>

#define SCORES_MAX 32

struct score {
    const char *name; /* "f1_macro" */
    double value;     /* NaN where the data leave it undefined */
};

struct scores {
    size_t count;
    struct score items[SCORES_MAX];
};

/* Appends one; name by reference. There is room for every metric that this folder knows. */
void scores_add(struct scores *scores, const char *name, double value);

/* The value of that name, or NaN; an "eval_" before the name does not count. */
double scores_get(const struct scores *scores, const char *name);
/* The position of that name, with or without "eval_", or -1. */
int scores_find(const struct scores *scores, const char *name);

/* Whether less is better: losses, errors and distances. */
bool score_less_is_better(const char *name);

#endif
