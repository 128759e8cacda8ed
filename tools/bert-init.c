/* bert-init: a new model's folder with seeded weights. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/folder.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "data/labels.h"
#include "model/model.h"
#include "model/save.h"
#include "text/tokeniser.h"

#define HEAD_SIZE 64 /* of BERT's published models */
#define PLACE     "the new model"

static struct {
    const char *output, *config, *vocab, *labels;
    uint64_t layers, hidden, heads, intermediate, positions, seed;
} options = {.layers = 12, .hidden = 768, .positions = 512, .seed = 42};

#define SIZE(field)                                                                                \
    .kind = OPTION_UNSIGNED, .target = &options.field, .argument = "N", .maximum = 1 << 24

/* clang-format off */
static const struct option_row rows[] = {
    {'o', "output", .kind = OPTION_STRING, .target = &options.output, .argument = "FOLDER",
     .help = "folder to make"},
    {0, "vocab", .kind = OPTION_STRING, .target = &options.vocab, .argument = "FILE",
     .help = "vocab.txt (lower-casing, as bert-base-uncased) or tokenizer.json"},
    {0, "labels", .kind = OPTION_STRING, .target = &options.labels, .argument = "A,B,...",
     .help = "names of the classes in order"},
    {0, "seed", .kind = OPTION_UNSIGNED, .target = &options.seed, .argument = "N",
     .help = "seed of the weights"},

    {.name = "Shape"},
    {0, "config", .kind = OPTION_STRING, .target = &options.config, .argument = "FILE",
     .help = "config.json to begin with; what is given here besides replaces what it says"},
    {0, "layers", SIZE(layers), .help = "encoder layers", .alias = "num-hidden-layers"},
    {0, "hidden", SIZE(hidden), .help = "width of a token's vector", .alias = "hidden-size"},
    {0, "heads", SIZE(heads), .help = "attention heads; 0: one for every 64 of the width",
     .alias = "num-attention-heads"},
    {0, "intermediate", SIZE(intermediate), .help = "inner width; 0: four times the width",
     .alias = "intermediate-size"},
    {0, "positions", SIZE(positions), .help = "most tokens of a text",
     .alias = "max-position-embeddings"},
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "bert-init",
    .summary = "make a new model with random weights",
    .usage = "-o FOLDER --config FILE | --vocab FILE [OPTION]...",
    .example = "bert-init -o small --vocab vocab.txt --layers 4 --hidden 256 --labels no,yes",
    .rows = rows,
};

static void check_options(void)
{
    if (options.output == NULL)
        options_usage_error("-o FOLDER is missing");
    if (options.config == NULL && options.vocab == NULL)
        options_usage_error("give --vocab FILE or --config FILE: without them the vocabulary's "
                            "size is not known");
}

/* BertConfig's keys that have no default of their own in common/model. */
static json_t *new_config(void)
{
    return json_pack("{s:s, s:i}", "model_type", "bert", "type_vocab_size", 2);
}

/* Sets what the options say; all of it when there is no config.json. */
static int set_shape(json_t *json)
{
    const char *type = json_member_string(json, "model_type");
    const struct architecture *architecture = architecture_find(
        options.config != NULL ? options.config : PLACE, type != NULL ? type : "");
    if (architecture == NULL)
        return -1;
    const struct config_keys *keys = &architecture->keys;
    const json_t *width = json_object_get(json, keys->hidden_size);
    uint64_t hidden = json_is_integer(width) && !options_given(&options.hidden)
                          ? (uint64_t)json_integer_value(width)
                          : options.hidden;
    uint64_t heads = options.heads != 0   ? options.heads
                     : hidden > HEAD_SIZE ? hidden / HEAD_SIZE
                                          : 1;
    const struct {
        const char *key;
        const uint64_t *option;
        uint64_t value;
    } sizes[] = {
        {keys->num_hidden_layers, &options.layers, options.layers},
        {keys->hidden_size, &options.hidden, hidden},
        {keys->num_attention_heads, &options.heads, heads},
        {keys->intermediate_size, &options.intermediate,
         options.intermediate != 0 ? options.intermediate : 4 * hidden},
        {keys->max_position_embeddings, &options.positions, options.positions},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (options_given(sizes[i].option) || json_object_get(json, sizes[i].key) == NULL)
            json_object_set_new(json, sizes[i].key, json_integer((json_int_t)sizes[i].value));
    return 0;
}

/* The vocabulary decides about the number of tokens and the padding, but a model may have more
 * tokens, as some do for the sake of a round number. */
static int set_vocabulary(json_t *json, const struct tokeniser *tokeniser)
{
    json_int_t size = (json_int_t)tokeniser->vocabulary.size;
    const json_t *stated = json_object_get(json, "vocab_size");
    uint32_t pad = tokeniser->special.pad;
    if (stated == NULL)
        json_object_set_new(json, "vocab_size", json_integer(size));
    else if (json_integer_value(stated) < size)
        return diag_error("%s: 'vocab_size' is %" JSON_INTEGER_FORMAT
                          ", but %s has %" JSON_INTEGER_FORMAT " tokens",
                          options.config, json_integer_value(stated), options.vocab, size);
    json_object_set_new(json, "pad_token_id", pad == TOKEN_NONE ? json_null() : json_integer(pad));
    return 0;
}

static int set_labels(struct model_config *config)
{
    struct label_set labels;
    if (options.labels == NULL)
        return 0;
    if (label_set_parse(&labels, options.labels) != 0)
        return -1;
    int status =
        model_config_set_labels(config, (const char *const *)labels.names, (uint32_t)labels.count);
    label_set_free(&labels);
    return status;
}

static int make_config(struct model_config *config, const struct tokeniser *tokeniser)
{
    json_t *json = options.config != NULL ? json_file_read(options.config, 0) : new_config();
    int status = json != NULL ? set_shape(json) : -1;
    if (status == 0 && tokeniser != NULL)
        status = set_vocabulary(json, tokeniser);
    if (status == 0)
        status =
            model_config_from_json(config, options.config != NULL ? options.config : PLACE, json);
    json_decref(json);
    if (status != 0)
        return -1;
    if (set_labels(config) == 0)
        return 0;
    model_config_free(config);
    return -1;
}

/* Makes the folder, or takes one that is empty but for what a killed program left: nobody's model
 * is replaced. */
static int prepare_folder(const char *folder)
{
    const struct dirent *entry;
    bool empty = true;
    int found;
    if (save_folder(folder) != 0)
        return -1;
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return diag_errno(errno, "%s: cannot open", folder);
    while ((found = folder_next(directory, folder, &entry)) > 0)
        empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
                          strcmp(entry->d_name, MODEL_PARTIAL) == 0);
    closedir(directory);
    if (found < 0)
        return -1;
    return empty ? 0 : diag_error("%s: the folder is not empty", folder);
}

static int write_tokenizer(void *tokeniser, const char *folder)
{
    return tokeniser_save_folder(tokeniser, folder);
}

static int write_model(struct model *model, const struct tokeniser *tokeniser)
{
    const struct model_source source = {
        .config = &model->config,
        .table = &model->table,
        .get = model_get_weights,
        .context = model,
        .write_tokenizer = tokeniser != NULL ? write_tokenizer : NULL,
        .tokenizer = (void *)tokeniser,
    };
    if (prepare_folder(options.output) != 0)
        return -1;
    model_initialise(model, options.seed);
    if (model_save(&source, options.output, NULL) != 0)
        return -1;
    diag_note("%s: %" PRIu64 " parameters, seed %" PRIu64 "%s", options.output, model->table.total,
              options.seed, tokeniser != NULL ? "" : ", no tokenizer");
    return 0;
}

int main(int argc, char **argv)
{
    struct tokeniser *tokeniser = NULL;
    struct model_config config;
    struct model model;
    int status = 0;
    options_parse(&program, argc, argv);
    check_options();
    if (options.vocab != NULL && (tokeniser = tokeniser_open_file(options.vocab)) == NULL)
        return output_finish_stdout(1);
    status = make_config(&config, tokeniser);
    if (status == 0)
        status = model_create(&model, &config);
    if (status == 0) {
        status = write_model(&model, tokeniser);
        model_free(&model);
    }
    tokeniser_close(tokeniser);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
