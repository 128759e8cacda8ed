/*
 * What the engine refuses, with the line it says; and the rest of its interface on both devices.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "nn/engine.h"

#include "check.h"
#include "nn_models.h"

static const struct test_shape shape = {12, 3, 2, 10, 3, 11, 20, NULL};
static const uint32_t lengths[] = {5, 3, 4};

static struct model model;
static struct test_batch good;
static struct engine_plan plan;

/* ---- standard error in a file ---- */

static int saved_stderr;
static FILE *caught;

static void catch_begin(void)
{
    caught = tmpfile();
    if (!caught) {
        printf("FAILED: no temporary file\n0 passed, 1 failed\n");
        exit(1);
    }
    fflush(stderr);
    saved_stderr = dup(2);
    dup2(fileno(caught), 2);
}

/* Exactly this one line was said. */
static void catch_end(const char *expected)
{
    char line[512] = "", wanted[512];

    fflush(stderr);
    dup2(saved_stderr, 2);
    close(saved_stderr);
    rewind(caught);
    size_t n = fread(line, 1, sizeof line - 1, caught);
    line[n] = '\0';
    fclose(caught);
    snprintf(wanted, sizeof wanted, "test: %s\n", expected);
    CHECK(strcmp(line, wanted) == 0, "said '%s', expected '%s'", line, wanted);
}

static void refuse_plan(const struct engine_plan *bad, const char *message)
{
    struct engine *engine = NULL;

    catch_begin();
    int result = engine_open(&engine, &model, bad);
    catch_end(message);
    CHECK(result == -1 && engine == NULL, "opened in spite of: %s", message);
    engine_close(engine);
}

static void test_plans(void)
{
    struct engine_plan bad;

#define REFUSE(field, value, message)                                                              \
    bad = plan;                                                                                    \
    bad.field = value;                                                                             \
    refuse_plan(&bad, message)

    REFUSE(device, ENGINE_CUDA,
           "engine: device cuda is not available in this build, only cpu and ref");
    bad = plan;
    bad.device = ENGINE_REF;
    bad.dtype = ENGINE_BF16;
    refuse_plan(&bad, "engine: device ref computes in double precision, it has no dtype bf16");
    bad.dtype = ENGINE_INT8;
    refuse_plan(&bad, "engine: device ref computes in double precision, it has no dtype int8");
    bad.device = ENGINE_CPU;
    refuse_plan(&bad, "engine: dtype int8 is for inference, it does not train");
    REFUSE(head, ENGINE_HEAD_TOKENS,
           "engine: the token classifier's head is not available, only the classifier's");
    REFUSE(head, ENGINE_HEAD_MLM,
           "engine: the masked language model's head is not available, only the classifier's");
    REFUSE(max_tokens, 0,
           "engine: a plan for 0 tokens, 3 sequences and a length of 5 has nothing to do");
    REFUSE(max_length, 21,
           "engine: sequences of 21 tokens are longer than the model's 20 positions");
    REFUSE(hidden_dropout, 1.0, "engine: hidden dropout 1 is not in [0, 1)");
    REFUSE(attention_dropout, NAN, "engine: attention dropout nan is not in [0, 1)");
    REFUSE(classifier_dropout, -0.5, "engine: classifier dropout -0.5 is not in [0, 1)");
    REFUSE(adam_beta1, 1.0, "engine: adam beta1 1 is not in [0, 1)");
    REFUSE(adam_beta2, 2.0, "engine: adam beta2 2 is not in [0, 1)");
    REFUSE(adam_epsilon, -1.0, "engine: adam epsilon -1 is not a number of at least 0");
    REFUSE(weight_decay, INFINITY, "engine: weight decay inf is not a number of at least 0");
#undef REFUSE
}

static void test_missing_weights(void)
{
    const float *kept = model.weights[3];

    model.weights[3] = NULL;
    refuse_plan(&plan, "engine: tensor bert.embeddings.LayerNorm.weight has no values");
    model.weights[3] = kept;
}

static void test_shared_weights(struct engine *trainer)
{
    struct engine_plan shared = plan;
    float *values = mem_calloc(model.table.largest, sizeof *values);

    shared.weights_from = trainer;
    refuse_plan(&shared, "engine: an engine that trains cannot share another one's weights");
    shared.train = false;
    shared.device = plan.device == ENGINE_CPU ? ENGINE_REF : ENGINE_CPU;
    refuse_plan(
        &shared,
        "engine: weights can be shared only by engines of the same model, device and dtype");
    shared.device = plan.device;
    struct engine *engine = test_engine(&model, &shared);
    catch_begin();
    CHECK(engine_import(engine, ENGINE_WEIGHT, 0, values) == -1, "shared weights are replaced");
    catch_end("engine: weights shared with another engine cannot be replaced");
    engine_close(engine);
    free(values);
}

/* Both calls refuse the batch. */
static void refuse_batch(struct engine *engine, const struct batch *bad, const char *message)
{
    float logits[64];
    struct engine_stats stats = {0};

    catch_begin();
    int result = engine_forward(engine, bad, logits);
    catch_end(message);
    CHECK(result == -1, "forward in spite of: %s", message);
    catch_begin();
    result = engine_accumulate(engine, bad, 1, &stats);
    catch_end(message);
    CHECK(result == -1 && stats.rows == 0, "accumulate in spite of: %s", message);
}

static void test_sizes(struct engine *engine)
{
    static const uint32_t begins_late[] = {1, 5, 8, 12}, ends_early[] = {0, 5, 8, 11},
                          hollow[] = {0, 5, 5, 12}, backwards[] = {0, 8, 5, 12},
                          longer[] = {0, 2, 4, 12};
    struct batch bad = good.batch;

    bad.tokens = 0;
    refuse_batch(engine, &bad, "batch: it has no tokens");
    bad.tokens = 13;
    refuse_batch(engine, &bad, "batch: 13 tokens are more than the 12 planned for");
    bad = good.batch;
    bad.sequences = 0;
    refuse_batch(engine, &bad, "batch: it has no sequences");
    bad.sequences = 4;
    refuse_batch(engine, &bad, "batch: 4 sequences are more than the 3 planned for");
    bad = good.batch;
    bad.rows = 0;
    refuse_batch(engine, &bad, "batch: it has no rows");
    bad.rows = 4;
    refuse_batch(engine, &bad, "batch: 4 rows are more than the 3 planned for");
    bad = good.batch;
    bad.cu_seqlens = begins_late;
    refuse_batch(engine, &bad, "batch: the sequences span tokens 1 to 12, not 0 to 12");
    bad.cu_seqlens = ends_early;
    refuse_batch(engine, &bad, "batch: the sequences span tokens 0 to 11, not 0 to 12");
    bad.cu_seqlens = hollow;
    refuse_batch(engine, &bad, "batch: sequence 1: it has no tokens");
    bad.cu_seqlens = backwards;
    refuse_batch(engine, &bad, "batch: sequence 0: 8 tokens are more than the 5 planned for");
    bad.cu_seqlens = longer;
    refuse_batch(engine, &bad, "batch: sequence 2: 8 tokens are more than the 5 planned for");
}

/* Changes one number of the batch for one refusal. */
static void refuse_value(struct engine *engine, uint32_t *place, uint32_t value,
                         const char *message)
{
    uint32_t kept = *place;

    *place = value;
    refuse_batch(engine, &good.batch, message);
    *place = kept;
}

static void test_values(struct engine *engine)
{
    refuse_value(engine, &good.ids[7], 11,
                 "batch: sequence 1: token 2: id 11 is not below the vocabulary's size 11");
    refuse_value(engine, &good.ids[0], 4000000000u,
                 "batch: sequence 0: token 0: id 4000000000 is not below the vocabulary's size 11");
    refuse_value(engine, &good.types[11], 2,
                 "batch: sequence 2: token 3: type 2 is not below the model's token types 2");
    refuse_value(engine, &good.positions[5], 20,
                 "batch: sequence 1: token 0: position 20 is not below the model's positions 20");
    refuse_value(engine, &good.row_tokens[2], 12,
                 "batch: row 2: token 12 is not below the 12 of the batch");
    refuse_value(engine, &good.row_tokens[1], 0,
                 "batch: row 1: token 0 does not come after the previous row's 0");
}

static void refuse_targets(struct engine *engine, const struct batch *bad, double divisor,
                           const char *message)
{
    struct engine_stats stats = {0};

    catch_begin();
    int result = engine_accumulate(engine, bad, divisor, &stats);
    catch_end(message);
    CHECK(result == -1 && stats.rows == 0, "accumulate in spite of: %s", message);
}

static void test_targets(struct engine *engine)
{
    static const int32_t high[] = {0, 3, 0}, low[] = {0, 0, -1};
    static const float beyond[] = {0, 1, 1, 0, 1.5f, 0, 0, 0, 0}, odd[] = {0, 0, NAN};
    struct batch bad = good.batch;

    bad.target = TARGET_NONE;
    refuse_targets(engine, &bad, 3, "batch: it has no targets to compute a loss from");
    bad.target = TARGET_CLASS;
    bad.classes = NULL;
    refuse_targets(engine, &bad, 3, "batch: it has no targets to compute a loss from");
    bad.classes = high;
    refuse_targets(engine, &bad, 3, "batch: row 1: class 3 is not in 0 .. 2");
    bad.classes = low;
    refuse_targets(engine, &bad, 3, "batch: row 2: class -1 is not in 0 .. 2");
    bad.target = TARGET_MULTI;
    bad.values = beyond;
    refuse_targets(engine, &bad, 3, "batch: row 1: target 1: 1.5 is not in [0, 1]");
    bad.target = TARGET_REAL;
    bad.values = odd;
    refuse_targets(engine, &bad, 3, "batch: row 0: target 2 is nan");
    refuse_targets(engine, &good.batch, 0, "batch: the loss cannot be divided by 0");
    bad = good.batch;
    bad.ordinals = NULL;
    refuse_targets(engine, &bad, 3, "batch: it has no ordinals to drop elements by");
}

static void test_inference_only(void)
{
    struct engine_plan only = plan;
    struct engine_stats stats = {0};
    float values[1024];
    double norm;

    only.train = false;
    struct engine *engine = test_engine(&model, &only);
    const char *message = "engine: it was opened for inference and cannot train";
    catch_begin();
    CHECK(engine_accumulate(engine, &good.batch, 1, &stats) == -1, "inference accumulates");
    catch_end(message);
    catch_begin();
    CHECK(engine_apply(engine, 0.1, 1, &norm) == -1, "inference applies");
    catch_end(message);
    catch_begin();
    CHECK(engine_reduce(engine, NULL) == -1, "inference reduces");
    catch_end(message);
    catch_begin();
    CHECK(engine_export(engine, ENGINE_GRADIENT, 0, values) == -1, "inference has gradients");
    catch_end(message);
    catch_begin();
    CHECK(engine_export(engine, ENGINE_WEIGHT, 99, values) == -1, "tensor 99 is exported");
    catch_end("engine: tensor 99 is not below the model's 41");
    CHECK(engine_export(engine, ENGINE_WEIGHT, 3, values) == 0, "weights are not exported");
    CHECK(memcmp(values, model.weights[3], 12 * sizeof *values) == 0, "other weights are exported");
    engine_close(engine);
}

/* A gradient that is not finite stops the step and leaves the weights. */
static void test_not_finite(struct engine *engine)
{
    float values[1024], kept[1024], after[1024];
    double norm = 0.0;
    size_t last = model.table.count - 1;

    engine_export(engine, ENGINE_GRADIENT, last, values);
    engine_export(engine, ENGINE_WEIGHT, 0, kept);
    values[1] = NAN;
    engine_import(engine, ENGINE_GRADIENT, last, values);
    catch_begin();
    int result = engine_apply(engine, 0.1, 1.0, &norm);
    fflush(stderr);
    dup2(saved_stderr, 2);
    close(saved_stderr);
    rewind(caught);
    CHECK(!fgets((char *)after, sizeof after, caught), "a gradient that is not finite: said '%s'",
          (char *)after);
    fclose(caught);
    CHECK(result == -1, "a gradient that is not finite is applied");
    CHECK(!isfinite(norm), "its norm is %g", norm);
    engine_export(engine, ENGINE_WEIGHT, 0, after);
    CHECK(memcmp(kept, after, model.table.items[0].count * sizeof *kept) == 0,
          "a gradient that is not finite changes the weights");
    CHECK(engine_step(engine) == 0, "a failed step counts");
}

/* Every kind of tensor comes back as it went in. */
static void test_round_trip(struct engine *engine)
{
    float in[1024], out[1024];

    for (int kind = ENGINE_WEIGHT; kind <= ENGINE_SECOND_MOMENT; kind++) {
        for (size_t i = 0; i < model.table.count; i++) {
            uint64_t count = model.table.items[i].count;
            for (uint64_t e = 0; e < count; e++)
                in[e] = (float)e * 0.37f + (float)i;
            engine_import(engine, kind, i, in);
            engine_export(engine, kind, i, out);
            CHECK(memcmp(in, out, count * sizeof *in) == 0, "%s: kind %d changes on its way",
                  model.table.items[i].name, kind);
        }
    }
    engine_set_step(engine, 1234567890123u);
    CHECK(engine_step(engine) == 1234567890123u, "the step is not kept");
    CHECK(engine_memory(engine) > 4 * model.table.total * sizeof(float), "memory of %llu bytes",
          (unsigned long long)engine_memory(engine));
    CHECK(strlen(engine_describe(engine)) > 5, "no description");
}

int main(void)
{
    static const enum engine_device devices[] = {ENGINE_REF, ENGINE_CPU};

    diag_init("test");
    test_model_init(&model, &shape, 1);
    test_batch_init(&good, &model, lengths, 3, 2);
    for (size_t d = 0; d < 2; d++) {
        plan = test_plan(&model, &good.batch, devices[d], true);
        struct engine *engine = test_engine(&model, &plan);
        test_plans();
        test_missing_weights();
        test_shared_weights(engine);
        test_sizes(engine);
        test_values(engine);
        test_targets(engine);
        test_inference_only();
        test_not_finite(engine);
        test_round_trip(engine);
        engine_close(engine);
    }
    test_batch_free(&good);
    test_model_free(&model);
    return check_report();
}
