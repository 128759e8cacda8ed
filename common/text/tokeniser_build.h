/*
 * Within text/ only: what a tokeniser's files say, and the tokeniser made from it.
 */
#ifndef TEXT_TOKENISER_BUILD_H
#define TEXT_TOKENISER_BUILD_H

#include <jansson.h>

#include "text/tokeniser.h"

enum special_token { TOKEN_CLS, TOKEN_SEP, TOKEN_UNK, TOKEN_PAD, TOKEN_MASK, SPECIAL_TOKENS };

/* A value that tokenizer_config.json may leave open. */
enum choice { CHOICE_UNSET = -1, CHOICE_FALSE, CHOICE_TRUE };

/* tokenizer_config.json and special_tokens_map.json. Start with tokeniser_options_init. */
struct tokeniser_options {
    enum choice do_lower_case, strip_accents, tokenize_chinese_chars;
    char *special[SPECIAL_TOKENS]; /* NULL: not stated; "": there is none; owned */
    char *tokenizer_class;         /* or NULL; owned */
    uint64_t model_max_length;     /* 0: not stated, or beyond any model */
    struct added_tokens added;     /* added_tokens_decoder */
    struct added_tokens described; /* special tokens that are stated as objects; ids are not set */
};

void tokeniser_options_init(struct tokeniser_options *options);
void tokeniser_options_free(struct tokeniser_options *options);
/* Reads the two files of a folder, as far as they are there. 0, or -1 with a message. */
int tokeniser_options_read(struct tokeniser_options *options, const char *folder);

/* Everything that makes a tokeniser. Start with tokeniser_spec_init. */
struct tokeniser_spec {
    struct vocabulary vocabulary; /* the model's own tokens */
    struct normaliser normaliser;
    struct added_tokens added;
    char *prefix;
    struct token_decoder decoder;
    uint64_t max_characters;
    char *special[SPECIAL_TOKENS];
    json_int_t stated_ids[SPECIAL_TOKENS]; /* the ids that the file gives them, or -1 */
    uint64_t model_max_length;
};

void token_decoder_free(struct token_decoder *decoder);
void tokeniser_spec_init(struct tokeniser_spec *spec);
void tokeniser_spec_free(struct tokeniser_spec *spec);
/* Reads tokenizer.json. 0, or -1 with a message. */
int tokeniser_spec_read_json(struct tokeniser_spec *spec, const char *path);
/* Reads vocab.txt and takes the rest from the options. 0, or -1 with a message. */
int tokeniser_spec_read_text(struct tokeniser_spec *spec, const char *path,
                             const struct tokeniser_options *options);

/* Makes the tokeniser; takes the spec's contents, also when it fails. NULL with `place: ...`. */
struct tokeniser *tokeniser_build(struct tokeniser_spec *spec, const char *place);

/* Fills in byte_class from the normaliser's options. */
void tokeniser_classify_bytes(struct tokeniser *tokeniser);

/* "[CLS]" and so on, and their keys in tokenizer_config.json: "cls_token". */
extern const char *const special_token_defaults[SPECIAL_TOKENS];
extern const char *const special_token_keys[SPECIAL_TOKENS];
/* Where the id of each is kept. */
uint32_t *special_token_id(struct tokeniser_special *special, enum special_token which);

/* The class name that transformers loads such a tokeniser with. */
#define TOKENISER_CLASS          "BertTokenizer"
#define TOKENISER_CLASS_ANY      "PreTrainedTokenizerFast"
#define TOKENISER_PREFIX         "##"
#define TOKENISER_MAX_CHARACTERS 100

#endif
