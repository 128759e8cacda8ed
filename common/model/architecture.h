/*
 * Model families as data. A family is one row of a table: how its config.json spells things, what
 * its tensors are called, where positions begin, whether token types exist and how the first
 * token becomes the classifier's input. Nothing else in the program asks for a family by name.
 */
#ifndef MODEL_ARCHITECTURE_H
#define MODEL_ARCHITECTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a tensor is for. Roles up to PARAMETER_EMBEDDINGS_NORM_BIAS and from PARAMETER_POOLER_WEIGHT
 * on exist once, those between once per layer. The order is the order of the table (parameters.h).
 */
enum parameter_role {
    PARAMETER_WORD_EMBEDDINGS,        /* [vocab_size, hidden] */
    PARAMETER_POSITION_EMBEDDINGS,    /* [max_position_embeddings, hidden] */
    PARAMETER_TYPE_EMBEDDINGS,        /* [type_vocab_size, hidden]; absent without token types */
    PARAMETER_EMBEDDINGS_NORM_WEIGHT, /* [hidden] */
    PARAMETER_EMBEDDINGS_NORM_BIAS,   /* [hidden] */
    /* once per layer; a dense weight is [outputs, inputs] */
    PARAMETER_QUERY_WEIGHT, /* [hidden, hidden]; head h owns rows h*size .. h*size+size-1 */
    PARAMETER_QUERY_BIAS,   /* [hidden] */
    PARAMETER_KEY_WEIGHT,
    PARAMETER_KEY_BIAS,
    PARAMETER_VALUE_WEIGHT,
    PARAMETER_VALUE_BIAS,
    PARAMETER_ATTENTION_OUTPUT_WEIGHT, /* [hidden, hidden] */
    PARAMETER_ATTENTION_OUTPUT_BIAS,
    PARAMETER_ATTENTION_NORM_WEIGHT, /* [hidden] */
    PARAMETER_ATTENTION_NORM_BIAS,
    PARAMETER_INTERMEDIATE_WEIGHT, /* [intermediate, hidden] */
    PARAMETER_INTERMEDIATE_BIAS,   /* [intermediate] */
    PARAMETER_OUTPUT_WEIGHT,       /* [hidden, intermediate] */
    PARAMETER_OUTPUT_BIAS,         /* [hidden] */
    PARAMETER_OUTPUT_NORM_WEIGHT,  /* [hidden] */
    PARAMETER_OUTPUT_NORM_BIAS,
    /* once: the head */
    PARAMETER_POOLER_WEIGHT,     /* [hidden, hidden] */
    PARAMETER_POOLER_BIAS,       /* [hidden] */
    PARAMETER_CLASSIFIER_WEIGHT, /* [labels, hidden] */
    PARAMETER_CLASSIFIER_BIAS,   /* [labels] */
    PARAMETER_ROLES
};

bool parameter_role_is_per_layer(enum parameter_role role);

/* How the first token's hidden state becomes the classifier's input. */
enum pooler_kind {
    POOLER_TANH, /* dropout(tanh(dense(first token))) */
};

/* How a family spells the keys of config.json; NULL: it has no such key and the default holds. */
struct config_keys {
    const char *hidden_size;
    const char *num_hidden_layers;
    const char *num_attention_heads;
    const char *intermediate_size;
    const char *max_position_embeddings;
    const char *type_vocab_size;
    const char *hidden_act;
    const char *layer_norm_eps;
    const char *hidden_dropout_prob;
    const char *attention_probs_dropout_prob;
    const char *classifier_dropout;
};

struct architecture {
    const char *model_type; /* config.json's model_type: "bert" */
    const char *class_name; /* config.json's architectures[0] for a sequence classifier */
    const char *prefix;     /* of encoder tensors, with its dot: "bert." */
    const struct config_keys keys;
    uint32_t position_offset; /* id of a text's first position */
    bool has_token_types;
    enum pooler_kind pooler;
    double default_layer_norm_eps; /* when config.json has no such key */
    /* Tensor name of each role; '@' stands for the prefix and '#' for the layer's number. */
    const char *names[PARAMETER_ROLES];
    /* Names of older checkpoints: a name ending in the first is also looked up ending in the
     * second. Ends with a row of NULLs. */
    const char *const (*aliases)[2];
    /* Names (after an optional prefix) that a file may hold without a use here; a trailing '*'
     * matches anything. NULL-terminated. */
    const char *const *ignored;
};

/* The row of a model_type. NULL after a message that names the type and the supported ones;
 * place is the file to name in it. */
const struct architecture *architecture_find(const char *place, const char *model_type);

/* Writes the tensor name of a role into name[size], with or without the prefix. layer is ignored
 * for roles that exist once. 0, or -1 without a message when it does not fit. */
int architecture_tensor_name(const struct architecture *architecture, enum parameter_role role,
                             uint32_t layer, bool with_prefix, char *name, size_t size);

/* Whether a tensor of this name is known to be without a use here (see ignored). */
bool architecture_ignores(const struct architecture *architecture, const char *name);

#endif
