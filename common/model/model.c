#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "model/initialise.h"
#include "model/manifest.h"

#define SHAPE_TEXT 96

static bool is_pooler(enum parameter_role role)
{
    return role == PARAMETER_POOLER_WEIGHT || role == PARAMETER_POOLER_BIAS;
}

static bool is_classifier(enum parameter_role role)
{
    return role == PARAMETER_CLASSIFIER_WEIGHT || role == PARAMETER_CLASSIFIER_BIAS;
}

/* Looks one spelling up. *tensor keeps what an earlier spelling gave; a second is an error, as
 * nobody can tell which is meant. */
static int find_spelling(const struct model *model, const char *name,
                         const struct safetensors_tensor **tensor)
{
    const struct safetensors_tensor *found = safetensors_find(&model->files, name);

    if (found == NULL || found == *tensor)
        return 0;
    if (*tensor != NULL)
        return diag_error("%s: '%s' and '%s' are the same tensor", found->path, (*tensor)->name,
                          found->name);
    *tensor = found;
    return 0;
}

/* The name itself, and with its end replaced as each alias says. */
static int find_aliases(const struct model *model, const char *name,
                        const struct safetensors_tensor **tensor)
{
    const char *const(*alias)[2] = model->config.architecture->aliases;
    size_t length = strlen(name);

    if (find_spelling(model, name, tensor) != 0)
        return -1;
    for (; (*alias)[0] != NULL; alias++) {
        size_t tail = strlen((*alias)[0]);
        char *old;
        int status;

        if (length < tail || strcmp(name + length - tail, (*alias)[0]) != 0)
            continue;
        old = mem_format("%.*s%s", (int)(length - tail), name, (*alias)[1]);
        status = find_spelling(model, old, tensor);
        free(old);
        if (status != 0)
            return -1;
    }
    return 0;
}

/* The file's tensor for a parameter under any accepted name; NULL when there is none. */
static int find_tensor(const struct model *model, const struct parameter *parameter,
                       const struct safetensors_tensor **tensor)
{
    char bare[PARAMETER_NAME_SIZE];

    *tensor = NULL;
    if (find_aliases(model, parameter->name, tensor) != 0)
        return -1;
    if (architecture_tensor_name(model->config.architecture, parameter->role, parameter->layer,
                                 false, bare, sizeof bare) != 0)
        return 0;
    return find_aliases(model, bare, tensor);
}

static int check_shape(const struct safetensors_tensor *tensor, const struct parameter *parameter,
                       const char *folder)
{
    char found[SHAPE_TEXT], needed[SHAPE_TEXT];

    if (tensor->rank == parameter->rank && tensor->shape[0] == parameter->shape[0] &&
        (tensor->rank == 1 || tensor->shape[1] == parameter->shape[1]))
        return 0;
    return diag_error(
        "%s: tensor '%s' has shape %s, but %s/config.json needs %s", tensor->path, tensor->name,
        safetensors_shape_text(tensor->rank, tensor->shape, found, sizeof found), folder,
        safetensors_shape_text(parameter->rank, parameter->shape, needed, sizeof needed));
}

static int use_tensor(struct model *model, size_t index, const struct safetensors_tensor *tensor)
{
    const struct parameter *parameter = &model->table.items[index];

    if (check_shape(tensor, parameter, model->folder) != 0)
        return -1;
    if (safetensors_is_float(tensor)) {
        model->weights[index] = tensor->data;
        return 0;
    }
    model->owned[index] = mem_realloc_array(NULL, parameter->count, sizeof(float));
    if (safetensors_to_float(tensor, model->owned[index]) != 0)
        return diag_error("%s: tensor '%s' has dtype %s, which is not supported", tensor->path,
                          tensor->name, tensor->dtype_name);
    model->weights[index] = model->owned[index];
    return 0;
}

static void mark_missing(struct model *model, size_t index)
{
    free(model->owned[index]);
    model->owned[index] = NULL;
    model->weights[index] = NULL;
    if (!model->missing[index])
        model->missing_count++;
    model->missing[index] = true;
}

/* Finds a tensor for every parameter; used[i] is set for the file's tensors that have one. */
static int match_tensors(struct model *model, unsigned flags, bool *used)
{
    const char *path = model->files.file_count == 1 ? model->files.files[0]->path : model->folder;

    for (size_t i = 0; i < model->table.count; i++) {
        const struct parameter *parameter = &model->table.items[i];
        const struct safetensors_tensor *tensor;
        bool head = is_pooler(parameter->role) || is_classifier(parameter->role);
        char shape[SHAPE_TEXT];

        if (find_tensor(model, parameter, &tensor) != 0)
            return -1;
        if (tensor != NULL) {
            if (use_tensor(model, i, tensor) != 0)
                return -1;
            used[tensor - model->files.tensors] = true;
            continue;
        }
        if (!head || (flags & MODEL_LOAD_COMPLETE) != 0)
            return diag_error(
                "%s: no tensor '%s' of shape %s%s", path, parameter->name,
                safetensors_shape_text(parameter->rank, parameter->shape, shape, sizeof shape),
                head ? ": the model must be fine-tuned first" : "");
        mark_missing(model, i);
    }
    return 0;
}

/* Of a weight and its bias either both or none may be missing. */
static int check_pair(const struct model *model, enum parameter_role weight,
                      enum parameter_role bias)
{
    size_t w = parameter_index(&model->table, weight, 0);
    size_t b = parameter_index(&model->table, bias, 0);

    if (w == SIZE_MAX || b == SIZE_MAX || model->missing[w] == model->missing[b])
        return 0;
    return diag_error("%s: tensor '%s', but no '%s'", model->folder,
                      model->table.items[model->missing[w] ? b : w].name,
                      model->table.items[model->missing[w] ? w : b].name);
}

static void warn_surplus(const struct model *model, const bool *used)
{
    const struct safetensors *files = &model->files;
    const char *first = NULL;
    size_t count = 0;

    for (size_t i = 0; i < files->count; i++) {
        if (used[i] || architecture_ignores(model->config.architecture, files->tensors[i].name))
            continue;
        if (first == NULL)
            first = files->tensors[i].name;
        count++;
    }
    if (count > 0)
        diag_warn("%s: %zu tensors have no place in this model, the first is '%s'", model->folder,
                  count, first);
}

static int load_weights(struct model *model, unsigned flags)
{
    bool *used;
    int status;

    if (safetensors_open_folder(&model->files, model->folder) != 0)
        return -1;
    used = mem_calloc(model->files.count + 1, sizeof *used);
    status = match_tensors(model, flags, used);
    if (status == 0)
        status = check_pair(model, PARAMETER_POOLER_WEIGHT, PARAMETER_POOLER_BIAS);
    if (status == 0)
        status = check_pair(model, PARAMETER_CLASSIFIER_WEIGHT, PARAMETER_CLASSIFIER_BIAS);
    if (status == 0)
        warn_surplus(model, used);
    free(used);
    return status;
}

/* Table and empty slots for the configuration that the model already holds. */
static int make_slots(struct model *model)
{
    if (parameter_table_init(&model->table, &model->config) != 0)
        return -1;
    model->weights = mem_calloc(model->table.count, sizeof *model->weights);
    model->owned = mem_calloc(model->table.count, sizeof *model->owned);
    model->missing = mem_calloc(model->table.count, sizeof *model->missing);
    return 0;
}

int model_load(struct model *model, const char *folder, unsigned flags)
{
    size_t length = strlen(folder);

    while (length > 1 && folder[length - 1] == '/')
        length--;
    *model = (struct model){.folder = mem_strndup(folder, length)};
    if (manifest_verify(model->folder, model->digest) == 0 &&
        model_config_load(&model->config, model->folder) == 0 && make_slots(model) == 0 &&
        load_weights(model, flags) == 0)
        return 0;
    model_free(model);
    return -1;
}

int model_create(struct model *model, struct model_config *config)
{
    *model = (struct model){.config = *config};
    *config = (struct model_config){0};
    if (make_slots(model) != 0) {
        model_free(model);
        return -1;
    }
    for (size_t i = 0; i < model->table.count; i++)
        mark_missing(model, i);
    return 0;
}

/* As torch.nn.Embedding: the vector of [PAD] is zero. */
static void clear_padding(const struct model *model, const struct parameter *parameter,
                          float *values)
{
    int64_t row = model->config.pad_token_id;

    if (parameter->role == PARAMETER_WORD_EMBEDDINGS && row >= 0)
        memset(values + (uint64_t)row * parameter->shape[1], 0,
               parameter->shape[1] * sizeof *values);
}

void model_initialise(struct model *model, uint64_t seed)
{
    bool pooler = false, classifier = false;

    for (size_t i = 0; i < model->table.count; i++) {
        const struct parameter *parameter = &model->table.items[i];

        if (!model->missing[i])
            continue;
        free(model->owned[i]);
        model->owned[i] = mem_realloc_array(NULL, parameter->count, sizeof(float));
        initialise_parameter(parameter, seed, model->config.initializer_range, model->owned[i]);
        clear_padding(model, parameter, model->owned[i]);
        model->weights[i] = model->owned[i];
        pooler = pooler || is_pooler(parameter->role);
        classifier = classifier || is_classifier(parameter->role);
    }
    if (model->folder != NULL && (pooler || classifier))
        diag_note("%s: new %s%s%s, initialised with seed %llu", model->folder,
                  pooler ? "pooler" : "", pooler && classifier ? " and " : "",
                  classifier ? "classifier" : "", (unsigned long long)seed);
}

/* Whether the model's label i has the name that labels get which nobody named. */
static bool is_default_name(const struct model_config *config, uint32_t i)
{
    char *name = mem_format("LABEL_%u", (unsigned)i);
    bool same = strcmp(config->label_names[i], name) == 0;

    free(name);
    return same;
}

/* See model_set_labels: whether the classifier's rows can stand for these labels. */
static bool classifier_fits(const struct model_config *config, const char *const *names, uint32_t n)
{
    bool same = true, unnamed = true;

    if (n != config->num_labels)
        return false;
    for (uint32_t i = 0; names != NULL && i < n; i++) {
        same = same && strcmp(names[i], config->label_names[i]) == 0;
        unnamed = unnamed && is_default_name(config, i);
    }
    return same || unnamed;
}

int model_set_labels(struct model *model, const char *const *names, uint32_t n)
{
    bool fits = classifier_fits(&model->config, names, n);
    struct parameter_table table;

    if (model_config_set_labels(&model->config, names, n) != 0 ||
        parameter_table_init(&table, &model->config) != 0)
        return -1;
    parameter_table_free(&model->table);
    model->table = table; /* the same rows in the same order, some with another shape */
    for (size_t i = 0; i < model->table.count; i++)
        if (!fits && is_classifier(model->table.items[i].role))
            mark_missing(model, i);
    return 0;
}

void model_release_weights(struct model *model)
{
    /* a model whose loading failed early has no slots, but then its table is empty too */
    for (size_t i = 0; i < model->table.count; i++) {
        free(model->owned[i]);
        model->owned[i] = NULL;
        model->weights[i] = NULL;
    }
    safetensors_close(&model->files);
}

void model_free(struct model *model)
{
    model_release_weights(model);
    free(model->weights);
    free(model->owned);
    free(model->missing);
    parameter_table_free(&model->table);
    model_config_free(&model->config);
    free(model->folder);
    *model = (struct model){0};
}

const float *model_get_weights(void *model, size_t index)
{
    return ((struct model *)model)->weights[index];
}
