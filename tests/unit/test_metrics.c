/* Scores against scikit-learn and scipy, against calculations by hand, and weights. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "metrics/bootstrap.h"
#include "metrics/calibration.h"
#include "metrics/mcnemar.h"
#include "metrics/summary.h"
#include "scores_expected.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Both NaN, or close. */
static bool same(double got, double want)
{
    return isnan(want) ? isnan(got) : check_is_close(got, want, 1e-12, 1e-12);
}

/* Every expected score is there, and no other but those that are named in `more`. */
static void check_scores(const char *name, const struct scores *got, const struct score *want,
                         size_t count)
{
    CHECK(got->count == count, "%s: %zu scores, expected %zu", name, got->count, count);
    for (size_t i = 0; i < count; i++)
        CHECK(scores_find(got, want[i].name) >= 0 &&
                  same(scores_get(got, want[i].name), want[i].value),
              "%s: %s: %.17g, expected %.17g", name, want[i].name, scores_get(got, want[i].name),
              want[i].value);
}

/* The scores of outcomes, those with weights, and those of label 1; the outcomes are freed. */
struct expectation {
    const char *name;
    struct summary_options options;
    const struct score *scores, *weighted, *label;
    size_t score_count, label_count;
};

static void check_outcomes(struct outcomes *outcomes, const struct expectation *want)
{
    struct scores scores;
    struct summary *summary = summary_open(outcomes, &want->options);
    if (want->weighted) {
        summary_scores(summary, weights, &scores);
        check_scores("weighted", &scores, want->weighted, want->score_count);
    }
    summary_scores(summary, NULL, &scores);
    check_scores(want->name, &scores, want->scores, want->score_count);
    struct scores names;
    summary_names(outcomes->kind, outcomes->labels, &want->options, &names);
    CHECK(names.count == scores.count, "%s: %zu names", want->name, names.count);
    for (size_t i = 0; i < names.count; i++)
        CHECK(strcmp(names.items[i].name, scores.items[i].name) == 0, "%s", names.items[i].name);
    summary_label(summary, 1, &scores);
    check_scores("label", &scores, want->label, want->label_count);
    summary_close(summary);
    outcomes_free(outcomes);
}

static void test_classes(void)
{
    struct outcomes outcomes;
    outcomes_init(&outcomes, OUTCOME_CLASS, 4);
    for (size_t i = 0; i < ROWS; i++)
        outcomes_add_class(&outcomes, four_gold[i], OUTCOME_NO_GUESS, four_values + 4 * i, NULL);
    check_outcomes(&outcomes, &(struct expectation){"four",
                                                    {.top_k = 2, .bins = 15},
                                                    four_scores,
                                                    four_weighted,
                                                    four_label,
                                                    COUNT(four_scores),
                                                    COUNT(four_label)});
    outcomes_init(&outcomes, OUTCOME_CLASS, 2);
    for (size_t i = 0; i < ROWS; i++)
        outcomes_add_class(&outcomes, two_gold[i], two_guess[i], two_values + 2 * i, NULL);
    check_outcomes(&outcomes, &(struct expectation){"two",
                                                    {.top_k = 2, .bins = 15},
                                                    two_scores,
                                                    NULL,
                                                    two_label,
                                                    COUNT(two_scores),
                                                    COUNT(two_label)});
}

static void test_sets(void)
{
    struct outcomes outcomes;
    outcomes_init(&outcomes, OUTCOME_SET, 3);
    for (size_t i = 0; i < ROWS; i++)
        outcomes_add_set(&outcomes, sets_gold + 3 * i, NULL, sets_values + 3 * i, NULL);
    check_outcomes(&outcomes, &(struct expectation){"sets",
                                                    {.bins = 15},
                                                    sets_scores,
                                                    sets_weighted,
                                                    sets_label,
                                                    COUNT(sets_scores),
                                                    COUNT(sets_label)});
}

static void test_numbers(void)
{
    struct outcomes outcomes;
    outcomes_init(&outcomes, OUTCOME_NUMBERS, 2);
    for (size_t i = 0; i < ROWS; i++)
        outcomes_add_numbers(&outcomes, numbers_gold + 2 * i, numbers_values + 2 * i);
    check_outcomes(&outcomes, &(struct expectation){"numbers",
                                                    {.bins = 1},
                                                    numbers_scores,
                                                    numbers_weighted,
                                                    numbers_label,
                                                    COUNT(numbers_scores),
                                                    COUNT(numbers_label)});
}

/* By hand: three records of class 1, 1, 0 with P(1) = 0.9, 0.4, 0.4. The pairs (0.9, 0.4) and the
 * tie make an AUC of (1 + 1/2) / 2; precision is 1 at recall 1/2 and 2/3 at recall 1. */
static void test_by_hand(void)
{
    struct outcomes outcomes;
    struct scores scores;
    outcomes_init(&outcomes, OUTCOME_CLASS, 2);
    outcomes_add_class(&outcomes, 1, OUTCOME_NO_GUESS, (double[]){0.1, 0.9}, &(double){0.25});
    outcomes_add_class(&outcomes, 1, OUTCOME_NO_GUESS, (double[]){0.6, 0.4}, &(double){0.5});
    outcomes_add_class(&outcomes, 0, OUTCOME_NO_GUESS, (double[]){0.6, 0.4}, &(double){0.75});
    struct summary *summary = summary_open(&outcomes, &SUMMARY_OPTIONS_DEFAULT);
    summary_scores(summary, NULL, &scores);
    CHECK_CLOSE("auc", scores_get(&scores, "roc_auc"), 0.75, 1e-15, 0);
    CHECK_CLOSE("ap", scores_get(&scores, "average_precision"), 0.5 + 0.5 * 2 / 3, 1e-15, 0);
    CHECK_CLOSE("given loss", scores_get(&scores, "eval_loss"), 0.5, 1e-15, 0);
    CHECK_CLOSE("f1", scores_get(&scores, "f1"), 2.0 / 3, 1e-15, 0);
    CHECK_CLOSE("brier", scores_get(&scores, "brier"), (0.01 + 0.36 + 0.16) / 3, 1e-15, 0);
    CHECK_CLOSE("ece", scores_get(&scores, "calibration_error"), (0.1 + 0.2) / 3, 1e-15, 0);
    CHECK(isnan(scores_get(&scores, "top_k_accuracy")), "top 5 of 2 classes");
    CHECK(scores_find(&scores, "eval_f1") == scores_find(&scores, "f1"), "with and without eval_");
    CHECK(scores_find(&scores, "f2") < 0, "no such name");
    CHECK(score_less_is_better("eval_loss") && score_less_is_better("rmse") &&
              !score_less_is_better("f1"),
          "directions");
    summary_close(summary);
    outcomes_free(&outcomes);
}

/* A loss that is given is the loss, whatever it is; none is computed in its place. */
static void test_given_losses(void)
{
    static const double values[] = {0.25, 0.75}, given[] = {NAN, 2.5};
    for (size_t i = 0; i < COUNT(given); i++) {
        struct outcomes class, set;
        outcomes_init(&class, OUTCOME_CLASS, 2);
        outcomes_init(&set, OUTCOME_SET, 2);
        outcomes_add_class(&class, 1, OUTCOME_NO_GUESS, values, &given[i]);
        outcomes_add_set(&set, (uint8_t[]){0, 1}, NULL, values, &given[i]);
        CHECK(same(class.losses[0], given[i]), "class: %g", class.losses[0]);
        CHECK(same(set.losses[0], given[i]), "set: %g", set.losses[0]);
        outcomes_add_class(&class, 1, OUTCOME_NO_GUESS, values, NULL);
        outcomes_add_set(&set, (uint8_t[]){0, 1}, NULL, values, NULL);
        CHECK_CLOSE("class", class.losses[1], -log(0.75), 1e-15, 0);
        CHECK_CLOSE("set", set.losses[1], -log(0.75), 1e-15, 0);
        outcomes_free(&class);
        outcomes_free(&set);
    }
}

/* Guesses without probabilities: no score that needs some. */
static void test_bare(void)
{
    struct outcomes outcomes;
    struct scores scores;
    outcomes_init(&outcomes, OUTCOME_CLASS, 3);
    outcomes_add_class(&outcomes, 2, 2, NULL, NULL);
    outcomes_add_class(&outcomes, 0, 1, NULL, NULL);
    struct summary *summary = summary_open(&outcomes, &SUMMARY_OPTIONS_DEFAULT);
    summary_scores(summary, NULL, &scores);
    CHECK_CLOSE("accuracy", scores_get(&scores, "accuracy"), 0.5, 0, 0);
    CHECK(scores_find(&scores, "loss") < 0 && scores_find(&scores, "roc_auc") < 0 &&
              scores_find(&scores, "calibration_error") < 0,
          "scores of probabilities without any");
    summary_close(summary);
    outcomes_free(&outcomes);
}

/* Too many classes for rankings; all else is there. */
static void test_many_classes(void)
{
    enum { CLASSES = OUTCOMES_RANKED_LABELS + 1 };
    struct outcomes outcomes;
    struct scores scores;
    double *values = calloc(CLASSES, sizeof *values);
    values[7] = 0.75;
    values[CLASSES - 1] = 0.25;
    outcomes_init(&outcomes, OUTCOME_CLASS, CLASSES);
    outcomes_add_class(&outcomes, CLASSES - 1, OUTCOME_NO_GUESS, values, NULL);
    struct summary *summary = summary_open(&outcomes, &SUMMARY_OPTIONS_DEFAULT);
    summary_scores(summary, NULL, &scores);
    CHECK(outcomes.values == NULL && scores_find(&scores, "roc_auc") < 0, "they are kept");
    CHECK_CLOSE("loss", scores_get(&scores, "loss"), -log(0.25), 1e-15, 0);
    CHECK_CLOSE("brier", scores_get(&scores, "brier"), 2 * 0.75 * 0.75, 1e-15, 0);
    CHECK_CLOSE("top 5", scores_get(&scores, "top_k_accuracy"), 1, 0, 0);
    CHECK_CLOSE("calibration", scores_get(&scores, "calibration_error"), 0.75, 1e-15, 0);
    summary_close(summary);
    outcomes_free(&outcomes);
    free(values);
}

static void test_bins(void)
{
    static const struct {
        double confidence;
        uint32_t bins, bin;
    } cases[] = {{0, 10, 0},  {0.05, 10, 0}, {0.1, 10, 0}, {0.11, 10, 1}, {1, 10, 9},
                 {0.5, 2, 0}, {0.7, 10, 6},  {0.3, 10, 2}, {0.6, 15, 8},  {0.5, 1, 0}};
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(calibration_bin_of(cases[i].confidence, cases[i].bins) == cases[i].bin,
              "%g of %u: bin %u", cases[i].confidence, cases[i].bins,
              calibration_bin_of(cases[i].confidence, cases[i].bins));
    for (uint32_t i = 1; i < 100; i++) {
        double edge = (double)i / 99;
        CHECK(calibration_bin_of(edge, 99) == i - 1, "edge %u is right-closed", i);
        CHECK(i == 99 || calibration_bin_of(nextafter(edge, 1), 99) == i, "after edge %u", i);
    }
}

static void test_mcnemar(void)
{
    for (size_t i = 0; i < COUNT(mcnemar); i += 4) {
        struct mcnemar test = mcnemar_test((uint64_t)mcnemar[i], (uint64_t)mcnemar[i + 1]);
        CHECK_CLOSE("statistic", test.statistic, mcnemar[i + 2], 1e-12, 1e-12);
        CHECK_CLOSE("p value", test.p_value, mcnemar[i + 3], 1e-14, 1e-10);
        CHECK(test.exact == (mcnemar[i] + mcnemar[i + 1] <= 25), "method");
    }
}

/* Agresti, Categorical Data Analysis: (86 - 150)^2 / 236 without the correction. */
static void test_mcnemar_published(void)
{
    struct mcnemar test = mcnemar_test(86, 150);
    CHECK_CLOSE("corrected", test.statistic, 63.0 * 63 / 236, 1e-12, 0);
    CHECK_CLOSE("p", test.p_value, 4.115e-5, 1e-8, 0);
}

static void test_bootstrap(void)
{
    static const double at[] = {0, 0.025, 0.5, 0.975, 1};
    for (size_t i = 0; i < COUNT(at); i++)
        CHECK_CLOSE("quantile", bootstrap_quantile(sorted, COUNT(sorted), at[i]), quantiles[i],
                    1e-15, 0);
    struct bootstrap bootstrap = {.resamples = 2000, .seed = 1, .confidence = 0.95};
    struct interval intervals[SCORES_MAX], others[SCORES_MAX], differences[SCORES_MAX];
    struct outcomes outcomes;
    struct scores scores;
    uint32_t drawn[ROWS], sum = 0;
    bootstrap_draw(&bootstrap, 3, drawn, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        sum += drawn[i];
    CHECK(sum == ROWS, "%u draws", sum);
    outcomes_init(&outcomes, OUTCOME_CLASS, 2);
    for (uint32_t i = 0; i < 400; i++) /* three of four are right */
        outcomes_add_class(&outcomes, i % 2, i % 4 ? i % 2 : 1 - i % 2, NULL, NULL);
    struct summary *summary = summary_open(&outcomes, &SUMMARY_OPTIONS_DEFAULT);
    summary_scores(summary, NULL, &scores);
    bootstrap_run(&bootstrap, summary, outcomes.count, intervals, summary, others, differences,
                  NULL, NULL);
    int accuracy = scores_find(&scores, "accuracy");
    /* The binomial distribution of 400 draws at 0.75: 2.5 and 97.5 % are at 283 and 317. */
    CHECK_CLOSE("low", intervals[accuracy].low, 283.0 / 400, 0.006, 0);
    CHECK_CLOSE("high", intervals[accuracy].high, 317.0 / 400, 0.006, 0);
    CHECK(memcmp(intervals, others, scores.count * sizeof *intervals) == 0, "paired");
    CHECK(differences[accuracy].low == 0 && differences[accuracy].high == 0, "no difference");
    summary_close(summary);
    outcomes_free(&outcomes);
}

int main(void)
{
    test_classes();
    test_sets();
    test_numbers();
    test_by_hand();
    test_given_losses();
    test_bare();
    test_many_classes();
    test_bins();
    test_mcnemar();
    test_mcnemar_published();
    test_bootstrap();
    return check_report();
}
