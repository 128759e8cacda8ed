#include "text/text_decoder.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

/* What a token becomes, in text_decoder.bytes: [first, next) as the first of all, and [next, end)
 * behind another. */
struct decoded_token {
    size_t first, next, end;
    bool exists, special;
};

struct text_decoder {
    const struct tokeniser *tokeniser;
    struct decoded_token *tokens; /* [count], by id */
    size_t count;
    struct buffer bytes;
    struct buffer token, replaced; /* at work */
};

static void replace(struct text_decoder *decoder, const char *from, const char *to)
{
    const char *cursor = decoder->token.data, *end = cursor + decoder->token.size, *found;
    const size_t size = strlen(from);
    struct buffer swapped;
    if (decoder->token.size == 0 || memmem(cursor, decoder->token.size, from, size) == NULL)
        return;
    decoder->replaced.size = 0;
    while ((found = memmem(cursor, (size_t)(end - cursor), from, size)) != NULL) {
        buffer_append(&decoder->replaced, cursor, (size_t)(found - cursor));
        buffer_append_string(&decoder->replaced, to);
        cursor = found + size;
    }
    buffer_append(&decoder->replaced, cursor, (size_t)(end - cursor));
    swapped = decoder->token;
    decoder->token = decoder->replaced;
    decoder->replaced = swapped;
}

/* decoder->token becomes a token's text as the first of all, or behind another. The replacements
 * are the reference's, in its order, and of each token alone: what they would find in two is left.
 */
static void render(struct text_decoder *decoder, const struct token_text *token, bool first)
{
    static const struct {
        const char *from, *to;
    } replacements[] = {{" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
                        {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
                        {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}, {NULL, NULL}};
    const struct token_decoder *how = &decoder->tokeniser->decoder;
    const char *prefix = how->prefix != NULL ? how->prefix : "";
    size_t skipped = strlen(prefix);
    bool continues = how->type != NULL && !first && token->size >= skipped &&
                     memcmp(token->data, prefix, skipped) == 0;
    decoder->token.size = 0;
    if (!first && !continues)
        buffer_append_char(&decoder->token, ' ');
    if (!continues)
        skipped = 0;
    buffer_append(&decoder->token, token->data + skipped, token->size - skipped);
    for (int i = 0; how->cleanup && replacements[i].from != NULL; i++)
        replace(decoder, replacements[i].from, replacements[i].to);
}

static void add_token(struct text_decoder *decoder, size_t id, const struct token_text *token)
{
    struct decoded_token *decoded = &decoder->tokens[id];
    decoded->exists = true;
    decoded->first = decoder->bytes.size;
    render(decoder, token, true);
    buffer_append(&decoder->bytes, decoder->token.data, decoder->token.size);
    decoded->next = decoder->bytes.size;
    render(decoder, token, false);
    buffer_append(&decoder->bytes, decoder->token.data, decoder->token.size);
    decoded->end = decoder->bytes.size;
}

/*
 * As the reference has it, an added token that is found in the normal form is decoded to its own
 * normal form, and whether it is special is asked of that: where the two differ, it is not.
 */
static void add_added_tokens(struct text_decoder *decoder)
{
    const struct tokeniser *tokeniser = decoder->tokeniser;
    const struct added_tokens *added = &tokeniser->added;
    bool *special = mem_calloc(tokeniser->vocabulary.size, sizeof(*special));
    struct buffer normal = {0};
    for (size_t i = 0; i < added->count; i++)
        special[added->items[i].id] = added->items[i].special;
    for (size_t i = 0; i < added->count; i++) {
        const struct added_token *item = &added->items[i];
        normal.size = 0;
        if (item->normalized)
            normalise(&tokeniser->normaliser, item->content, strlen(item->content), &normal, NULL);
        else
            buffer_append_string(&normal, item->content);
        add_token(decoder, item->id, &(struct token_text){normal.data, normal.size});
        uint32_t same = vocabulary_find(&tokeniser->vocabulary, normal.data, normal.size);
        decoder->tokens[item->id].special = same != TOKEN_NONE && special[same];
    }
    buffer_free(&normal);
    free(special);
}

struct text_decoder *text_decoder_new(const struct tokeniser *tokeniser)
{
    const struct vocabulary *vocabulary = &tokeniser->vocabulary;
    struct text_decoder *decoder;
    if (tokeniser->decoder.type != NULL && strcmp(tokeniser->decoder.type, "WordPiece") != 0) {
        diag_error("decoder '%s' is not supported, only WordPiece is", tokeniser->decoder.type);
        return NULL;
    }
    decoder = mem_calloc(1, sizeof(*decoder));
    decoder->tokeniser = tokeniser;
    decoder->count = vocabulary->size;
    decoder->tokens = mem_calloc(decoder->count, sizeof(*decoder->tokens));
    for (size_t id = 0; id < vocabulary->size; id++)
        if (vocabulary->tokens[id].data != NULL)
            add_token(decoder, id, &vocabulary->tokens[id]);
    if (vocabulary->empty != TOKEN_NONE)
        add_token(decoder, vocabulary->empty, &(struct token_text){"", 0});
    add_added_tokens(decoder);
    return decoder;
}

void text_decoder_free(struct text_decoder *decoder)
{
    if (decoder == NULL)
        return;
    free(decoder->tokens);
    buffer_free(&decoder->bytes);
    buffer_free(&decoder->token);
    buffer_free(&decoder->replaced);
    free(decoder);
}

void text_decoder_append(struct text_decoder *decoder, const uint32_t *ids, size_t count,
                         bool keep_special, struct buffer *out)
{
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] >= decoder->count)
            continue;
        const struct decoded_token *token = &decoder->tokens[ids[i]];
        if (!token->exists || (token->special && !keep_special))
            continue;
        size_t begin = first ? token->first : token->next;
        size_t end = first ? token->next : token->end;
        buffer_append(out, decoder->bytes.data + begin, end - begin);
        first = false;
    }
}
