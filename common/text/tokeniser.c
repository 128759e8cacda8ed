#include "text/tokeniser.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "text/tokeniser_build.h"
#include "text/tokeniser_digest.h"

const char *const special_token_defaults[SPECIAL_TOKENS] = {"[CLS]", "[SEP]", "[UNK]", "[PAD]",
                                                            "[MASK]"};
const char *const special_token_keys[SPECIAL_TOKENS] = {"cls_token", "sep_token", "unk_token",
                                                        "pad_token", "mask_token"};

uint32_t *special_token_id(struct tokeniser_special *special, enum special_token which)
{
    uint32_t *const ids[SPECIAL_TOKENS] = {&special->cls, &special->sep, &special->unk,
                                           &special->pad, &special->mask};
    return ids[which];
}

void tokeniser_spec_init(struct tokeniser_spec *spec)
{
    *spec = (struct tokeniser_spec){.max_characters = TOKENISER_MAX_CHARACTERS};
    vocabulary_init(&spec->vocabulary);
    for (int i = 0; i < SPECIAL_TOKENS; i++)
        spec->stated_ids[i] = -1;
}

void token_decoder_free(struct token_decoder *decoder)
{
    free(decoder->type);
    free(decoder->prefix);
    *decoder = (struct token_decoder){0};
}

void tokeniser_spec_free(struct tokeniser_spec *spec)
{
    token_decoder_free(&spec->decoder);
    vocabulary_free(&spec->vocabulary);
    added_tokens_free(&spec->added);
    free(spec->prefix);
    for (int i = 0; i < SPECIAL_TOKENS; i++)
        free(spec->special[i]);
    tokeniser_spec_init(spec);
}

void tokeniser_close(struct tokeniser *tokeniser)
{
    if (tokeniser == NULL)
        return;
    vocabulary_free(&tokeniser->vocabulary);
    added_tokens_free(&tokeniser->added);
    wordpiece_free(&tokeniser->wordpiece);
    token_decoder_free(&tokeniser->decoder);
    free(tokeniser->prefix);
    for (size_t i = 0; i < TOKENISER_FILES; i++)
        json_decref(tokeniser->files[i]);
    free(tokeniser);
}

/* The ids of the special tokens, of which the first three must be there. */
static int find_special(struct tokeniser *tokeniser, const struct tokeniser_spec *spec,
                        const char *place)
{
    for (int i = 0; i < SPECIAL_TOKENS; i++) {
        const char *name = spec->special[i] != NULL ? spec->special[i] : special_token_defaults[i];
        uint32_t id = TOKEN_NONE;
        if (*name != '\0')
            id = vocabulary_find_string(&tokeniser->vocabulary, name);
        if (id == TOKEN_NONE && i <= TOKEN_UNK)
            return diag_error("%s: no token '%s' for %s in the vocabulary", place, name,
                              special_token_keys[i]);
        if (spec->stated_ids[i] >= 0 && spec->stated_ids[i] != id)
            return diag_error("%s: %s '%s' has id %" JSON_INTEGER_FORMAT
                              ", where the vocabulary has it at %u",
                              place, special_token_keys[i], name, spec->stated_ids[i], id);
        *special_token_id(&tokeniser->special, (enum special_token)i) = id;
    }
    return 0;
}

/* The token's id in the model's vocabulary, or else `next`, under which it is added. */
static int number_token(struct tokeniser *tokeniser, struct added_token *token, uint32_t next,
                        const char *place)
{
    uint32_t id = vocabulary_find_string(&tokeniser->vocabulary, token->content);
    token->in_model = id != TOKEN_NONE;
    if (!token->in_model)
        id = next;
    if (token->id != id)
        return diag_error("%s: added token '%s' has id %u, where the vocabulary has it at %u",
                          place, token->content, token->id, id);
    if (!token->in_model &&
        !vocabulary_add(&tokeniser->vocabulary, token->content, strlen(token->content), id))
        return diag_error("%s: added token '%s' has the id of another token, %u", place,
                          token->content, id);
    return 0;
}

/*
 * Gives the added tokens that the model lacks the next free ids, in their order, which is what the
 * reference does whatever ids the file states: a file that states others is refused.
 */
static int number_added(struct tokeniser *tokeniser, const char *place)
{
    uint32_t next = (uint32_t)tokeniser->vocabulary.used;
    bool *taken = mem_calloc(tokeniser->vocabulary.size + tokeniser->added.count, sizeof(*taken));
    int status = 0;
    for (size_t i = 0; i < tokeniser->added.count && status == 0; i++) {
        struct added_token *token = &tokeniser->added.items[i];
        status = number_token(tokeniser, token, next, place);
        if (status == 0 && taken[token->id])
            status = diag_error("%s: added token '%s' is there twice", place, token->content);
        if (status == 0)
            taken[token->id] = true;
        next += !token->in_model;
    }
    free(taken);
    return status;
}

static int complete(struct tokeniser *tokeniser, struct tokeniser_spec *spec, const char *place)
{
    const char *unknown = spec->special[TOKEN_UNK] != NULL ? spec->special[TOKEN_UNK]
                                                           : special_token_defaults[TOKEN_UNK];
    uint32_t unknown_id = vocabulary_find_string(&tokeniser->vocabulary, unknown);
    if (unknown_id == TOKEN_NONE)
        return diag_error("%s: no token '%s' for unk_token in the vocabulary", place, unknown);
    if (wordpiece_init(&tokeniser->wordpiece, &tokeniser->vocabulary, tokeniser->prefix, unknown_id,
                       spec->max_characters) != 0)
        return -1;
    if (number_added(tokeniser, place) != 0 || find_special(tokeniser, spec, place) != 0 ||
        added_tokens_prepare(&tokeniser->added, &tokeniser->normaliser, place) != 0)
        return -1;
    tokeniser_classify_bytes(tokeniser);
    return tokeniser_make_digest(tokeniser);
}

struct tokeniser *tokeniser_build(struct tokeniser_spec *spec, const char *place)
{
    struct tokeniser *tokeniser = mem_calloc(1, sizeof(*tokeniser));
    tokeniser->kind = "wordpiece";
    tokeniser->vocabulary = spec->vocabulary;
    tokeniser->normaliser = spec->normaliser;
    tokeniser->added = spec->added;
    tokeniser->prefix = spec->prefix != NULL ? spec->prefix : mem_strdup(TOKENISER_PREFIX);
    tokeniser->model_max_length = spec->model_max_length;
    vocabulary_init(&spec->vocabulary);
    added_tokens_init(&spec->added);
    spec->prefix = NULL;
    tokeniser->decoder = spec->decoder;
    spec->decoder = (struct token_decoder){0};
    if (complete(tokeniser, spec, place) != 0) {
        tokeniser_close(tokeniser);
        tokeniser = NULL;
    }
    tokeniser_spec_free(spec);
    return tokeniser;
}
