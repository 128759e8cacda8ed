/*
 * The tokeniser's digest: two tokenisers have the same one when they give the same ids to every
 * text, whatever files they were read from.
 *
 * SHA-256 of this canonical form, in which numbers are u32 little-endian and a string is its length
 * in bytes and its bytes:
 *
 *     string "bertpipe-tokenizer-1", string kind
 *     clean_text, chinese_chars, strip_accents, lowercase (0 or 1 each)
 *     string prefix, max_characters, cls, sep, unk, pad, mask (0xffffffff: none)
 *     number of ids; for each the model's token, a string, or 0xffffffff for an id without one
 *     number of added tokens; for each, in id order: id, string content, single_word + 2 lstrip + 4
 * rstrip + 8 normalized
 */
#ifndef TEXT_TOKENISER_DIGEST_H
#define TEXT_TOKENISER_DIGEST_H

#include "text/tokeniser.h"

/* Fills in tokeniser->digest from the other members. 0, or -1 with a message. */
int tokeniser_make_digest(struct tokeniser *tokeniser);

#endif
