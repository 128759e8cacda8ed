/*
 * nn/cpu against nn/ref over a grid of shapes, and the bits it promises: the same for any number of
 * threads, and the same logits for a sequence alone or in any batch. All of it for every kernel
 * table that this processor runs.
 */
#include <stdint.h>
#include <stdlib.h>

#include "cli/memory.h"
#include "nn/cpu/kernels.h"
#include "nn/dropout.h"
#include "nn/engine.h"

#include "check.h"
#include "nn_models.h"

/* Against double: of logits and losses, and of a gradient relative to its tensor's largest; and of
 * gradients that are zero but for rounding. */
struct tolerance {
    double value, gradient, floor;
};

static const struct tolerance float32_tolerance = {2e-5, 2e-5, 1e-6};
/* An operand of bf16 is off by up to 2^-9, and a layer has six products in a row. */
static const struct tolerance bf16_tolerance = {2e-2, 4e-2, 2e-3};

static struct tolerance tolerance;
static enum engine_dtype dtype;

#define MOST_SEQUENCES 16

struct lengths {
    uint32_t sequences, length[MOST_SEQUENCES];
};

static const char *kernels_name;
static char name[200]; /* of the case at hand, for messages */

static struct engine_plan cpu_plan(const struct model *model, const struct batch *batch, bool train)
{
    struct engine_plan plan = test_plan(model, batch, ENGINE_CPU, train);
    plan.dtype = dtype;
    return plan;
}

/* The same plan for the oracle. */
static void to_ref(struct engine_plan *plan)
{
    plan->device = ENGINE_REF;
    plan->dtype = ENGINE_FLOAT32;
}

static void name_case(const struct test_shape *shape, const struct lengths *lengths)
{
    uint32_t tokens = 0;

    for (uint32_t s = 0; s < lengths->sequences; s++)
        tokens += lengths->length[s];
    snprintf(name, sizeof name, "%s: %u x %u heads, %u layers, %u labels, %u tokens in %u",
             kernels_name, shape->hidden, shape->heads, shape->layers, shape->labels, tokens,
             lengths->sequences);
}

/* Each element against the other engine's, relative to the tensor's largest. */
static void check_tensor(const char *what, const struct parameter *parameter, const float *got,
                         const float *want, double relative, double floor)
{
    double most = 0.0, worst = 0.0;
    uint64_t at = 0;
    bool finite = true;

    for (uint64_t e = 0; e < parameter->count; e++) {
        double difference = fabs((double)got[e] - want[e]);
        most = fmax(most, fabs(want[e]));
        finite = finite && isfinite(difference);
        if (difference > worst) {
            worst = difference;
            at = e;
        }
    }
    CHECK(finite && worst <= relative * most + floor,
          "%s: %s: %s: element %llu is %.9g, expected %.9g; the largest is %.3g", name,
          parameter->name, what, (unsigned long long)at, got[at], want[at], most);
}

static void check_all_tensors(const char *what, const struct model *model, enum engine_tensor kind,
                              const struct engine *cpu, const struct engine *ref, double relative,
                              double floor)
{
    float *got = mem_calloc(model->table.largest, sizeof *got);
    float *want = mem_calloc(model->table.largest, sizeof *want);

    for (size_t i = 0; i < model->table.count; i++) {
        engine_export(cpu, kind, i, got);
        engine_export(ref, kind, i, want);
        check_tensor(what, &model->table.items[i], got, want, relative, floor);
    }
    free(got);
    free(want);
}

static void check_logits(struct engine *cpu, struct engine *ref, const struct batch *batch,
                         uint32_t labels)
{
    float got[MOST_SEQUENCES * 8], want[MOST_SEQUENCES * 8];

    CHECK(engine_forward(cpu, batch, got) == 0, "%s: forward fails", name);
    CHECK(engine_forward(ref, batch, want) == 0, "%s: ref: forward fails", name);
    for (uint32_t i = 0; i < batch->rows * labels; i++)
        CHECK(check_is_close(got[i], want[i], tolerance.value, tolerance.value),
              "%s: logits: row %u label %u is %.9g, expected %.9g", name, i / labels, i % labels,
              got[i], want[i]);
}

static void check_gradients(struct engine *cpu, struct engine *ref, const struct batch *batch,
                            const struct model *model)
{
    struct engine_stats got = {0}, want = {0};

    CHECK(engine_accumulate(cpu, batch, batch->rows, &got) == 0, "%s: accumulate fails", name);
    CHECK(engine_accumulate(ref, batch, batch->rows, &want) == 0, "%s: ref: fails", name);
    CHECK(got.rows == want.rows, "%s: %u rows counted", name, (unsigned)got.rows);
    CHECK(check_is_close(got.loss_sum, want.loss_sum, tolerance.value, tolerance.value),
          "%s: loss is %.9g, expected %.9g", name, got.loss_sum, want.loss_sum);
    check_all_tensors("gradient", model, ENGINE_GRADIENT, cpu, ref, tolerance.gradient,
                      tolerance.floor);
}

/* Logits, then loss and gradients with dropout 0.1. */
static void check_case(const struct test_shape *shape, const struct lengths *lengths,
                       enum target_kind target)
{
    struct model model;
    struct test_batch batch;

    name_case(shape, lengths);
    test_model_init(&model, shape, 21);
    test_batch_init(&batch, &model, lengths->length, lengths->sequences, 9);
    batch.batch.target = target;
    struct engine_plan plan = cpu_plan(&model, &batch.batch, true);
    struct engine *cpu = test_engine(&model, &plan);
    to_ref(&plan);
    struct engine *ref = test_engine(&model, &plan);

    check_logits(cpu, ref, &batch.batch, shape->labels);
    check_gradients(cpu, ref, &batch.batch, &model);
    engine_close(cpu);
    engine_close(ref);
    test_batch_free(&batch);
    test_model_free(&model);
}

/* Totals at and around the sizes that the engine's blocks have. */
static void test_grid(void)
{
    static const struct test_shape shapes[] = {
        {64, 2, 2, 96, 2, 50, 512, NULL},       /* heads of 32 */
        {64, 1, 1, 130, 3, 50, 512, NULL},      /* a head of 64 */
        {36, 3, 3, 50, 5, 50, 512, NULL},       /* odd widths, heads of 12 */
        {21, 3, 2, 17, 1, 50, 512, "relu"},     /* heads of 7 */
        {96, 1, 2, 33, 2, 50, 512, "gelu_new"}, /* a head of 96 */
    };
    static const struct lengths lengths[] = {
        {1, {1}},
        {1, {2}},
        {1, {47}},
        {1, {48}},
        {1, {49}},
        {2, {48, 48}},
        {4, {1, 2, 47, 47}},
        {3, {97, 1, 95}},
        {12, {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}},
    };
    /* Weights' gradients in several tiles. */
    static const struct test_shape wide = {400, 4, 2, 500, 3, 50, 512, NULL};
    static const struct lengths few = {3, {30, 1, 20}};
    static const struct lengths longest[] = {{1, {511}}, {1, {512}}, {3, {129, 254, 128}}};

    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++)
            check_case(&shapes[s], &lengths[l], shapes[s].labels == 1 ? TARGET_REAL : TARGET_CLASS);
    }
    for (size_t l = 0; l < sizeof longest / sizeof longest[0]; l++)
        check_case(&shapes[l], &longest[l], TARGET_MULTI);
    check_case(&wide, &few, TARGET_CLASS);
}

/* Several rows in one sequence, none in another, an ignored one. */
static void test_rows(void)
{
    static const struct test_shape shape = {36, 3, 2, 50, 4, 50, 64, NULL};
    static const struct lengths lengths = {4, {50, 3, 60, 10}};
    static const uint32_t rows[] = {0, 1, 49, 54, 100, 122};
    static const int32_t classes[] = {1, TARGET_IGNORED, 3, 0, 2, 2};
    struct model model;
    struct test_batch batch;

    name_case(&shape, &lengths);
    test_model_init(&model, &shape, 22);
    test_batch_init(&batch, &model, lengths.length, lengths.sequences, 10);
    const struct batch first_tokens = batch.batch;
    batch.batch.rows = 6;
    batch.batch.row_tokens = rows;
    batch.batch.classes = classes;
    struct engine_plan plan = cpu_plan(&model, &batch.batch, true);
    struct engine *cpu = test_engine(&model, &plan);
    to_ref(&plan);
    struct engine *ref = test_engine(&model, &plan);

    check_gradients(cpu, ref, &first_tokens, &model); /* leaves its numbers in the engine */
    check_logits(cpu, ref, &batch.batch, shape.labels);
    check_gradients(cpu, ref, &batch.batch, &model);
    engine_close(cpu);
    engine_close(ref);
    test_batch_free(&batch);
    test_model_free(&model);
}

/* The optimiser alone: the same gradients go into both engines, clipped in one step and not in
 * another. */
static void test_apply(void)
{
    /* The largest tensor has 72,000 numbers: several units of the optimiser. */
    static const struct test_shape shape = {36, 3, 1, 50, 3, 2000, 64, NULL};
    static const struct lengths lengths = {1, {5}};
    uint64_t state = 3;
    struct model model;
    struct test_batch batch;

    name_case(&shape, &lengths);
    test_model_init(&model, &shape, 23);
    test_batch_init(&batch, &model, lengths.length, lengths.sequences, 11);
    struct engine_plan plan = cpu_plan(&model, &batch.batch, true);
    plan.weight_decay = 0.01;
    struct engine *cpu = test_engine(&model, &plan);
    to_ref(&plan);
    struct engine *ref = test_engine(&model, &plan);
    float *values = mem_calloc(model.table.largest, sizeof *values);

    for (int step = 0; step < 4; step++) {
        double got = 0.0, want = 0.0, scale = step % 2 ? 1e-3 : 1.0;
        for (size_t i = 0; i < model.table.count; i++) {
            for (uint64_t e = 0; e < model.table.items[i].count; e++)
                values[e] = (float)(((double)(test_random(&state) >> 40) / 8388608 - 1.0) * scale);
            engine_import(cpu, ENGINE_GRADIENT, i, values);
            engine_import(ref, ENGINE_GRADIENT, i, values);
        }
        CHECK(engine_apply(cpu, 0.01, 1.0, &got) == 0, "apply fails");
        CHECK(engine_apply(ref, 0.01, 1.0, &want) == 0, "ref: apply fails");
        CHECK(check_is_close(got, want, 0, 1e-6), "%s: apply: norm is %.9g, expected %.9g", name,
              got, want);
        check_all_tensors("weight", &model, ENGINE_WEIGHT, cpu, ref, 1e-6, 1e-8);
        check_all_tensors("first moment", &model, ENGINE_FIRST_MOMENT, cpu, ref, 1e-6, 0);
        check_all_tensors("second moment", &model, ENGINE_SECOND_MOMENT, cpu, ref, 2e-6, 0);
        check_all_tensors("gradient after apply", &model, ENGINE_GRADIENT, cpu, ref, 0, 0);
    }
    free(values);
    engine_close(cpu);
    engine_close(ref);
    test_batch_free(&batch);
    test_model_free(&model);
}

/*
 * Training as a whole, with dropout and two micro-batches a step. AdamW's first steps have the
 * gradient's sign as their size, so elements whose gradient is next to nothing part by up to the
 * learning rate; hence the large epsilon.
 */
static void test_training(void)
{
    static const struct test_shape shape = {64, 2, 2, 96, 3, 50, 128, NULL};
    static const struct lengths lengths = {6, {1, 97, 20, 48, 2, 33}};
    struct model model;
    struct test_batch batch;

    name_case(&shape, &lengths);
    test_model_init(&model, &shape, 24);
    test_batch_init(&batch, &model, lengths.length, lengths.sequences, 12);
    struct engine_plan plan = cpu_plan(&model, &batch.batch, true);
    plan.weight_decay = 0.01;
    plan.adam_epsilon = 1e-3;
    struct engine *cpu = test_engine(&model, &plan);
    to_ref(&plan);
    struct engine *ref = test_engine(&model, &plan);

    for (int step = 0; step < 5; step++) {
        struct engine_stats got = {0}, want = {0};
        double got_norm = 0.0, want_norm = 0.0;
        for (int micro = 0; micro < 2; micro++) {
            for (uint32_t s = 0; s < batch.batch.sequences; s++)
                batch.ordinals[s] += 6;
            engine_accumulate(cpu, &batch.batch, 12, &got);
            engine_accumulate(ref, &batch.batch, 12, &want);
        }
        CHECK(engine_apply(cpu, 0.003, 1.0, &got_norm) == 0, "apply fails");
        CHECK(engine_apply(ref, 0.003, 1.0, &want_norm) == 0, "ref: apply fails");
        CHECK(check_is_close(got.loss_sum, want.loss_sum, 1e-4, 1e-4),
              "%s: step %d: loss is %.9g, expected %.9g", name, step, got.loss_sum, want.loss_sum);
        CHECK(check_is_close(got_norm, want_norm, 1e-4, 1e-4),
              "%s: step %d: norm is %.9g, expected %.9g", name, step, got_norm, want_norm);
    }
    check_all_tensors("weight after 5 steps", &model, ENGINE_WEIGHT, cpu, ref, 1e-5, 1e-6);
    engine_close(cpu);
    engine_close(ref);
    test_batch_free(&batch);
    test_model_free(&model);
}

/* Two training steps with so many threads: everything that comes out, as one array. */
static float *train_bits(const struct model *model, const struct batch *batch, unsigned threads,
                         bool checkpointing, size_t *count)
{
    const uint32_t labels = model->config.num_labels;
    struct engine_plan plan = cpu_plan(model, batch, true);
    plan.threads = threads;
    plan.gradient_checkpointing = checkpointing;
    struct engine *engine = test_engine(model, &plan);
    uint64_t bytes = 0;
    CHECK(engine_plan_memory(model, &plan, &bytes) == 0 && bytes == engine_memory(engine),
          "%s: %u threads: %llu bytes are planned, %llu taken", name, threads,
          (unsigned long long)bytes, (unsigned long long)engine_memory(engine));
    float *out = mem_calloc(2 * (model->table.total + batch->rows * labels + 2), sizeof *out);
    size_t n = 0;

    for (int step = 0; step < 2; step++) {
        struct engine_stats stats = {0};
        double norm = 0.0;
        engine_forward(engine, batch, out + n);
        n += batch->rows * labels;
        engine_accumulate(engine, batch, batch->rows, &stats);
        for (size_t i = 0; step == 0 && i < model->table.count; i++) {
            engine_export(engine, ENGINE_GRADIENT, i, out + n);
            n += model->table.items[i].count;
        }
        engine_apply(engine, 0.01, 1.0, &norm);
        out[n++] = (float)stats.loss_sum;
        out[n++] = (float)norm;
    }
    for (size_t i = 0; i < model->table.count; i++) {
        engine_export(engine, ENGINE_WEIGHT, i, out + n);
        n += model->table.items[i].count;
    }
    engine_close(engine);
    *count = n;
    return out;
}

/* With gradient checkpointing, too. */
static void test_threads(void)
{
    static const struct test_shape shape = {64, 2, 3, 96, 3, 50, 512, NULL};
    static const struct lengths lengths = {7, {1, 97, 20, 48, 300, 33, 180}};
    static const unsigned threads[] = {2, 3, 8};
    struct model model;
    struct test_batch batch;
    size_t count, other_count;

    name_case(&shape, &lengths);
    test_model_init(&model, &shape, 25);
    test_batch_init(&batch, &model, lengths.length, lengths.sequences, 13);
    float *one = train_bits(&model, &batch.batch, 1, false, &count);
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
        float *other = train_bits(&model, &batch.batch, threads[t], t % 2 == 0, &other_count);
        size_t differ = 0;
        for (size_t i = 0; i < count; i++)
            differ += memcmp(&one[i], &other[i], sizeof *one) != 0;
        CHECK(count == other_count && differ == 0,
              "%s: %u threads: %zu of %zu numbers have other bits than with one", name, threads[t],
              differ, count);
        free(other);
    }
    free(one);
    test_batch_free(&batch);
    test_model_free(&model);
}

/* The sequences order[0..n-1] of a batch as a batch of their own; logits: [n, labels]. */
static void forward_some(struct engine *engine, const struct test_batch *all, const uint32_t *order,
                         uint32_t n, float *logits)
{
    uint32_t ids[2048], types[2048], positions[2048];
    uint32_t cu_seqlens[MOST_SEQUENCES + 1] = {0}, rows[MOST_SEQUENCES];
    struct batch batch = all->batch;
    uint32_t t = 0;

    for (uint32_t k = 0; k < n; k++) {
        rows[k] = t;
        for (uint32_t i = all->cu_seqlens[order[k]]; i < all->cu_seqlens[order[k] + 1]; i++, t++) {
            ids[t] = all->ids[i];
            types[t] = all->types[i];
            positions[t] = all->positions[i];
        }
        cu_seqlens[k + 1] = t;
    }
    batch.tokens = t;
    batch.sequences = batch.rows = n;
    batch.ids = ids;
    batch.types = types;
    batch.positions = positions;
    batch.cu_seqlens = cu_seqlens;
    batch.row_tokens = rows;
    CHECK(engine_forward(engine, &batch, logits) == 0, "%s: forward of some fails", name);
}

/* Each sequence alone, and all of them in random orders and subsets. */
static void test_batches(bool train)
{
    static const struct test_shape shape = {36, 3, 2, 50, 3, 50, 512, NULL};
    static const struct lengths lengths = {9, {1, 97, 20, 48, 300, 33, 180, 2, 95}};
    const uint32_t labels = shape.labels;
    uint64_t state = 77;
    struct model model;
    struct test_batch batch;
    float alone[MOST_SEQUENCES * 3], some[MOST_SEQUENCES * 3];

    name_case(&shape, &lengths);
    test_model_init(&model, &shape, 26);
    test_batch_init(&batch, &model, lengths.length, lengths.sequences, 14);
    struct engine_plan plan = cpu_plan(&model, &batch.batch, train);
    struct engine *engine = test_engine(&model, &plan);
    for (uint32_t s = 0; s < lengths.sequences; s++)
        forward_some(engine, &batch, &s, 1, alone + s * labels);
    for (int round = 0; round < 20; round++) {
        uint32_t order[MOST_SEQUENCES], n = 0;
        for (uint32_t s = 0; s < lengths.sequences; s++) {
            if (round > 10 && test_random(&state) % 2)
                continue;
            uint32_t at = (uint32_t)(test_random(&state) % (n + 1));
            memmove(order + at + 1, order + at, (n - at) * sizeof *order);
            order[at] = s;
            n++;
        }
        if (n == 0)
            continue;
        forward_some(engine, &batch, order, n, some);
        for (uint32_t k = 0; k < n; k++)
            CHECK(memcmp(some + k * labels, alone + order[k] * labels, labels * sizeof *some) == 0,
                  "%s: round %d: sequence %u of %u tokens: its logits have other bits than alone",
                  name, round, order[k], lengths.length[order[k]]);
    }
    engine_close(engine);
    test_batch_free(&batch);
    test_model_free(&model);
}

/* Weights that come in after others were used count from then on. */
static void test_import(void)
{
    static const struct test_shape shape = {36, 3, 2, 50, 3, 50, 64, NULL};
    static const struct lengths lengths = {2, {5, 30}};
    struct model model, other;
    struct test_batch batch;
    float before[6], after[6], want[6];

    name_case(&shape, &lengths);
    test_model_init(&model, &shape, 28);
    test_model_init(&other, &shape, 29);
    test_batch_init(&batch, &model, lengths.length, lengths.sequences, 16);
    struct engine_plan plan = cpu_plan(&model, &batch.batch, true);
    struct engine *engine = test_engine(&model, &plan), *fresh = test_engine(&other, &plan);

    engine_forward(engine, &batch.batch, before);
    for (size_t i = 0; i < model.table.count; i++)
        engine_import(engine, ENGINE_WEIGHT, i, other.weights[i]);
    engine_forward(engine, &batch.batch, after);
    engine_forward(fresh, &batch.batch, want);
    CHECK(memcmp(before, want, sizeof want) != 0, "%s: two models have the same logits", name);
    CHECK(memcmp(after, want, sizeof want) == 0, "%s: imported weights are not used", name);
    engine_close(engine);
    engine_close(fresh);
    test_batch_free(&batch);
    test_model_free(&model);
    test_model_free(&other);
}

/* An engine that shares another's weights, and one without gradients, answer as the one that
 * trains. */
static void test_sharing(void)
{
    static const struct test_shape shape = {64, 2, 3, 96, 3, 50, 512, NULL};
    static const struct lengths lengths = {3, {1, 97, 20}};
    struct model model;
    struct test_batch batch;
    float train[9], plain[9], shared[9];

    name_case(&shape, &lengths);
    test_model_init(&model, &shape, 27);
    test_batch_init(&batch, &model, lengths.length, lengths.sequences, 15);
    struct engine_plan plan = cpu_plan(&model, &batch.batch, true);
    struct engine *trainer = test_engine(&model, &plan);
    plan.train = false;
    struct engine *lender = test_engine(&model, &plan);
    plan.weights_from = lender;
    struct engine *borrower = test_engine(&model, &plan);

    engine_forward(trainer, &batch.batch, train);
    engine_forward(lender, &batch.batch, plain);
    engine_forward(borrower, &batch.batch, shared);
    CHECK(memcmp(train, plain, sizeof train) == 0, "%s: training and inference differ", name);
    CHECK(memcmp(plain, shared, sizeof plain) == 0, "%s: shared weights differ", name);
    engine_close(borrower);
    engine_close(lender);
    engine_close(trainer);
    test_batch_free(&batch);
    test_model_free(&model);
}

/* The kernel's dropout is the definition's, at every width and counter: as a mask, and applied. */
static void test_dropout(const struct kernels *kernels)
{
    static const double probabilities[] = {0.1, 0.5, 0.9};
    static const uint64_t ordinals[] = {0, 1, 4689 * 16, ((uint64_t)5 << 32) + 3};
    float dropped[600], added[600], residual[600];
    uint8_t mask[640 / 8];

    for (uint32_t trial = 0; trial < 300; trial++) {
        double probability = probabilities[trial % 3];
        struct dropout_row row = {
            .seed = 42 + ((uint64_t)trial << 30),
            .ordinal = ordinals[trial % 4],
            .site = dropout_site(trial % 12, DROPOUT_ATTENTION, trial % 5),
            .row = trial % 512,
            .threshold = dropout_threshold(probability),
            .scale = dropout_scale(probability),
        };
        uint32_t count = trial < 200 ? trial + 1 : 600 - trial + 200, wrong = 0;

        for (uint32_t c = 0; c < count; c++) {
            dropped[c] = added[c] = 1;
            residual[c] = (float)c;
        }
        kernels->dropout_mask(mask, &row, count);
        kernels->dropout_add(dropped, NULL, &row, count);
        kernels->dropout_add(added, residual, &row, count);
        for (uint32_t c = 0; c < count; c++) {
            float factor = dropout_factor(row.seed, row.ordinal, row.site, row.row, c, probability);
            wrong += (mask[c / 8] >> c % 8 & 1) != (factor != 0) || dropped[c] != factor ||
                     added[c] != factor + (float)c;
        }
        CHECK(wrong == 0, "%s: dropout: %u of %u differ in trial %u", kernels->name, wrong, count,
              trial);
    }
}

static void test_engines(void)
{
    test_grid();
    test_rows();
    if (dtype == ENGINE_FLOAT32) {
        test_apply();
        test_training();
    }
    test_threads();
    test_batches(true);
    test_batches(false);
    test_import();
    test_sharing();
}

static void test_float32(void)
{
    static const char *const tables[] = {"portable", "avx2", "avx512"};

    tolerance = float32_tolerance;
    dtype = ENGINE_FLOAT32;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        setenv("BERTPIPE_KERNELS", tables[t], 1);
        const struct kernels *kernels = kernels_select();
        if (!kernels) {
            printf("# %s kernels are left out: this processor does not run them\n", tables[t]);
            continue;
        }
        kernels_name = kernels->name;
        test_dropout(kernels);
        test_engines();
    }
    unsetenv("BERTPIPE_KERNELS");
}

static void test_bf16(void)
{
    static const char *const tables[] = {"rounded",    "emulated", "avx512bf16", "amx",
                                         "avx512vnni", "avxvnni",  "avx2"};

    tolerance = bf16_tolerance;
    dtype = ENGINE_BF16;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        setenv("BERTPIPE_BF16", tables[t], 1);
        const struct products *products = products_select(kernels_select(), dtype);
        if (!products) {
            printf("# %s products are left out: this processor does not run them\n", tables[t]);
            continue;
        }
        kernels_name = products->name;
        test_engines();
    }
}

int main(void)
{
    test_float32();
    test_bf16();
    return check_report();
}
