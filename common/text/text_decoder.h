/*
 * Token ids to text, as tokenizers' Tokenizer.decode with its WordPiece decoder: tokens are joined
 * by spaces, those that continue a word without, and spaces before punctuation are taken out.
 *
 * The text that was encoded does not come back: case, accents and white space are gone with
 * normalising, and an unknown word is [UNK].
 */
#ifndef TEXT_TEXT_DECODER_H
#define TEXT_TEXT_DECODER_H

#include "cli/buffer.h"
#include "text/tokeniser.h"

struct text_decoder;

/* The tokeniser is borrowed. NULL with a message when its files name a decoder that is not
 * supported. */
struct text_decoder *text_decoder_new(const struct tokeniser *tokeniser);
/* decoder may be NULL. */
void text_decoder_free(struct text_decoder *decoder);

/* Appends the text of ids[count] to out. Ids without a token are left out, and special tokens
 * unless keep_special. */
void text_decoder_append(struct text_decoder *decoder, const uint32_t *ids, size_t count,
                         bool keep_special, struct buffer *out);

#endif
