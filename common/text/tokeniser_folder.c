/* Opening the tokeniser of a model folder, or of one file. */
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/paths.h"
#include "text/tokeniser_build.h"

/* Classes of transformers whose vocab.txt means what this library does with it. */
static const char *const text_classes[] = {
    "BertTokenizer",           "BertTokenizerFast",       "DistilBertTokenizer",
    "DistilBertTokenizerFast", "ElectraTokenizer",        "ElectraTokenizerFast",
    "MobileBertTokenizer",     "MobileBertTokenizerFast", NULL,
};

static int check_class(const char *name, const char *path)
{
    for (const char *const *known = text_classes; name != NULL && *known != NULL; known++)
        if (strcmp(name, *known) == 0)
            return 0;
    if (name == NULL)
        return 0;
    return diag_error("%s: tokenizer_class '%s' is not supported without a tokenizer.json", path,
                      name);
}

static const struct added_token *find_added(const struct added_tokens *added, const char *content)
{
    for (size_t i = 0; i < added->count; i++)
        if (strcmp(added->items[i].content, content) == 0)
            return &added->items[i];
    return NULL;
}

/* The special tokens that the vocabulary has are added tokens too, so that they are found in the
 * text. */
static void add_special(struct tokeniser_spec *spec, const struct tokeniser_options *options)
{
    for (int i = 0; i < SPECIAL_TOKENS; i++) {
        const char *name = spec->special[i] != NULL ? spec->special[i] : special_token_defaults[i];
        const struct added_token *described = find_added(&options->described, name);
        struct added_token token = {.content = (char *)name};
        if (described != NULL)
            token = *described;
        if (*name == '\0')
            continue;
        token.special = true;
        token.id = vocabulary_find_string(&spec->vocabulary, name);
        if (token.id != TOKEN_NONE && find_added(&spec->added, name) == NULL)
            added_tokens_append(&spec->added, &token);
    }
}

int tokeniser_spec_read_text(struct tokeniser_spec *spec, const char *path,
                             const struct tokeniser_options *options)
{
    if (check_class(options->tokenizer_class, path) != 0 ||
        vocabulary_read_text(&spec->vocabulary, path) != 0)
        return -1;
    spec->normaliser.clean_text = true;
    spec->normaliser.chinese_chars = options->tokenize_chinese_chars != CHOICE_FALSE;
    spec->normaliser.lowercase = options->do_lower_case != CHOICE_FALSE;
    spec->normaliser.strip_accents = options->strip_accents == CHOICE_UNSET
                                         ? spec->normaliser.lowercase
                                         : options->strip_accents == CHOICE_TRUE;
    for (int i = 0; i < SPECIAL_TOKENS; i++)
        if (options->special[i] != NULL)
            spec->special[i] = mem_strdup(options->special[i]);
    for (size_t i = 0; i < options->added.count; i++)
        added_tokens_append(&spec->added, &options->added.items[i]);
    add_special(spec, options);
    spec->decoder =
        (struct token_decoder){mem_strdup("WordPiece"), mem_strdup(TOKENISER_PREFIX), true};
    return 0;
}

/*
 * tokenizer.json says what the tokenizer does; some releases of transformers follow
 * tokenizer_config.json where both state it, so a folder whose files disagree gives other ids
 * there.
 */
static void warn_of_conflict(const struct tokeniser_spec *spec,
                             const struct tokeniser_options *options, const char *folder)
{
    const struct {
        const char *name;
        enum choice stated;
        bool holds;
    } rows[] = {
        {"do_lower_case", options->do_lower_case, spec->normaliser.lowercase},
        {"strip_accents", options->strip_accents, spec->normaliser.strip_accents},
        {"tokenize_chinese_chars", options->tokenize_chinese_chars, spec->normaliser.chinese_chars},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].stated != CHOICE_UNSET && (rows[i].stated == CHOICE_TRUE) != rows[i].holds)
            diag_warn(
                "%s: tokenizer.json and tokenizer_config.json disagree about %s: the first holds",
                folder, rows[i].name);
}

static int read_json(struct tokeniser_spec *spec, const char *path, const char *folder,
                     const struct tokeniser_options *options)
{
    if (tokeniser_spec_read_json(spec, path) != 0)
        return -1;
    if (options->special[TOKEN_PAD] != NULL)
        spec->special[TOKEN_PAD] = mem_strdup(options->special[TOKEN_PAD]);
    if (options->special[TOKEN_MASK] != NULL)
        spec->special[TOKEN_MASK] = mem_strdup(options->special[TOKEN_MASK]);
    if (folder != NULL)
        warn_of_conflict(spec, options, folder);
    return 0;
}

static struct tokeniser *open_folder(const char *folder, const struct tokeniser_options *options)
{
    struct tokeniser_spec spec;
    struct tokeniser *tokeniser = NULL;
    char *json = mem_format("%s/tokenizer.json", folder);
    char *text = mem_format("%s/vocab.txt", folder);
    bool has_json = !path_missing(json), has_text = !has_json && !path_missing(text);
    tokeniser_spec_init(&spec);
    spec.model_max_length = options->model_max_length;
    if (has_json == 0 && has_text == 0)
        diag_error("%s: has no tokenizer.json and no vocab.txt", folder);
    if (has_json > 0 && read_json(&spec, json, folder, options) == 0)
        tokeniser = tokeniser_build(&spec, json);
    else if (has_text > 0 && tokeniser_spec_read_text(&spec, text, options) == 0)
        tokeniser = tokeniser_build(&spec, text);
    tokeniser_spec_free(&spec);
    free(json);
    free(text);
    return tokeniser;
}

struct tokeniser *tokeniser_open_folder(const char *folder)
{
    struct tokeniser_options options;
    struct tokeniser *tokeniser = NULL;
    tokeniser_options_init(&options);
    if (tokeniser_options_read(&options, folder) == 0)
        tokeniser = open_folder(folder, &options);
    tokeniser_options_free(&options);
    return tokeniser;
}

struct tokeniser *tokeniser_open_file(const char *path)
{
    struct tokeniser_options options;
    struct tokeniser_spec spec;
    struct tokeniser *tokeniser = NULL;
    size_t length = strlen(path);
    bool is_json = length >= 5 && strcmp(path + length - 5, ".json") == 0;
    tokeniser_options_init(&options);
    tokeniser_spec_init(&spec);
    if ((is_json ? read_json(&spec, path, NULL, &options)
                 : tokeniser_spec_read_text(&spec, path, &options)) == 0)
        tokeniser = tokeniser_build(&spec, path);
    tokeniser_spec_free(&spec);
    tokeniser_options_free(&options);
    return tokeniser;
}
