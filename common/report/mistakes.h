/*
 * The most confident mistakes: wrong predictions with the highest scores; of sets those with the
 * most wrong labels, of numbers those furthest off. Memory: as many as are asked for.
 */
#ifndef REPORT_MISTAKES_H
#define REPORT_MISTAKES_H

#include <stdbool.h>

#include "stream/record.h"
#include "train/predictions.h"

struct mistake {
    double rank;        /* by which they are sorted, highest first */
    double score;       /* NaN: none was predicted */
    char *gold, *guess; /* names, or numbers */
    char *id, *text;    /* NULL: the record has none */
    size_t text_size;
    bool cut; /* only the text's beginning is kept */
};

struct mistakes {
    struct mistake *items; /* [count] */
    size_t count, limit;
};

void mistakes_init(struct mistakes *mistakes, size_t limit);
void mistakes_free(struct mistakes *mistakes);
/* Looks at the record last added to predictions, and keeps it when it is one of the worst. */
void mistakes_add(struct mistakes *mistakes, const struct predictions *predictions,
                  const struct rec_prediction *prediction);

#endif
