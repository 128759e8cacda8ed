#include "text/wordpiece.h"

#include "cli/diag.h"
#include "text/utf8.h"

/* A trie of all tokens; false when so many nodes are not enough. */
static bool fill_trie(struct trie *trie, const struct vocabulary *vocabulary, size_t nodes)
{
    trie_init(trie, nodes);
    for (size_t id = 0; id < vocabulary->size; id++) {
        const struct token_text *token = &vocabulary->tokens[id];
        if (token->data != NULL && !trie_add(trie, token->data, token->size, (uint32_t)id))
            return false;
    }
    return true;
}

int wordpiece_init(struct wordpiece *wordpiece, const struct vocabulary *vocabulary,
                   const char *prefix, uint32_t unknown, size_t max_characters)
{
    size_t bytes = 0;
    *wordpiece = (struct wordpiece){.unknown = unknown, .max_characters = max_characters};
    for (size_t id = 0; id < vocabulary->size; id++)
        bytes += vocabulary->tokens[id].size;
    if (bytes > TRIE_MAX_NODES)
        return diag_error("vocabulary: %zu bytes of tokens, at most %u are supported", bytes,
                          (unsigned)TRIE_MAX_NODES);
    /* Of two bytes one is shared, in vocabularies of words. */
    for (size_t nodes = bytes / 2; !fill_trie(&wordpiece->trie, vocabulary, nodes); nodes = bytes)
        trie_free(&wordpiece->trie);
    wordpiece->continuation = TRIE_ROOT;
    for (const char *p = prefix; *p != '\0' && wordpiece->continuation != TRIE_NONE; p++)
        wordpiece->continuation =
            trie_step(&wordpiece->trie, wordpiece->continuation, (unsigned char)*p);
    return 0;
}

void wordpiece_free(struct wordpiece *wordpiece)
{
    trie_free(&wordpiece->trie);
}

/* Bytes of the longest token that is a prefix of [data, data + size) when read from `node`; 0 when
 * there is none. */
static size_t longest_piece(const struct trie *trie, uint32_t node, const char *data, size_t size,
                            uint32_t *id)
{
    size_t longest = 0;
    if (node == TRIE_NONE)
        return 0;
    for (size_t i = 0; i < size; i++) {
        node = trie_step(trie, node, (unsigned char)data[i]);
        if (node == TRIE_NONE)
            break;
        uint32_t value = trie_value(trie, node);
        if (value != TRIE_NONE) {
            longest = i + 1;
            *id = value;
        }
    }
    return longest;
}

static size_t unknown_word(const struct wordpiece *wordpiece, size_t size, uint32_t *ids,
                           uint32_t *ends)
{
    ids[0] = wordpiece->unknown;
    if (ends != NULL)
        ends[0] = (uint32_t)size;
    return 1;
}

size_t wordpiece_match(const struct wordpiece *wordpiece, const char *word, size_t size,
                       uint32_t *ids, uint32_t *ends)
{
    size_t count = 0, length;
    uint32_t node = TRIE_ROOT;
    if (size > wordpiece->max_characters && utf8_count(word, size) > wordpiece->max_characters)
        return unknown_word(wordpiece, size, ids, ends);
    for (size_t start = 0; start < size; start += length) {
        length = longest_piece(&wordpiece->trie, node, word + start, size - start, &ids[count]);
        if (length == 0)
            return unknown_word(wordpiece, size, ids, ends);
        if (ends != NULL)
            ends[count] = (uint32_t)(start + length);
        count++;
        node = wordpiece->continuation;
    }
    return count;
}
