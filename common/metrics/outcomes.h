/*
 * What an evaluation is computed from: for each record what is true and what was predicted.
 *
 * Memory: 32 bytes a record, and 8 bytes a record and label for the probabilities that rankings
 * need; with more than OUTCOMES_RANKED_LABELS labels these are not kept and rankings (ROC AUC,
 * average precision) are left out. Sets take 2 bytes a record and label more, numbers 8.
 */
#ifndef METRICS_OUTCOMES_H
#define METRICS_OUTCOMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTCOMES_RANKED_LABELS 1000

enum outcome_kind {
    OUTCOME_CLASS,   /* one class of several a record */
    OUTCOME_SET,     /* any of several labels a record */
    OUTCOME_NUMBERS, /* real numbers a record: a regression */
};

struct outcomes {
    enum outcome_kind kind;
    uint32_t labels; /* classes, labels, or numbers of a record */
    size_t count;    /* records */
    bool has_values; /* predictions came with values; the first record decides */
    bool has_losses; /* every record came with its loss or with values to compute it from */
    /* OUTCOME_CLASS: [count] each. */
    uint32_t *gold, *guess;
    uint32_t *rank;     /* classes that are likelier than the true one (the first of equals is) */
    double *confidence; /* probability of the guess */
    double *square;     /* sum over classes of (probability - truth)^2 */
    /* OUTCOME_SET: [count, labels] each, 0 or 1. */
    uint8_t *gold_set, *guess_set;
    /* OUTCOME_NUMBERS: [count, labels]. */
    double *gold_values;
    double *losses; /* [count] */
    double *values; /* [count, labels] probabilities, or the numbers predicted; NULL: not kept */
    size_t capacity[10];
};

/* labels: at least 1. */
void outcomes_init(struct outcomes *outcomes, enum outcome_kind kind, uint32_t labels);
void outcomes_free(struct outcomes *outcomes);

/* Stands for no guess in the calls below. */
#define OUTCOME_NO_GUESS UINT32_MAX

/*
 * One record each. values: [labels] probabilities, or NULL (of all records, or of none). Without a
 * guess it is the first of the most probable classes, or the labels above one half. loss: the
 * record's; NULL: it is computed from the probabilities, clipped to [2^-52, 1 - 2^-52] as
 * scikit-learn does: the cross-entropy of the class, or the mean over labels of the binary ones.
 */
void outcomes_add_class(struct outcomes *outcomes, uint32_t gold, uint32_t guess,
                        const double *values, const double *loss);
void outcomes_add_set(struct outcomes *outcomes, const uint8_t *gold, const uint8_t *guess,
                      const double *values, const double *loss);
/* The loss is the mean of the squared errors. */
void outcomes_add_numbers(struct outcomes *outcomes, const double *gold, const double *values);

/* The label with the largest value, the first of equals. */
uint32_t outcomes_argmax(const double *values, uint32_t labels);

/* Whether record i is right: the guess, or the whole set; not for OUTCOME_NUMBERS. */
bool outcomes_right(const struct outcomes *outcomes, size_t i);

/* Whether the guesses at record i are the same in both, which are of the same kind and labels; not
 * for OUTCOME_NUMBERS. */
bool outcomes_same_guess(const struct outcomes *outcomes, const struct outcomes *others, size_t i);

/* Whether the same is true of record i in both, which are of the same kind and labels; numbers are
 * compared as float32, which is what models are given. */
bool outcomes_same_gold(const struct outcomes *outcomes, const struct outcomes *others, size_t i);

#endif
