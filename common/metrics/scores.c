#include "metrics/scores.h"

#include <math.h>
#include <string.h>

void scores_add(struct scores *scores, const char *name, double value)
{
    if (scores->count < SCORES_MAX)
        scores->items[scores->count++] = (struct score){name, value};
}

int scores_find(const struct scores *scores, const char *name)
{
    if (strncmp(name, "eval_", 5) == 0)
        name += 5;
    for (size_t i = 0; i < scores->count; i++)
        if (strcmp(scores->items[i].name, name) == 0)
            return (int)i;
    return -1;
}

double scores_get(const struct scores *scores, const char *name)
{
    int i = scores_find(scores, name);
    return i < 0 ? (double)NAN : scores->items[i].value;
}

bool score_less_is_better(const char *name)
{
    static const char *const names[] = {"loss", "hamming_loss", "brier", "calibration_error",
                                        "mse",  "rmse",         "mae",   NULL};
    if (strncmp(name, "eval_", 5) == 0)
        name += 5;
    for (const char *const *known = names; *known; known++)
        if (strcmp(*known, name) == 0)
            return true;
    return false;
}
