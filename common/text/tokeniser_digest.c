#include "text/tokeniser_digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/buffer.h"
#include "cli/crypto.h"
#include "cli/diag.h"
#include "cli/memory.h"

static void put_number(struct buffer *form, uint32_t number)
{
    unsigned char bytes[4];
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    buffer_append(form, bytes, sizeof(bytes));
}

static void put_string(struct buffer *form, const char *data, size_t size)
{
    put_number(form, (uint32_t)size);
    buffer_append(form, data, size);
}

static int by_id(const void *a, const void *b)
{
    const struct added_token *const *first = a, *const *second = b;
    return ((*first)->id > (*second)->id) - ((*first)->id < (*second)->id);
}

static void put_added(struct buffer *form, const struct added_tokens *added)
{
    const struct added_token **sorted = mem_calloc(added->count, sizeof(struct added_token *));
    for (size_t i = 0; i < added->count; i++)
        sorted[i] = &added->items[i];
    qsort(sorted, added->count, sizeof(*sorted), by_id);
    put_number(form, (uint32_t)added->count);
    for (size_t i = 0; i < added->count; i++) {
        put_number(form, sorted[i]->id);
        put_string(form, sorted[i]->content, strlen(sorted[i]->content));
        put_number(form, (uint32_t)(sorted[i]->single_word | sorted[i]->lstrip << 1 |
                                    sorted[i]->rstrip << 2 | sorted[i]->normalized << 3));
    }
    free(sorted);
}

/* The model's own tokens: those that only were added are left out. */
static void put_vocabulary(struct buffer *form, const struct tokeniser *tokeniser)
{
    const struct vocabulary *vocabulary = &tokeniser->vocabulary;
    bool *only_added = mem_calloc(vocabulary->size, sizeof(*only_added));
    size_t count = vocabulary->size;
    for (size_t i = 0; i < tokeniser->added.count; i++)
        if (!tokeniser->added.items[i].in_model)
            only_added[tokeniser->added.items[i].id] = true;
    while (count > 0 && only_added[count - 1])
        count--;
    put_number(form, (uint32_t)count);
    for (size_t id = 0; id < count; id++) {
        const struct token_text *token = &vocabulary->tokens[id];
        if (token->data == NULL || only_added[id])
            put_number(form, TOKEN_NONE);
        else
            put_string(form, token->data, token->size);
    }
    free(only_added);
}

static void put_options(struct buffer *form, const struct tokeniser *tokeniser)
{
    static const char magic[] = "bertpipe-tokenizer-1";
    const struct normaliser *normaliser = &tokeniser->normaliser;
    const struct tokeniser_special *special = &tokeniser->special;
    const uint32_t after[] = {(uint32_t)tokeniser->wordpiece.max_characters,
                              special->cls,
                              special->sep,
                              special->unk,
                              special->pad,
                              special->mask};
    put_string(form, magic, strlen(magic));
    put_string(form, tokeniser->kind, strlen(tokeniser->kind));
    put_number(form, normaliser->clean_text);
    put_number(form, normaliser->chinese_chars);
    put_number(form, normaliser->strip_accents);
    put_number(form, normaliser->lowercase);
    put_string(form, tokeniser->prefix, strlen(tokeniser->prefix));
    for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
        put_number(form, after[i]);
}

int tokeniser_make_digest(struct tokeniser *tokeniser)
{
    struct buffer form = {0};
    unsigned char digest[TOKENISER_DIGEST_HEX / 2];
    int done;
    put_options(&form, tokeniser);
    put_vocabulary(&form, tokeniser);
    put_added(&form, &tokeniser->added);
    crypto_init();
    /* The system's configuration and libcrypto's table of all names, which only certificates need,
     * have no say in this, and reading them takes longer than the digest. No program with a
     * tokeniser verifies certificates. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
                            OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
                        NULL);
    done = EVP_Digest(form.data, form.size, digest, NULL, EVP_sha256(), NULL);
    buffer_free(&form);
    if (done != 1)
        return diag_error("tokenizer digest: SHA-256 is not available in libcrypto");
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(tokeniser->digest + 2 * i, 3, "%02x", digest[i]);
    return 0;
}
