/*
 * The third stage: one word to token ids, greedy longest match first, as tokenizers' WordPiece.
 *
 * The vocabulary is held as a trie over bytes, so a piece costs at most the longest token's bytes,
 * and a word at most its length times that.
 */
#ifndef TEXT_WORDPIECE_H
#define TEXT_WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "text/trie.h"
#include "text/vocabulary.h"

struct wordpiece {
    struct trie trie;
    uint32_t continuation; /* trie node after the prefix ("##"); TOKEN_NONE when no token has it */
    uint32_t unknown;      /* id of the unknown token */
    size_t max_characters; /* a longer word is unknown */
};

/* Builds the matcher from the vocabulary, to which it keeps no reference. -1 with a message when it
 * is too large. */
int wordpiece_init(struct wordpiece *wordpiece, const struct vocabulary *vocabulary,
                   const char *prefix, uint32_t unknown, size_t max_characters);
void wordpiece_free(struct wordpiece *wordpiece);

/* Room for ids that a word of `size` bytes may need. */
static inline size_t wordpiece_room(const struct wordpiece *wordpiece, size_t size)
{
    size_t most = wordpiece->max_characters > 0 ? wordpiece->max_characters : 1;
    return size < most ? size : most;
}

/*
 * Writes the ids of one word of valid UTF-8 and at least one byte, and returns how many; ids needs
 * wordpiece_room, and so does ends, which gets the byte after each piece's last, unless it is NULL.
 * A word that cannot be spelled with the vocabulary, or is too long, is one `unknown`.
 */
size_t wordpiece_match(const struct wordpiece *wordpiece, const char *word, size_t size,
                       uint32_t *ids, uint32_t *ends);

#endif
