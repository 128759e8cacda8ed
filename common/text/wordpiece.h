/*
 * The third stage: one word to token ids, greedy longest match first, as tokenizers' WordPiece.
 *
 * The vocabulary is held as a trie over bytes, so a word costs time linear in its length times the
 * longest token's overshoot, whatever the word.
 */
#ifndef TEXT_WORDPIECE_H
#define TEXT_WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "text/vocabulary.h"

struct wordpiece {
    struct wordpiece_trie *trie; /* owned */
    uint32_t continuation;       /* trie node after the prefix ("##"); TOKEN_NONE when no token has it */
    uint32_t unknown;            /* id of the unknown token */
    size_t max_characters;       /* longer words are unknown; 100 by default */
};

/* Builds the matcher over the vocabulary's present tokens; it keeps no reference to it. */
void wordpiece_init(struct wordpiece *wordpiece, const struct vocabulary *vocabulary,
                    const char *prefix, uint32_t unknown, size_t max_characters);
void wordpiece_free(struct wordpiece *wordpiece);

/*
 * Writes the ids of one word of `size` > 0 bytes and returns how many; ids needs room for `size`
 * of them. A word that cannot be spelled, or is too long, is one `unknown`.
 */
size_t wordpiece_match(const struct wordpiece *wordpiece, const char *word, size_t size,
                       uint32_t *ids);

#endif
