#include "model/architecture.h"

#include <stdio.h>
#include <string.h>

#include "cli/diag.h"

static const char *const norm_aliases[][2] = {
    {"LayerNorm.weight", "LayerNorm.gamma"},
    {"LayerNorm.bias", "LayerNorm.beta"},
    {NULL, NULL},
};

static const char *const bert_ignored[] = {
    "embeddings.position_ids",
    "embeddings.token_type_ids",
    "cls.*",
    NULL,
};

static const struct architecture architectures[] = {
    {
        .model_type = "bert",
        .class_name = "BertForSequenceClassification",
        .prefix = "bert.",
        .keys =
            {
                .hidden_size = "hidden_size",
                .num_hidden_layers = "num_hidden_layers",
                .num_attention_heads = "num_attention_heads",
                .intermediate_size = "intermediate_size",
                .max_position_embeddings = "max_position_embeddings",
                .type_vocab_size = "type_vocab_size",
                .hidden_act = "hidden_act",
                .layer_norm_eps = "layer_norm_eps",
                .hidden_dropout_prob = "hidden_dropout_prob",
                .attention_probs_dropout_prob = "attention_probs_dropout_prob",
                .classifier_dropout = "classifier_dropout",
            },
        .position_offset = 0,
        .has_token_types = true,
        .pooler = POOLER_TANH,
        .default_layer_norm_eps = 1e-12,
        .names =
            {
                [PARAMETER_WORD_EMBEDDINGS] = "@embeddings.word_embeddings.weight",
                [PARAMETER_POSITION_EMBEDDINGS] = "@embeddings.position_embeddings.weight",
                [PARAMETER_TYPE_EMBEDDINGS] = "@embeddings.token_type_embeddings.weight",
                [PARAMETER_EMBEDDINGS_NORM_WEIGHT] = "@embeddings.LayerNorm.weight",
                [PARAMETER_EMBEDDINGS_NORM_BIAS] = "@embeddings.LayerNorm.bias",
                [PARAMETER_QUERY_WEIGHT] = "@encoder.layer.#.attention.self.query.weight",
                [PARAMETER_QUERY_BIAS] = "@encoder.layer.#.attention.self.query.bias",
                [PARAMETER_KEY_WEIGHT] = "@encoder.layer.#.attention.self.key.weight",
                [PARAMETER_KEY_BIAS] = "@encoder.layer.#.attention.self.key.bias",
                [PARAMETER_VALUE_WEIGHT] = "@encoder.layer.#.attention.self.value.weight",
                [PARAMETER_VALUE_BIAS] = "@encoder.layer.#.attention.self.value.bias",
                [PARAMETER_ATTENTION_OUTPUT_WEIGHT] =
                    "@encoder.layer.#.attention.output.dense.weight",
                [PARAMETER_ATTENTION_OUTPUT_BIAS] = "@encoder.layer.#.attention.output.dense.bias",
                [PARAMETER_ATTENTION_NORM_WEIGHT] =
                    "@encoder.layer.#.attention.output.LayerNorm.weight",
                [PARAMETER_ATTENTION_NORM_BIAS] =
                    "@encoder.layer.#.attention.output.LayerNorm.bias",
                [PARAMETER_INTERMEDIATE_WEIGHT] = "@encoder.layer.#.intermediate.dense.weight",
                [PARAMETER_INTERMEDIATE_BIAS] = "@encoder.layer.#.intermediate.dense.bias",
                [PARAMETER_OUTPUT_WEIGHT] = "@encoder.layer.#.output.dense.weight",
                [PARAMETER_OUTPUT_BIAS] = "@encoder.layer.#.output.dense.bias",
                [PARAMETER_OUTPUT_NORM_WEIGHT] = "@encoder.layer.#.output.LayerNorm.weight",
                [PARAMETER_OUTPUT_NORM_BIAS] = "@encoder.layer.#.output.LayerNorm.bias",
                [PARAMETER_POOLER_WEIGHT] = "@pooler.dense.weight",
                [PARAMETER_POOLER_BIAS] = "@pooler.dense.bias",
                [PARAMETER_CLASSIFIER_WEIGHT] = "classifier.weight",
                [PARAMETER_CLASSIFIER_BIAS] = "classifier.bias",
            },
        .aliases = norm_aliases,
        .ignored = bert_ignored,
    },
};

#define ARCHITECTURES (sizeof architectures / sizeof architectures[0])

bool parameter_role_is_per_layer(enum parameter_role role)
{
    return role >= PARAMETER_QUERY_WEIGHT && role <= PARAMETER_OUTPUT_NORM_BIAS;
}

const struct architecture *architecture_find(const char *place, const char *model_type)
{
    char supported[128] = "";
    size_t length = 0;

    for (size_t i = 0; i < ARCHITECTURES; i++) {
        if (strcmp(architectures[i].model_type, model_type) == 0)
            return &architectures[i];
        if (length < sizeof supported)
            length += (size_t)snprintf(supported + length, sizeof supported - length, "%s%s",
                                       i > 0 ? ", " : "", architectures[i].model_type);
    }
    diag_error("%s: model type '%s' is not supported (supported: %s)", place, model_type,
               supported);
    return NULL;
}

int architecture_tensor_name(const struct architecture *architecture, enum parameter_role role,
                             uint32_t layer, bool with_prefix, char *name, size_t size)
{
    size_t length = 0;

    for (const char *p = architecture->names[role]; *p != '\0'; p++) {
        char piece[32] = {*p, '\0'};

        if (*p == '@')
            snprintf(piece, sizeof piece, "%s", with_prefix ? architecture->prefix : "");
        else if (*p == '#')
            snprintf(piece, sizeof piece, "%u", (unsigned)layer);
        size_t extra = strlen(piece);

        if (extra >= size - length)
            return -1;
        memcpy(name + length, piece, extra);
        length += extra;
    }
    name[length] = '\0';
    return 0;
}

bool architecture_ignores(const struct architecture *architecture, const char *name)
{
    size_t prefix = strlen(architecture->prefix);

    if (strncmp(name, architecture->prefix, prefix) == 0)
        name += prefix;
    for (size_t i = 0; architecture->ignored[i] != NULL; i++) {
        const char *pattern = architecture->ignored[i];
        size_t length = strlen(pattern);

        if (pattern[length - 1] == '*' ? strncmp(name, pattern, length - 1) == 0
                                       : strcmp(name, pattern) == 0)
            return true;
    }
    return false;
}
