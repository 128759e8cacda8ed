/* Reading tokenizer.json, the file of the tokenizers library. What it says that is not supported is
 * refused by name. */
#include "text/tokeniser_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/json_file.h"

int tokeniser_json_added_token(struct added_tokens *added, const json_t *json, uint32_t id,
                               const char *path)
{
    bool wrong = false;
    const char *content = json_member_string(json, "content");
    struct added_token token = {
        .id = id,
        .special = json_member_bool(json, "special", false, &wrong),
        .normalized = json_member_bool(json, "normalized", true, &wrong),
        .single_word = json_member_bool(json, "single_word", false, &wrong),
        .lstrip = json_member_bool(json, "lstrip", false, &wrong),
        .rstrip = json_member_bool(json, "rstrip", false, &wrong),
    };
    if (content == NULL || wrong)
        return diag_error("%s: added token %" PRIu32 " is not described as one", path, id);
    if (*content == '\0')
        return 0;
    token.content = (char *)content;
    added_tokens_append(added, &token);
    return 0;
}

static int read_added(struct tokeniser_spec *spec, const json_t *json, const char *path)
{
    json_t *list = json_object_get(json, "added_tokens"), *item;
    size_t i;
    if (list != NULL && !json_is_array(list))
        return diag_error("%s: added_tokens is not a list", path);
    json_array_foreach(list, i, item)
    {
        const json_t *id = json_object_get(item, "id");
        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= VOCABULARY_MAX)
            return diag_error("%s: added_tokens: item %zu has no id", path, i + 1);
        if (tokeniser_json_added_token(&spec->added, item, (uint32_t)json_integer_value(id),
                                       path) != 0)
            return -1;
    }
    return 0;
}

/* The vocabulary is read before what says whether the model is one that is supported. */
struct vocabulary_reader {
    struct vocabulary *vocabulary;
    char *fault; /* the first thing that is wrong with it, or NULL */
};

static bool take_token(void *context, const char *token, size_t size, const json_t *id)
{
    struct vocabulary_reader *reader = context;
    struct vocabulary *vocabulary = reader->vocabulary;
    json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;
    bool new = true;
    if (reader->fault != NULL)
        return true;
    if (value < 0 || value >= VOCABULARY_MAX) {
        reader->fault =
            mem_format("token '%s' has no id between 0 and %" PRIu32, token, VOCABULARY_MAX - 1);
    } else if (size == 0) {
        new = vocabulary->empty == TOKEN_NONE;
        vocabulary_set_empty(vocabulary, (uint32_t)value);
    } else if (!vocabulary_add(vocabulary, token, size, (uint32_t)value)) {
        new = vocabulary_find(vocabulary, token, size) == TOKEN_NONE;
        reader->fault =
            mem_format("token '%s' has the id of another token, %lld", token, (long long)value);
    }
    return new;
}

static int read_model(struct tokeniser_spec *spec, const json_t *json, const char *fault,
                      const char *path)
{
    const json_t *model = json_object_get(json, "model");
    const json_t *longest = json_object_get(model, "max_input_chars_per_word");
    const char *type = json_member_string(model, "type");
    const char *prefix = json_member_string(model, "continuing_subword_prefix");
    const char *unknown = json_member_string(model, "unk_token");
    if (type != NULL && strcmp(type, "WordPiece") != 0)
        return diag_error("%s: model '%s' is not supported, only WordPiece is", path, type);
    if (prefix == NULL || unknown == NULL || !json_is_integer(longest) ||
        !json_is_object(json_object_get(model, "vocab")))
        return diag_error("%s: its model is not a whole WordPiece model", path);
    if (json_integer_value(longest) < 0 || json_integer_value(longest) >= UINT32_MAX)
        return diag_error("%s: max_input_chars_per_word is out of range", path);
    spec->prefix = mem_strdup(prefix);
    spec->special[TOKEN_UNK] = mem_strdup(unknown);
    spec->max_characters = (uint64_t)json_integer_value(longest);
    if (fault != NULL)
        return diag_error("%s: %s", path, fault);
    if (spec->vocabulary.used == 0)
        return diag_error("%s: no tokens in it", path);
    return 0;
}

static int read_normaliser(struct tokeniser_spec *spec, const json_t *json, const char *path)
{
    const json_t *normaliser = json_object_get(json, "normalizer");
    const char *type = json_member_string(normaliser, "type");
    bool wrong = false;
    if (normaliser == NULL || json_is_null(normaliser))
        return 0;
    if (type == NULL || strcmp(type, "BertNormalizer") != 0)
        return diag_error("%s: normalizer '%s' is not supported, only BertNormalizer is", path,
                          type != NULL ? type : "without a type");
    spec->normaliser.clean_text = json_member_bool(normaliser, "clean_text", true, &wrong);
    spec->normaliser.chinese_chars =
        json_member_bool(normaliser, "handle_chinese_chars", true, &wrong);
    spec->normaliser.lowercase = json_member_bool(normaliser, "lowercase", true, &wrong);
    spec->normaliser.strip_accents =
        json_member_bool(normaliser, "strip_accents", spec->normaliser.lowercase, &wrong);
    if (wrong)
        return diag_error("%s: an option of the normalizer is not true, false or null", path);
    return 0;
}

static int check_pre_tokeniser(const json_t *json, const char *path)
{
    const json_t *pre = json_object_get(json, "pre_tokenizer");
    const char *type = json_member_string(pre, "type");
    if (type == NULL || strcmp(type, "BertPreTokenizer") != 0)
        return diag_error("%s: pre_tokenizer '%s' is not supported, only BertPreTokenizer is", path,
                          type != NULL ? type : "null");
    return 0;
}

/* One that is not supported is refused where text is asked for. */
static int read_decoder(struct tokeniser_spec *spec, const json_t *json, const char *path)
{
    const json_t *decoder = json_object_get(json, "decoder");
    const char *type = json_member_string(decoder, "type");
    const char *prefix = json_member_string(decoder, "prefix");
    const json_t *cleanup = json_object_get(decoder, "cleanup");
    if (decoder == NULL || json_is_null(decoder))
        return 0;
    if (type == NULL)
        return diag_error("%s: the decoder has no type", path);
    if (strcmp(type, "WordPiece") == 0 && (prefix == NULL || !json_is_boolean(cleanup)))
        return diag_error("%s: its decoder is not a whole WordPiece decoder", path);
    spec->decoder.type = mem_strdup(type);
    spec->decoder.prefix = prefix != NULL ? mem_strdup(prefix) : NULL;
    spec->decoder.cleanup = json_is_true(cleanup);
    return 0;
}

/* Whether piece i of a template is {kind: {"id": ..., "type_id": type}}; gives the id. */
static const char *template_piece(const json_t *template, size_t i, const char *kind, int type)
{
    const json_t *piece = json_object_get(json_array_get(template, i), kind);
    const json_t *type_id = json_object_get(piece, "type_id");
    if (!json_is_integer(type_id) || json_integer_value(type_id) != type)
        return NULL;
    return json_member_string(piece, "id");
}

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* TemplateProcessing is supported as [CLS]:0 A:0 [SEP]:0, with B:1 [SEP]:1 behind it for a pair. */
static bool read_template(const json_t *post, const char **cls, const char **sep)
{
    const json_t *single = json_object_get(post, "single"), *pair = json_object_get(post, "pair");
    *cls = template_piece(single, 0, "SpecialToken", 0);
    *sep = template_piece(single, 2, "SpecialToken", 0);
    return *cls != NULL && *sep != NULL && json_array_size(single) == 3 &&
           json_array_size(pair) == 5 && same(template_piece(single, 1, "Sequence", 0), "A") &&
           same(template_piece(pair, 0, "SpecialToken", 0), *cls) &&
           same(template_piece(pair, 1, "Sequence", 0), "A") &&
           same(template_piece(pair, 2, "SpecialToken", 0), *sep) &&
           same(template_piece(pair, 3, "Sequence", 1), "B") &&
           same(template_piece(pair, 4, "SpecialToken", 1), *sep);
}

/* The one id that a template's special token stands for; -2 when it is not one. */
static json_int_t template_id(const json_t *post, const char *token)
{
    const json_t *ids =
        json_object_get(json_object_get(json_object_get(post, "special_tokens"), token), "ids");
    const json_t *id = json_array_get(ids, 0);
    return json_array_size(ids) == 1 && json_is_integer(id) ? json_integer_value(id) : -2;
}

/* BertProcessing: {"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]} */
static bool read_pair(const json_t *post, const char *key, const char **token, json_int_t *id)
{
    const json_t *pair = json_object_get(post, key);
    *token = json_string_value(json_array_get(pair, 0));
    *id = json_integer_value(json_array_get(pair, 1));
    return *token != NULL && json_is_integer(json_array_get(pair, 1));
}

static int read_post_processor(struct tokeniser_spec *spec, const json_t *json, const char *path)
{
    const json_t *post = json_object_get(json, "post_processor");
    const char *type = json_member_string(post, "type"), *cls, *sep;
    json_int_t *ids = spec->stated_ids;
    bool supported = false;
    if (same(type, "TemplateProcessing")) {
        supported = read_template(post, &cls, &sep);
        ids[TOKEN_CLS] = supported ? template_id(post, cls) : -1;
        ids[TOKEN_SEP] = supported ? template_id(post, sep) : -1;
    } else if (same(type, "BertProcessing")) {
        supported = read_pair(post, "cls", &cls, &ids[TOKEN_CLS]) &&
                    read_pair(post, "sep", &sep, &ids[TOKEN_SEP]);
    } else {
        return diag_error("%s: post_processor '%s' is not supported", path,
                          type != NULL ? type : "null");
    }
    if (!supported || ids[TOKEN_CLS] < 0 || ids[TOKEN_SEP] < 0)
        return diag_error("%s: post_processor: only [CLS] A [SEP] B [SEP] is supported", path);
    spec->special[TOKEN_CLS] = mem_strdup(cls);
    spec->special[TOKEN_SEP] = mem_strdup(sep);
    return 0;
}

int tokeniser_spec_read_json(struct tokeniser_spec *spec, const char *path)
{
    int status = -1;
    struct vocabulary_reader reader = {.vocabulary = &spec->vocabulary};
    const struct json_members vocabulary = {"model", "vocab", take_token, &reader};
    json_t *json = json_file_read_members(path, JSON_ALLOW_NUL, &vocabulary);
    if (json != NULL && read_model(spec, json, reader.fault, path) == 0 &&
        read_normaliser(spec, json, path) == 0 && check_pre_tokeniser(json, path) == 0 &&
        read_post_processor(spec, json, path) == 0 && read_decoder(spec, json, path) == 0)
        status = read_added(spec, json, path);
    json_decref(json);
    free(reader.fault);
    return status;
}
