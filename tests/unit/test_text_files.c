/* The tokeniser's files: what is refused and by which line, what is accepted though it looks odd,
 * and what is written. The files are good-small of tests/fixtures/text with one thing changed. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "model_capture.h"
#include "text_json.h"

#define WORDS "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n"

/* A change: where ("model/vocab", items of lists by number), JSON to put there or NULL to remove
 * it, and the message behind the file's name. */
struct change {
    const char *where, *value, *message;
};

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (json == NULL)
        abort();
    return json;
}

static json_t *member(json_t *json, const char *key)
{
    return json_is_array(json) ? json_array_get(json, strtoul(key, NULL, 10))
                               : json_object_get(json, key);
}

static void change(json_t *json, const struct change *change)
{
    char *where = mem_strdup(change->where), *key = where, *slash;
    for (; (slash = strchr(key, '/')) != NULL; key = slash + 1) {
        *slash = '\0';
        json = member(json, key);
    }
    if (json_is_array(json)) {
        size_t i = strtoul(key, NULL, 10);
        if (i < json_array_size(json))
            json_array_remove(json, i);
        if (change->value != NULL)
            json_array_insert_new(json, i, parse(change->value));
    } else if (change->value == NULL) {
        json_object_del(json, key);
    } else {
        json_object_set_new(json, key, parse(change->value));
    }
    free(where);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char *path = mem_format("%s/%s", folder, name);
    write_whole(path, text, strlen(text));
    free(path);
}

static void remove_file(const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    unlink(path);
    free(path);
}

/* Writes good-small's tokenizer.json with a change, which may be NULL. */
static void write_changed(const char *folder, const struct change *what)
{
    json_t *json = load_fixture("good-small/tokenizer.json");
    if (what != NULL)
        change(json, what);
    char *text = json_dumps(json, 0);
    write_file(folder, "tokenizer.json", text);
    free(text);
    json_decref(json);
}

/* Opens a folder that must be refused with this line. */
static void check_line(const char *folder, const char *expected, const char *about)
{
    struct capture capture;
    capture_begin(&capture);
    struct tokeniser *tokeniser = tokeniser_open_folder(folder);
    const char *got = capture_end(&capture);
    CHECK(tokeniser == NULL, "%s: not refused", about);
    CHECK(strcmp(got, expected) == 0, "%s: %s instead of %s", about, got, expected);
    tokeniser_close(tokeniser);
}

/* The same with the line `test: FOLDER/NAME: MESSAGE`. */
static void check_refused(const char *folder, const char *name, const char *message,
                          const char *about)
{
    char *line = mem_format("test: %s%s: %s\n", folder, name, message);
    check_line(folder, line, about);
    free(line);
}

/* Opens a folder that must be accepted with these lines on standard error. */
static struct tokeniser *check_accepted(const char *folder, const char *lines, const char *about)
{
    struct capture capture;
    capture_begin(&capture);
    struct tokeniser *tokeniser = tokeniser_open_folder(folder);
    const char *got = capture_end(&capture);
    CHECK(tokeniser != NULL, "%s: refused: %s", about, got);
    CHECK(strcmp(got, lines) == 0, "%s: %s", about, got);
    return tokeniser;
}

#define NOT_WHOLE          "its model is not a whole WordPiece model"
#define LENGTH             "max_input_chars_per_word is out of range"
#define TEMPLATE           "post_processor: only [CLS] A [SEP] B [SEP] is supported"
#define NO_ID              "added_tokens: item 1 has no id"
#define FIRST              "added token 0 is not described as one"
#define ADDED(id, content) "{\"id\": " id ", \"content\": \"" content "\", \"normalized\": true}"
#define BERT(cls, sep)     "{\"type\": \"BertProcessing\", \"cls\": " cls ", \"sep\": " sep "}"

static const struct change bad_json[] = {
    {"model", NULL, NOT_WHOLE},
    {"model/unk_token", NULL, NOT_WHOLE},
    {"model/unk_token", "\"[UNK]\\u0000\"", NOT_WHOLE},
    {"model/continuing_subword_prefix", "2", NOT_WHOLE},
    {"model/max_input_chars_per_word", NULL, NOT_WHOLE},
    {"model/max_input_chars_per_word", "\"100\"", NOT_WHOLE},
    {"model/max_input_chars_per_word", "-1", LENGTH},
    {"model/max_input_chars_per_word", "4294967295", LENGTH},
    {"model/vocab", NULL, NOT_WHOLE},
    {"model/vocab", "[]", NOT_WHOLE},
    {"model/vocab/zz", "null", "token 'zz' has no id between 0 and 1048575"},
    {"normalizer", "5", "normalizer 'without a type' is not supported, only BertNormalizer is"},
    {"normalizer/type", NULL,
     "normalizer 'without a type' is not supported, only BertNormalizer is"},
    {"pre_tokenizer", NULL, "pre_tokenizer 'null' is not supported, only BertPreTokenizer is"},
    {"pre_tokenizer/type", "7", "pre_tokenizer 'null' is not supported, only BertPreTokenizer is"},
    {"decoder", "{}", "the decoder has no type"},
    {"decoder/prefix", NULL, "its decoder is not a whole WordPiece decoder"},
    {"decoder/cleanup", NULL, "its decoder is not a whole WordPiece decoder"},
    {"decoder/cleanup", "1", "its decoder is not a whole WordPiece decoder"},
    {"post_processor", NULL, "post_processor 'null' is not supported"},
    {"post_processor/single/0/SpecialToken/type_id", NULL, TEMPLATE},
    {"post_processor/single/0/SpecialToken/type_id", "\"0\"", TEMPLATE},
    {"post_processor/single/0/SpecialToken/type_id", "1", TEMPLATE},
    {"post_processor/single/0/SpecialToken/id", NULL, TEMPLATE},
    {"post_processor/single/1/Sequence/id", "\"B\"", TEMPLATE},
    {"post_processor/single/1/Sequence/id", NULL, TEMPLATE},
    {"post_processor/single/2/SpecialToken/type_id", "1", TEMPLATE},
    {"post_processor/single/3", "{}", TEMPLATE},
    {"post_processor/pair", NULL, TEMPLATE},
    {"post_processor/pair/0/SpecialToken/id", "\"[SEP]\"", TEMPLATE},
    {"post_processor/pair/1/Sequence/id", "\"B\"", TEMPLATE},
    {"post_processor/pair/2/SpecialToken/id", "\"[CLS]\"", TEMPLATE},
    {"post_processor/pair/3/Sequence/id", "\"A\"", TEMPLATE},
    {"post_processor/pair/3/Sequence/type_id", "0", TEMPLATE},
    {"post_processor/pair/4/SpecialToken/type_id", "0", TEMPLATE},
    {"post_processor/pair/5", "{}", TEMPLATE},
    {"post_processor/special_tokens", NULL, TEMPLATE},
    {"post_processor/special_tokens/[CLS]/ids", "[]", TEMPLATE},
    {"post_processor/special_tokens/[CLS]/ids", "[2, 3]", TEMPLATE},
    {"post_processor/special_tokens/[CLS]/ids", "[\"2\"]", TEMPLATE},
    {"post_processor/special_tokens/[SEP]/ids", "[-1]", TEMPLATE},
    {"post_processor/special_tokens/[CLS]/ids", "[3]",
     "cls_token '[CLS]' has id 3, where the vocabulary has it at 2"},
    {"post_processor", BERT("[\"[CLS]\", 2]", "[\"[SEP]\"]"), TEMPLATE},
    {"post_processor", BERT("[\"[CLS]\", 2]", "[\"[SEP]\", \"3\"]"), TEMPLATE},
    {"post_processor", BERT("[2, 2]", "[\"[SEP]\", 3]"), TEMPLATE},
    {"post_processor", BERT("[\"[CLS]\", -1]", "[\"[SEP]\", 3]"), TEMPLATE},
    {"post_processor", BERT("[\"[CLS]\", 2]", "[\"[SEP]\", -1]"), TEMPLATE},
    {"added_tokens", "{}", "added_tokens is not a list"},
    {"added_tokens/0/id", NULL, NO_ID},
    {"added_tokens/0/id", "\"0\"", NO_ID},
    {"added_tokens/0/id", "-1", NO_ID},
    {"added_tokens/0/id", "1048576", NO_ID},
    {"added_tokens/0/content", NULL, FIRST},
    {"added_tokens/0/content", "1", FIRST},
    {"added_tokens/0/special", "1", FIRST},
    {"added_tokens/5", ADDED("149", "\\u0300"), "added token '\u0300' has an empty normal form"},
};

static void test_refused_json(const char *folder)
{
    for (size_t i = 0; i < sizeof bad_json / sizeof bad_json[0]; i++) {
        char *about = mem_format("%s = %s", bad_json[i].where, bad_json[i].value);
        write_changed(folder, &bad_json[i]);
        check_refused(folder, "/tokenizer.json", bad_json[i].message, about);
        free(about);
    }
}

/* Two tokens of the vocabulary, of which each alone may be added, but whose normal forms are one.
 */
static void test_same_normal_form(const char *folder)
{
    json_t *json = load_fixture("good-small/tokenizer.json");
    const struct change changes[] = {{"added_tokens/5", ADDED("149", "\u00c9au"), NULL},
                                     {"added_tokens/6", ADDED("150", "EAU"), NULL}};
    for (int i = 0; i < 2; i++) {
        change(json, &changes[i]);
        char *text = json_dumps(json, 0);
        write_file(folder, "tokenizer.json", text);
        free(text);
        if (i == 0)
            tokeniser_close(check_accepted(folder, "", "one of them"));
    }
    check_refused(folder, "/tokenizer.json", "added token 'EAU' is there twice", "both");
    json_decref(json);
}

/* What leaves good-small the tokeniser that it is, for the reference too. */
static void test_accepted_json(const char *folder)
{
    static const struct change same[] = {
        {"model/type", NULL, NULL},
        {"normalizer/strip_accents", NULL, NULL},
        {"normalizer/strip_accents", "null", NULL},
        {"added_tokens/5", "{\"id\": 149, \"content\": \"\"}", NULL},
        {"decoder", "null", NULL},
        {"model/unknown_key", "[1]", NULL},
    };
    struct tokeniser *small = tokeniser_open_folder(TEXT_FIXTURES "good-small");
    for (size_t i = 0; small != NULL && i < sizeof same / sizeof same[0]; i++) {
        write_changed(folder, &same[i]);
        struct tokeniser *tokeniser = check_accepted(folder, "", same[i].where);
        CHECK(tokeniser != NULL && strcmp(tokeniser->digest, small->digest) == 0,
              "%s: another digest", same[i].where);
        tokeniser_close(tokeniser);
    }
    tokeniser_close(small);
}

/* ---- tokenizer_config.json and special_tokens_map.json ---- */

/* where: nothing; value: the file. */
static const struct change bad_config[] = {
    {"", "{\"strip_accents\": 1}", "strip_accents is not true, false or null"},
    {"", "{\"tokenize_chinese_chars\": \"no\"}",
     "tokenize_chinese_chars is not true, false or null"},
    {"", "{\"cls_token\": 5}", "cls_token is not a token"},
    {"", "{\"sep_token\": \"\"}", "sep_token is not a token"},
    {"", "{\"pad_token\": {}}", "pad_token is not a token"},
    {"", "{\"mask_token\": {\"content\": \"\"}}", "mask_token is not a token"},
    {"", "{\"unk_token\": {\"content\": \"[UNK]\", \"lstrip\": 5}}", FIRST},
    {"", "{\"added_tokens_decoder\": []}", "added_tokens_decoder is not an object"},
    {"", "{\"added_tokens_decoder\": {\"x\": {}}}", "added_tokens_decoder: 'x' is not a token id"},
    {"", "{\"added_tokens_decoder\": {\"-1\": {}}}",
     "added_tokens_decoder: '-1' is not a token id"},
    {"", "{\"added_tokens_decoder\": {\"1048576\": {\"content\": \"a\"}}}",
     "added_tokens_decoder: '1048576' is not a token id"},
    {"", "{\"added_tokens_decoder\": {\"0\": {\"content\": null}}}", FIRST},
    {"", "[]", "not a JSON object"},
};

static void test_refused_config(const char *folder)
{
    write_file(folder, "vocab.txt", WORDS);
    for (size_t i = 0; i < sizeof bad_config / sizeof bad_config[0]; i++) {
        write_file(folder, "tokenizer_config.json", bad_config[i].value);
        check_refused(folder, "/tokenizer_config.json", bad_config[i].message, bad_config[i].value);
    }
    remove_file(folder, "tokenizer_config.json");
    write_file(folder, "special_tokens_map.json", "{\"cls_token\": 5}");
    check_refused(folder, "/special_tokens_map.json", "cls_token is not a token", "the map");
    remove_file(folder, "special_tokens_map.json");
}

static void test_accepted_config(const char *folder)
{
    static const struct {
        const char *text;
        uint64_t length;
    } same[] = {
        {"{}", 0},
        {"{\"do_lower_case\": true, \"strip_accents\": null, \"tokenize_chinese_chars\": true}", 0},
        {"{\"strip_accents\": true, \"cls_token\": null, \"added_tokens_decoder\": null}", 0},
        {"{\"tokenizer_class\": \"MobileBertTokenizerFast\", \"sep_token\": \"[SEP]\"}", 0},
        {"{\"model_max_length\": 512}", 512},
        {"{\"model_max_length\": 1000000000}", 1000000000},
        {"{\"model_max_length\": 1000000001}", 0},
        {"{\"model_max_length\": 1e30}", 0},
        {"{\"model_max_length\": 0}", 0},
        {"{\"model_max_length\": \"512\"}", 0},
        {"{\"model_max_length\": null}", 0},
    };
    write_file(folder, "vocab.txt", WORDS);
    struct tokeniser *plain = check_accepted(folder, "", "no settings");
    for (size_t i = 0; plain != NULL && i < sizeof same / sizeof same[0]; i++) {
        write_file(folder, "tokenizer_config.json", same[i].text);
        struct tokeniser *tokeniser = check_accepted(folder, "", same[i].text);
        CHECK(tokeniser != NULL && strcmp(tokeniser->digest, plain->digest) == 0,
              "%s: another digest", same[i].text);
        CHECK(tokeniser != NULL && tokeniser->model_max_length == same[i].length,
              "%s: another length", same[i].text);
        tokeniser_close(tokeniser);
    }
    remove_file(folder, "tokenizer_config.json");
    tokeniser_close(plain);
}

/* tokenizer.json holds, and a line for each point in which the other file disagrees. */
static void test_conflict(const char *folder)
{
    char *lines = NULL;
    static const char *const names[] = {"do_lower_case", "strip_accents", "tokenize_chinese_chars"};
    for (int i = 0; i < 3; i++) {
        char *more = mem_format("%stest: warning: %s: tokenizer.json and tokenizer_config.json "
                                "disagree about %s: the first holds\n",
                                i > 0 ? lines : "", folder, names[i]);
        free(lines);
        lines = more;
    }
    write_changed(folder, NULL);
    write_file(folder, "tokenizer_config.json",
               "{\"do_lower_case\": false, \"strip_accents\": false, "
               "\"tokenize_chinese_chars\": false}");
    struct tokeniser *tokeniser = check_accepted(folder, lines, "files that disagree");
    CHECK(tokeniser != NULL && tokeniser->normaliser.lowercase &&
              tokeniser->normaliser.strip_accents && tokeniser->normaliser.chinese_chars,
          "tokenizer.json does not hold");
    tokeniser_close(tokeniser);
    remove_file(folder, "tokenizer_config.json");
    remove_file(folder, "tokenizer.json");
    free(lines);
}

/* A file of which nobody can say whether it is there. */
static void test_unknowable(const char *folder)
{
    static const char *const names[] = {"tokenizer.json", "vocab.txt"};
    for (int i = 0; i < 2; i++) {
        char *path = mem_format("%s/%s", folder, names[i]);
        char *name = mem_format("/%s", names[i]);
        unlink(path);
        if (symlink(names[i], path) != 0)
            abort();
        check_refused(folder, name, "cannot open: Too many levels of symbolic links", names[i]);
        unlink(path);
        free(path);
        free(name);
    }
}

/* ---- large files ---- */

/* Writes count tokens of ten digits, one a line, and [UNK], [CLS] and [SEP] in front of them. */
static void write_many(const char *folder, unsigned count)
{
    struct buffer text = {0};
    buffer_append_string(&text, "[UNK]\n[CLS]\n[SEP]\n");
    for (unsigned i = 0; i < count; i++) {
        char line[16];
        snprintf(line, sizeof line, "%010u\n", i);
        buffer_append_string(&text, i % 1000 == 999 ? "\n" : line);
    }
    write_file(folder, "vocab.txt", buffer_string(&text));
    buffer_free(&text);
}

/* The id of a token is its line's number less 1, however many there are. */
static void test_many(const char *folder)
{
    enum { COUNT = 150000 };
    write_many(folder, COUNT);
    struct tokeniser *tokeniser = check_accepted(folder, "", "many tokens");
    for (uint32_t i = 0; tokeniser != NULL && i < COUNT; i++) {
        char token[16];
        snprintf(token, sizeof token, "%010u", i);
        uint32_t id = vocabulary_find_string(&tokeniser->vocabulary, token);
        if (id != (i % 1000 == 999 ? TOKEN_NONE : i + 3))
            CHECK(false, "token %s has id %u", token, id);
    }
    CHECK(tokeniser != NULL && vocabulary_find_string(&tokeniser->vocabulary, "x") == TOKEN_NONE,
          "a token that is not there");
    tokeniser_close(tokeniser);
}

/* 6 MiB and a byte: as tokens of the model, and as one that is added. */
static void test_too_large(const char *folder)
{
    enum { SIZE = (6 << 20) + 1, SPECIALS = 15 };
    char *letters = mem_alloc(SIZE + 1), *text;
    memset(letters, 'x', SIZE);
    letters[SIZE] = '\0';
    text = mem_format("[UNK]\n[CLS]\n[SEP]\n%s\n", letters + SPECIALS);
    write_file(folder, "vocab.txt", text);
    check_line(folder, "test: vocabulary: 6291457 bytes of tokens, at most 6291456 are supported\n",
               "many bytes");
    free(text);
    text = mem_format("{\"id\": 149, \"content\": \"%s\", \"normalized\": false}", letters);
    const struct change added = {"added_tokens/5", text, NULL};
    write_changed(folder, &added);
    /* 26 more of the special tokens, and as many of the normal forms of all. */
    char *message = mem_format("%d bytes of added tokens are too many", 2 * (SIZE + 26));
    check_refused(folder, "/tokenizer.json", message, "an added token");
    remove_file(folder, "tokenizer.json");
    free(message);
    free(text);
    free(letters);
}

/* ---- writing ---- */

/* Saves a fixture's tokeniser into an empty folder, with nothing but itself to go by. */
static void save_fixture(const char *name, const char *folder)
{
    char *from = mem_format(TEXT_FIXTURES "%s", name);
    struct tokeniser *tokeniser = tokeniser_open_folder(from);
    CHECK(tokeniser != NULL && tokeniser_save_folder(tokeniser, folder) == 0, "%s cannot be saved",
          name);
    tokeniser_close(tokeniser);
    free(from);
}

static json_t *load_saved(const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    json_t *json = json_load_file(path, 0, NULL);
    CHECK(json_is_object(json), "%s cannot be read", path);
    free(path);
    return json;
}

/* What transformers needs: BertTokenizer takes its prefix, longest word and cleaning from its class
 * alone, so that it is named only where those are "##", 100 and on. */
static void test_saved_config(const char *folder)
{
    static const struct {
        const char *name;
        const char *config; /* the members that the tokeniser decides */
    } rows[] = {
        {"good-small", "\"BertTokenizer\" null true null true"},
        {"good-cased", "\"BertTokenizer\" null false null true"},
        {"good-lower-with-accents", "\"BertTokenizer\" null true false true"},
        {"good-cased-no-accents", "\"BertTokenizer\" null false true true"},
        {"good-no-chinese", "\"BertTokenizer\" null true null false"},
        {"good-short-words", "\"PreTrainedTokenizerFast\" names true null true"},
        {"good-prefix", "\"PreTrainedTokenizerFast\" names true null true"},
        {"good-no-cleaning", "\"PreTrainedTokenizerFast\" names true null true"},
        {"good-all-off", "\"PreTrainedTokenizerFast\" names false null false"},
    };
    static const char *const keys[] = {"tokenizer_class", "model_input_names", "do_lower_case",
                                       "strip_accents", "tokenize_chinese_chars"};
    json_t *inputs = parse("[\"input_ids\", \"token_type_ids\", \"attention_mask\"]");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer got = {0};
        save_fixture(rows[i].name, folder);
        json_t *config = load_saved(folder, "tokenizer_config.json");
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            json_t *value = json_object_get(config, keys[k]);
            char *text = json_equal(value, inputs) ? mem_strdup("names")
                                                   : json_dumps(value, JSON_ENCODE_ANY);
            buffer_append_string(&got, k > 0 ? " " : "");
            buffer_append_string(&got, text != NULL ? text : "null");
            free(text);
        }
        CHECK(strcmp(buffer_string(&got), rows[i].config) == 0, "%s: saved as %s, not %s",
              rows[i].name, buffer_string(&got), rows[i].config);
        buffer_free(&got);
        json_decref(config);
    }
    json_decref(inputs);
}

/* A special token is its content, or an object where it takes white space or stands alone. */
static void test_saved_special(const char *folder)
{
    json_t *expected = parse("{\"__type\": \"AddedToken\", \"content\": \"<mask>\", "
                             "\"lstrip\": true, \"rstrip\": false, \"single_word\": false, "
                             "\"normalized\": false}");
    save_fixture("good-other-special", folder);
    json_t *map = load_saved(folder, "special_tokens_map.json");
    json_t *cls = parse("\"<s>\"");
    CHECK(json_equal(json_object_get(map, "mask_token"), expected), "mask_token");
    CHECK(json_equal(json_object_get(map, "cls_token"), cls), "cls_token");
    CHECK(json_object_size(map) == 5, "%zu special tokens", json_object_size(map));
    json_decref(expected);
    json_decref(map);
    json_decref(cls);
    save_fixture("good-no-mask", folder);
    map = load_saved(folder, "special_tokens_map.json");
    CHECK(json_object_size(map) == 4 && json_object_get(map, "mask_token") == NULL, "no mask");
    json_decref(map);
}

/* Line by line the model's own tokens; good-gap-added has none at 148 to 150, and adds two there.
 */
static void test_saved_vocabulary(const char *folder)
{
    json_t *json = load_fixture("good-gap-added/tokenizer.json"), *id;
    json_t *vocabulary = json_object_get(json_object_get(json, "model"), "vocab");
    char *path = mem_format("%s/vocab.txt", folder), *text, *line, *next;
    const char *token;
    size_t size, lines = 0, empty = 0;
    save_fixture("good-gap-added", folder);
    text = read_whole(path, &size);
    for (line = text; line != NULL && *line != '\0'; line = next, lines++) {
        next = strchr(line, '\n');
        *next++ = '\0';
        id = json_object_get(vocabulary, line);
        empty += *line == '\0';
        CHECK(*line == '\0' || json_integer_value(id) == (json_int_t)lines, "line %zu: %s", lines,
              line);
    }
    json_object_foreach(vocabulary, token, id)
        CHECK(json_integer_value(id) < (json_int_t)lines, "%s is not saved", token);
    CHECK(lines - empty == json_object_size(vocabulary) && empty == 3, "%zu lines, %zu empty",
          lines, empty);
    json_decref(json);
    free(path);
    free(text);
}

/* A token may have a NUL in it; in a tokenizer.json it is escaped. */
static void test_nul(const char *folder)
{
    static const char lines[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\0b\n";
    char *path = mem_format("%s/vocab.txt", folder);
    write_whole(path, lines, sizeof lines - 1);
    struct tokeniser *text = check_accepted(folder, "", "a NUL in vocab.txt");
    CHECK(vocabulary_find(&text->vocabulary, "a\0b", 3) == 5, "the sixth line");
    CHECK(tokeniser_save_folder(text, folder) == 0, "saved");
    struct tokeniser *json = check_accepted(folder, "", "a NUL in tokenizer.json");
    CHECK(vocabulary_find(&json->vocabulary, "a\0b", 3) == 5, "the same of tokenizer.json");
    tokeniser_close(json);
    tokeniser_close(text);
    for (size_t i = 0; tokeniser_file_names[i] != NULL; i++)
        remove_file(folder, tokeniser_file_names[i]);
    free(path);
}

/* The token of no bytes may have the last id: six lines are six ids (as in transformers, where
 * len(BertTokenizer(vocab_file)) is 6), also when they have become a tokenizer.json. */
static void test_empty_last(const char *folder)
{
    write_file(folder, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n\n");
    struct tokeniser *text = check_accepted(folder, "", "an empty line at the end");
    CHECK(text->vocabulary.size == 6 && text->vocabulary.empty == 5, "%zu ids",
          text->vocabulary.size);
    CHECK(tokeniser_save_folder(text, folder) == 0, "saved");
    struct tokeniser *json = check_accepted(folder, "", "the same as tokenizer.json");
    CHECK(json->vocabulary.size == 6 && json->vocabulary.empty == 5, "%zu ids of tokenizer.json",
          json->vocabulary.size);
    CHECK(strcmp(json->digest, text->digest) == 0, "%s, not %s", json->digest, text->digest);
    tokeniser_close(json);
    tokeniser_close(text);
    for (size_t i = 0; tokeniser_file_names[i] != NULL; i++)
        remove_file(folder, tokeniser_file_names[i]);
}

/* A special token that the vocabulary lacks, or null, is none: the vocabulary's "[PAD]" is a token
 * like others then. That is so after it has been saved, too. */
static void test_no_special(const char *folder)
{
    static const char *const maps[] = {"{\"pad_token\": \"<pad>\", \"mask_token\": \"<mask>\"}",
                                       "{\"pad_token\": null, \"mask_token\": null}"};
    char *saved = temporary_folder();
    write_file(folder, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n");
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        write_file(folder, "special_tokens_map.json", maps[i]);
        struct tokeniser *first = check_accepted(folder, "", maps[i]);
        CHECK(first->special.pad == TOKEN_NONE && first->special.mask == TOKEN_NONE, "%s", maps[i]);
        CHECK(tokeniser_save_folder(first, saved) == 0, "saved");
        struct tokeniser *again = check_accepted(saved, "", "what was saved");
        CHECK(again->special.pad == TOKEN_NONE && strcmp(again->digest, first->digest) == 0,
              "%s: %s, not %s", maps[i], again->digest, first->digest);
        tokeniser_close(again);
        tokeniser_close(first);
        for (size_t k = 0; tokeniser_file_names[k] != NULL; k++)
            remove_file(saved, tokeniser_file_names[k]);
    }
    remove_file(folder, "special_tokens_map.json");
    remove_file(folder, "vocab.txt");
    rmdir(saved);
    free(saved);
}

int main(void)
{
    char *folder = temporary_folder();
    diag_init("test");
    test_refused_json(folder);
    test_same_normal_form(folder);
    test_accepted_json(folder);
    remove_file(folder, "tokenizer.json");
    test_refused_config(folder);
    test_accepted_config(folder);
    test_conflict(folder);
    test_unknowable(folder);
    test_many(folder);
    test_too_large(folder);
    test_nul(folder);
    test_empty_last(folder);
    test_no_special(folder);
    test_saved_config(folder);
    test_saved_special(folder);
    test_saved_vocabulary(folder);
    remove_folder(folder);
    return check_report();
}
