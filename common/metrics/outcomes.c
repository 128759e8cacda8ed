#include "metrics/outcomes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

/* Places in capacity[]. */
enum { GOLD, GUESS, RANK, CONFIDENCE, SQUARE, GOLD_SET, GUESS_SET, GOLD_VALUES, LOSSES, VALUES };

void outcomes_init(struct outcomes *outcomes, enum outcome_kind kind, uint32_t labels)
{
    *outcomes = (struct outcomes){.kind = kind, .labels = labels, .has_losses = true};
}

void outcomes_free(struct outcomes *outcomes)
{
    free(outcomes->gold);
    free(outcomes->guess);
    free(outcomes->rank);
    free(outcomes->confidence);
    free(outcomes->square);
    free(outcomes->gold_set);
    free(outcomes->guess_set);
    free(outcomes->gold_values);
    free(outcomes->losses);
    free(outcomes->values);
    *outcomes = (struct outcomes){0};
}

uint32_t outcomes_argmax(const double *values, uint32_t labels)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < labels; i++)
        if (values[i] > values[best])
            best = i;
    return best;
}

/* -log of a probability, which is kept from 0 and 1. */
static double surprise(double probability)
{
    return -log(fmin(fmax(probability, 0x1p-52), 1 - 0x1p-52));
}

/* The index of the record that is being added; its values and its loss, if given, are kept. */
static size_t begin(struct outcomes *outcomes, const double *values, const double *loss)
{
    size_t i = outcomes->count, labels = outcomes->labels;
    if (i == 0)
        outcomes->has_values = values != NULL;
    if (!loss && !values)
        outcomes->has_losses = false;
    mem_grow(&outcomes->losses, &outcomes->capacity[LOSSES], i + 1, sizeof(double));
    outcomes->losses[i] = loss ? *loss : 0;
    if (values && (labels <= OUTCOMES_RANKED_LABELS || outcomes->kind == OUTCOME_NUMBERS)) {
        mem_grow(&outcomes->values, &outcomes->capacity[VALUES], (i + 1) * labels, sizeof(double));
        memcpy(outcomes->values + i * labels, values, labels * sizeof *values);
    }
    outcomes->count++;
    return i;
}

/* What becomes of the probabilities of a class record, so that they need not be kept. */
static void derive(struct outcomes *outcomes, size_t i, const double *values)
{
    uint32_t gold = outcomes->gold[i], rank = 0;
    double square = 0;
    mem_grow(&outcomes->rank, &outcomes->capacity[RANK], i + 1, sizeof *outcomes->rank);
    mem_grow(&outcomes->confidence, &outcomes->capacity[CONFIDENCE], i + 1, sizeof(double));
    mem_grow(&outcomes->square, &outcomes->capacity[SQUARE], i + 1, sizeof(double));
    for (uint32_t j = 0; j < outcomes->labels; j++) {
        double difference = values[j] - (j == gold);
        square += difference * difference;
        rank += values[j] > values[gold] || (values[j] == values[gold] && j < gold);
    }
    outcomes->rank[i] = rank;
    outcomes->square[i] = square;
    outcomes->confidence[i] = values[outcomes->guess[i]];
}

void outcomes_add_class(struct outcomes *outcomes, uint32_t gold, uint32_t guess,
                        const double *values, const double *loss)
{
    size_t i = begin(outcomes, values, loss);
    mem_grow(&outcomes->gold, &outcomes->capacity[GOLD], i + 1, sizeof *outcomes->gold);
    mem_grow(&outcomes->guess, &outcomes->capacity[GUESS], i + 1, sizeof *outcomes->guess);
    outcomes->gold[i] = gold;
    outcomes->guess[i] =
        guess == OUTCOME_NO_GUESS ? outcomes_argmax(values, outcomes->labels) : guess;
    if (values)
        derive(outcomes, i, values);
    if (values && !loss)
        outcomes->losses[i] = surprise(values[gold]);
}

void outcomes_add_set(struct outcomes *outcomes, const uint8_t *gold, const uint8_t *guess,
                      const double *values, const double *loss)
{
    size_t i = begin(outcomes, values, loss), labels = outcomes->labels, at = i * labels;
    double sum = 0;
    mem_grow(&outcomes->gold_set, &outcomes->capacity[GOLD_SET], at + labels, 1);
    mem_grow(&outcomes->guess_set, &outcomes->capacity[GUESS_SET], at + labels, 1);
    for (size_t j = 0; j < labels; j++) {
        outcomes->gold_set[at + j] = gold[j] != 0;
        outcomes->guess_set[at + j] = guess ? guess[j] != 0 : values[j] > 0.5;
        if (values)
            sum += surprise(gold[j] ? values[j] : 1 - values[j]);
    }
    if (values && !loss)
        outcomes->losses[i] = sum / (double)labels;
}

void outcomes_add_numbers(struct outcomes *outcomes, const double *gold, const double *values)
{
    size_t labels = outcomes->labels, at = outcomes->count * labels;
    double sum = 0;
    for (size_t j = 0; j < labels; j++)
        sum += (values[j] - gold[j]) * (values[j] - gold[j]);
    sum /= (double)labels;
    begin(outcomes, values, &sum);
    mem_grow(&outcomes->gold_values, &outcomes->capacity[GOLD_VALUES], at + labels, sizeof(double));
    memcpy(outcomes->gold_values + at, gold, labels * sizeof *gold);
}

bool outcomes_right(const struct outcomes *outcomes, size_t i)
{
    size_t labels = outcomes->labels;
    if (outcomes->kind == OUTCOME_CLASS)
        return outcomes->gold[i] == outcomes->guess[i];
    return memcmp(outcomes->gold_set + i * labels, outcomes->guess_set + i * labels, labels) == 0;
}

bool outcomes_same_guess(const struct outcomes *outcomes, const struct outcomes *others, size_t i)
{
    size_t labels = outcomes->labels, at = i * labels;
    if (outcomes->kind == OUTCOME_CLASS)
        return outcomes->guess[i] == others->guess[i];
    return memcmp(outcomes->guess_set + at, others->guess_set + at, labels) == 0;
}

bool outcomes_same_gold(const struct outcomes *outcomes, const struct outcomes *others, size_t i)
{
    size_t labels = outcomes->labels, at = i * labels;
    if (outcomes->kind == OUTCOME_CLASS)
        return outcomes->gold[i] == others->gold[i];
    if (outcomes->kind == OUTCOME_SET)
        return memcmp(outcomes->gold_set + at, others->gold_set + at, labels) == 0;
    for (size_t j = at; j < at + labels; j++)
        if ((float)outcomes->gold_values[j] != (float)others->gold_values[j])
            return false;
    return true;
}
