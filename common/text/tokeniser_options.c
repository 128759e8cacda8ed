/* tokenizer_config.json and special_tokens_map.json: transformers' own settings beside the
 * tokeniser's. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "text/tokeniser_build.h"
#include "text/tokeniser_json.h"

/* transformers writes 1e30 for "no limit"; no model has positions for more than this. */
static const double LONGEST_MODEL = 1e9;

void tokeniser_options_init(struct tokeniser_options *options)
{
    *options = (struct tokeniser_options){
        .do_lower_case = CHOICE_UNSET,
        .strip_accents = CHOICE_UNSET,
        .tokenize_chinese_chars = CHOICE_UNSET,
    };
}

void tokeniser_options_free(struct tokeniser_options *options)
{
    for (int i = 0; i < SPECIAL_TOKENS; i++)
        free(options->special[i]);
    free(options->tokenizer_class);
    added_tokens_free(&options->added);
    added_tokens_free(&options->described);
    tokeniser_options_init(options);
}

static int read_choice(enum choice *choice, const json_t *json, const char *key, const char *path)
{
    const json_t *member = json_object_get(json, key);
    if (member == NULL || json_is_null(member))
        return 0;
    if (!json_is_boolean(member))
        return diag_error("%s: %s is not true, false or null", path, key);
    *choice = json_is_true(member) ? CHOICE_TRUE : CHOICE_FALSE;
    return 0;
}

/* A special token is a string, or an object with a content; null says that there is none, of those
 * that need not be there. The first file that states it holds. */
static int read_special(struct tokeniser_options *options, const json_t *json, const char *path)
{
    for (int i = 0; i < SPECIAL_TOKENS; i++) {
        const char *key = special_token_keys[i], *name = json_member_string(json, key);
        const json_t *member = json_object_get(json, key);
        if (json_is_object(member))
            name = json_member_string(member, "content");
        if (member == NULL || options->special[i] != NULL)
            continue;
        if (json_is_null(member)) {
            options->special[i] = i > TOKEN_UNK ? mem_strdup("") : NULL;
            continue;
        }
        if (name == NULL || *name == '\0')
            return diag_error("%s: %s is not a token", path, key);
        options->special[i] = mem_strdup(name);
        if (json_is_object(member) &&
            tokeniser_json_added_token(&options->described, member, 0, path) != 0)
            return -1;
    }
    return 0;
}

/* added_tokens_decoder: {"100": {"content": "[UNK]", ...}, ...} */
static int read_added(struct tokeniser_options *options, json_t *json, const char *path)
{
    json_t *decoder = json_object_get(json, "added_tokens_decoder"), *member;
    const char *key;
    if (decoder == NULL || json_is_null(decoder))
        return 0;
    if (!json_is_object(decoder))
        return diag_error("%s: added_tokens_decoder is not an object", path);
    json_object_foreach(decoder, key, member)
    {
        uint64_t id;
        if (parse_unsigned(key, &id) != 0 || id >= VOCABULARY_MAX)
            return diag_error("%s: added_tokens_decoder: '%s' is not a token id", path, key);
        if (tokeniser_json_added_token(&options->added, member, (uint32_t)id, path) != 0)
            return -1;
    }
    return 0;
}

static int read_config(struct tokeniser_options *options, json_t *json, const char *path)
{
    const json_t *longest = json_object_get(json, "model_max_length");
    const char *class_name = json_member_string(json, "tokenizer_class");
    if (read_choice(&options->do_lower_case, json, "do_lower_case", path) != 0 ||
        read_choice(&options->strip_accents, json, "strip_accents", path) != 0 ||
        read_choice(&options->tokenize_chinese_chars, json, "tokenize_chinese_chars", path) != 0 ||
        read_special(options, json, path) != 0)
        return -1;
    if (json_is_number(longest) && json_number_value(longest) >= 1 &&
        json_number_value(longest) <= LONGEST_MODEL)
        options->model_max_length = (uint64_t)json_number_value(longest);
    if (class_name != NULL)
        options->tokenizer_class = mem_strdup(class_name);
    return read_added(options, json, path);
}

static int read_map(struct tokeniser_options *options, const char *folder)
{
    char *path = mem_format("%s/special_tokens_map.json", folder);
    json_t *json;
    int status = json_file_read_optional(path, JSON_ALLOW_NUL, &json);
    if (json != NULL)
        status = read_special(options, json, path);
    json_decref(json);
    free(path);
    return status;
}

/* As transformers has it, the map goes before a configuration that describes no added tokens, and
 * means nothing beside one that does. */
int tokeniser_options_read(struct tokeniser_options *options, const char *folder)
{
    char *path = mem_format("%s/tokenizer_config.json", folder);
    json_t *json;
    int status = json_file_read_optional(path, JSON_ALLOW_NUL, &json);
    if (status == 0 && json_object_get(json, "added_tokens_decoder") == NULL)
        status = read_map(options, folder);
    if (status == 0 && json != NULL)
        status = read_config(options, json, path);
    json_decref(json);
    free(path);
    return status;
}
