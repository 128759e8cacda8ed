/* log_history's spelling, as the Trainer writes it. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "log/metrics.h"

static void check_json(const struct metrics *metrics, const char *expected)
{
    json_t *entry = metrics_json(metrics);
    char *text = json_dumps(entry, JSON_COMPACT | JSON_REAL_PRECISION(6));
    CHECK(strcmp(text, expected) == 0, "%s, expected %s", text, expected);
    free(text);
    json_decref(entry);
}

int main(void)
{
    struct metrics metrics;
    metrics_init(&metrics, "train", 10, 0.5);
    CHECK(metrics.time > 1.7e9, "time %f", metrics.time);
    metrics_add(&metrics, "loss", 0.25);
    metrics_add(&metrics, "grad_norm", NAN);
    CHECK_CLOSE("loss", metrics_get(&metrics, "loss"), 0.25, 0, 0);
    CHECK(isnan(metrics_get(&metrics, "accuracy")), "a value that is not there");
    check_json(&metrics, "{\"loss\":0.25,\"grad_norm\":null,\"epoch\":0.5,\"step\":10}");

    metrics_init(&metrics, "eval", 20, 1);
    metrics_add(&metrics, "loss", 0.5);
    metrics_add(&metrics, "accuracy", 0.75);
    check_json(&metrics, "{\"eval_loss\":0.5,\"eval_accuracy\":0.75,\"epoch\":1.0,\"step\":20}");

    for (int i = 0; i < METRICS_MAX + 5; i++)
        metrics_add(&metrics, "more", i);
    CHECK(metrics.count == METRICS_MAX, "%zu values", metrics.count);
    return check_report();
}
