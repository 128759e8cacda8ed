/* Writing the tokenizer files of a model folder. */
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "text/tokeniser_build.h"
#include "text/tokeniser_json.h"

const char *const tokeniser_file_names[TOKENISER_FILES + 1] = {
    "vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", NULL};

/* "[CLS]", or an object when the token takes white space with it or stands alone. */
static json_t *make_special(const struct tokeniser *tokeniser, uint32_t id)
{
    const char *content = tokeniser->vocabulary.tokens[id].data;
    for (size_t i = 0; i < tokeniser->added.count; i++) {
        const struct added_token *token = &tokeniser->added.items[i];
        if (token->id == id &&
            (token->lstrip || token->rstrip || token->single_word || token->normalized))
            return json_pack("{s:s, s:s, s:b, s:b, s:b, s:b}", "__type", "AddedToken", "content",
                             content, "lstrip", token->lstrip, "rstrip", token->rstrip,
                             "single_word", token->single_word, "normalized", token->normalized);
    }
    return json_string(content);
}

/* The special tokens, unless the object states them already: null where there is none, although the
 * vocabulary has the token that a reader would take for it. */
static void set_special(const struct tokeniser *tokeniser, json_t *json)
{
    struct tokeniser_special special = tokeniser->special;
    for (int i = 0; i < SPECIAL_TOKENS; i++) {
        uint32_t id = *special_token_id(&special, (enum special_token)i);
        const char *otherwise = special_token_defaults[i];
        if (json_object_get(json, special_token_keys[i]) != NULL)
            continue;
        if (id != TOKEN_NONE)
            json_object_set_new(json, special_token_keys[i], make_special(tokeniser, id));
        else if (vocabulary_find_string(&tokeniser->vocabulary, otherwise) != TOKEN_NONE)
            json_object_set_new(json, special_token_keys[i], json_null());
    }
}

/* transformers' BertTokenizer takes these from its class and not from the files. */
static bool is_bert_class(const struct tokeniser *tokeniser)
{
    return tokeniser->normaliser.clean_text &&
           tokeniser->wordpiece.max_characters == TOKENISER_MAX_CHARACTERS &&
           strcmp(tokeniser->prefix, TOKENISER_PREFIX) == 0;
}

/* The members of a file that is kept as it was read. */
static json_t *copy_or_new(const json_t *source)
{
    return source != NULL ? json_copy((json_t *)source) : json_object();
}

/* The options that hold: BertTokenizer goes by these, whatever tokenizer.json says. */
static json_t *make_config(const struct tokeniser *tokeniser, const json_t *source)
{
    const struct normaliser *normaliser = &tokeniser->normaliser;
    json_t *json = copy_or_new(source);
    json_object_set_new(
        json, "tokenizer_class",
        json_string(is_bert_class(tokeniser) ? TOKENISER_CLASS : TOKENISER_CLASS_ANY));
    if (!is_bert_class(tokeniser))
        json_object_set_new(
            json, "model_input_names",
            json_pack("[s, s, s]", "input_ids", "token_type_ids", "attention_mask"));
    json_object_set_new(json, "do_lower_case", json_boolean(normaliser->lowercase));
    json_object_set_new(json, "tokenize_chinese_chars", json_boolean(normaliser->chinese_chars));
    json_object_set_new(json, "strip_accents",
                        normaliser->strip_accents == normaliser->lowercase
                            ? json_null()
                            : json_boolean(normaliser->strip_accents));
    if (tokeniser->model_max_length > 0)
        json_object_set_new(json, "model_max_length",
                            json_integer((json_int_t)tokeniser->model_max_length));
    set_special(tokeniser, json);
    return json;
}

static json_t *make_special_map(const struct tokeniser *tokeniser, const json_t *source)
{
    json_t *json = copy_or_new(source);
    set_special(tokeniser, json);
    return json;
}

static json_t *make_tokeniser_json(const struct tokeniser *tokeniser, const json_t *source)
{
    if (source == NULL)
        return tokeniser_json_make(tokeniser);
    json_t *json = copy_or_new(source);
    json_object_set_new(json, "truncation", json_null());
    json_object_set_new(json, "padding", json_null());
    return json;
}

/* Makes file number `which` from what was kept of it, if it was. */
static int save_json(const struct tokeniser *tokeniser, const char *folder, int which,
                     json_t *(*make)(const struct tokeniser *tokeniser, const json_t *source))
{
    char *path = mem_format("%s/%s", folder, tokeniser_file_names[which]);
    json_t *json = make(tokeniser, tokeniser->files[which]);
    int status = json_file_write(path, json, 0);
    json_decref(json);
    free(path);
    return status;
}

/* The model's own tokens, one a line; an id without a token is an empty line. */
static int render_vocabulary(const struct tokeniser *tokeniser, struct buffer *text,
                             const char *path)
{
    const struct vocabulary *vocabulary = &tokeniser->vocabulary;
    bool *left_out = mem_calloc(vocabulary->size, sizeof(*left_out));
    size_t count = vocabulary->size;
    int status = 0;
    for (size_t i = 0; i < tokeniser->added.count; i++)
        if (!tokeniser->added.items[i].in_model)
            left_out[tokeniser->added.items[i].id] = true;
    while (count > 0 && left_out[count - 1])
        count--;
    for (size_t id = 0; id < count && status == 0; id++) {
        const struct token_text *token = &vocabulary->tokens[id];
        if (!left_out[id] && token->data != NULL) {
            if (memchr(token->data, '\n', token->size) != NULL)
                status = diag_error("%s: token %zu has a line break in it", path, id);
            buffer_append(text, token->data, token->size);
        }
        buffer_append_char(text, '\n');
    }
    free(left_out);
    return status;
}

static int save_vocabulary(const struct tokeniser *tokeniser, const char *folder)
{
    struct buffer text = {0};
    struct output output;
    char *path = mem_format("%s/%s", folder, tokeniser_file_names[0]);
    int status = render_vocabulary(tokeniser, &text, path);
    if (status == 0 && (status = output_open(&output, path)) == 0) {
        status = output_write(&output, text.data, text.size);
        if (status == 0)
            status = output_commit(&output);
        else
            output_abandon(&output);
    }
    buffer_free(&text);
    free(path);
    return status;
}

int tokeniser_save_folder(const struct tokeniser *tokeniser, const char *folder)
{
    if (save_vocabulary(tokeniser, folder) != 0 ||
        save_json(tokeniser, folder, 1, make_tokeniser_json) != 0 ||
        save_json(tokeniser, folder, 2, make_config) != 0)
        return -1;
    return save_json(tokeniser, folder, 3, make_special_map);
}

int tokeniser_keep_files(struct tokeniser *tokeniser, const char *folder)
{
    int status = 0;
    for (int i = 1; i < TOKENISER_FILES && status == 0; i++) {
        char *path = mem_format("%s/%s", folder, tokeniser_file_names[i]);
        status = json_file_read_optional(path, JSON_ALLOW_NUL, &tokeniser->files[i]);
        free(path);
    }
    return status;
}
