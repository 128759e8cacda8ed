#include "metrics/counts.h"

#include <math.h>
#include <string.h>

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static double weight_of(const uint32_t *weights, size_t i)
{
    return weights ? weights[i] : 1;
}

static void count_sets(const struct outcomes *outcomes, const uint32_t *weights,
                       struct label_counts *counts)
{
    for (size_t i = 0; i < outcomes->count; i++) {
        double weight = weight_of(weights, i);
        const uint8_t *gold = outcomes->gold_set + i * outcomes->labels;
        const uint8_t *guess = outcomes->guess_set + i * outcomes->labels;
        for (uint32_t j = 0; j < outcomes->labels; j++) {
            counts[j].support += weight * gold[j];
            counts[j].guessed += weight * guess[j];
            counts[j].right += weight * (gold[j] & guess[j]);
        }
    }
}

void counts_of(const struct outcomes *outcomes, const uint32_t *weights,
               struct label_counts *counts)
{
    memset(counts, 0, outcomes->labels * sizeof *counts);
    if (outcomes->kind == OUTCOME_SET) {
        count_sets(outcomes, weights, counts);
        return;
    }
    for (size_t i = 0; i < outcomes->count; i++) {
        double weight = weight_of(weights, i);
        uint32_t gold = outcomes->gold[i], guess = outcomes->guess[i];
        counts[gold].support += weight;
        counts[guess].guessed += weight;
        if (gold == guess)
            counts[gold].right += weight;
    }
}

struct precision_recall counts_of_label(const struct label_counts *counts)
{
    return (struct precision_recall){
        .precision = ratio(counts->right, counts->guessed),
        .recall = ratio(counts->right, counts->support),
        .f1 = ratio(2 * counts->right, counts->guessed + counts->support),
    };
}

static struct precision_recall micro(const struct label_counts *counts, uint32_t labels)
{
    struct label_counts sum = {0};
    for (uint32_t j = 0; j < labels; j++) {
        sum.right += counts[j].right;
        sum.guessed += counts[j].guessed;
        sum.support += counts[j].support;
    }
    return counts_of_label(&sum);
}

/* Adds weight times one to a sum of them. */
static void add(struct precision_recall *sum, struct precision_recall one, double weight)
{
    sum->precision += weight * one.precision;
    sum->recall += weight * one.recall;
    sum->f1 += weight * one.f1;
}

static struct precision_recall divided(struct precision_recall sum, double by)
{
    return (struct precision_recall){ratio(sum.precision, by), ratio(sum.recall, by),
                                     ratio(sum.f1, by)};
}

struct precision_recall counts_average(const struct label_counts *counts, uint32_t labels,
                                       enum counts_average average, bool occurring)
{
    struct precision_recall sum = {0};
    double total = 0;
    if (average == AVERAGE_MICRO)
        return micro(counts, labels);
    for (uint32_t j = 0; j < labels; j++) {
        if (occurring && counts[j].support + counts[j].guessed == 0)
            continue;
        double weight = average == AVERAGE_WEIGHTED ? counts[j].support : 1;
        add(&sum, counts_of_label(&counts[j]), weight);
        total += weight;
    }
    return divided(sum, total);
}

struct precision_recall counts_of_samples(const struct outcomes *outcomes, const uint32_t *weights)
{
    struct precision_recall sum = {0};
    double total = 0;
    for (size_t i = 0; i < outcomes->count; i++) {
        const uint8_t *gold = outcomes->gold_set + i * outcomes->labels;
        const uint8_t *guess = outcomes->guess_set + i * outcomes->labels;
        struct label_counts counts = {0};
        for (uint32_t j = 0; j < outcomes->labels; j++) {
            counts.support += gold[j];
            counts.guessed += guess[j];
            counts.right += gold[j] & guess[j];
        }
        add(&sum, counts_of_label(&counts), weight_of(weights, i));
        total += weight_of(weights, i);
    }
    return divided(sum, total);
}

/* Sums over classes that the scores below are made of. */
struct sums {
    double right, records;
    double support_guessed, support_support, guessed_guessed; /* of products */
};

static struct sums sums_of(const struct label_counts *counts, uint32_t classes)
{
    struct sums sums = {0};
    for (uint32_t j = 0; j < classes; j++) {
        sums.right += counts[j].right;
        sums.records += counts[j].support;
        sums.support_guessed += counts[j].support * counts[j].guessed;
        sums.support_support += counts[j].support * counts[j].support;
        sums.guessed_guessed += counts[j].guessed * counts[j].guessed;
    }
    return sums;
}

double counts_accuracy(const struct label_counts *counts, uint32_t classes)
{
    struct sums sums = sums_of(counts, classes);
    return sums.right / sums.records;
}

double counts_balanced_accuracy(const struct label_counts *counts, uint32_t classes)
{
    double sum = 0, occurring = 0;
    for (uint32_t j = 0; j < classes; j++) {
        sum += ratio(counts[j].right, counts[j].support);
        occurring += counts[j].support > 0;
    }
    return sum / occurring;
}

double counts_matthews(const struct label_counts *counts, uint32_t classes)
{
    struct sums sums = sums_of(counts, classes);
    double square = sums.records * sums.records;
    double product = (square - sums.guessed_guessed) * (square - sums.support_support);
    if (product <= 0)
        return 0;
    return (sums.right * sums.records - sums.support_guessed) / sqrt(product);
}

double counts_kappa(const struct label_counts *counts, uint32_t classes)
{
    struct sums sums = sums_of(counts, classes);
    double by_chance = sums.records - sums.support_guessed / sums.records;
    return by_chance == 0 ? (double)NAN : 1 - (sums.records - sums.right) / by_chance;
}
