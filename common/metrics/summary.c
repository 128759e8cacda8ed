#include "metrics/summary.h"

#include <math.h>
#include <stdlib.h>

#include "cli/memory.h"
#include "metrics/calibration.h"
#include "metrics/counts.h"
#include "metrics/ranking.h"
#include "metrics/regression.h"

struct summary {
    const struct outcomes *outcomes;
    struct summary_options options;
    bool ranked;                  /* there are probabilities to rank by */
    struct label_counts *base;    /* [labels], every record counting once; not of numbers */
    struct label_counts *counts;  /* [labels], of the weights of the moment */
    struct calibration_bin *bins; /* [options.bins] */
    uint32_t *orders;             /* [labels, count], by falling value; NULL: not ranked */
    uint32_t *gold_orders;        /* the same of true numbers */
    uint32_t *all_orders;         /* [count * labels], of all labels of sets; or NULL */
    uint32_t *all_weights;        /* [count * labels] */
    uint8_t *positive;            /* [count], whether each record has the label */
    double *scratch;              /* [2 * count], of numbers */
};

static struct ranking_scores column(const double *values, const struct outcomes *outcomes,
                                    uint32_t label)
{
    return (struct ranking_scores){values + label, outcomes->labels, outcomes->count};
}

static struct ranking_scores all_values(const struct outcomes *outcomes)
{
    return (struct ranking_scores){outcomes->values, 1, outcomes->count * outcomes->labels};
}

static uint32_t *sort_columns(const double *values, const struct outcomes *outcomes)
{
    size_t count = outcomes->count;
    uint32_t *orders = mem_realloc_array(NULL, count * outcomes->labels, sizeof *orders);
    for (uint32_t j = 0; j < outcomes->labels; j++)
        ranking_sort(column(values, outcomes, j), orders + j * count);
    return orders;
}

struct summary *summary_open(const struct outcomes *outcomes, const struct summary_options *options)
{
    size_t count = outcomes->count, cells = count * outcomes->labels;
    struct summary *summary = mem_calloc(1, sizeof *summary);
    summary->outcomes = outcomes;
    summary->options = *options;
    summary->ranked = outcomes->values != NULL;
    summary->bins = mem_calloc(options->bins, sizeof *summary->bins);
    if (summary->ranked)
        summary->orders = sort_columns(outcomes->values, outcomes);
    if (outcomes->kind == OUTCOME_NUMBERS) {
        summary->gold_orders = sort_columns(outcomes->gold_values, outcomes);
        summary->scratch = mem_realloc_array(NULL, count, 2 * sizeof *summary->scratch);
        return summary;
    }
    summary->base = mem_calloc(outcomes->labels, sizeof *summary->base);
    summary->counts = mem_calloc(outcomes->labels, sizeof *summary->counts);
    summary->positive = mem_alloc(count + 1);
    counts_of(outcomes, NULL, summary->base);
    if (outcomes->kind == OUTCOME_SET && summary->ranked && cells < UINT32_MAX) {
        summary->all_orders = mem_realloc_array(NULL, cells, sizeof(uint32_t));
        summary->all_weights = mem_realloc_array(NULL, cells, sizeof(uint32_t));
        ranking_sort(all_values(outcomes), summary->all_orders);
    }
    return summary;
}

void summary_close(struct summary *summary)
{
    if (!summary)
        return;
    free(summary->base);
    free(summary->counts);
    free(summary->bins);
    free(summary->orders);
    free(summary->gold_orders);
    free(summary->all_orders);
    free(summary->all_weights);
    free(summary->positive);
    free(summary->scratch);
    free(summary);
}

static double weight_of(const uint32_t *weights, size_t i)
{
    return weights ? weights[i] : 1;
}

/* The mean of one number a record. */
static double mean(const double *values, const uint32_t *weights, size_t count)
{
    double sum = 0, total = 0;
    for (size_t i = 0; i < count; i++) {
        sum += weight_of(weights, i) * values[i];
        total += weight_of(weights, i);
    }
    return sum / total;
}

static struct ranking rank_label(struct summary *summary, uint32_t label, const uint32_t *weights)
{
    const struct outcomes *outcomes = summary->outcomes;
    for (size_t i = 0; i < outcomes->count; i++)
        summary->positive[i] = outcomes->kind == OUTCOME_CLASS
                                   ? outcomes->gold[i] == label
                                   : outcomes->gold_set[i * outcomes->labels + label];
    return ranking_of(column(outcomes->values, outcomes, label),
                      summary->orders + label * outcomes->count, summary->positive, weights);
}

/* A mean over what is defined. */
struct average {
    double sum, weight;
};

static void average_add(struct average *average, double value, double weight)
{
    if (isnan(value))
        return;
    average->sum += weight * value;
    average->weight += weight;
}

static double average_of(struct average average)
{
    return average.weight > 0 ? average.sum / average.weight : (double)NAN;
}

static void add_rankings(struct summary *summary, const uint32_t *weights, struct scores *scores)
{
    struct average auc[2] = {{0}}, precision[2] = {{0}}; /* macro, weighted */
    uint32_t labels = summary->outcomes->labels;
    bool two = summary->outcomes->kind == OUTCOME_CLASS && labels == 2;
    for (uint32_t j = two ? 1 : 0; j < labels; j++) {
        struct ranking ranking = rank_label(summary, j, weights);
        average_add(&auc[0], ranking.roc_auc, 1);
        average_add(&auc[1], ranking.roc_auc, summary->counts[j].support);
        average_add(&precision[0], ranking.average_precision, 1);
        average_add(&precision[1], ranking.average_precision, summary->counts[j].support);
    }
    scores_add(scores, "roc_auc", average_of(auc[0]));
    if (!two)
        scores_add(scores, "roc_auc_weighted", average_of(auc[1]));
    scores_add(scores, "average_precision", average_of(precision[0]));
    if (!two)
        scores_add(scores, "average_precision_weighted", average_of(precision[1]));
}

static void add_precision_recall(struct scores *scores, const char *const names[3],
                                 struct precision_recall values)
{
    scores_add(scores, names[0], values.precision);
    scores_add(scores, names[1], values.recall);
    scores_add(scores, names[2], values.f1);
}

static const char *const plain_names[] = {"precision", "recall", "f1"};
static const char *const sample_names[] = {"precision_samples", "recall_samples", "f1_samples"};

/* The micro, macro and weighted averages. */
static void add_averages(const struct summary *summary, struct scores *scores)
{
    static const char *const names[][3] = {
        [AVERAGE_MICRO] = {"precision_micro", "recall_micro", "f1_micro"},
        [AVERAGE_MACRO] = {"precision_macro", "recall_macro", "f1_macro"},
        [AVERAGE_WEIGHTED] = {"precision_weighted", "recall_weighted", "f1_weighted"},
    };
    bool occurring = summary->outcomes->kind == OUTCOME_CLASS;
    for (int average = AVERAGE_MICRO; average <= AVERAGE_WEIGHTED; average++)
        add_precision_recall(scores, names[average],
                             counts_average(summary->counts, summary->outcomes->labels,
                                            (enum counts_average)average, occurring));
}

static void add_calibration(struct summary *summary, const uint32_t *weights, struct scores *scores)
{
    calibration_of(summary->outcomes, weights, summary->options.bins, summary->bins);
    scores_add(scores, "calibration_error",
               calibration_error(summary->bins, summary->options.bins));
}

static double top_k_accuracy(const struct summary *summary, const uint32_t *weights)
{
    double right = 0, total = 0;
    for (size_t i = 0; i < summary->outcomes->count; i++) {
        right += weight_of(weights, i) * (summary->outcomes->rank[i] < summary->options.top_k);
        total += weight_of(weights, i);
    }
    return right / total;
}

static void score_classes(struct summary *summary, const uint32_t *weights, struct scores *scores)
{
    const struct outcomes *outcomes = summary->outcomes;
    const struct label_counts *counts = summary->counts;
    uint32_t labels = outcomes->labels;
    scores_add(scores, "accuracy", counts_accuracy(counts, labels));
    scores_add(scores, "balanced_accuracy", counts_balanced_accuracy(counts, labels));
    add_precision_recall(scores, plain_names,
                         labels == 2 ? counts_of_label(&counts[1])
                                     : counts_average(counts, labels, AVERAGE_MACRO, true));
    add_averages(summary, scores);
    scores_add(scores, "matthews_correlation", counts_matthews(counts, labels));
    scores_add(scores, "cohen_kappa", counts_kappa(counts, labels));
    if (summary->ranked)
        add_rankings(summary, weights, scores);
    if (!outcomes->has_values)
        return;
    scores_add(scores, "brier",
               mean(outcomes->square, weights, outcomes->count) * (labels == 2 ? 0.5 : 1));
    add_calibration(summary, weights, scores);
    if (summary->options.top_k > 0 && labels > summary->options.top_k)
        scores_add(scores, "top_k_accuracy", top_k_accuracy(summary, weights));
}

/* Scores of all labels as if they were one. */
static void add_micro_rankings(struct summary *summary, const uint32_t *weights,
                               struct scores *scores)
{
    const struct outcomes *outcomes = summary->outcomes;
    size_t cells = outcomes->count * outcomes->labels;
    if (!summary->all_orders)
        return;
    for (size_t i = 0; weights && i < cells; i++)
        summary->all_weights[i] = weights[i / outcomes->labels];
    struct ranking ranking = ranking_of(all_values(outcomes), summary->all_orders,
                                        outcomes->gold_set, weights ? summary->all_weights : NULL);
    scores_add(scores, "roc_auc_micro", ranking.roc_auc);
    scores_add(scores, "average_precision_micro", ranking.average_precision);
}

/* The shares of sets that are wholly right, and of labels that are wrong. */
static void add_set_accuracy(const struct outcomes *outcomes, const uint32_t *weights,
                             struct scores *scores)
{
    double right = 0, wrong = 0, total = 0;
    for (size_t i = 0; i < outcomes->count; i++) {
        double weight = weight_of(weights, i);
        right += weight * outcomes_right(outcomes, i);
        total += weight;
        for (size_t j = i * outcomes->labels; j < (i + 1) * outcomes->labels; j++)
            wrong += weight * (outcomes->gold_set[j] != outcomes->guess_set[j]);
    }
    scores_add(scores, "accuracy", right / total);
    scores_add(scores, "hamming_loss", wrong / (total * outcomes->labels));
}

static double set_brier(const struct outcomes *outcomes, const uint32_t *weights)
{
    double sum = 0, total = 0;
    for (size_t i = 0; i < outcomes->count; i++) {
        for (size_t j = i * outcomes->labels; j < (i + 1) * outcomes->labels; j++) {
            double difference = outcomes->values[j] - outcomes->gold_set[j];
            sum += weight_of(weights, i) * difference * difference;
        }
        total += weight_of(weights, i);
    }
    return sum / (total * outcomes->labels);
}

static void score_sets(struct summary *summary, const uint32_t *weights, struct scores *scores)
{
    const struct outcomes *outcomes = summary->outcomes;
    add_set_accuracy(outcomes, weights, scores);
    add_precision_recall(scores, plain_names,
                         counts_average(summary->counts, outcomes->labels, AVERAGE_MICRO, false));
    add_averages(summary, scores);
    add_precision_recall(scores, sample_names, counts_of_samples(outcomes, weights));
    if (!summary->ranked)
        return;
    add_rankings(summary, weights, scores);
    add_micro_rankings(summary, weights, scores);
    scores_add(scores, "brier", set_brier(outcomes, weights));
    add_calibration(summary, weights, scores);
}

static struct regression score_column(const struct summary *summary, uint32_t label,
                                      const uint32_t *weights)
{
    const struct outcomes *outcomes = summary->outcomes;
    struct regression_columns columns = {
        .gold = column(outcomes->gold_values, outcomes, label),
        .guess = column(outcomes->values, outcomes, label),
        .gold_order = summary->gold_orders + label * outcomes->count,
        .guess_order = summary->orders + label * outcomes->count,
    };
    return regression_of(&columns, weights, summary->scratch);
}

enum { MSE, RMSE, MAE, R2, PEARSON, SPEARMAN, NUMBER_SCORES };
static const char *const number_names[] = {"mse", "rmse", "mae", "r2", "pearson", "spearman"};

static void score_numbers(const struct summary *summary, const uint32_t *weights,
                          struct scores *scores)
{
    struct average averages[NUMBER_SCORES] = {{0}};
    for (uint32_t j = 0; j < summary->outcomes->labels; j++) {
        struct regression regression = score_column(summary, j, weights);
        average_add(&averages[MSE], regression.mse, 1);
        average_add(&averages[RMSE], sqrt(regression.mse), 1);
        average_add(&averages[MAE], regression.mae, 1);
        average_add(&averages[R2], regression.r2, 1);
        average_add(&averages[PEARSON], regression.pearson, 1);
        average_add(&averages[SPEARMAN], regression.spearman, 1);
    }
    for (int i = 0; i < NUMBER_SCORES; i++)
        scores_add(scores, number_names[i], average_of(averages[i]));
}

void summary_scores(struct summary *summary, const uint32_t *weights, struct scores *scores)
{
    const struct outcomes *outcomes = summary->outcomes;
    scores->count = 0;
    if (outcomes->has_losses)
        scores_add(scores, "loss", mean(outcomes->losses, weights, outcomes->count));
    if (outcomes->kind == OUTCOME_NUMBERS) {
        score_numbers(summary, weights, scores);
        return;
    }
    counts_of(outcomes, weights, summary->counts);
    if (outcomes->kind == OUTCOME_CLASS)
        score_classes(summary, weights, scores);
    else
        score_sets(summary, weights, scores);
}

void summary_label(struct summary *summary, uint32_t label, struct scores *scores)
{
    scores->count = 0;
    if (summary->outcomes->kind == OUTCOME_NUMBERS) {
        struct regression regression = score_column(summary, label, NULL);
        const double values[NUMBER_SCORES] = {regression.mse,     sqrt(regression.mse),
                                              regression.mae,     regression.r2,
                                              regression.pearson, regression.spearman};
        for (int i = 0; i < NUMBER_SCORES; i++)
            scores_add(scores, number_names[i], values[i]);
        return;
    }
    add_precision_recall(scores, plain_names, counts_of_label(&summary->base[label]));
    scores_add(scores, "support", summary->base[label].support);
    if (summary->ranked) {
        struct ranking ranking = rank_label(summary, label, NULL);
        scores_add(scores, "roc_auc", ranking.roc_auc);
        scores_add(scores, "average_precision", ranking.average_precision);
    }
}

void summary_names(enum outcome_kind kind, uint32_t labels, const struct summary_options *options,
                   struct scores *scores)
{
    struct outcomes outcomes;
    double *values = mem_calloc(labels, sizeof *values);
    uint8_t *set = mem_calloc(labels, 1);
    outcomes_init(&outcomes, kind, labels);
    if (kind == OUTCOME_CLASS)
        outcomes_add_class(&outcomes, 0, 0, values, NULL);
    else if (kind == OUTCOME_SET)
        outcomes_add_set(&outcomes, set, set, values, NULL);
    else
        outcomes_add_numbers(&outcomes, values, values);
    struct summary *summary = summary_open(&outcomes, options);
    summary_scores(summary, NULL, scores);
    for (size_t i = 0; i < scores->count; i++)
        scores->items[i].value = (double)NAN;
    summary_close(summary);
    outcomes_free(&outcomes);
    free(set);
    free(values);
}
