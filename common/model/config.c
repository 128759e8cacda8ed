#include "model/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"

/* Limits far beyond any model, so that no product of them overflows 64 bits. */
#define MOST_TOKENS    (1u << 24)
#define MOST_HIDDEN    (1u << 16)
#define MOST_LAYERS    (1u << 12)
#define MOST_POSITIONS (1u << 24)
#define MOST_TYPES     (1u << 16)

#define REQUIRED (-1)

static const char *const activation_names[] = {
    [ACTIVATION_GELU] = "gelu",
    [ACTIVATION_GELU_TANH] = "gelu_new",
    [ACTIVATION_RELU] = "relu",
};

static const char *const problem_names[] = {
    [PROBLEM_TYPE_SINGLE] = "single_label_classification",
    [PROBLEM_TYPE_MULTI] = "multi_label_classification",
    [PROBLEM_TYPE_REGRESSION] = "regression",
};

#define PROBLEM_TYPES (sizeof problem_names / sizeof problem_names[0])

/* The object being read, and the file to name in messages. */
struct source {
    const char *place;
    const json_t *json;
};

/* A whole number in 1..most. A key that is missing or NULL gives fallback, unless that is REQUIRED.
 */
static int get_count(const struct source *source, const char *key, int64_t fallback, uint32_t most,
                     uint32_t *value)
{
    const json_t *item = key != NULL ? json_object_get(source->json, key) : NULL;

    if (item == NULL && fallback != REQUIRED) {
        *value = (uint32_t)fallback;
        return 0;
    }
    if (item == NULL)
        return diag_error("%s: no '%s'", source->place, key);
    if (!json_is_integer(item))
        return diag_error("%s: '%s' is not a whole number", source->place, key);
    if (json_integer_value(item) < 1 || json_integer_value(item) > (json_int_t)most)
        return diag_error("%s: '%s' is %" JSON_INTEGER_FORMAT ", not within 1 to %u", source->place,
                          key, json_integer_value(item), (unsigned)most);
    *value = (uint32_t)json_integer_value(item);
    return 0;
}

/* A number in [least, most]; a missing key gives fallback, and so does null. */
static int get_real(const struct source *source, const char *key, double fallback, double least,
                    double most, double *value)
{
    const json_t *item = key != NULL ? json_object_get(source->json, key) : NULL;

    *value = fallback;
    if (item == NULL || json_is_null(item))
        return 0;
    if (!json_is_number(item))
        return diag_error("%s: '%s' is not a number", source->place, key);
    *value = json_number_value(item);
    if (!(*value >= least && *value <= most))
        return diag_error("%s: '%s' is %g, not within %g to %g", source->place, key, *value, least,
                          most);
    return 0;
}

static int get_shape(struct model_config *config, const struct source *source)
{
    const struct config_keys *keys = &config->architecture->keys;

    if (get_count(source, "vocab_size", REQUIRED, MOST_TOKENS, &config->vocab_size) != 0 ||
        get_count(source, keys->hidden_size, REQUIRED, MOST_HIDDEN, &config->hidden_size) != 0 ||
        get_count(source, keys->num_hidden_layers, REQUIRED, MOST_LAYERS,
                  &config->num_hidden_layers) != 0 ||
        get_count(source, keys->num_attention_heads, REQUIRED, MOST_HIDDEN,
                  &config->num_attention_heads) != 0 ||
        get_count(source, keys->intermediate_size, REQUIRED, MOST_HIDDEN,
                  &config->intermediate_size) != 0 ||
        get_count(source, keys->max_position_embeddings, REQUIRED, MOST_POSITIONS,
                  &config->max_position_embeddings) != 0)
        return -1;
    if (config->architecture->has_token_types &&
        get_count(source, keys->type_vocab_size, 2, MOST_TYPES, &config->type_vocab_size) != 0)
        return -1;
    if (config->hidden_size % config->num_attention_heads != 0)
        return diag_error("%s: '%s' %u is not a multiple of '%s' %u", source->place,
                          keys->hidden_size, (unsigned)config->hidden_size,
                          keys->num_attention_heads, (unsigned)config->num_attention_heads);
    if (config->max_position_embeddings <= config->architecture->position_offset)
        return diag_error("%s: '%s' is %u, but a text's first position is %u", source->place,
                          keys->max_position_embeddings, (unsigned)config->max_position_embeddings,
                          (unsigned)config->architecture->position_offset);
    return 0;
}

static int get_constants(struct model_config *config, const struct source *source)
{
    const struct config_keys *keys = &config->architecture->keys;
    const double most = nextafter(1.0, 0.0); /* a dropout of 1 leaves nothing */

    if (get_real(source, keys->layer_norm_eps, config->architecture->default_layer_norm_eps, 1e-30,
                 1.0, &config->layer_norm_eps) != 0 ||
        get_real(source, keys->hidden_dropout_prob, 0.1, 0.0, most, &config->hidden_dropout_prob) !=
            0 ||
        get_real(source, keys->attention_probs_dropout_prob, 0.1, 0.0, most,
                 &config->attention_probs_dropout_prob) != 0 ||
        get_real(source, keys->classifier_dropout, NAN, 0.0, most, &config->classifier_dropout) !=
            0)
        return -1;
    return get_real(source, "initializer_range", 0.02, 0.0, 100.0, &config->initializer_range);
}

static int get_padding(struct model_config *config, const struct source *source)
{
    const json_t *item = json_object_get(source->json, "pad_token_id");

    config->pad_token_id = item == NULL ? 0 : -1;
    if (item == NULL || json_is_null(item))
        return 0;
    if (!json_is_integer(item))
        return diag_error("%s: 'pad_token_id' is not a whole number", source->place);
    config->pad_token_id = json_integer_value(item);
    if (config->pad_token_id < -1 || config->pad_token_id >= (int64_t)config->vocab_size)
        return diag_error("%s: 'pad_token_id' is %lld, but there are %u tokens", source->place,
                          (long long)config->pad_token_id, (unsigned)config->vocab_size);
    return 0;
}

static int get_activation(struct model_config *config, const struct source *source)
{
    const char *key = config->architecture->keys.hidden_act;
    const json_t *item = json_object_get(source->json, key);
    const char *name = item == NULL ? "gelu" : json_string_value(item);

    if (name == NULL)
        return diag_error("%s: '%s' is not a string", source->place, key);
    if (strcmp(name, "gelu_pytorch_tanh") == 0) /* the same function under PyTorch's name */
        name = activation_names[ACTIVATION_GELU_TANH];
    for (size_t i = 0; i < sizeof activation_names / sizeof activation_names[0]; i++) {
        if (strcmp(name, activation_names[i]) == 0) {
            config->hidden_act = (enum activation)i;
            return 0;
        }
    }
    return diag_error("%s: '%s' is '%s', which is not supported (supported: gelu, gelu_new, relu)",
                      source->place, key, name);
}

static int get_problem_type(struct model_config *config, const struct source *source)
{
    const json_t *item = json_object_get(source->json, "problem_type");
    const char *name = json_string_value(item);

    config->problem_type = PROBLEM_TYPE_UNSET;
    if (item == NULL || json_is_null(item))
        return 0;
    for (size_t i = 0; name != NULL && i < PROBLEM_TYPES; i++) {
        if (problem_names[i] != NULL && strcmp(name, problem_names[i]) == 0) {
            config->problem_type = (enum problem_type)i;
            return 0;
        }
    }
    return diag_error("%s: 'problem_type' is '%s', which is not supported", source->place,
                      name != NULL ? name : "not a string");
}

/* Settings that change the function the model computes, and that nothing here computes. */
static int refuse_unsupported(const struct source *source)
{
    static const char *const flags[] = {"is_decoder", "add_cross_attention", "is_encoder_decoder"};
    const json_t *position = json_object_get(source->json, "position_embedding_type");

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (json_is_true(json_object_get(source->json, flags[i])))
            return diag_error("%s: '%s' is true, which is not supported", source->place, flags[i]);
    if (json_is_string(position) && strcmp(json_string_value(position), "absolute") != 0)
        return diag_error("%s: 'position_embedding_type' is '%s', which is not supported",
                          source->place, json_string_value(position));
    return 0;
}

/* Refuses the same name twice, since labels are found by name. */
static int check_distinct(const char *place, const char *const *names, uint32_t n)
{
    json_t *seen = json_object();
    int status = 0;

    for (uint32_t i = 0; status == 0 && i < n; i++) {
        const json_t *before = json_object_get(seen, names[i]);

        if (before != NULL)
            status = diag_error("%s: labels %lld and %u have the same name '%s'", place,
                                (long long)json_integer_value(before), (unsigned)i, names[i]);
        else if (json_object_set_new(seen, names[i], json_integer((json_int_t)i)) != 0)
            status = diag_error("%s: the name of label %u is not UTF-8", place, (unsigned)i);
    }
    json_decref(seen);
    return status;
}

static void free_labels(struct model_config *config)
{
    for (uint32_t i = 0; config->label_names != NULL && i < config->num_labels; i++)
        free(config->label_names[i]);
    free(config->label_names);
    config->label_names = NULL;
    config->num_labels = 0;
}

static int set_labels(struct model_config *config, const char *place, const char *const *names,
                      uint32_t n)
{
    char **copies;

    if (n < 1 || n > MODEL_LABELS_MAX)
        return diag_error("%s: %u labels, not within 1 to %u", place, (unsigned)n,
                          (unsigned)MODEL_LABELS_MAX);
    if (names != NULL && check_distinct(place, names, n) != 0)
        return -1;
    copies = mem_calloc(n, sizeof *copies);
    for (uint32_t i = 0; i < n; i++)
        copies[i] = names != NULL ? mem_strdup(names[i]) : mem_format("LABEL_%u", (unsigned)i);
    free_labels(config);
    config->label_names = copies;
    config->num_labels = n;
    return 0;
}

/* names[i] = id2label["i"] for every i, borrowed. */
static int read_names(const struct source *source, const json_t *map, const char **names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char key[24];

        snprintf(key, sizeof key, "%zu", i);
        names[i] = json_string_value(json_object_get(map, key));
        if (names[i] == NULL)
            return diag_error("%s: 'id2label' has %zu entries, but none with a name for label %zu",
                              source->place, n, i);
    }
    return 0;
}

static int get_labels(struct model_config *config, const struct source *source)
{
    const json_t *map = json_object_get(source->json, "id2label");
    uint32_t n = 0;
    int status;

    if (get_count(source, "num_labels", 0, MODEL_LABELS_MAX, &n) != 0)
        return -1;
    if (map == NULL || json_is_null(map))
        return set_labels(config, source->place, NULL, n != 0 ? n : 2);
    if (!json_is_object(map))
        return diag_error("%s: 'id2label' is not an object", source->place);
    size_t count = json_object_size(map);

    if (count < 1 || count > MODEL_LABELS_MAX)
        return diag_error("%s: 'id2label' has %zu entries, not within 1 to %u", source->place,
                          count, (unsigned)MODEL_LABELS_MAX);
    if (n != 0 && n != count)
        return diag_error("%s: 'num_labels' is %u, but 'id2label' has %zu entries", source->place,
                          (unsigned)n, count);
    const char **names = mem_calloc(count, sizeof *names);

    status = read_names(source, map, names, count);
    if (status == 0)
        status = set_labels(config, source->place, names, (uint32_t)count);
    free(names);
    return status;
}

int model_config_from_json(struct model_config *config, const char *place, json_t *json)
{
    const struct source source = {place, json};
    const char *type = json_string_value(json_object_get(json, "model_type"));

    *config = (struct model_config){0};
    if (!json_is_object(json))
        return diag_error("%s: not a JSON object", place);
    if (type == NULL)
        return diag_error("%s: no 'model_type'", place);
    config->architecture = architecture_find(place, type);
    if (config->architecture == NULL)
        return -1;
    if (get_shape(config, &source) != 0 || get_constants(config, &source) != 0 ||
        get_padding(config, &source) != 0 || get_activation(config, &source) != 0 ||
        get_problem_type(config, &source) != 0 || refuse_unsupported(&source) != 0 ||
        get_labels(config, &source) != 0) {
        model_config_free(config);
        return -1;
    }
    config->json = json_deep_copy(json);
    return 0;
}

int model_config_load(struct model_config *config, const char *folder)
{
    char *path = mem_format("%s/config.json", folder);
    json_t *json = json_file_read(path, 0);
    int status = json != NULL ? model_config_from_json(config, path, json) : -1;

    json_decref(json);
    free(path);
    return status;
}

int model_config_write(const struct model_config *config, const char *folder)
{
    char *path = mem_format("%s/config.json", folder);
    json_t *json = model_config_json(config);
    int status = json_file_write(path, json, JSON_SORT_KEYS | JSON_REAL_PRECISION(15));

    json_decref(json);
    free(path);
    return status;
}

void model_config_free(struct model_config *config)
{
    free_labels(config);
    json_decref(config->json);
    *config = (struct model_config){0};
}

uint32_t model_config_max_length(const struct model_config *config)
{
    return config->max_position_embeddings - config->architecture->position_offset;
}

double model_config_classifier_dropout(const struct model_config *config)
{
    return isnan(config->classifier_dropout) ? config->hidden_dropout_prob
                                             : config->classifier_dropout;
}

int64_t model_config_find_label(const struct model_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->num_labels; i++)
        if (strcmp(config->label_names[i], name) == 0)
            return i;
    return -1;
}

int model_config_set_labels(struct model_config *config, const char *const *names, uint32_t n)
{
    return set_labels(config, "labels", names, n);
}

/* Sets key to value (consumed) unless the object has it or the family has no such key. */
static void set_default(json_t *json, const char *key, json_t *value)
{
    if (key == NULL || json_object_get(json, key) != NULL)
        json_decref(value);
    else
        json_object_set_new(json, key, value);
}

static void set_defaults(json_t *json, const struct model_config *config)
{
    const struct config_keys *keys = &config->architecture->keys;

    set_default(json, "add_cross_attention", json_false());
    set_default(json, "bos_token_id", json_null());
    set_default(json, "eos_token_id", json_null());
    set_default(json, "initializer_range", json_real(config->initializer_range));
    set_default(json, "is_decoder", json_false());
    set_default(json, "pad_token_id",
                config->pad_token_id < 0 ? json_null() : json_integer(config->pad_token_id));
    set_default(json, "tie_word_embeddings", json_true());
    set_default(json, "use_cache", json_true());
    set_default(json, keys->type_vocab_size, json_integer(config->type_vocab_size));
    set_default(json, keys->hidden_act, json_string(activation_names[config->hidden_act]));
    set_default(json, keys->layer_norm_eps, json_real(config->layer_norm_eps));
    set_default(json, keys->hidden_dropout_prob, json_real(config->hidden_dropout_prob));
    set_default(json, keys->attention_probs_dropout_prob,
                json_real(config->attention_probs_dropout_prob));
    set_default(json, keys->classifier_dropout, json_null());
}

static void set_label_maps(json_t *json, const struct model_config *config)
{
    json_t *id2label = json_object();
    json_t *label2id = json_object();

    for (uint32_t i = 0; i < config->num_labels; i++) {
        char key[16];

        snprintf(key, sizeof key, "%u", (unsigned)i);
        json_object_set_new(id2label, key, json_string(config->label_names[i]));
        json_object_set_new(label2id, config->label_names[i], json_integer((json_int_t)i));
    }
    json_object_set_new(json, "id2label", id2label);
    json_object_set_new(json, "label2id", label2id);
    json_object_del(json, "num_labels"); /* id2label says it */
    json_object_del(json, "_num_labels");
}

json_t *model_config_json(const struct model_config *config)
{
    json_t *json = json_deep_copy(config->json);
    const char *problem = problem_names[config->problem_type];

    set_defaults(json, config);
    set_label_maps(json, config);
    json_object_set_new(json, "architectures", json_pack("[s]", config->architecture->class_name));
    json_object_set_new(json, "dtype", json_string("float32"));
    json_object_del(json, "torch_dtype"); /* the same key's older name */
    json_object_set_new(json, "problem_type", problem != NULL ? json_string(problem) : json_null());
    json_object_set_new(json, "transformers_version", json_string(MODEL_TRANSFORMERS_VERSION));
    return json;
}
