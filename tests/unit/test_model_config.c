/* config.json: what is read, what is refused, what is written back. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "model_capture.h"

#include "cli/diag.h"
#include "model/config.h"

static json_t *micro(void)
{
    return json_load_file(FIXTURES "/good-micro/config.json", 0, NULL);
}

static void test_read(void)
{
    struct model_config c;

    if (!CHECK(model_config_load(&c, FIXTURES "/good-odd") == 0, "good-odd is read"))
        return;
    CHECK(strcmp(c.architecture->model_type, "bert") == 0, "family");
    CHECK(c.vocab_size == 50 && c.hidden_size == 36 && c.num_hidden_layers == 2, "sizes");
    CHECK(c.num_attention_heads == 3 && c.intermediate_size == 52, "heads and width");
    CHECK(c.max_position_embeddings == 20 && c.type_vocab_size == 3, "positions and types");
    CHECK(model_config_max_length(&c) == 20, "longest text");
    CHECK(c.pad_token_id == -1, "null pad_token_id is none, got %lld", (long long)c.pad_token_id);
    CHECK(c.hidden_act == ACTIVATION_GELU_TANH, "gelu_new");
    CHECK_CLOSE("layer_norm_eps", c.layer_norm_eps, 1e-5, 0, 1e-15);
    CHECK_CLOSE("classifier_dropout", model_config_classifier_dropout(&c), 0.25, 0, 0);
    CHECK(c.problem_type == PROBLEM_TYPE_SINGLE, "problem type");
    CHECK(c.num_labels == 3 && strcmp(c.label_names[2], "schlecht \xc3\xbc") == 0, "labels");
    CHECK(model_config_find_label(&c, "so-so") == 1, "label found by name");
    CHECK(model_config_find_label(&c, "none") == -1, "unknown label");
    model_config_free(&c);
}

static void test_defaults(void)
{
    struct model_config c;
    json_t *json =
        json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i}", "model_type", "bert", "vocab_size", 9,
                  "hidden_size", 6, "num_hidden_layers", 1, "num_attention_heads", 2,
                  "intermediate_size", 5, "max_position_embeddings", 4);

    if (CHECK(model_config_from_json(&c, "least", json) == 0, "only shapes are required")) {
        CHECK(c.type_vocab_size == 2 && c.pad_token_id == 0, "types and padding by default");
        CHECK(c.hidden_act == ACTIVATION_GELU, "gelu by default");
        CHECK_CLOSE("eps", c.layer_norm_eps, 1e-12, 0, 1e-15);
        CHECK_CLOSE("hidden dropout", c.hidden_dropout_prob, 0.1, 0, 1e-15);
        CHECK_CLOSE("attention dropout", c.attention_probs_dropout_prob, 0.1, 0, 1e-15);
        CHECK_CLOSE("classifier dropout", model_config_classifier_dropout(&c), 0.1, 0, 1e-15);
        CHECK_CLOSE("initializer range", c.initializer_range, 0.02, 0, 1e-15);
        CHECK(c.problem_type == PROBLEM_TYPE_UNSET, "no problem type");
        CHECK(c.num_labels == 2 && strcmp(c.label_names[1], "LABEL_1") == 0, "two labels");
        model_config_free(&c);
    }
    json_object_set_new(json, "hidden_act", json_string("gelu_pytorch_tanh"));
    json_object_set_new(json, "problem_type", json_null());
    json_object_set_new(json, "pad_token_id", json_integer(-1));
    if (CHECK(model_config_from_json(&c, "least", json) == 0, "another name")) {
        CHECK(c.hidden_act == ACTIVATION_GELU_TANH, "PyTorch's name of gelu_new");
        CHECK(c.problem_type == PROBLEM_TYPE_UNSET && c.pad_token_id == -1, "none");
        model_config_free(&c);
    }
    json_object_set_new(json, "id2label", json_null());
    json_object_set_new(json, "num_labels", json_integer(7));
    if (CHECK(model_config_from_json(&c, "least", json) == 0, "num_labels alone")) {
        CHECK(c.num_labels == 7 && strcmp(c.label_names[6], "LABEL_6") == 0, "seven labels");
        model_config_free(&c);
    }
    json_decref(json);
}

/* A change to good-micro's configuration, and the words its refusal must hold; NULL value removes.
 */
struct refusal {
    const char *key, *value, *words;
};

static const struct refusal refusals[] = {
    {"model_type", NULL, "no 'model_type'"},
    {"model_type", "\"gpt2\"", "model type 'gpt2' is not supported (supported: bert)"},
    {"vocab_size", NULL, "no 'vocab_size'"},
    {"vocab_size", "0", "'vocab_size' is 0"},
    {"vocab_size", "-5", "'vocab_size' is -5"},
    {"vocab_size", "4294967297", "'vocab_size' is 4294967297"},
    {"vocab_size", "9223372036854775807", "'vocab_size' is 9223372036854775807"},
    {"vocab_size", "\"12\"", "'vocab_size' is not a whole number"},
    {"hidden_size", "8.0", "'hidden_size' is not a whole number"},
    {"hidden_size", "9", "'hidden_size' 9 is not a multiple of 'num_attention_heads' 2"},
    {"hidden_size", "1000000", "'hidden_size' is 1000000"},
    {"num_attention_heads", "0", "'num_attention_heads' is 0"},
    {"num_hidden_layers", "0", "'num_hidden_layers' is 0"},
    {"num_hidden_layers", "100000", "'num_hidden_layers' is 100000"},
    {"intermediate_size", "null", "'intermediate_size' is not a whole number"},
    {"max_position_embeddings", "0", "'max_position_embeddings' is 0"},
    {"type_vocab_size", "0", "'type_vocab_size' is 0"},
    {"pad_token_id", "-2", "'pad_token_id' is -2, but there are 12 tokens"},
    {"num_labels", "1048577", "'num_labels' is 1048577, not within 1 to 1048576"},
    {"id2label", "{\"1\": \"a\", \"2\": \"b\"}", "none with a name for label 0"},
    {"pad_token_id", "12", "'pad_token_id' is 12, but there are 12 tokens"},
    {"pad_token_id", "\"x\"", "'pad_token_id' is not a whole number"},
    {"hidden_act", "\"swish\"", "'hidden_act' is 'swish', which is not supported"},
    {"hidden_act", "3", "'hidden_act' is not a string"},
    {"layer_norm_eps", "0", "'layer_norm_eps' is 0"},
    {"layer_norm_eps", "-1e-12", "'layer_norm_eps' is -1e-12"},
    {"hidden_dropout_prob", "1", "'hidden_dropout_prob' is 1"},
    {"hidden_dropout_prob", "-0.1", "'hidden_dropout_prob' is -0.1"},
    {"attention_probs_dropout_prob", "1.5", "'attention_probs_dropout_prob' is 1.5"},
    {"classifier_dropout", "\"no\"", "'classifier_dropout' is not a number"},
    {"initializer_range", "-1", "'initializer_range' is -1"},
    {"problem_type", "\"ranking\"", "'problem_type' is 'ranking'"},
    {"problem_type", "1", "'problem_type'"},
    {"is_decoder", "true", "'is_decoder' is true, which is not supported"},
    {"add_cross_attention", "true", "'add_cross_attention' is true"},
    {"is_encoder_decoder", "true", "'is_encoder_decoder' is true"},
    {"position_embedding_type", "\"relative_key\"", "'relative_key', which is not supported"},
    {"num_labels", "3", "'num_labels' is 3, but 'id2label' has 2 entries"},
    {"num_labels", "0", "'num_labels' is 0"},
    {"id2label", "[\"a\", \"b\"]", "'id2label' is not an object"},
    {"id2label", "{}", "'id2label' has 0 entries"},
    {"id2label", "{\"0\": \"a\", \"2\": \"b\"}", "none with a name for label 1"},
    {"id2label", "{\"0\": \"a\", \"1\": 5}", "none with a name for label 1"},
    {"id2label", "{\"0\": \"a\", \"1\": \"a\"}", "labels 0 and 1 have the same name 'a'"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        json_t *json = micro();
        struct model_config config;
        struct capture capture;
        int status;

        if (r->value != NULL)
            json_object_set_new(json, r->key, json_loads(r->value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(json, r->key);
        capture_begin(&capture);
        status = model_config_from_json(&config, "x/config.json", json);
        capture_end(&capture);
        CHECK(status == -1, "%s = %s is refused", r->key, r->value ? r->value : "nothing");
        CHECK(capture_is_line(capture.text, r->words) &&
                  strstr(capture.text, "test: x/config.json: ") == capture.text,
              "%s = %s: '%s' does not say \"%s\"", r->key, r->value ? r->value : "nothing",
              capture.text, r->words);
        json_decref(json);
    }
}

static void test_no_object(void)
{
    json_t *json = json_array();
    struct model_config config;
    struct capture capture;

    capture_begin(&capture);
    int status = model_config_from_json(&config, "x/config.json", json);
    capture_end(&capture);
    CHECK(status == -1 && capture_is_line(capture.text, "x/config.json: not a JSON object"), "%s",
          capture.text);
    json_decref(json);
}

static void test_write(void)
{
    static const char *const names[] = {"bad", "good", "so so", "\xe2\x98\x83"};
    struct model_config c, again;
    char *folder = temporary_folder();
    json_t *json;

    if (!CHECK(model_config_load(&c, FIXTURES "/good-base") == 0, "good-base is read"))
        return;
    c.problem_type = PROBLEM_TYPE_SINGLE;
    CHECK(model_config_set_labels(&c, names, 4) == 0, "labels are set");
    json = model_config_json(&c);
    CHECK(strcmp(json_string_value(json_object_get(json, "dtype")), "float32") == 0, "dtype");
    CHECK(json_object_get(json, "torch_dtype") == NULL, "the older name of dtype is gone");
    CHECK(json_is_false(json_object_get(json, "gradient_checkpointing")), "unknown keys stay");
    CHECK(strcmp(json_string_value(json_array_get(json_object_get(json, "architectures"), 0)),
                 "BertForSequenceClassification") == 0,
          "architectures");
    CHECK(json_integer_value(json_object_get(json_object_get(json, "label2id"), "so so")) == 2,
          "label2id");
    json_decref(json);
    CHECK(model_config_write(&c, folder) == 0, "written");
    if (CHECK(model_config_load(&again, folder) == 0, "read again")) {
        CHECK(again.num_labels == 4 && strcmp(again.label_names[3], names[3]) == 0, "labels");
        CHECK(again.problem_type == PROBLEM_TYPE_SINGLE, "problem type");
        CHECK(again.layer_norm_eps == c.layer_norm_eps, "epsilon is the same double");
        model_config_free(&again);
    }
    model_config_free(&c);
    remove_folder(folder);
}

/* Every key that transformers' save_pretrained wrote into this configuration is written back the
 * same. */
static void test_keys_kept(void)
{
    struct model_config c;
    json_t *before = json_load_file(FIXTURES "/good-odd/config.json", 0, NULL), *after;

    if (!CHECK(model_config_load(&c, FIXTURES "/good-odd") == 0, "good-odd is read"))
        return;
    after = model_config_json(&c);
    CHECK(json_equal(before, after), "good-odd's object is unchanged");
    json_decref(before);
    json_decref(after);
    model_config_free(&c);
}

static void test_bad_labels(void)
{
    static const char *const twice[] = {"a", "b", "a"};
    static const char *const binary[] = {"a", "\xff"};
    struct model_config c;
    struct capture capture;

    if (!CHECK(model_config_load(&c, FIXTURES "/good-micro") == 0, "good-micro is read"))
        return;
    capture_begin(&capture);
    int first = model_config_set_labels(&c, twice, 3);
    int second = model_config_set_labels(&c, binary, 2);
    int third = model_config_set_labels(&c, NULL, 0);
    int fourth = model_config_set_labels(&c, NULL, MODEL_LABELS_MAX + 1);
    capture_end(&capture);
    CHECK(first == -1 && strstr(capture.text, "same name 'a'") != NULL, "a name twice");
    CHECK(second == -1 && strstr(capture.text, "not UTF-8") != NULL, "a name not UTF-8");
    CHECK(third == -1 && strstr(capture.text, "0 labels") != NULL, "no labels");
    CHECK(fourth == -1 && strstr(capture.text, "1048577 labels") != NULL, "too many labels");
    CHECK(c.num_labels == 2 && strcmp(c.label_names[0], "no") == 0, "the old labels stay");
    model_config_free(&c);
}

int main(void)
{
    diag_init("test");
    test_read();
    test_defaults();
    test_refusals();
    test_no_object();
    test_write();
    test_keys_kept();
    test_bad_labels();
    return check_report();
}
