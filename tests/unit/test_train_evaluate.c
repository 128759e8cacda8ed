/* From a batch's logits to scores: against scikit-learn, whatever the batches. */
#include "check.h"
#include "metrics/summary.h"
#include "metrics_expected.h"
#include "train/evaluate.h"

static void add_rows(struct outcomes *outcomes, uint32_t first, uint32_t rows)
{
    struct batch batch = {.rows = rows, .target = TARGET_CLASS, .classes = gold + first};
    CHECK(evaluate_add_batch(outcomes, &batch, NULL, logits + (size_t)first * CLASSES) == 0, "add");
}

static void check_all(const struct outcomes *outcomes)
{
    struct scores scores;
    struct summary *summary = summary_open(outcomes, &SUMMARY_OPTIONS_DEFAULT);
    CHECK(outcomes->count == ROWS, "%zu rows", outcomes->count);
    for (uint32_t i = 0; i < CLASSES; i++) {
        summary_label(summary, i, &scores);
        CHECK_CLOSE("precision", scores_get(&scores, "precision"), precision[i], 0, 1e-12);
        CHECK_CLOSE("recall", scores_get(&scores, "recall"), recall[i], 0, 1e-12);
        CHECK_CLOSE("f1", scores_get(&scores, "f1"), f1[i], 0, 1e-12);
        CHECK_CLOSE("support", scores_get(&scores, "support"), (double)support[i], 0, 0);
    }
    for (int i = 0; i < CLASSES * CLASSES; i++) {
        uint64_t times = 0;
        for (size_t row = 0; row < ROWS; row++)
            times += (int)(outcomes->gold[row] * CLASSES + outcomes->guess[row]) == i;
        CHECK(times == confusion[i], "confusion %d", i);
    }
    summary_scores(summary, NULL, &scores);
    CHECK_CLOSE("accuracy", scores_get(&scores, "accuracy"), accuracy, 0, 1e-12);
    CHECK_CLOSE("loss", scores_get(&scores, "loss"), loss, 0, 1e-9);
    summary_close(summary);
}

static void test_classes(void)
{
    static const uint32_t splits[][4] = {{0, ROWS, ROWS, ROWS}, {0, 7, 8, ROWS}};
    for (int i = 0; i < 2; i++) {
        struct outcomes outcomes;
        outcomes_init(&outcomes, evaluate_outcome_kind(TARGET_CLASS), CLASSES);
        for (int j = 0; j < 3; j++)
            add_rows(&outcomes, splits[i][j], splits[i][j + 1] - splits[i][j]);
        check_all(&outcomes);
        outcomes_free(&outcomes);
    }
    static const float ties[] = {1, 3, 3, 2};
    CHECK(evaluate_argmax(ties, 4) == 1, "the first of equals");
}

static void test_ignored(void)
{
    static const int32_t some[] = {TARGET_IGNORED, 1, TARGET_IGNORED};
    static const float rows[] = {0, 1, 2, 3, 0, 0};
    struct batch batch = {.rows = 3, .target = TARGET_CLASS, .classes = some};
    struct outcomes outcomes;
    outcomes_init(&outcomes, OUTCOME_CLASS, 2);
    CHECK(evaluate_add_batch(&outcomes, &batch, NULL, rows) == 0, "add");
    CHECK(outcomes.count == 1 && outcomes.gold[0] == 1 && outcomes.guess[0] == 1, "the second row");
    CHECK_CLOSE("loss", outcomes.losses[0], log1p(exp(-1)), 1e-12, 0);
    outcomes_free(&outcomes);
}

/* The mean over labels of log(1 + exp(-z)) or log(1 + exp(z)); targets are true from one half. */
static void test_sets(void)
{
    static const float values[] = {1, 0, 0.5f, 0.25f}, rows[] = {2, -1, 0, 1};
    struct batch batch = {.rows = 2, .target = TARGET_MULTI, .values = values};
    struct outcomes outcomes;
    outcomes_init(&outcomes, evaluate_outcome_kind(TARGET_MULTI), 2);
    CHECK(evaluate_add_batch(&outcomes, &batch, NULL, rows) == 0, "add");
    CHECK_CLOSE("loss", outcomes.losses[0], (log1p(exp(-2)) + log1p(exp(-1))) / 2, 1e-12, 0);
    CHECK_CLOSE("probability", outcomes.values[3], 1 / (1 + exp(-1)), 1e-7, 0);
    CHECK(outcomes.gold_set[2] == 1 && outcomes.gold_set[3] == 0, "what is true");
    CHECK(outcomes.guess_set[0] == 1 && outcomes.guess_set[1] == 0 && outcomes.guess_set[3] == 1,
          "what is guessed");
    outcomes_free(&outcomes);
}

static void test_numbers(void)
{
    static const float values[] = {1, 4}, rows[] = {2, 2};
    struct batch batch = {.rows = 2, .target = TARGET_REAL, .values = values};
    struct outcomes outcomes;
    outcomes_init(&outcomes, evaluate_outcome_kind(TARGET_REAL), 1);
    CHECK(evaluate_add_batch(&outcomes, &batch, NULL, rows) == 0, "add");
    CHECK(outcomes.losses[0] == 1 && outcomes.losses[1] == 4, "squared errors");
    outcomes_free(&outcomes);
}

int main(void)
{
    test_classes();
    test_ignored();
    test_sets();
    test_numbers();
    return check_report();
}
