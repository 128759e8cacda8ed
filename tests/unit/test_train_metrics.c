/* Scores of a classifier against scikit-learn, whatever the batches. */
#include <inttypes.h>

#include "check.h"
#include "metrics_expected.h"
#include "train/class_metrics.h"

static void add_rows(struct class_metrics *metrics, uint32_t first, uint32_t rows)
{
    struct batch batch = {.rows = rows, .target = TARGET_CLASS, .classes = gold + first};
    CHECK(class_metrics_add(metrics, &batch, logits + (size_t)first * CLASSES) == 0, "add");
}

static void check_all(const struct class_metrics *metrics)
{
    CHECK(metrics->count == ROWS, "%" PRIu64 " rows", metrics->count);
    for (int i = 0; i < CLASSES * CLASSES; i++)
        CHECK(metrics->confusion[i] == confusion[i], "confusion %d: %" PRIu64, i,
              metrics->confusion[i]);
    for (uint32_t i = 0; i < CLASSES; i++) {
        struct class_score score = class_metrics_score(metrics, i);
        CHECK_CLOSE("precision", score.precision, precision[i], 0, 1e-12);
        CHECK_CLOSE("recall", score.recall, recall[i], 0, 1e-12);
        CHECK_CLOSE("f1", score.f1, f1[i], 0, 1e-12);
        CHECK(score.support == support[i], "support of %" PRIu32, i);
    }
    CHECK_CLOSE("accuracy", class_metrics_accuracy(metrics), accuracy, 0, 1e-12);
    CHECK_CLOSE("loss", class_metrics_loss(metrics), loss, 0, 1e-9);
}

int main(void)
{
    struct class_metrics metrics;
    class_metrics_init(&metrics, CLASSES);
    CHECK(isnan(class_metrics_accuracy(&metrics)), "accuracy of nothing");
    CHECK(isnan(class_metrics_loss(&metrics)), "loss of nothing");
    add_rows(&metrics, 0, ROWS);
    check_all(&metrics);
    class_metrics_free(&metrics);

    class_metrics_init(&metrics, CLASSES);
    add_rows(&metrics, 0, 7);
    add_rows(&metrics, 7, 1);
    add_rows(&metrics, 8, ROWS - 8);
    check_all(&metrics);
    class_metrics_free(&metrics);

    static const float ties[] = {1, 3, 3, 2};
    CHECK(class_metrics_argmax(ties, 4) == 1, "the first of equals");
    return check_report();
}
