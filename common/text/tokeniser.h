/*
 * Text to token ids, exactly as transformers' BertTokenizerFast (tokenizers 0.23.3).
 *
 * added tokens in the raw text → normalise.h → added tokens in the normal form → pretokenise.h →
 * wordpiece.h → truncation and [CLS] a [SEP] (b [SEP]).
 *
 * A tokeniser is read-only once open and may be shared by threads; what changes while encoding (buffers
 * and the cache of frequent words) is in a tokeniser_state, one per thread.
 */
#ifndef TEXT_TOKENISER_H
#define TEXT_TOKENISER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/added_tokens.h"
#include "text/normalise.h"
#include "text/vocabulary.h"
#include "text/wordpiece.h"

#define TOKENISER_DIGEST_HEX 64

struct tokeniser_special {
    uint32_t cls, sep, pad, unk, mask; /* TOKEN_NONE for a mask or pad that does not exist */
};

struct tokeniser {
    struct vocabulary vocabulary; /* the model's tokens and the added ones */
    struct normaliser normaliser;
    struct wordpiece wordpiece;
    struct added_tokens added;
    struct tokeniser_special special;
    const char *kind;       /* "wordpiece" */
    char *prefix;           /* of tokens inside a word, "##" */
    size_t max_characters;  /* of a word, 100 */
    uint64_t model_max_length; /* model_max_length of tokenizer_config.json, or 0 */
    char digest[TOKENISER_DIGEST_HEX + 1]; /* SHA-256 in hexadecimal, see tokeniser_digest.c */
};

/*
 * Opens the tokeniser of a model folder: tokenizer.json, or else vocab.txt with the options
 * (do_lower_case, strip_accents, tokenize_chinese_chars) and special tokens of tokenizer_config.json and
 * special_tokens_map.json. Truncation and padding saved in tokenizer.json are not the user's choice and
 * are ignored. A model type, normaliser or option that is not supported is refused by name.
 * NULL after a message. Free with tokeniser_close.
 */
struct tokeniser *tokeniser_open_folder(const char *folder);

/* Opens one file: a tokenizer.json (when the name ends in .json), or a vocab.txt with bert-base-uncased's
   options and special tokens. */
struct tokeniser *tokeniser_open_file(const char *path);

void tokeniser_close(struct tokeniser *tokeniser);

/* The most ids one sequence takes as [CLS] … [SEP]; ids_type of the stream is u16 when this holds. */
static inline bool tokeniser_ids_are_u16(const struct tokeniser *tokeniser)
{
    return tokeniser->vocabulary.size <= 65536;
}

/*
 * Writes the folder's tokenizer files (vocab.txt, tokenizer.json, tokenizer_config.json,
 * special_tokens_map.json): a copy of each that `source` has, without saved truncation and padding, and
 * the missing ones made from the tokeniser, so that transformers loads the same tokeniser.
 * source may be NULL: then all are made. 0, or -1 with a message.
 */
int tokeniser_save_folder(const struct tokeniser *tokeniser, const char *source, const char *folder);

/* The names tokeniser_save_folder writes, ending in NULL. */
extern const char *const tokeniser_file_names[];

/* What one text became. Arrays belong to the encoding and are reused by the next call. */
struct encoding {
    uint32_t *ids;      /* [count], special tokens included */
    uint8_t *types;     /* [count] 0 for [CLS] a [SEP], 1 for b [SEP]; only valid when paired */
    uint32_t *offsets;  /* reserved: [count][2] bytes of the raw text; NULL */
    size_t count;
    size_t cut;         /* tokens lost to truncation */
    size_t unknown;     /* tokens of count that are the unknown token, counted before truncation */
    size_t tokens;      /* tokens before truncation, without [CLS] and [SEP] */
    bool paired;
    size_t capacity;
};

void encoding_init(struct encoding *encoding);
void encoding_free(struct encoding *encoding);

struct tokeniser_state; /* per thread */
struct tokeniser_state *tokeniser_state_new(const struct tokeniser *tokeniser);
void tokeniser_state_free(struct tokeniser_state *state);

/* One text in memory; data NULL stands for none. */
struct text_span {
    const char *data;
    size_t size;
};

/*
 * Encodes a text and, when pair.data is not NULL, a second one, in at most max_length ids (at least 3, or
 * 4 with a pair; 0: no limit), cutting the longer of the two first as transformers' `longest_first`.
 * 0, or the 1-based position of the first byte that is not valid UTF-8 (nothing is reported: the caller
 * names the record); bytes of the pair count on from the text's size.
 */
size_t tokeniser_encode(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                        struct text_span text, struct text_span pair, size_t max_length,
                        struct encoding *out);

#endif
