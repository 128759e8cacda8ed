/*
 * Text to token ids, exactly as transformers' BertTokenizerFast (tokenizers 0.23.3).
 *
 * added tokens in the raw text → normalise.h → added tokens in the normal form → pretokenise.h →
 * wordpiece.h → truncation and [CLS] a [SEP] (b [SEP]).
 *
 * A tokeniser is read-only once open and may be shared by threads; what changes while encoding
 * (buffers and the cache of frequent words) is in a tokeniser_state, one per thread.
 */
#ifndef TEXT_TOKENISER_H
#define TEXT_TOKENISER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/added_tokens.h"
#include "text/encoding.h"
#include "text/normalise.h"
#include "text/spaces.h"
#include "text/vocabulary.h"
#include "text/wordpiece.h"

#define TOKENISER_DIGEST_HEX 64
#define TOKENISER_MIN_LENGTH 3 /* of max_length: the special tokens of a pair */

/* Ids of the tokens that have a part to play; TOKEN_NONE where the vocabulary has no such token. */
struct tokeniser_special {
    uint32_t cls, sep, unk; /* always there */
    uint32_t pad, mask;
};

/* How text_decoder.h makes text of tokens. */
struct token_decoder {
    char *type;   /* "WordPiece"; NULL: there is none, tokens are joined by spaces; owned */
    char *prefix; /* of a token that continues a word; owned */
    bool cleanup; /* no spaces before punctuation */
};

#define TOKENISER_FILES 4

struct tokeniser {
    const char *kind;             /* "wordpiece" */
    struct vocabulary vocabulary; /* the model's tokens and the added ones */
    struct normaliser normaliser;
    struct added_tokens added;
    struct wordpiece wordpiece;
    char *prefix; /* of a token that continues a word, "##"; owned */
    struct token_decoder decoder;
    struct tokeniser_special special;
    uint64_t model_max_length;             /* of tokenizer_config.json; 0: not stated */
    char digest[TOKENISER_DIGEST_HEX + 1]; /* SHA-256 in hexadecimal, see tokeniser_digest.h */
    uint8_t byte_class[UINT8_MAX + 1];     /* enum byte_class of tokeniser_encode.c */
    struct spaces spaces;                  /* the bytes whose class is space */
    json_t *files[TOKENISER_FILES];        /* what tokeniser_keep_files read, or NULL; owned */
};

/*
 * Opens the tokeniser of a model folder: tokenizer.json, or else vocab.txt with the options
 * (do_lower_case, strip_accents, tokenize_chinese_chars) and special tokens of
 * tokenizer_config.json and special_tokens_map.json. Truncation and padding saved in tokenizer.json
 * are not the user's choice and are ignored. A model type, normaliser or option that is not
 * supported is refused by name. NULL after a message. Release with tokeniser_close.
 */
struct tokeniser *tokeniser_open_folder(const char *folder);

/*
 * Opens one file: a tokenizer.json when its name ends in .json, else a vocab.txt, which is taken as
 * bert-base-uncased's: lower-casing, with [CLS] and so on.
 */
struct tokeniser *tokeniser_open_file(const char *path);

/* tokeniser may be NULL. */
void tokeniser_close(struct tokeniser *tokeniser);

/*
 * Writes the four tokenizer files into a model folder: vocab.txt, tokenizer.json,
 * tokenizer_config.json and special_tokens_map.json, so that transformers loads the same tokeniser.
 * Of those that were kept all is written that this library makes nothing of, without saved
 * truncation and padding and with the options that hold; the others are made. 0, or -1 with a
 * message.
 */
int tokeniser_save_folder(const struct tokeniser *tokeniser, const char *folder);
/* Reads the JSON files that a folder has and keeps them for tokeniser_save_folder, which then needs
 * the folder no more. Once. 0, or -1 with a message. */
int tokeniser_keep_files(struct tokeniser *tokeniser, const char *folder);
/* The names of those files, closed with NULL. */
extern const char *const tokeniser_file_names[TOKENISER_FILES + 1];

/* One text in memory; data NULL: none. */
struct text_span {
    const char *data;
    size_t size;
};

struct tokeniser_state;
/* For one tokeniser only. cache_bytes: what its cache may grow to; see chunk_cache.h. With less
 * than there are different words in the text it is slower, never wrong. */
struct tokeniser_state *tokeniser_state_new(const struct tokeniser *tokeniser, size_t cache_bytes);
#define TOKENISER_CACHE ((size_t)32 << 20) /* all words of most texts */
/* Another state, for another thread, with the same cache; made before any of them has encoded. The
 * cache is there until the last of them is freed. */
struct tokeniser_state *tokeniser_state_share(struct tokeniser_state *other);
void tokeniser_state_free(struct tokeniser_state *state);

/*
 * Encodes a text and, unless pair.data is NULL, a second one, of less than 4 GiB each, in at most
 * max_length ids (0: no limit; else at least TOKENISER_MIN_LENGTH), cutting as transformers'
 * `longest_first`. 0, or the place, from 1, of the first byte that is not valid UTF-8; nothing is
 * printed, for the caller knows the record. Bytes of the pair count on from the text's.
 */
size_t tokeniser_encode(const struct tokeniser *tokeniser, struct tokeniser_state *state,
                        struct text_span text, struct text_span pair, size_t max_length,
                        struct encoding *out);

#endif
