/*
 * Losses, optimiser and whole models against what PyTorch and transformers compute in double
 * precision (tests/fixtures/nn).
 */
#include <stdint.h>
#include <stdlib.h>

#include "cli/memory.h"
#include "nn/engine.h"
#include "nn/loss.h"
#include "nn/ref/layers.h"
#include "nn/ref/optimiser.h"

#include "../fixtures/nn/reference.h"
#include "check.h"
#include "nn_models.h"

#define LOSS_ROWS   5
#define LOSS_LABELS 3

static const struct loss_form plain, formed = {loss_smoothing, loss_weights};

static void check_loss(const char *name, enum target_kind target, const struct loss_form *form,
                       double sum, const double *gradient, uint64_t counted)
{
    const uint32_t tokens[LOSS_ROWS] = {0};
    const struct batch batch = {
        .rows = LOSS_ROWS,
        .row_tokens = tokens,
        .target = target,
        .classes = loss_classes,
        .values = loss_values,
    };
    float got[LOSS_ROWS * LOSS_LABELS];
    double total = 100.0, without = 0.0;
    uint64_t rows = 7, rows_without = 0;

    CHECK(loss_rows(&batch, form, LOSS_LABELS, loss_logits, 4.0, got, &total, &rows) == 0,
          "%s: fails", name);
    CHECK_CLOSE(name, total - 100.0, sum, 0, 1e-12);
    CHECK(rows == 7 + counted, "%s: %u rows counted", name, (unsigned)rows - 7);
    for (int i = 0; i < LOSS_ROWS * LOSS_LABELS; i++)
        CHECK(check_is_close(got[i], gradient[i] / 4, 1e-12, 1e-7),
              "%s: gradient %d is %.9g, expected %.9g", name, i, got[i], gradient[i] / 4);
    CHECK(loss_rows(&batch, form, LOSS_LABELS, loss_logits, 4.0, NULL, &without, &rows_without) ==
              0,
          "%s: fails without a gradient", name);
    CHECK(without == total - 100.0 || fabs(without - total + 100.0) < 1e-6, "%s: %g without, %g",
          name, without, total - 100.0);
}

/* The reference backend's own losses against the same table. */
static void check_ref_loss(const char *name, enum target_kind target, const struct loss_form *form,
                           double sum, const double *gradient)
{
    double total = 0.0;

    for (int r = 0; r < LOSS_ROWS; r++) {
        double logits[LOSS_LABELS], got[LOSS_LABELS];
        const float *values = loss_values + r * LOSS_LABELS;
        for (int j = 0; j < LOSS_LABELS; j++)
            logits[j] = loss_logits[r * LOSS_LABELS + j];
        if (target == TARGET_CLASS && loss_classes[r] == TARGET_IGNORED)
            continue;
        if (target == TARGET_CLASS)
            total +=
                ref_cross_entropy(got, logits, form, (uint32_t)loss_classes[r], 1.0, LOSS_LABELS);
        else if (target == TARGET_MULTI)
            total += ref_sigmoid_cross_entropy(got, logits, values, 1.0, LOSS_LABELS);
        else
            total += ref_squared_error(got, logits, values, 1.0, LOSS_LABELS);
        for (int j = 0; j < LOSS_LABELS; j++)
            CHECK_CLOSE(name, got[j], gradient[r * LOSS_LABELS + j], 1e-13, 1e-13);
    }
    CHECK_CLOSE(name, total, sum, 0, 1e-13);
}

static void test_losses(void)
{
    float probabilities[LOSS_LABELS];

    static const struct {
        const char *name;
        enum target_kind target;
        const struct loss_form *form;
        double sum;
        const double *gradient;
        uint64_t counted;
    } cases[] = {
        {"cross entropy", TARGET_CLASS, &plain, loss_class_sum, loss_class_gradient, 4},
        {"weights and smoothing", TARGET_CLASS, &formed, loss_formed_sum, loss_formed_gradient, 4},
        {"sigmoid cross entropy", TARGET_MULTI, &plain, loss_multi_sum, loss_multi_gradient, 5},
        {"squared error", TARGET_REAL, &plain, loss_real_sum, loss_real_gradient, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_loss(cases[i].name, cases[i].target, cases[i].form, cases[i].sum, cases[i].gradient,
                   cases[i].counted);
        check_ref_loss(cases[i].name, cases[i].target, cases[i].form, cases[i].sum,
                       cases[i].gradient);
    }
    for (int r = 0; r < LOSS_ROWS; r++) {
        softmax_row(loss_logits + r * LOSS_LABELS, LOSS_LABELS, probabilities);
        for (int j = 0; j < LOSS_LABELS; j++)
            CHECK_CLOSE("softmax", probabilities[j], loss_softmax[r * LOSS_LABELS + j], 1e-12,
                        1e-7);
    }
}

/* Weights 0.5, 3, 1.25 of the classes 2, 2, 0, 1 and an ignored one. */
static void test_divisor(void)
{
    const struct batch batch = {
        .rows = LOSS_ROWS, .target = TARGET_CLASS, .classes = loss_classes, .values = loss_values};
    struct batch real = batch;

    real.target = TARGET_REAL;
    CHECK(loss_divisor(&batch, &plain) == 4, "rows that count");
    CHECK(loss_divisor(&batch, &formed) == 1.25 + 1.25 + 0.5 + 3, "their weights");
    CHECK(loss_divisor(&real, &formed) == 5, "numbers have no classes");
}

static void test_bad_class(void)
{
    const int32_t classes[] = {0, 3};
    const uint32_t tokens[] = {0, 1};
    const struct batch batch = {
        .rows = 2, .row_tokens = tokens, .target = TARGET_CLASS, .classes = classes};
    double total = 0.0;
    uint64_t rows = 0;

    CHECK(loss_rows(&batch, NULL, LOSS_LABELS, loss_logits, 1.0, NULL, &total, &rows) == -1,
          "a class out of range is accepted");
}

static void test_adamw(void)
{
    double weights[4], first[4] = {0}, second[4] = {0};
    struct ref_adamw adamw = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};

    memcpy(weights, adamw_start, sizeof weights);
    for (int step = 0; step < REFERENCE_STEPS; step++) {
        double squares = 0.0;
        for (int i = 0; i < 4; i++)
            squares += adamw_gradients[step][i] * adamw_gradients[step][i];
        adamw.step = (uint64_t)step + 1;
        adamw.lr = 0.1 / (step + 1);
        adamw.clip = ref_clip_factor(sqrt(squares), 1.0);
        CHECK_CLOSE("adamw: norm", sqrt(squares), adamw_norms[step], 0, 1e-14);
        ref_adamw_step(weights, first, second, adamw_gradients[step], &adamw, 0.01, 4);
        for (int i = 0; i < 4; i++)
            CHECK(check_is_close(weights[i], adamw_weights[step][i], 1e-14, 1e-13),
                  "adamw: step %d: weight %d is %.17g, expected %.17g", step + 1, i, weights[i],
                  adamw_weights[step][i]);
    }
}

/* The generator's pattern: lowbias32 by C. Wellons. */
static uint32_t pattern(uint32_t stream, uint64_t index)
{
    uint32_t x = (uint32_t)index + (stream << 20);

    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

static double centred(uint32_t stream, uint64_t index)
{
    return (pattern(stream, index) >> 16) / 131072.0 - 0.25;
}

static void fill_model(struct model *model, const struct reference_model *reference)
{
    const struct test_shape shape = {
        reference->hidden, reference->heads, reference->layers,   reference->intermediate,
        reference->labels, REFERENCE_VOCAB,  REFERENCE_POSITIONS, reference->activation};

    test_model_init(model, &shape, 0);
    for (size_t i = 0; i < model->table.count; i++) {
        const struct parameter *parameter = &model->table.items[i];
        bool gain = parameter->initialisation == INITIALISE_ONE;

        CHECK(strcmp(parameter->name, reference->tensors[i].name) == 0, "%s: tensor %zu is %s",
              reference->tensors[i].name, i, parameter->name);
        for (uint64_t e = 0; e < parameter->count; e++)
            model->owned[i][e] = (float)(centred((uint32_t)i + 1, e) + (gain ? 1.0 : 0.0));
    }
}

static void fill_batch(struct test_batch *b, const struct model *model,
                       const struct reference_model *reference)
{
    const uint32_t sequences = sizeof reference_lengths / sizeof reference_lengths[0];

    test_batch_init(b, model, reference_lengths, sequences, 1);
    b->batch.target = reference->target;
    for (uint32_t t = 0; t < b->batch.tokens; t++)
        b->ids[t] = t == REFERENCE_PAD_AT ? 0 : pattern(200, t) % REFERENCE_VOCAB;
    for (uint32_t s = 0; s < sequences; s++)
        b->classes[s] = (int32_t)(pattern(201, s) % reference->labels);
    for (uint32_t i = 0; i < sequences * reference->labels; i++)
        b->values[i] = (float)(pattern(202, i) % 5) / 4;
}

/* How far a device may be from double precision: of a number, and of a sum over a tensor, relative
 * to its norm. */
struct tolerance {
    enum engine_device device;
    const char *name;
    double value, tensor, weight;
};

static void check_tensors(const struct engine *engine, enum engine_tensor kind,
                          const struct model *model, const struct reference_model *reference,
                          const struct tolerance *tolerance)
{
    float *values = mem_calloc(model->table.largest, sizeof *values);

    for (size_t i = 0; i < model->table.count; i++) {
        const struct reference_tensor *tensor = &reference->tensors[i];
        const struct parameter *parameter = &model->table.items[i];
        double expected = kind == ENGINE_GRADIENT ? tensor->gradient : tensor->weight;
        double squares = 0.0, sum = 0.0, allowed = tolerance->weight;

        /* Its gradient is zero but for rounding, which AdamW turns into steps. */
        if (kind == ENGINE_WEIGHT && parameter->role == PARAMETER_KEY_BIAS)
            allowed = fmax(allowed, 3e-3 * (tolerance->device != ENGINE_REF));
        engine_export(engine, kind, i, values);
        for (uint64_t e = 0; e < parameter->count; e++) {
            squares += (double)values[e] * values[e];
            sum += values[e] * centred(99, e);
        }
        if (kind == ENGINE_GRADIENT) {
            allowed = tolerance->tensor * (tensor->norm + 0.01);
            CHECK(check_is_close(sqrt(squares), tensor->norm, 0.01 * tolerance->tensor,
                                 tolerance->tensor),
                  "%s: %s: %s: gradient's norm is %.9g, expected %.9g", tolerance->name,
                  reference->name, parameter->name, sqrt(squares), tensor->norm);
        }
        CHECK(fabs(sum - expected) <= allowed, "%s: %s: %s: %s's checksum is %.9g, expected %.9g",
              tolerance->name, reference->name, parameter->name,
              kind == ENGINE_GRADIENT ? "gradient" : "weight", sum, expected);
    }
    free(values);
}

static void check_steps(struct engine *engine, const struct batch *batch, const struct model *model,
                        const struct reference_model *reference, const struct tolerance *tolerance)
{
    for (int step = 0; step < REFERENCE_STEPS; step++) {
        struct engine_stats stats = {0};
        double norm = 0.0, lr = reference->lr * (step + 1) / REFERENCE_STEPS;
        double divisor = engine_divisor(engine, batch);
        /* AdamW's first steps have the gradient's sign as their size, whatever its own: rounding
         * grows. */
        double allowed = step == 0 ? tolerance->value : 10 * tolerance->value;

        CHECK(engine_accumulate(engine, batch, divisor, &stats) == 0, "accumulate fails");
        if (step == 0)
            check_tensors(engine, ENGINE_GRADIENT, model, reference, tolerance);
        CHECK(engine_apply(engine, lr, reference_clip, &norm) == 0, "apply fails");
        CHECK(check_is_close(stats.loss_sum / divisor, reference->losses[step], allowed, allowed),
              "%s: %s: step %d: loss is %.12g, expected %.12g", tolerance->name, reference->name,
              step + 1, stats.loss_sum / divisor, reference->losses[step]);
        CHECK(check_is_close(norm, reference->norms[step], allowed, allowed),
              "%s: %s: step %d: gradient norm is %.12g, expected %.12g", tolerance->name,
              reference->name, step + 1, norm, reference->norms[step]);
    }
    CHECK(engine_step(engine) == REFERENCE_STEPS, "step is %u", (unsigned)engine_step(engine));
    check_tensors(engine, ENGINE_WEIGHT, model, reference, tolerance);
}

static void test_model(const struct reference_model *reference, const struct tolerance *tolerance)
{
    struct model model;
    struct test_batch batch;
    float logits[64];

    fill_model(&model, reference);
    fill_batch(&batch, &model, reference);
    struct engine_plan plan = test_plan(&model, &batch.batch, tolerance->device, true);
    plan.hidden_dropout = plan.attention_dropout = plan.classifier_dropout = 0.0;
    plan.weight_decay = reference_decay;
    plan.optimiser = reference->optimiser;
    plan.loss = (struct loss_form){reference->smoothing, reference->weights};
    float *factors = mem_calloc(model.table.count, sizeof *factors);
    for (size_t i = 0; i < model.table.count; i++)
        factors[i] = (float)reference->tensors[i].rate_factor;
    plan.rate_factors = factors;
    struct engine *engine = test_engine(&model, &plan);
    free(factors);

    CHECK(engine_forward(engine, &batch.batch, logits) == 0, "forward fails");
    for (uint32_t i = 0; i < batch.batch.rows * reference->labels; i++)
        CHECK(check_is_close(logits[i], reference->logits[i], tolerance->value, tolerance->value),
              "%s: %s: logit %u is %.9g, expected %.9g", tolerance->name, reference->name, i,
              logits[i], reference->logits[i]);
    check_steps(engine, &batch.batch, &model, reference, tolerance);
    engine_close(engine);
    test_batch_free(&batch);
    test_model_free(&model);
}

int main(void)
{
    static const struct tolerance tolerances[] = {
        {ENGINE_REF, "ref", 1e-7, 1e-7, 1e-6},
        {ENGINE_CPU, "cpu", 2e-5, 2e-5, 2e-4},
    };

    test_losses();
    test_divisor();
    test_bad_class();
    test_adamw();
    for (size_t t = 0; t < sizeof tolerances / sizeof tolerances[0]; t++) {
        for (size_t m = 0; m < sizeof reference_models / sizeof reference_models[0]; m++)
            test_model(&reference_models[m], &tolerances[t]);
    }
    return check_report();
}
