/* The tensors of a model: names, shapes, decay, order, initial values. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "model_capture.h"

#include "cli/diag.h"
#include "cli/memory.h"
#include "model/initialise.h"
#include "model/parameters.h"
#include "cli/philox.h"

static void make_bert_base(struct model_config *config)
{
    json_t *json =
        json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i}", "model_type", "bert", "vocab_size", 30522,
                  "hidden_size", 768, "num_hidden_layers", 12, "num_attention_heads", 12,
                  "intermediate_size", 3072, "max_position_embeddings", 512);

    if (model_config_from_json(config, "bert-base", json) != 0)
        exit(1);
    json_decref(json);
}

/* Against the list that transformers gives for BertForSequenceClassification. */
static void test_bert_base(const struct parameter_table *table)
{
    FILE *file = fopen(FIXTURES "/expected-bert-base.txt", "r");
    char name[128], shape[64], decay[16];
    size_t decayed = 0, i = 0;

    for (; file != NULL && fscanf(file, "%127s %63s %15s", name, shape, decay) == 3; i++) {
        const struct parameter *p = i < table->count ? &table->items[i] : NULL;
        char ours[64];

        if (!CHECK(p != NULL, "%s is in the table", name))
            continue;
        snprintf(ours, sizeof ours, p->rank == 2 ? "%llux%llu" : "%llu",
                 (unsigned long long)p->shape[0], (unsigned long long)p->shape[1]);
        CHECK(strcmp(p->name, name) == 0, "tensor %zu: '%s', expected '%s'", i, p->name, name);
        CHECK(strcmp(ours, shape) == 0, "%s: shape %s, expected %s", name, ours, shape);
        CHECK(p->decay == (strcmp(decay, "decay") == 0), "%s: %s", name, decay);
        CHECK(parameter_find(table, p->role, p->layer) == p, "%s is found by role", name);
        CHECK(parameter_find_name(table, name) == p, "%s is found by name", name);
        decayed += p->decay;
    }
    if (file != NULL)
        fclose(file);
    CHECK(i == 201 && table->count == 201, "201 tensors, got %zu of %zu", table->count, i);
    CHECK(table->total == 109483778, "109,483,778 numbers, got %llu",
          (unsigned long long)table->total);
    CHECK(decayed == 77, "77 tensors are decayed, got %zu", decayed);
    CHECK(table->largest == 30522ull * 768, "the largest is the word embedding");
    CHECK(parameter_index(table, PARAMETER_QUERY_WEIGHT, 12) == SIZE_MAX, "there is no layer 12");
    CHECK(parameter_index(table, PARAMETER_POOLER_BIAS, 7) == 198, "roles that exist once");
}

/* Known answers of the authors' Random123 library (kat_vectors, philox4x32 10). */
static void test_philox(void)
{
    static const uint32_t cases[][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
         0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
         0x94fdcceb, 0x5001e420, 0x24126ea1},
    };

    for (size_t i = 0; i < 3; i++) {
        const uint32_t *c = cases[i];
        struct philox_block block = {{c[0], c[1], c[2], c[3]}};

        block = philox(block, c[4], c[5]);
        CHECK(memcmp(block.word, c + 6, sizeof block.word) == 0, "known answer %zu", i);
    }
}

static float *fill(const struct parameter *parameter, uint64_t seed, double deviation)
{
    float *values = mem_realloc_array(NULL, parameter->count, sizeof *values);

    initialise_parameter(parameter, seed, deviation, values);
    return values;
}

/* Against the same rule written in Python. */
static void test_initial_values(const struct parameter_table *table)
{
    json_t *cases = json_load_file(FIXTURES "/expected-initialise.json", 0, NULL), *item;
    size_t i;

    CHECK(json_array_size(cases) == 2, "the fixture is there");
    json_array_foreach(cases, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        const json_t *elements = json_object_get(item, "elements");
        const json_t *values = json_object_get(item, "values");
        uint64_t seed = (uint64_t)json_integer_value(json_object_get(item, "seed"));
        double deviation = json_real_value(json_object_get(item, "deviation"));
        float *ours = fill(parameter_find_name(table, name), seed, deviation);

        for (size_t e = 0; e < json_array_size(elements); e++)
            CHECK_CLOSE(name, ours[json_integer_value(json_array_get(elements, e))],
                        json_real_value(json_array_get(values, e)), 1e-12, 1e-7);
        free(ours);
    }
    json_decref(cases);
}

static void test_distribution(const struct parameter_table *table)
{
    const struct parameter *p = parameter_find(table, PARAMETER_QUERY_WEIGHT, 5);
    float *values = fill(p, 42, 0.02);
    double sum = 0, squares = 0, fourth = 0;
    uint64_t within = 0;

    for (uint64_t i = 0; i < p->count; i++) {
        double z = values[i] / 0.02;

        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
        within += fabs(z) < 1;
    }
    double n = (double)p->count; /* 589,824: five standard errors each */

    CHECK_CLOSE("mean", sum / n, 0, 0.0066, 0);
    CHECK_CLOSE("variance", squares / n, 1, 0.0093, 0);
    CHECK_CLOSE("fourth moment", fourth / n, 3, 0.065, 0);
    CHECK_CLOSE("share within one deviation", (double)within / n, 0.682689, 0.0031, 0);
    free(values);
    values = fill(parameter_find(table, PARAMETER_OUTPUT_NORM_WEIGHT, 1), 42, 0.02);
    CHECK(values[0] == 1 && values[767] == 1, "LayerNorm gains are 1");
    free(values);
    values = fill(parameter_find(table, PARAMETER_CLASSIFIER_BIAS, 0), 42, 0.02);
    CHECK(values[0] == 0 && values[1] == 0, "biases are 0");
    free(values);
}

int main(void)
{
    struct model_config config;
    struct parameter_table table;

    diag_init("test");
    make_bert_base(&config);
    if (CHECK(parameter_table_init(&table, &config) == 0, "the table is made")) {
        test_bert_base(&table);
        test_philox();
        test_initial_values(&table);
        test_distribution(&table);
        parameter_table_free(&table);
    }
    model_config_free(&config);
    return check_report();
}
