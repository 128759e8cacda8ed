/* trainer_state.json: what comes back of it, and what is refused. */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "cli/diag.h"
#include "train/arguments.h"
#include "train/state.h"

#define PLACE "out/checkpoint-7/trainer_state.json"

static json_t *make_state(void)
{
    struct train_arguments arguments;
    struct train_plan plan = {.steps = 9, .epochs = 3};
    struct train_state state;
    struct metrics metrics;

    train_arguments_init(&arguments);
    arguments.early_stopping_patience = 2;
    arguments.eval_steps = 5;
    train_state_init(&state);
    state.step = 7;
    state.epoch = 1.75;
    state.loss_sum = 1.0 / 3;
    state.has_best = true;
    state.best_metric = 0.9;
    state.best_step = 4;
    state.worse = 1;
    metrics_init(&metrics, "train", 7, 1.75);
    metrics.time = 1700000000.25;
    metrics_add(&metrics, "loss", 0.5);
    train_state_log(&state, &metrics);
    json_array_append_new(state.checkpoints, json_integer(7));
    json_t *json = train_state_json(&state, &arguments, &plan, "out/checkpoint-4");
    train_state_free(&state);
    return json;
}

static void test_restore(void)
{
    json_t *json = make_state();
    struct train_state state;

    CHECK(json_integer_value(json_object_get(json, "best_global_step")) == 4 &&
              json_integer_value(json_object_get(json, "eval_steps")) == 5 &&
              strcmp(json_string_value(json_object_get(json, "best_model_checkpoint")),
                     "out/checkpoint-4") == 0,
          "the Trainer's keys");
    json_t *stopping =
        json_object_get(json_object_get(json, "stateful_callbacks"), "EarlyStoppingCallback");
    CHECK(json_integer_value(json_object_get(json_object_get(stopping, "attributes"),
                                             "early_stopping_patience_counter")) == 1,
          "early stopping");
    train_state_init(&state);
    if (CHECK(train_state_restore(&state, json, PLACE) == 0, "restored")) {
        CHECK(state.step == 7 && state.epoch == 1.75 && state.loss_sum == 1.0 / 3, "the loop's");
        CHECK(state.has_best && state.best_metric == 0.9 && state.best_step == 4, "the best");
        CHECK(!state.stopped && state.worse == 1, "early stopping's");
        CHECK(json_number_value(json_array_get(state.log_times, 0)) == 1700000000.25, "times");
        CHECK(json_integer_value(json_array_get(state.checkpoints, 0)) == 7, "checkpoints");
    }
    train_state_free(&state);
    json_decref(json);
}

/* A value of the loop's own, or with no name the object of them all; NULL: taken out. */
static void test_refused(void)
{
    static const struct {
        const char *name, *value, *line;
    } rows[] = {
        {NULL, NULL, "not written by bert-train: there is no 'bertpipe' in its stateful_callbacks"},
        {"step", NULL, "'step' is missing or no value of its kind"},
        {"step", "-1", "'step' is missing or no value of its kind"},
        {"step", "7.0", "'step' is missing or no value of its kind"},
        {"epoch", "\"1\"", "'epoch' is missing or no value of its kind"},
        {"epoch", NULL, "'epoch' is missing or no value of its kind"},
        {"has_best", "1", "'has_best' is missing or no value of its kind"},
        {"has_best", NULL, "'has_best' is missing or no value of its kind"},
        {"log_times", "[]", "log_history and its times do not match"},
        {"log_times", NULL, "log_history and its times do not match"},
        {"log_times", "{}", "log_history and its times do not match"},
        {"checkpoints", "{}", "no list of checkpoints"},
        {"checkpoints", NULL, "no list of checkpoints"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct diag_held held = {.size = 0};
        json_t *json = make_state(), *callbacks = json_object_get(json, "stateful_callbacks");
        json_t *own = json_object_get(json_object_get(callbacks, "bertpipe"), "attributes");
        struct train_state state;
        char line[200];

        if (rows[i].name == NULL)
            json_object_del(callbacks, "bertpipe");
        else if (rows[i].value == NULL)
            json_object_del(own, rows[i].name);
        else
            json_object_set_new(own, rows[i].name,
                                json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        train_state_init(&state);
        diag_hold(&held);
        int status = train_state_restore(&state, json, PLACE);
        diag_hold(NULL);
        snprintf(line, sizeof line, "test_train_state: " PLACE ": %s\n", rows[i].line);
        CHECK(status == -1 && held.size > 0 && strcmp(held.lines, line) == 0, "%s instead of %s",
              held.size > 0 ? held.lines : "nothing", line);
        train_state_free(&state);
        json_decref(json);
    }
}

static void test_no_history(void)
{
    json_t *json = make_state();
    struct diag_held held = {.size = 0};
    struct train_state state;

    json_object_set_new(json, "log_history", json_integer(5));
    train_state_init(&state);
    diag_hold(&held);
    CHECK(train_state_restore(&state, json, PLACE) == -1 &&
              strstr(held.lines, "log_history and its times do not match") != NULL,
          "a history that is a number");
    json_object_del(json, "log_history");
    CHECK(train_state_restore(&state, json, PLACE) == -1, "no history");
    diag_hold(NULL);
    train_state_free(&state);
    json_decref(json);
}

int main(void)
{
    diag_init("test_train_state");
    test_restore();
    test_refused();
    test_no_history();
    return check_report();
}
