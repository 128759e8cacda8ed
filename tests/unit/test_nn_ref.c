/*
 * The gradient of the whole model in nn/ref against finite differences, through the engine's
 * interface, with dropout on: the masks depend on counters alone, so they stay the same while a
 * weight moves.
 */
#include <stdint.h>
#include <stdlib.h>

#include "cli/memory.h"
#include "nn/engine.h"

#include "check.h"
#include "nn_models.h"

/* A multiple of the weights' grain, so that weights plus and minus one and two steps are exact in
 * float32. */
#define STEP     (16 * TEST_GRAIN)
#define RELATIVE 1e-6 /* the gradient is exported in float32: 6e-8 of this */
#define ABSOLUTE 2e-9

struct run {
    const struct model *model;
    struct engine *engine;
    const struct batch *batch;
    double divisor;
};

static double loss(const struct run *run)
{
    struct engine_stats stats = {0};

    if (engine_accumulate(run->engine, run->batch, run->divisor, &stats))
        return NAN;
    return stats.loss_sum / run->divisor;
}

/* Moves every stride-th element of one tensor; four points, an error of fourth order. */
static void check_tensor(const struct run *run, const char *name, size_t index, float *gradient,
                         size_t stride)
{
    static const double weights[] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
    static const double steps[] = {-2, -1, 1, 2};
    const struct parameter *parameter = &run->model->table.items[index];
    float *values = run->model->owned[index];
    size_t wrong = 0, tried = 0, worst = 0;
    double worst_expected = 0.0;

    for (size_t e = 0; e < parameter->count; e += stride, tried++) {
        const float at = values[e];
        double expected = 0.0;
        for (int i = 0; i < 4; i++) {
            values[e] = at + (float)(steps[i] * STEP);
            engine_import(run->engine, ENGINE_WEIGHT, index, values);
            expected += weights[i] * loss(run) / STEP;
        }
        values[e] = at;
        if (!check_is_close(gradient[e], expected, ABSOLUTE, RELATIVE)) {
            wrong++;
            worst = e;
            worst_expected = expected;
        }
    }
    engine_import(run->engine, ENGINE_WEIGHT, index, values);
    CHECK(wrong == 0, "%s: %s: %zu of %zu elements differ; element %zu is %.9g, expected %.9g",
          name, parameter->name, wrong, tried, worst, gradient[worst], worst_expected);
}

static void check_model(const char *name, const struct test_shape *shape, const uint32_t *lengths,
                        uint32_t sequences, enum target_kind target, size_t stride)
{
    struct model model;
    struct test_batch batch;

    test_model_init(&model, shape, 11);
    model.config.pad_token_id = -1; /* its embedding would have a gradient that is not the loss's */
    test_batch_init(&batch, &model, lengths, sequences, 5);
    batch.batch.target = target;
    struct engine_plan plan = test_plan(&model, &batch.batch, ENGINE_REF, true);
    struct run run = {&model, test_engine(&model, &plan), &batch.batch, sequences + 0.5};
    float **gradients = mem_calloc(model.table.count, sizeof *gradients);
    struct engine_stats stats = {0};

    CHECK(engine_accumulate(run.engine, run.batch, run.divisor, &stats) == 0, "%s: accumulate",
          name);
    CHECK(stats.rows == sequences, "%s: %u rows counted", name, (unsigned)stats.rows);
    for (size_t i = 0; i < model.table.count; i++) {
        gradients[i] = mem_calloc(model.table.items[i].count, sizeof **gradients);
        engine_export(run.engine, ENGINE_GRADIENT, i, gradients[i]);
    }
    for (size_t i = 0; i < model.table.count; i++) {
        check_tensor(&run, name, i, gradients[i], stride);
        free(gradients[i]);
    }
    free(gradients);
    engine_close(run.engine);
    test_batch_free(&batch);
    test_model_free(&model);
}

/* Rows anywhere in the sequences, one of them ignored: the head's gradient at other tokens than the
 * first. */
static void check_rows(void)
{
    const struct test_shape shape = {12, 3, 1, 10, 4, 11, 20, NULL};
    const uint32_t lengths[] = {5, 3, 4}, rows[] = {1, 4, 9, 11};
    int32_t classes[] = {3, TARGET_IGNORED, 0, 2};
    struct model model;
    struct test_batch batch;

    test_model_init(&model, &shape, 12);
    model.config.pad_token_id = -1;
    test_batch_init(&batch, &model, lengths, 3, 6);
    batch.batch.rows = 4;
    batch.batch.row_tokens = rows;
    batch.batch.classes = classes;
    struct engine_plan plan = test_plan(&model, &batch.batch, ENGINE_REF, true);
    struct run run = {&model, test_engine(&model, &plan), &batch.batch, 3.0};
    struct engine_stats stats = {0};

    engine_accumulate(run.engine, run.batch, run.divisor, &stats);
    CHECK(stats.rows == 3, "rows: %u counted, expected 3", (unsigned)stats.rows);
    float **gradients = mem_calloc(model.table.count, sizeof *gradients);
    for (size_t i = 0; i < model.table.count; i++) {
        gradients[i] = mem_calloc(model.table.items[i].count, sizeof **gradients);
        engine_export(run.engine, ENGINE_GRADIENT, i, gradients[i]);
    }
    for (size_t i = 0; i < model.table.count; i++) {
        check_tensor(&run, "rows", i, gradients[i], 1);
        free(gradients[i]);
    }
    free(gradients);
    engine_close(run.engine);
    test_batch_free(&batch);
    test_model_free(&model);
}

/* Gradients add up: two micro-batches with the whole step's divisor give the gradient of one batch.
 */
static void check_accumulation(void)
{
    const struct test_shape shape = {12, 2, 2, 10, 3, 11, 20, NULL};
    const uint32_t lengths[] = {5, 1, 4, 7};
    struct model model;
    struct test_batch batch;
    struct engine_stats stats = {0};

    test_model_init(&model, &shape, 13);
    test_batch_init(&batch, &model, lengths, 4, 7);
    struct engine_plan plan = test_plan(&model, &batch.batch, ENGINE_REF, true);
    struct engine *whole = test_engine(&model, &plan), *parts = test_engine(&model, &plan);
    float *a = mem_calloc(model.table.largest, sizeof *a);
    float *b = mem_calloc(model.table.largest, sizeof *b);

    engine_accumulate(whole, &batch.batch, 4, &stats);
    for (uint32_t s = 0; s < 4; s++) {
        uint32_t begin = batch.cu_seqlens[s], row = 0;
        const uint32_t cu_seqlens[] = {0, lengths[s]};
        struct batch one = batch.batch;
        one.tokens = lengths[s];
        one.sequences = one.rows = 1;
        one.ids += begin;
        one.types += begin;
        one.positions += begin;
        one.cu_seqlens = cu_seqlens;
        one.ordinals += s;
        one.row_tokens = &row;
        one.classes += s;
        engine_accumulate(parts, &one, 4, &stats);
    }
    for (size_t i = 0; i < model.table.count; i++) {
        engine_export(whole, ENGINE_GRADIENT, i, a);
        engine_export(parts, ENGINE_GRADIENT, i, b);
        CHECK(memcmp(a, b, model.table.items[i].count * sizeof *a) == 0,
              "%s: the gradient of four micro-batches is not that of one batch",
              model.table.items[i].name);
    }
    free(a);
    free(b);
    engine_close(whole);
    engine_close(parts);
    test_batch_free(&batch);
    test_model_free(&model);
}

int main(void)
{
    const struct test_shape two = {12, 3, 2, 10, 2, 11, 20, NULL};
    const struct test_shape three = {8, 2, 1, 9, 3, 7, 20, "gelu_new"};
    const struct test_shape five = {10, 1, 3, 6, 5, 7, 20, NULL};
    const struct test_shape odd = {36, 3, 2, 50, 3, 11, 20, NULL};
    const uint32_t lengths[] = {1, 2, 17};

    check_model("12x3 heads, 2 layers, 2 classes", &two, lengths, 3, TARGET_CLASS, 1);
    check_model("8x2 heads, 1 layer, 3 targets, gelu_new", &three, lengths, 3, TARGET_MULTI, 1);
    check_model("10x1 head, 3 layers, 5 numbers", &five, lengths, 3, TARGET_REAL, 1);
    check_model("36x3 heads, 2 layers, 3 classes", &odd, lengths, 3, TARGET_CLASS, 37);
    check_rows();
    check_accumulation();
    return check_report();
}
