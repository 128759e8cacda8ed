/* Model folders: loading, older spellings, missing heads, labels, saving, bertpipe.json,
 * checkpoints. */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "check.h"
#include "model_capture.h"

#include "cli/diag.h"
#include "model/checkpoint.h"
#include "model/manifest.h"
#include "model/model.h"

/* Tensors of a model against what the safetensors library read from a fixture; a name that the
 * fixture lacks is looked for without prefix. */
static void check_weights(const struct model *model, const char *fixture)
{
    json_t *all = json_load_file(FIXTURES "/expected-weights.json", 0, NULL);
    const json_t *rows = json_object_get(all, fixture);

    CHECK(json_is_object(rows), "%s is among the expected ones", fixture);
    for (size_t i = 0; i < model->table.count; i++) {
        const struct parameter *p = &model->table.items[i];
        const json_t *row = json_object_get(rows, p->name);
        const float *values = model->weights[i];
        double sum = 0;

        if (model->missing[i] || !CHECK(row != NULL && values != NULL, "%s", p->name))
            continue;
        CHECK((uintptr_t)values % sizeof(float) == 0, "%s: aligned", p->name);
        for (uint64_t e = 0; e < p->count; e++)
            sum += values[e];
        CHECK(values[0] == (float)json_number_value(json_array_get(row, 1)), "%s: first", p->name);
        CHECK(values[p->count - 1] == (float)json_number_value(json_array_get(row, 2)), "%s: last",
              p->name);
        CHECK_CLOSE(p->name, sum, json_number_value(json_array_get(row, 3)), 1e-9, 1e-9);
    }
    json_decref(all);
}

/* Folders that must load; the fixture whose weights they hold; how many tensors are missing. */
static const struct {
    const char *folder, *weights;
    size_t missing;
} loadable[] = {
    {"good-tiny", "good-tiny", 0},         {"good-odd", "good-odd", 0},
    {"good-micro", "good-micro", 0},       {"good-legacy", "good-micro", 2},
    {"good-base", "good-micro", 2},        {"good-no-pooler", "good-micro", 2},
    {"good-fp16", "good-fp16-as-fp32", 0}, {"good-bf16", "good-bf16-as-fp32", 0},
    {"good-unaligned", "good-micro", 0},   {"good-sharded", "good-micro", 0},
};

static void test_load(void)
{
    for (size_t i = 0; i < sizeof loadable / sizeof loadable[0]; i++) {
        struct capture capture;
        struct model model;
        char path[256];
        int status;

        snprintf(path, sizeof path, FIXTURES "/%s/", loadable[i].folder);
        capture_begin(&capture);
        status = model_load(&model, path, 0);
        capture_end(&capture);
        if (!CHECK(status == 0, "%s loads: %s", loadable[i].folder, capture.text))
            continue;
        CHECK(capture.text[0] == '\0', "%s: silently: %s", loadable[i].folder, capture.text);
        CHECK(model.missing_count == loadable[i].missing, "%s: %zu missing, expected %zu",
              loadable[i].folder, model.missing_count, loadable[i].missing);
        CHECK(model.digest[0] == '\0', "%s has no bertpipe.json", loadable[i].folder);
        check_weights(&model, loadable[i].weights);
        model_free(&model);
    }
}

static const struct {
    const char *folder;
    unsigned flags;
    const char *words;
} refusals[] = {
    {"nowhere", 0, "nowhere/config.json: cannot open: No such file"},
    {"bad-missing-tensor", 0,
     "bad-missing-tensor/model.safetensors: no tensor 'bert.encoder.layer.0.output.dense.bias' of "
     "shape [8]"},
    {"bad-wrong-shape", 0,
     "bad-wrong-shape/model.safetensors: tensor 'bert.encoder.layer.0.intermediate.dense.weight' "
     "has shape [12, 9], but " FIXTURES "/bad-wrong-shape/config.json needs [12, 8]"},
    {"bad-classifier-shape", 0, "tensor 'classifier.weight' has shape [3, 8], but "},
    {"bad-dtype", 0, "tensor 'classifier.bias' has dtype I64, which is not supported"},
    {"bad-two-names", 0,
     "'bert.embeddings.LayerNorm.weight' and 'bert.embeddings.LayerNorm.gamma' are the same "
     "tensor"},
    {"bad-heads", 0, "'hidden_size' 8 is not a multiple of 'num_attention_heads' 3"},
    {"bad-no-weights", 0, "bad-no-weights/model.safetensors: cannot open: No such file"},
    {"bad-missing-shard", 0, "model-00002-of-00002.safetensors: cannot open: No such file"},
    {"bad-shard-path", 0, "its file is not a name within the folder"},
    {"bad-shard-index", 0, "tensor 'classifier.bias' is not in model-0000"},
    {"bad-shard-twice", 0, "is also in "},
    {"bad-half-pooler", 0, "tensor 'bert.pooler.dense.weight', but no 'bert.pooler.dense.bias'"},
    {"bad-config-json", 0, "bad-config-json/config.json: line 2: "},
    {"unsupported-model-type", 0, "config.json: model type 'gpt2' is not supported"},
    {"unsupported-pytorch-bin", 0, "pytorch_model.bin: a pickle is not read"},
    {"good-base", MODEL_LOAD_COMPLETE,
     "no tensor 'classifier.weight' of shape [2, 8]: the model must be fine-tuned first"},
    {"good-no-pooler", MODEL_LOAD_COMPLETE, "no tensor 'bert.pooler.dense.weight'"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct capture capture;
        struct model model;
        char path[256];
        int status;

        snprintf(path, sizeof path, FIXTURES "/%s", refusals[i].folder);
        capture_begin(&capture);
        status = model_load(&model, path, refusals[i].flags);
        capture_end(&capture);
        CHECK(status == -1, "%s is refused", refusals[i].folder);
        CHECK(capture_is_line(capture.text, refusals[i].words), "%s: '%s' does not say \"%s\"",
              refusals[i].folder, capture.text, refusals[i].words);
    }
}

static void test_surplus(void)
{
    char *folder = temporary_folder(), path[600];
    struct capture capture;
    struct model model;
    size_t size = 0;
    char *config = read_whole(FIXTURES "/good-odd/config.json", &size);
    char *layers = strstr(config, "\"num_hidden_layers\": 2");
    char *weights = read_whole(FIXTURES "/good-odd/model.safetensors", &size);

    layers[strlen("\"num_hidden_layers\": ")] = '1';
    snprintf(path, sizeof path, "%s/config.json", folder);
    write_whole(path, config, strlen(config));
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    write_whole(path, weights, size);
    capture_begin(&capture);
    int status = model_load(&model, folder, 0);
    capture_end(&capture);
    if (CHECK(status == 0, "a layer too many is no error"))
        model_free(&model);
    CHECK(capture_is_line(capture.text, "warning: ") &&
              strstr(capture.text, "16 tensors have no place in this model, the first is "
                                   "'bert.encoder.layer.1.attention.output.LayerNorm.bias'"),
          "but a warning: %s", capture.text);
    free(config);
    free(weights);
    remove_folder(folder);
}

static void check_refused(const char *folder, const char *words)
{
    struct capture capture;
    struct model model;

    capture_begin(&capture);
    int status = model_load(&model, folder, 0);
    capture_end(&capture);
    if (!CHECK(status == -1, "refused: %s", words))
        model_free(&model);
    CHECK(capture_is_line(capture.text, words), "'%s' does not say \"%s\"", capture.text, words);
}

/* good-micro with one more tensor of 32 bytes, eight zeros, in folder. */
static void write_with_tensor(const char *folder, const char *name)
{
    char path[600];
    size_t size = 0, config_size = 0;
    char *config = read_whole(FIXTURES "/good-micro/config.json", &config_size);
    char *old = read_whole(FIXTURES "/good-micro/model.safetensors", &size);
    uint64_t length;

    memcpy(&length, old, sizeof length);
    size_t data = size - 8 - (size_t)length;
    json_t *header = json_loadb(old + 8, (size_t)length, 0, NULL);
    json_object_set_new(header, name,
                        json_pack("{s:s, s:[i], s:[I, I]}", "dtype", "F32", "shape", 8,
                                  "data_offsets", (json_int_t)data, (json_int_t)data + 32));
    char *text = json_dumps(header, JSON_COMPACT);
    char *new = calloc(1, 8 + strlen(text) + data + 32);

    length = strlen(text);
    memcpy(new, &length, 8);
    memcpy(new + 8, text, (size_t)length);
    memcpy(new + 8 + length, old + size - data, data);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    write_whole(path, new, 8 + (size_t)length + data + 32);
    snprintf(path, sizeof path, "%s/config.json", folder);
    write_whole(path, config, config_size);
    json_decref(header);
    free(text);
    free(new);
    free(old);
    free(config);
}

/* A tensor with and without the family's prefix. */
static void test_two_prefixes(void)
{
    char *folder = temporary_folder();

    write_with_tensor(folder, "embeddings.LayerNorm.weight");
    check_refused(folder, "'bert.embeddings.LayerNorm.weight' and 'embeddings.LayerNorm.weight' "
                          "are the same tensor");
    write_with_tensor(folder, "embeddings.LayerNorm.gamma");
    check_refused(folder, "'bert.embeddings.LayerNorm.weight' and 'embeddings.LayerNorm.gamma' "
                          "are the same tensor");
    remove_folder(folder);
}

static const float *weight(const struct model *model, enum parameter_role role)
{
    return model->weights[parameter_index(&model->table, role, 0)];
}

static void test_initialise(void)
{
    struct model one, two, three;
    struct capture capture;
    size_t bytes = 2 * 8 * sizeof(float);

    capture_begin(&capture);
    int status = model_load(&one, FIXTURES "/good-base", 0);
    status |= model_load(&two, FIXTURES "/good-legacy", 0);
    status |= model_load(&three, FIXTURES "/good-base", 0);
    CHECK(weight(&one, PARAMETER_CLASSIFIER_WEIGHT) == NULL, "missing is NULL at first");
    model_initialise(&one, 42);
    capture_end(&capture);
    CHECK(status == 0, "loaded");
    CHECK(capture_is_line(capture.text, "good-base: new classifier, initialised with seed 42"),
          "said: %s", capture.text);
    diag_set_level(DIAG_QUIET);
    model_initialise(&two, 42);
    model_initialise(&three, 43);
    diag_set_level(DIAG_NORMAL);
    const float *w = weight(&one, PARAMETER_CLASSIFIER_WEIGHT);

    CHECK(w != NULL && w[0] != 0 && fabs(w[0]) < 0.12, "a value of N(0, 0.02)");
    CHECK(memcmp(w, weight(&two, PARAMETER_CLASSIFIER_WEIGHT), bytes) == 0, "seed 42 again");
    CHECK(memcmp(w, weight(&three, PARAMETER_CLASSIFIER_WEIGHT), bytes) != 0, "another seed");
    CHECK(weight(&one, PARAMETER_CLASSIFIER_BIAS)[1] == 0, "zero bias");
    model_free(&one);
    model_free(&two);
    model_free(&three);
}

static void test_labels(void)
{
    static const char *const same[] = {"no", "yes"}, *const swapped[] = {"yes", "no"};
    static const char *const three[] = {"a", "b", "c"};
    struct model model;

    if (!CHECK(model_load(&model, FIXTURES "/good-micro", 0) == 0, "good-micro"))
        return;
    CHECK(model_set_labels(&model, same, 2) == 0 && model.missing_count == 0, "the same labels");
    CHECK(model_set_labels(&model, NULL, 2) == 0 && model.missing_count == 0, "default names");
    CHECK(model_set_labels(&model, swapped, 2) == 0 && model.missing_count == 0,
          "names for labels without names keep the classifier");
    CHECK(model_set_labels(&model, same, 2) == 0 && model.missing_count == 2,
          "another order is another classifier");
    CHECK(model_set_labels(&model, three, 3) == 0 && model.missing_count == 2, "three labels");
    CHECK(parameter_find(&model.table, PARAMETER_CLASSIFIER_WEIGHT, 0)->shape[0] == 3, "shape");
    diag_set_level(DIAG_QUIET);
    model_initialise(&model, 1);
    diag_set_level(DIAG_NORMAL);
    CHECK(weight(&model, PARAMETER_CLASSIFIER_WEIGHT)[23] != 0, "all 24 values are there");
    CHECK(strcmp(model.config.label_names[2], "c") == 0, "names are in the configuration");
    model_free(&model);
}

/* Puts one more byte into a file, or turns one bit over. */
static void damage(const char *folder, const char *name, bool longer)
{
    char path[600];
    size_t size = 0;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *data = read_whole(path, &size);

    if (longer)
        data[size++] = 'x';
    else
        data[size / 2] ^= 1;
    write_whole(path, data, size);
    free(data);
}

static void test_save(void)
{
    char *base = temporary_folder(), folder[600], path[700];
    struct model model, again;
    json_t *run = json_pack("{s:i, s:f}", "seed", 42, "loss", 0.1), *manifest;
    struct stat status;
    mode_t mask = umask(027);

    snprintf(folder, sizeof folder, "%s/out", base);
    if (!CHECK(model_load(&model, FIXTURES "/good-odd", 0) == 0, "good-odd"))
        return;
    struct model_source source = {.config = &model.config,
                                  .table = &model.table,
                                  .get = model_get_weights,
                                  .context = &model};

    CHECK(model_save(&source, folder, run) == 0, "saved");
    umask(mask);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0640, "the umask is honoured");
    if (CHECK(model_load(&again, folder, MODEL_LOAD_COMPLETE) == 0, "loaded again")) {
        check_weights(&again, "good-odd");
        CHECK(strlen(again.digest) == 16, "with a digest");
        model_free(&again);
    }
    snprintf(path, sizeof path, "%s/bertpipe.json", folder);
    manifest = json_load_file(path, 0, NULL);
    CHECK(json_equal(json_object_get(manifest, "run"), run), "the run record is kept");
    json_decref(manifest);
    damage(folder, "model.safetensors", false);
    check_refused(folder, "model.safetensors: not the contents that bertpipe.json lists");
    CHECK(model_save(&source, folder, NULL) == 0, "saved over it");
    manifest = json_load_file(path, 0, NULL);
    json_object_set_new(manifest, "digest", json_string("0123456789abcdef"));
    json_dump_file(manifest, path, 0);
    json_decref(manifest);
    check_refused(folder, "bertpipe.json: its digest is not that of its list of files");
    CHECK(model_save(&source, folder, NULL) == 0, "saved over it");
    damage(folder, "config.json", true);
    check_refused(folder, "bytes, but bertpipe.json says ");
    snprintf(path, sizeof path, "%s/config.json", folder);
    unlink(path);
    check_refused(folder, "config.json: listed in bertpipe.json: No such file");
    snprintf(path, sizeof path, "%s/bertpipe.json", folder);
    write_whole(path, "{}", 2);
    check_refused(folder, "bertpipe.json: not a list of files of format 1");
    json_decref(run);
    model_free(&model);
    remove_folder(base);
}

static int write_vocabulary(void *context, const char *folder)
{
    char path[700];

    snprintf(path, sizeof path, "%s/vocab.txt", folder);
    write_whole(path, context, strlen(context));
    return 0;
}

static int fail_to_write(void *context, const char *folder)
{
    (void)folder;
    return diag_error("%s", (const char *)context);
}

static const float *get_twice(void *model, size_t index)
{
    static float values[4096];
    const struct model *m = model;

    for (uint64_t i = 0; i < m->table.items[index].count; i++)
        values[i] = 2 * m->weights[index][i];
    return values;
}

static void check_optimizer(const char *folder, const struct model *model)
{
    struct safetensors set;
    char path[700];

    snprintf(path, sizeof path, "%s/optimizer.safetensors", folder);
    if (!CHECK(safetensors_open(&set, path) == 0, "the optimizer's state"))
        return;
    CHECK(set.count == 2 * model->table.count, "two moments a tensor");
    for (size_t i = 0; i < model->table.count; i++) {
        const struct parameter *p = &model->table.items[i];
        char name[128];

        snprintf(name, sizeof name, "exp_avg.%s", p->name);
        const struct safetensors_tensor *first = safetensors_find(&set, name);

        snprintf(name, sizeof name, "exp_avg_sq.%s", p->name);
        const struct safetensors_tensor *second = safetensors_find(&set, name);

        if (!CHECK(first != NULL && second != NULL, "%s has moments", p->name))
            continue;
        CHECK(((const float *)first->data)[1] == model->weights[i][1], "%s: first", p->name);
        CHECK(((const float *)second->data)[1] == 2 * model->weights[i][1], "%s: second", p->name);
    }
    safetensors_close(&set);
}

static void check_checkpoint(const char *folder, const struct model *model)
{
    struct model again;
    char path[700];

    if (CHECK(model_load(&again, folder, MODEL_LOAD_COMPLETE) == 0, "the checkpoint is a model")) {
        check_weights(&again, "good-micro");
        model_free(&again);
    }
    check_optimizer(folder, model);
    snprintf(path, sizeof path, "%s/trainer_state.json", folder);
    json_t *state = json_load_file(path, 0, NULL);

    CHECK(json_real_value(json_object_get(state, "third")) == 1.0 / 3, "doubles are kept exactly");
    json_decref(state);
    snprintf(path, sizeof path, "%s/bertpipe.json", folder);
    json_t *manifest = json_load_file(path, 0, NULL);

    CHECK(json_object_size(json_object_get(manifest, "files")) == 5, "five files are listed");
    json_decref(manifest);
}

static size_t count_files(const char *folder)
{
    char command[700];
    size_t count = 0;

    snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
    FILE *pipe = popen(command, "r");

    if (pipe == NULL || fscanf(pipe, "%zu", &count) != 1)
        abort();
    pclose(pipe);
    return count;
}

/* A checkpoint's digest is that of the same model saved without the training's state. */
static void check_digest(const struct checkpoint *checkpoint, const char *out, const char *folder)
{
    char saved[MANIFEST_DIGEST_SIZE], digest[MANIFEST_DIGEST_SIZE];

    CHECK(model_save(&checkpoint->model, out, checkpoint->trainer_state) == 0, "saved beside it");
    CHECK(manifest_verify(out, saved) == 0 && manifest_verify(folder, digest) == 0 &&
              strcmp(saved, digest) == 0,
          "digest %s, expected %s", saved, digest);
}

/* A failure leaves the earlier checkpoint of that name and nothing else. */
static void check_failure(struct checkpoint *checkpoint, const char *out)
{
    struct capture capture;
    size_t before = count_files(out);

    checkpoint->model.write_tokenizer = fail_to_write;
    checkpoint->model.tokenizer = "no tokenizer today";
    capture_begin(&capture);
    int status = checkpoint_write(checkpoint, out);
    capture_end(&capture);
    CHECK(status == -1 && capture_is_line(capture.text, "no tokenizer today"), "a failure");
    CHECK(count_files(out) == before, "leaves nothing behind");
}

/* The training state as it is read back. */
static void check_state(const char *folder, const struct model *model, const json_t *expected)
{
    struct checkpoint_state state;

    if (!CHECK(checkpoint_load(&state, folder, &model->table) == 0, "the state is read back"))
        return;
    CHECK(state.step == 12, "step 12");
    CHECK(json_equal(state.trainer_state, expected), "the trainer's state");
    for (size_t i = 0; i < model->table.count; i++) {
        uint64_t last = model->table.items[i].count - 1;

        CHECK(state.exp_avg[i][last] == model->weights[i][last] &&
                  state.exp_avg_sq[i][last] == 2 * model->weights[i][last],
              "%s: moments", model->table.items[i].name);
    }
    checkpoint_state_free(&state);
}

static void check_state_refused(const char *folder, const struct parameter_table *table,
                                const char *words)
{
    struct checkpoint_state state;
    struct capture capture;

    capture_begin(&capture);
    int status = checkpoint_load(&state, folder, table);
    capture_end(&capture);
    if (!CHECK(status == -1, "refused: %s", words))
        checkpoint_state_free(&state);
    CHECK(capture_is_line(capture.text, words), "'%s' does not say \"%s\"", capture.text, words);
}

/* State of another model, of no training, and damaged. */
static void test_state_refused(const char *folder, struct model *model)
{
    struct model other;
    uint64_t *shape = &model->table.items[7].shape[0];

    if (CHECK(model_load(&other, FIXTURES "/good-tiny", 0) == 0, "good-tiny")) {
        check_state_refused(folder, &other.table, "50 tensors, but the model needs 82");
        model_free(&other);
    }
    *shape += 1;
    check_state_refused(folder, &model->table, "is not a float32 tensor of the model's shape");
    *shape -= 1;
    check_state_refused(FIXTURES "/good-tiny", &model->table, "optimizer.safetensors: cannot open");
    damage(folder, "trainer_state.json", true);
    check_state_refused(folder, &model->table, "trainer_state.json: ");
    damage(folder, "optimizer.safetensors", false);
    check_state_refused(folder, &model->table, "optimizer.safetensors: not the contents");
}

/* The optimizer's state with the first of these bytes in its header in place of those. */
static void check_edited(const char *folder, const struct parameter_table *table, const char *from,
                         const char *to, const char *words)
{
    char path[700];
    size_t size = 0;

    snprintf(path, sizeof path, "%s/optimizer.safetensors", folder);
    char *whole = read_whole(path, &size), *edited = malloc(size);

    memcpy(edited, whole, size);
    char *at = memmem(edited, size, from, strlen(from));

    if (CHECK(at != NULL, "%s has no %s", path, from)) {
        memcpy(at, to, strlen(to));
        write_whole(path, edited, size);
        check_state_refused(folder, table, words);
    }
    write_whole(path, whole, size);
    free(whole);
    free(edited);
}

/* Of a folder without bertpipe.json, which would tell first. */
static void test_optimizer_refused(const char *folder, const struct parameter_table *table)
{
    char path[700], aside[700], from[200], to[200], words[200];
    const char *first = table->items[0].name;

    snprintf(path, sizeof path, "%s/bertpipe.json", folder);
    snprintf(aside, sizeof aside, "%s/aside", folder);
    CHECK(rename(path, aside) == 0, "%s", path);
    check_edited(folder, table, "\"step\"", "\"stop\"", "no step in its metadata");
    check_edited(folder, table, "\"12\"", "\"-2\"", "no step in its metadata");
    for (int i = 0; i < 2; i++) {
        const char *prefix = i == 0 ? "exp_avg." : "exp_avg_sq.";

        snprintf(from, sizeof from, "\"%s%s\"", prefix, first);
        snprintf(to, sizeof to, "\"E%s%s\"", prefix + 1, first);
        snprintf(words, sizeof words, "no tensor '%s%s'", prefix, first);
        check_edited(folder, table, from, to, words);
    }
    check_edited(folder, table, "\"F32\"", "\"I32\"", "is not a float32 tensor");
    CHECK(rename(aside, path) == 0, "%s", path);
}

static void test_checkpoint(void)
{
    char *base = temporary_folder(), out[600], folder[650], path[700];
    struct model model;
    json_t *state = json_pack("{s:f, s:i}", "third", 1.0 / 3, "global_step", 12);

    if (!CHECK(model_load(&model, FIXTURES "/good-micro", 0) == 0, "good-micro"))
        return;
    struct checkpoint checkpoint = {
        .model = {.config = &model.config,
                  .table = &model.table,
                  .get = model_get_weights,
                  .context = &model},
        .exp_avg = model_get_weights,
        .exp_avg_sq = get_twice,
        .optimizer = &model,
        .step = 12,
        .trainer_state = state,
        .model.write_tokenizer = write_vocabulary,
        .model.tokenizer = "[PAD]\n",
    };

    snprintf(out, sizeof out, "%s/out", base);
    snprintf(folder, sizeof folder, "%s/checkpoint-12", out);
    CHECK(checkpoint_write(&checkpoint, out) == 0, "written");
    check_checkpoint(folder, &model);
    /* what a killed run leaves behind, and an older checkpoint of that name, do not disturb */
    snprintf(path, sizeof path, "%s/.checkpoint-12.partial", out);
    CHECK(mkdir(path, 0777) == 0, "a leftover");
    snprintf(path, sizeof path, "%s/.checkpoint-12.partial/.model.safetensors.Ab12Cd", out);
    write_whole(path, "", 0);
    CHECK(checkpoint_write(&checkpoint, out) == 0, "written again");
    check_checkpoint(folder, &model);
    CHECK(count_files(out) == 1 && count_files(folder) == 6, "nothing else is there");
    check_digest(&checkpoint, out, folder);
    check_failure(&checkpoint, out);
    check_checkpoint(folder, &model);
    check_state(folder, &model, state);
    test_optimizer_refused(folder, &model.table);
    test_state_refused(folder, &model);
    CHECK(checkpoint_remove(folder) == 0 && access(folder, F_OK) != 0, "removed");
    json_decref(state);
    model_free(&model);
    remove_folder(base);
}

/* A limit on file sizes stands for a full disk. */
static void test_full_disk(void)
{
    char *base = temporary_folder(), out[600];
    const struct rlimit limit = {2000, RLIM_INFINITY};
    struct rlimit before;
    struct capture capture;
    struct model model;

    if (!CHECK(model_load(&model, FIXTURES "/good-micro", 0) == 0, "good-micro"))
        return;
    struct checkpoint checkpoint = {
        .model = {.config = &model.config,
                  .table = &model.table,
                  .get = model_get_weights,
                  .context = &model},
        .step = 1,
    };

    snprintf(out, sizeof out, "%s/out", base);
    capture_begin(&capture);
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    int checkpoint_status = checkpoint_write(&checkpoint, out);
    int save_status = model_save(&checkpoint.model, out, NULL);

    setrlimit(RLIMIT_FSIZE, &before);
    capture_end(&capture);
    CHECK(checkpoint_status == -1 && save_status == -1, "both fail");
    CHECK(strstr(capture.text, "/.checkpoint-1.partial/model.safetensors: cannot write: ") != NULL,
          "said: %s", capture.text);
    CHECK(strstr(capture.text, "/.model.partial/model.safetensors: cannot write: ") != NULL,
          "said: %s", capture.text);
    CHECK(count_files(out) == 0, "nothing is left behind");
    model_free(&model);
    remove_folder(base);
}

int main(void)
{
    diag_init("test");
    test_load();
    test_refusals();
    test_surplus();
    test_two_prefixes();
    test_initialise();
    test_labels();
    test_save();
    test_checkpoint();
    test_full_disk();
    return check_report();
}
