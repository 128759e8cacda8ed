/* tokenizer.json as the tokenizers library writes it, from a tokeniser. */
#include "text/tokeniser_json.h"

#include <string.h>

static json_t *make_added(const struct tokeniser *tokeniser)
{
    json_t *list = json_array();
    for (size_t i = 0; i < tokeniser->added.count; i++) {
        const struct added_token *token = &tokeniser->added.items[i];
        json_array_append_new(list, json_pack("{s:i, s:s, s:b, s:b, s:b, s:b, s:b}", "id",
                                              (int)token->id, "content", token->content,
                                              "single_word", token->single_word, "lstrip",
                                              token->lstrip, "rstrip", token->rstrip, "normalized",
                                              token->normalized, "special", token->special));
    }
    return list;
}

static json_t *make_normaliser(const struct normaliser *normaliser)
{
    return json_pack("{s:s, s:b, s:b, s:b, s:b}", "type", "BertNormalizer", "clean_text",
                     normaliser->clean_text, "handle_chinese_chars", normaliser->chinese_chars,
                     "strip_accents", normaliser->strip_accents, "lowercase",
                     normaliser->lowercase);
}

static json_t *make_post_processor(const struct tokeniser *tokeniser)
{
    const struct tokeniser_special *special = &tokeniser->special;
    const char *cls = tokeniser->vocabulary.tokens[special->cls].data;
    const char *sep = tokeniser->vocabulary.tokens[special->sep].data;
    json_t *first = json_pack("[{s:{s:s, s:i}}, {s:{s:s, s:i}}, {s:{s:s, s:i}}]", "SpecialToken",
                              "id", cls, "type_id", 0, "Sequence", "id", "A", "type_id", 0,
                              "SpecialToken", "id", sep, "type_id", 0);
    json_t *both = json_deep_copy(first);
    json_array_append_new(both, json_pack("{s:{s:s, s:i}}", "Sequence", "id", "B", "type_id", 1));
    json_array_append_new(both,
                          json_pack("{s:{s:s, s:i}}", "SpecialToken", "id", sep, "type_id", 1));
    return json_pack("{s:s, s:o, s:o, s:{s:{s:s, s:[i], s:[s]}, s:{s:s, s:[i], s:[s]}}}", "type",
                     "TemplateProcessing", "single", first, "pair", both, "special_tokens", cls,
                     "id", cls, "ids", (int)special->cls, "tokens", cls, sep, "id", sep, "ids",
                     (int)special->sep, "tokens", sep);
}

static json_t *make_vocabulary(const struct tokeniser *tokeniser)
{
    const struct vocabulary *vocabulary = &tokeniser->vocabulary;
    json_t *object = json_object();
    for (size_t id = 0; id < vocabulary->size; id++) {
        if (vocabulary->tokens[id].data != NULL)
            json_object_setn_new(object, vocabulary->tokens[id].data, vocabulary->tokens[id].size,
                                 json_integer((json_int_t)id));
        if (id == vocabulary->empty)
            json_object_set_new(object, "", json_integer((json_int_t)id));
    }
    for (size_t i = 0; i < tokeniser->added.count; i++)
        if (!tokeniser->added.items[i].in_model)
            json_object_del(object, tokeniser->added.items[i].content);
    return object;
}

/* One that is not supported is left out: tokens are joined by spaces then. */
static json_t *make_decoder(const struct token_decoder *decoder)
{
    if (decoder->type == NULL || strcmp(decoder->type, "WordPiece") != 0)
        return json_null();
    return json_pack("{s:s, s:s, s:b}", "type", decoder->type, "prefix", decoder->prefix, "cleanup",
                     decoder->cleanup);
}

json_t *tokeniser_json_make(const struct tokeniser *tokeniser)
{
    const char *unknown = tokeniser->vocabulary.tokens[tokeniser->special.unk].data;
    json_t *model = json_pack(
        "{s:s, s:s, s:s, s:I, s:o}", "type", "WordPiece", "unk_token", unknown,
        "continuing_subword_prefix", tokeniser->prefix, "max_input_chars_per_word",
        (json_int_t)tokeniser->wordpiece.max_characters, "vocab", make_vocabulary(tokeniser));
    return json_pack("{s:s, s:n, s:n, s:o, s:o, s:{s:s}, s:o, s:o, s:o}", "version", "1.0",
                     "truncation", "padding", "added_tokens", make_added(tokeniser), "normalizer",
                     make_normaliser(&tokeniser->normaliser), "pre_tokenizer", "type",
                     "BertPreTokenizer", "post_processor", make_post_processor(tokeniser),
                     "decoder", make_decoder(&tokeniser->decoder), "model", model);
}
