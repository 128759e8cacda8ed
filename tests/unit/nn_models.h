/*
 * Models and batches made in memory for the tests of common/nn.
 */
#ifndef TESTS_UNIT_NN_MODELS_H
#define TESTS_UNIT_NN_MODELS_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "model/initialise.h"
#include "model/model.h"
#include "nn/engine.h"

struct test_shape {
    uint32_t hidden, heads, layers, intermediate, labels, vocab, positions;
    const char *activation; /* NULL: gelu */
};

/* Weights are multiples of this, so that small steps away from them are exact in float32. */
#define TEST_GRAIN (1.0 / 65536)

/*
 * Random weights and biases, LayerNorm gains around 1: unlike in a fresh model, every tensor then
 * matters to the result. The deviation is 0.15, less for wide models so that nothing saturates.
 */
static inline void test_model_init(struct model *model, const struct test_shape *shape,
                                   uint64_t seed)
{
    json_t *json = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s}", "model_type", "bert",
                             "vocab_size", (int)shape->vocab, "hidden_size", (int)shape->hidden,
                             "num_hidden_layers", (int)shape->layers, "num_attention_heads",
                             (int)shape->heads, "intermediate_size", (int)shape->intermediate,
                             "max_position_embeddings", (int)shape->positions, "type_vocab_size", 2,
                             "hidden_act", shape->activation ? shape->activation : "gelu");

    memset(model, 0, sizeof *model);
    if (!json || model_config_from_json(&model->config, "test model", json) ||
        model_config_set_labels(&model->config, NULL, shape->labels) ||
        parameter_table_init(&model->table, &model->config)) {
        printf("FAILED: a test model cannot be made\n0 passed, 1 failed\n");
        exit(1);
    }
    json_decref(json);
    const double deviation = fmin(0.15, 0.9 / sqrt(shape->hidden));
    model->weights = mem_calloc(model->table.count, sizeof *model->weights);
    model->owned = mem_calloc(model->table.count, sizeof *model->owned);
    for (size_t i = 0; i < model->table.count; i++) {
        struct parameter normal = model->table.items[i];
        float *values = mem_alloc(normal.count * sizeof *values);

        normal.initialisation = INITIALISE_NORMAL;
        initialise_parameter(&normal, seed, deviation, values);
        for (uint64_t e = 0; e < normal.count; e++) {
            if (model->table.items[i].initialisation == INITIALISE_ONE)
                values[e] += 1.0f;
            values[e] = (float)(round(values[e] / TEST_GRAIN) * TEST_GRAIN);
        }
        model->weights[i] = model->owned[i] = values;
    }
}

static inline void test_model_free(struct model *model)
{
    for (size_t i = 0; i < model->table.count; i++)
        free(model->owned[i]);
    free(model->owned);
    free(model->weights);
    parameter_table_free(&model->table);
    model_config_free(&model->config);
}

/* A small generator of test data (SplitMix64). */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A batch that owns its arrays. The head applies to first tokens; ordinals are far apart and some
 * large. */
struct test_batch {
    struct batch batch;
    uint32_t *ids, *types, *positions, *cu_seqlens, *row_tokens;
    uint64_t *ordinals;
    int32_t *classes;
    float *values;
};

static inline void test_batch_init(struct test_batch *b, const struct model *model,
                                   const uint32_t *lengths, uint32_t sequences, uint64_t seed)
{
    const struct model_config *config = &model->config;
    uint32_t tokens = 0, labels = config->num_labels;

    for (uint32_t s = 0; s < sequences; s++)
        tokens += lengths[s];
    b->ids = mem_calloc(tokens, sizeof *b->ids);
    b->types = mem_calloc(tokens, sizeof *b->types);
    b->positions = mem_calloc(tokens, sizeof *b->positions);
    b->cu_seqlens = mem_calloc(sequences + 1, sizeof *b->cu_seqlens);
    b->row_tokens = mem_calloc(sequences, sizeof *b->row_tokens);
    b->ordinals = mem_calloc(sequences, sizeof *b->ordinals);
    b->classes = mem_calloc(sequences, sizeof *b->classes);
    b->values = mem_calloc((size_t)sequences * labels, sizeof *b->values);
    for (uint32_t s = 0, t = 0; s < sequences; s++) {
        b->row_tokens[s] = t;
        b->ordinals[s] = seed * 1000 + s * 7 + (s % 3 == 2 ? (uint64_t)1 << 32 : 0);
        b->classes[s] = (int32_t)(test_random(&seed) % labels);
        for (uint32_t j = 0; j < labels; j++)
            b->values[s * labels + j] = (float)(test_random(&seed) % 5) / 4;
        for (uint32_t i = 0; i < lengths[s]; i++, t++) {
            b->ids[t] = (uint32_t)(test_random(&seed) % config->vocab_size);
            b->types[t] = i > lengths[s] / 2;
            b->positions[t] = i;
        }
        b->cu_seqlens[s + 1] = t;
    }
    b->batch = (struct batch){
        .tokens = tokens,
        .sequences = sequences,
        .ids = b->ids,
        .types = b->types,
        .positions = b->positions,
        .cu_seqlens = b->cu_seqlens,
        .ordinals = b->ordinals,
        .rows = sequences,
        .row_tokens = b->row_tokens,
        .target = TARGET_CLASS,
        .classes = b->classes,
        .values = b->values,
    };
}

static inline void test_batch_free(struct test_batch *b)
{
    free(b->ids);
    free(b->types);
    free(b->positions);
    free(b->cu_seqlens);
    free(b->row_tokens);
    free(b->ordinals);
    free(b->classes);
    free(b->values);
}

/* A plan just large enough for one batch. */
static inline struct engine_plan test_plan(const struct model *model, const struct batch *batch,
                                           enum engine_device device, bool train)
{
    struct engine_plan plan;

    engine_plan_init(&plan, model);
    plan.device = device;
    plan.train = train;
    plan.max_tokens = batch->tokens;
    plan.max_sequences = batch->sequences;
    plan.max_rows = batch->rows;
    for (uint32_t s = 0; s < batch->sequences; s++) {
        uint32_t length = batch->cu_seqlens[s + 1] - batch->cu_seqlens[s];
        plan.max_length = length > plan.max_length ? length : plan.max_length;
    }
    return plan;
}

static inline struct engine *test_engine(const struct model *model, const struct engine_plan *plan)
{
    struct engine *engine;

    if (engine_open(&engine, model, plan)) {
        printf("FAILED: an engine cannot be opened\n0 passed, 1 failed\n");
        exit(1);
    }
    return engine;
}

#endif
