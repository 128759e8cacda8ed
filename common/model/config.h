/*
 * A model's config.json: shapes, constants and label names, checked on the way in.
 *
 * The whole JSON object is kept, so that keys this program does not use survive being written back.
 * Source of the keys and their defaults: transformers' BertConfig (release
 * MODEL_TRANSFORMERS_VERSION).
 */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/architecture.h"

/* The release of transformers whose files the written ones match. */
#define MODEL_TRANSFORMERS_VERSION "5.23.0"

/* The most labels that a model can have. */
#define MODEL_LABELS_MAX (1u << 20)

enum activation {
    ACTIVATION_GELU,      /* x/2 (1 + erf(x/sqrt 2)): "gelu" */
    ACTIVATION_GELU_TANH, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): "gelu_new",
                             "gelu_pytorch_tanh" */
    ACTIVATION_RELU,      /* max(x, 0): "relu" */
};

enum problem_type {
    PROBLEM_TYPE_UNSET,      /* null: a regression with one label, else one of several classes */
    PROBLEM_TYPE_SINGLE,     /* "single_label_classification" */
    PROBLEM_TYPE_MULTI,      /* "multi_label_classification" */
    PROBLEM_TYPE_REGRESSION, /* "regression" */
};

struct model_config {
    const struct architecture *architecture;
    uint32_t vocab_size;
    uint32_t hidden_size;
    uint32_t num_hidden_layers;
    uint32_t num_attention_heads; /* divides hidden_size */
    uint32_t intermediate_size;
    uint32_t max_position_embeddings;
    uint32_t type_vocab_size; /* 0 where the family has no token types */
    int64_t pad_token_id;     /* below vocab_size; -1: none */
    enum activation hidden_act;
    double layer_norm_eps;
    double hidden_dropout_prob;          /* [0, 1) */
    double attention_probs_dropout_prob; /* [0, 1) */
    double classifier_dropout;           /* [0, 1), or NaN: null, hidden_dropout_prob holds */
    double initializer_range;
    enum problem_type problem_type;
    uint32_t num_labels; /* at least 1 */
    char **label_names;  /* [num_labels], distinct; "LABEL_0", ... when the file has none; owned */
    json_t *json;        /* the object as read; owned */
};

/* Positions a text may take: max_position_embeddings less the family's position offset. */
uint32_t model_config_max_length(const struct model_config *config);
/* The dropout before the classifier: classifier_dropout, or hidden_dropout_prob when that is null.
 */
double model_config_classifier_dropout(const struct model_config *config);
/* The model's label of that name, or -1. */
int64_t model_config_find_label(const struct model_config *config, const char *name);

/* Reads FOLDER/config.json. 0, or -1 with a message; config needs no free after a failure. */
int model_config_load(struct model_config *config, const char *folder);
/* The same from a JSON object, which is not consumed; place names it in messages. */
int model_config_from_json(struct model_config *config, const char *place, json_t *json);

/* Replaces the labels by copies of n names (n >= 1, distinct), or by LABEL_0 ... when names is
 * NULL. */
int model_config_set_labels(struct model_config *config, const char *const *names, uint32_t n);

/*
 * What config.json says of this model now: the object as read, with architectures, dtype,
 * problem_type, id2label, label2id and transformers_version set, and every other key of BertConfig
 * present. A new reference, to be released by the caller. Never NULL.
 */
json_t *model_config_json(const struct model_config *config);

/* Writes FOLDER/config.json atomically. 0, or -1 with a message. */
int model_config_write(const struct model_config *config, const char *folder);

void model_config_free(struct model_config *config);

#endif
