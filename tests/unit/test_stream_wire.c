/* Headers, records and checks of a stream, one at a time: what bertpipe-stream(5) allows, what it
 * does not and the reason given for it, and bytes that end too early at every place. */
#include <jansson.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli/diag.h"
#include "stream/reader.h"
#include "stream/wire.h"

/*
 * JSON to msgpack. {"$raw": hex} is those bytes, {"$bin": hex} a binary string of them; a key that
 * begins with # is the number behind it, and ~ at a key's end is left out, so that it can be there
 * twice.
 */
static void pack(msgpack_packer *packer, const json_t *json);

static void pack_hex(msgpack_packer *packer, const char *hex, bool bin)
{
    size_t size = strlen(hex) / 2;
    if (bin)
        msgpack_pack_bin(packer, size);
    for (size_t i = 0; i < size; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'}, byte;
        byte = (char)strtoul(digits, NULL, 16);
        packer->callback(packer->data, &byte, 1);
    }
}

static void pack_object(msgpack_packer *packer, const json_t *json)
{
    const char *raw = json_string_value(json_object_get(json, "$raw")), *key;
    const char *bin = json_string_value(json_object_get(json, "$bin"));
    json_t *value;
    if (raw != NULL || bin != NULL) {
        pack_hex(packer, raw != NULL ? raw : bin, raw == NULL);
        return;
    }
    msgpack_pack_map(packer, json_object_size(json));
    json_object_foreach((json_t *)json, key, value)
    {
        size_t length = strcspn(key, "~");
        if (*key == '#') {
            msgpack_pack_int64(packer, strtol(key + 1, NULL, 10));
        } else {
            msgpack_pack_str(packer, length);
            msgpack_pack_str_body(packer, key, length);
        }
        pack(packer, value);
    }
}

static void pack(msgpack_packer *packer, const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        pack_object(packer, json);
        break;
    case JSON_ARRAY:
        msgpack_pack_array(packer, json_array_size(json));
        for (size_t i = 0; i < json_array_size(json); i++)
            pack(packer, json_array_get(json, i));
        break;
    case JSON_STRING:
        msgpack_pack_str(packer, json_string_length(json));
        msgpack_pack_str_body(packer, json_string_value(json), json_string_length(json));
        break;
    case JSON_INTEGER:
        msgpack_pack_int64(packer, json_integer_value(json));
        break;
    case JSON_REAL:
        msgpack_pack_double(packer, json_real_value(json));
        break;
    case JSON_NULL:
        msgpack_pack_nil(packer);
        break;
    default:
        json_is_true(json) ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
    }
}

/* The bytes of a JSON text, to be freed; of exactly their size, so that sanitizers see what is read
 * beyond. */
static struct rec_span bytes_of(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    if (json == NULL) {
        printf("FAILED: no JSON: %s\n", text);
        abort();
    }
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    pack(&packer, json);
    json_decref(json);
    char *data = malloc(buffer.size);
    memcpy(data, buffer.data, buffer.size);
    struct rec_span span = {data, buffer.size};
    msgpack_sbuffer_destroy(&buffer);
    return span;
}

/* Decodes the first `size` bytes of a header; SIZE_MAX: all. */
static int decode_header(const char *text, size_t size, struct stream_header *header,
                         struct wire_fault *fault)
{
    struct rec_span bytes = bytes_of(text);
    if (size < bytes.size)
        bytes = (struct rec_span){realloc((char *)bytes.data, size > 0 ? size : 1), size};
    int status = wire_decode_header(bytes, header, fault);
    free((char *)bytes.data);
    return status;
}

#define HUGE            "{\"$raw\": \"dd00100001\"}" /* a list of 2^20 + 1 */
#define HEADER(more)    "[\"bertpipe\", 1, {\"type\": \"text\", " more "}]"
#define TOKENIZER(more) "\"tokenizer\": {\"digest\": \"d\", \"vocab_size\": 30522" more "}"
#define TOKENS(more)                                                                               \
    "[\"bertpipe\", 1, {\"type\": \"tokens\", \"ids_type\": \"u16\", " TOKENIZER(more) "}]"
#define FULL_HEADER                                                                                \
    "[\"bertpipe\", 1, {\"type\": \"tokens\", \"problem\": \"single\", \"ids_type\": \"u16\", "    \
    "\"labels\": [\"neg\", \"pos\"], \"part\": [2, 3, \"s\"], "                                    \
    "\"history\": [{\"tool\": \"t\", \"version\": \"1\", \"options\": {\"a\": \"b\"}, "            \
    "\"later\": 1}], "                                                                             \
    "\"model\": {\"name\": \"m\", \"digest\": \"e\", \"later\": []}, \"later\": {\"a\": [1]}, "    \
    "" TOKENIZER(", \"kind\": \"wordpiece\", \"max_length\": 512, \"cls\": 101, \"sep\": 102, "    \
                 "\"pad\": 0, \"unk\": 100, \"mask\": 103, \"later\": null") "}]"

static const char part_reason[] = "header: 'part' is no [k, n, set id] with 1 <= k <= n";
static const char labels_reason[] = "header: 'labels' is no list of strings";
static const char no_digest[] = "header: 'tokenizer' has no digest or no vocab_size";

static const struct {
    const char *header, *reason; /* NULL: accepted */
} headers[] = {
    {FULL_HEADER, NULL},
    {"[\"bertpipe\", 1, {\"type\": \"text\"}]", NULL},
    {HEADER("\"labels\": []"), NULL},
    {TOKENS(""), NULL},
    {"[\"bertpipe\", \"1\", {}]", "header: has no version"},
    {"[\"bertpipe\", -1, {}]", "header: has no version"},
    {"[\"bertpipe\", 2, {}]", "format version 2 is not supported, only 1"},
    {"[\"bertpipe\", 1, []]", "header: is no map"},
    {"[\"bertpipe\", 1, {}]", "header: 'type' is missing"},
    {"[\"bertpipe\", 1, {\"#5\": 5}]", "header: has a key that is no string"},
    {"[\"bertpipe\", 1, {\"type\": 5}]", "header: 'type' is no string"},
    {"[\"bertpipe\", 1, {\"type\": \"pictures\"}]", "header: unknown type 'pictures'"},
    {HEADER("\"problem\": []"), "header: 'problem' is no string"},
    {HEADER("\"problem\": "
            "\"0123456789012345678901234567890123456789012345678901234567890123456789\""),
     "header: unknown problem '0123456789012345678901234567890123456789012345678901234567890123'"},
    {HEADER("\"ids_type\": \"u8\""), "header: unknown ids_type 'u8'"},
    {HEADER("\"labels\": {}"), labels_reason},
    {HEADER("\"labels\": [\"a\", 1]"), labels_reason},
    {HEADER("\"labels\": [\"a\\u0000\"]"),
     "header: 'labels' is no list of strings (UTF-8 without NUL)"},
    {HEADER("\"labels\": [{\"$raw\": \"a2c328\"}]"),
     "header: 'labels' is no list of strings (UTF-8 without NUL)"},
    {HEADER("\"labels\": [\"a\"], \"labels~\": [\"a\"]"), "header: 'labels' is there twice"},
    {HEADER("\"labels\": " HUGE), "header: more than 1048576 labels"},
    {HEADER("\"type~\": \"text\""), "header: 'type' is there twice"},
    {HEADER("\"problem\": \"single\", \"problem~\": \"multi\""),
     "header: 'problem' is there twice"},
    {HEADER("\"later\": 1, \"later~\": 2"), NULL},
    {HEADER("\"part\": 1"), part_reason},
    {HEADER("\"part\": [1, 2]"), part_reason},
    {HEADER("\"part\": [\"1\", 2, \"s\"]"), part_reason},
    {HEADER("\"part\": [1, null, \"s\"]"), part_reason},
    {HEADER("\"part\": [1, 2, 3]"), part_reason},
    {HEADER("\"part\": [0, 2, \"s\"]"), part_reason},
    {HEADER("\"part\": [3, 2, \"s\"]"), part_reason},
    {HEADER("\"part\": [1, 1000000, \"s\"]"), NULL},
    {HEADER("\"part\": [1, 1000001, \"s\"]"), part_reason},
    {HEADER("\"part\": [1, 2, \"s\"], \"part~\": [1, 2, \"s\"]"), "header: 'part' is there twice"},
    {HEADER("\"history\": {}"), "header: 'history' is no list"},
    {HEADER("\"history\": [], \"history~\": []"), "header: 'history' is there twice"},
    {HEADER("\"history\": [1]"), "header: 'history' has an entry that is no map"},
    {HEADER("\"history\": [{\"#1\": 1}]"), "header: 'history' has a key that is no string"},
    {HEADER("\"history\": [{\"tool\": 1}]"), "header: 'history' has a tool without a name"},
    {HEADER("\"history\": [{\"tool\": \"t\", \"tool~\": \"t\"}]"), "header: 'tool' is there twice"},
    {HEADER("\"model\": {\"name\": \"m\", \"name~\": \"n\"}"), "header: 'name' is there twice"},
    {HEADER("\"history\": [{\"version\": 1}]"),
     "header: 'history' has a version that is no string"},
    {HEADER("\"history\": [{\"tool\": \"t\"}]"),
     "header: 'history' has an entry without tool or version"},
    {HEADER("\"history\": [{\"version\": \"1\"}]"),
     "header: 'history' has an entry without tool or version"},
    {HEADER("\"history\": [{\"options\": []}]"), "header: 'history' has options that are no map"},
    {HEADER("\"history\": [{\"options\": {\"#1\": \"a\"}}]"),
     "header: 'history' has an option without a name"},
    {HEADER("\"history\": [{\"options\": {\"a\": 1}}]"),
     "header: 'history' has an option that is no string"},
    {HEADER("\"model\": 5"), "header: 'model' is no map"},
    {HEADER("\"model\": {\"#5\": 5}"), "header: 'model' has a key that is no string"},
    {HEADER("\"model\": {\"name\": 5}"), "header: the model's name is no string"},
    {HEADER("\"model\": {\"digest\": 5}"), "header: the model's digest is no string"},
    {HEADER("\"model\": {\"digest\": \"d\"}"), "header: 'model' has no name"},
    {HEADER("\"tokenizer\": []"), "header: 'tokenizer' is no map"},
    {HEADER("\"tokenizer\": {\"#1\": 1}"), "header: 'tokenizer' has a key that is no string"},
    {HEADER("\"tokenizer\": {\"digest\": 1}"), "header: the tokenizer's digest is no string"},
    {HEADER("\"tokenizer\": {\"vocab_size\": 5}"), no_digest},
    {HEADER("\"tokenizer\": {\"digest\": \"d\"}"), no_digest},
    {HEADER("\"tokenizer\": {\"digest\": \"d\", \"vocab_size\": 4294967296}"), no_digest},
    {TOKENS(", \"kind\": 1"), "header: the tokenizer's kind is no string"},
    {TOKENS(", \"vocab_size~\": 5"), "header: 'vocab_size' is there twice"},
    {HEADER("\"tokenizer\": {\"vocab_size\": \"5\"}"), "header: 'vocab_size' is no count"},
    {TOKENS(", \"max_length\": -5"), "header: 'max_length' is no count"},
    {TOKENS(", \"mask\": {\"$raw\": \"cf8000000000000000\"}"),
     "header: the id of a special token is no count"},
    {"[\"bertpipe\", 1, {\"type\": \"tokens\", \"ids_type\": \"u16\"}]",
     "header: a tokens stream states no tokenizer"},
    {"[\"bertpipe\", 1, {\"type\": \"tokens\", \"ids_type\": \"u32\", " TOKENIZER("") "}]",
     "header: 'ids_type' does not follow from vocab_size"},
};

static void test_headers(void)
{
    struct stream_header header;
    struct wire_fault fault;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        int status = decode_header(headers[i].header, SIZE_MAX, &header, &fault);
        const char *reason = headers[i].reason;
        CHECK(status == (reason != NULL ? -1 : 0), "%s gives %d", headers[i].header, status);
        if (status != 0)
            CHECK(reason != NULL && strcmp(fault.reason, reason) == 0, "%s: %s", headers[i].header,
                  fault.reason);
        else
            stream_header_free(&header);
    }
}

/* An option more than the history of a header may have; and as many as it may. */
static void test_long_history(void)
{
    for (size_t options = STREAM_MAX_HISTORY / 2 - 1; options <= STREAM_MAX_HISTORY / 2;
         options++) {
        struct buffer text = {0};
        struct stream_header header;
        struct wire_fault fault = {""};
        buffer_append_string(&text, "[\"bertpipe\", 1, {\"type\": \"text\", \"history\": [{"
                                    "\"tool\": \"t\", \"version\": \"1\", \"options\": {");
        for (size_t i = 0; i < options; i++)
            buffer_format(&text, "%s\"%zu\": \"v\"", i > 0 ? ", " : "", i);
        buffer_append_string(&text, "}}]}]");
        int status = decode_header(buffer_string(&text), SIZE_MAX, &header, &fault);
        if (options < STREAM_MAX_HISTORY / 2) {
            CHECK(status == 0 && header.history[0].option_count == options, "%s", fault.reason);
            stream_header_free(&header);
        } else {
            CHECK(status == -1 &&
                      strcmp(fault.reason, "header: 'history' has more than 65536 strings") == 0,
                  "%s", fault.reason);
        }
        buffer_free(&text);
    }
}

static void test_whole_header(void)
{
    struct stream_header header;
    struct wire_fault fault;
    if (!CHECK(decode_header(FULL_HEADER, SIZE_MAX, &header, &fault) == 0, "%s", fault.reason))
        return;
    const struct stream_tokenizer *tokenizer = &header.tokenizer;
    CHECK(header.type == STREAM_TOKENS && header.ids_type == IDS_U16 &&
              header.problem == STREAM_PROBLEM_SINGLE,
          "type, ids_type, problem");
    CHECK(header.label_count == 2 && strcmp(header.labels[1], "pos") == 0, "labels");
    CHECK(header.part.present && header.part.k == 2 && header.part.n == 3 &&
              strcmp(header.part.set, "s") == 0,
          "part");
    CHECK(header.history_count == 1 && strcmp(header.history[0].tool, "t") == 0 &&
              strcmp(header.history[0].version, "1") == 0 && header.history[0].option_count == 1 &&
              strcmp(header.history[0].options[0].value, "b") == 0,
          "history");
    CHECK(strcmp(header.model.name, "m") == 0 && strcmp(header.model.digest, "e") == 0, "model");
    CHECK(tokenizer->vocab_size == 30522 && tokenizer->max_length == 512 && tokenizer->cls == 101 &&
              tokenizer->sep == 102 && tokenizer->pad == 0 && tokenizer->unk == 100 &&
              tokenizer->mask == 103 && strcmp(tokenizer->kind, "wordpiece") == 0,
          "tokenizer");
    stream_header_free(&header);
}

/* ---- records ---- */

#define TEXT        HEADER("\"labels\": [\"a\", \"b\"], \"problem\": \"single\"")
#define PREDICTIONS "[\"bertpipe\", 1, {\"type\": \"predictions\"}]"
#define METRICS     "[\"bertpipe\", 1, {\"type\": \"metrics\"}]"
#define ONE(more)   "{\"id\": \"1\", " more "}"
#define T(more)     "{\"id\": \"1\", \"text\": \"t\", " more "}"
#define I(more)     "{\"id\": \"1\", \"ids\": {\"$bin\": \"65006600\"}, " more "}"
#define M(more)     "{\"step\": 1, \"epoch\": 0.5, \"split\": \"train\", \"time\": 1, " more "}"
#define BROKEN      "{\"$raw\": \"a2c328\"}"     /* no UTF-8 */
#define MOST        "{\"$raw\": \"dd00100000\"}" /* a list of 2^20 */
#define LARGEST     "{\"$raw\": \"cfffffffffffffffff\"}"

#define FULL_TEXT                                                                                  \
    T("\"pair\": \"p\", \"words\": [\"a\", \"b\"], \"tags\": [\"O\", 1], "                         \
      "\"label\": [\"x\", 1, 1.5], \"x\": {\"b\": [true, null, {\"c\": \"d\"}], "                  \
      "\"big\": " LARGEST "}, \"later\": [1]")
#define FULL_TOKENS                                                                                \
    I("\"types\": {\"$bin\": \"0001\"}, \"offsets\": {\"$bin\": "                                  \
      "\"00000000010000000100000002000000\"}, \"words\": {\"$bin\": \"0000000001000000\"}, "       \
      "\"label\": null, \"labels\": {\"$bin\": \"9cffffff03000000\"}, \"window\": [2, 3, 510], "   \
      "\"cut\": " LARGEST ", \"text\": \"t\", \"x\": {}")
#define FULL_PREDICTION                                                                            \
    ONE("\"label\": 1, \"name\": \"pos\", \"score\": 1, \"probs\": [0.25, " LARGEST "], "          \
        "\"gold\": 0, \"text\": \"t\", \"spans\": [[0, 4, \"PER\", 0.5]], \"x\": {\"n\": 1}")
#define FULL_METRICS M("\"values\": {\"loss\": 0.5, \"n\": 3}")

static const struct {
    const char *header, *record, *reason; /* NULL: accepted */
} records[] = {
    {TEXT, FULL_TEXT, NULL},
    {TOKENS(""), FULL_TOKENS, NULL},
    {PREDICTIONS, FULL_PREDICTION, NULL},
    {METRICS, FULL_METRICS, NULL},
    {TEXT, "[]", "is no map"},
    {TEXT, "{\"#1\": 1}", "has a field whose name is no string"},
    {TEXT, "{\"text\": \"t\"}", "field 'id' is missing"},
    {TEXT, ONE("\"id~\": \"1\""), "field 'id' occurs twice"},
    {TEXT, ONE("\"text\": 5"), "field 'text' is no string"},
    {TEXT, ONE("\"text\": " BROKEN), "field 'text' is not UTF-8"},
    {TEXT, T("\"words\": 1"), "field 'words' is no list"},
    {TEXT, T("\"words\": [1]"), "field 'words' is no string"},
    {TEXT, T("\"words\": " HUGE), "field 'words' has more than 1048576 items"},
    {TEXT, T("\"tags\": {}"), "field 'tags' is no list"},
    {TEXT, T("\"tags\": [[]]"), "field 'tags' is no label (a number or a string)"},
    {TEXT, T("\"tags\": [\"O\"]"), NULL},
    {TEXT, T("\"words\": [\"a\"], \"tags\": []"), "1 words have 0 tags"},
    {TEXT, T("\"label\": true"), "field 'label' is no label (a number or a string)"},
    {TEXT, T("\"label\": [\"a\", [1]]"), "field 'label' is no label (a number or a string)"},
    {TEXT, T("\"label\": " BROKEN), "field 'label' is not UTF-8"},
    {TEXT, T("\"label\": " HUGE), "field 'label' has more than 1048576 items"},
    {TEXT, T("\"words\": [\"a\"], \"label\": " MOST), "has more than 1048576 items in its lists"},
    {PREDICTIONS, ONE("\"probs\": [1], \"spans\": " MOST),
     "has more than 1048576 items in its lists"},
    {TEXT, T("\"label\": 2"), "field 'label': label 2 is outside the list of 2 labels"},
    {TEXT, T("\"label\": -1"), "field 'label': label -1 is outside the list of 2 labels"},
    {TEXT, T("\"label\": [0, 5]"), "field 'label': label 5 is outside the list of 2 labels"},
    {HEADER("\"labels\": [\"a\"]"), T("\"label\": 5"), NULL},
    {HEADER("\"problem\": \"single\""), T("\"label\": 5"), NULL},
    {TEXT, T("\"x\": [1]"), "field 'x' is no map"},
    {TEXT, T("\"x\": {\"#1\": 1}"), "field 'x' is no string"},
    {TOKENS(""), ONE("\"ids\": \"ab\""), "field 'ids' is no binary string"},
    {TOKENS(""), ONE("\"ids\": {\"$bin\": \"\"}"), NULL},
    {TOKENS(""), ONE("\"ids\": {\"$bin\": \"000000\"}"),
     "field 'ids' has 3 bytes, but 1 tokens need 2 each"},
    {TOKENS(""), ONE("\"ids\": {\"$bin\": \"3a77\"}"),
     "token id 30522 is outside the vocabulary of 30522"},
    {TOKENS(""), I("\"types\": {\"$bin\": \"00\"}"),
     "field 'types' has 1 bytes, but 2 tokens need 1 each"},
    {TOKENS(""), I("\"offsets\": {\"$bin\": \"00\"}"),
     "field 'offsets' has 1 bytes, but 2 tokens need 8 each"},
    {TOKENS(""), I("\"words\": {\"$bin\": \"00000000\"}"),
     "field 'words' has 4 bytes, but 2 tokens need 4 each"},
    {TOKENS(""), I("\"labels\": {\"$bin\": \"\"}"),
     "field 'labels' has 0 bytes, but 2 tokens need 4 each"},
    {TOKENS(""), I("\"window\": 1"), "field 'window' is no list"},
    {TOKENS(""), I("\"window\": [1, 2]"), "field 'window' is no list of [k, n, first token]"},
    {TOKENS(""), I("\"window\": [\"1\", 2, 0]"), "field 'window' is no whole number"},
    {TOKENS(""), I("\"window\": [1, -2, 0]"), "field 'window' is no whole number"},
    {TOKENS(""), I("\"window\": [1, 2, 0.5]"), "field 'window' is no whole number"},
    {TOKENS(""), I("\"window\": [0, 2, 0]"), "field 'window': window 0 of 2"},
    {TOKENS(""), I("\"window\": [3, 2, 0]"), "field 'window': window 3 of 2"},
    {TOKENS(""), I("\"cut\": -1"), "field 'cut' is no whole number"},
    {PREDICTIONS, ONE("\"score\": \"1\""), "field 'score' is no number"},
    {PREDICTIONS, ONE("\"probs\": 1"), "field 'probs' is no list"},
    {PREDICTIONS, ONE("\"probs\": [null]"), "field 'probs' is no number"},
    {PREDICTIONS, ONE("\"spans\": {}"), "field 'spans' is no list"},
    {PREDICTIONS, ONE("\"spans\": [1]"), "field 'spans' is no list"},
    {PREDICTIONS, ONE("\"spans\": [[1, 2, \"A\"]]"),
     "field 'spans' is no list of [first, last, name, score]"},
    {PREDICTIONS, ONE("\"spans\": [[\"1\", 2, \"A\", 1]]"), "field 'spans' is no whole number"},
    {PREDICTIONS, ONE("\"spans\": [[1, -2, \"A\", 1]]"), "field 'spans' is no whole number"},
    {PREDICTIONS, ONE("\"spans\": [[1, 2, 3, 1]]"), "field 'spans' is no string"},
    {PREDICTIONS, ONE("\"spans\": [[1, 2, \"A\", \"1\"]]"), "field 'spans' is no number"},
    {PREDICTIONS, ONE("\"spans\": [[2, 1, \"A\", 1]]"),
     "field 'spans' has a span that ends before it begins"},
    {PREDICTIONS, ONE("\"spans\": [[1, 4294967295, \"A\", 1]]"), NULL},
    {PREDICTIONS, ONE("\"spans\": [[1, 4294967296, \"A\", 1]]"),
     "field 'spans' has a place beyond 4294967295"},
    {METRICS, M("\"values\": []"), "field 'values' is no map"},
    {METRICS, M("\"values\": {\"$raw\": \"df00100001\"}"),
     "field 'values' has more than 1048576 items"},
    {METRICS, M("\"values\": {\"#1\": 1}"), "field 'values' is no string"},
    {METRICS, M("\"values\": {\"a\": \"b\"}"), "field 'values' is no number"},
    {METRICS, "{\"step\": 1}", "field 'epoch' is missing"},
};

/* Decodes the first `size` bytes of a record. */
static int decode_record(const char *header_text, const char *text, size_t size,
                         struct wire_fault *fault)
{
    struct stream_header header;
    struct stream_record record;
    struct blocks lists = {0};
    struct rec_span bytes = bytes_of(text);
    if (decode_header(header_text, SIZE_MAX, &header, fault) != 0)
        abort();
    if (size < bytes.size)
        bytes = (struct rec_span){realloc((char *)bytes.data, size > 0 ? size : 1), size};
    int status = wire_decode_record(bytes, &header, &lists, &record, fault);
    stream_header_free(&header);
    blocks_free(&lists);
    free((char *)bytes.data);
    return status;
}

static void test_records(void)
{
    struct wire_fault fault;
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        const char *reason = records[i].reason;
        fault.reason[0] = '\0';
        int status = decode_record(records[i].header, records[i].record, SIZE_MAX, &fault);
        CHECK(status == (reason != NULL ? -1 : 0), "%s gives %d", records[i].record, status);
        CHECK(status == 0 || (reason != NULL && strcmp(fault.reason, reason) == 0), "%s: %s",
              records[i].record, fault.reason);
    }
}

/* Whatever is missing at the end, it is refused with a reason and not read beyond. */
static void test_cut_short(void)
{
    static const char *const whole[][2] = {{TEXT, FULL_TEXT},
                                           {TOKENS(""), FULL_TOKENS},
                                           {PREDICTIONS, FULL_PREDICTION},
                                           {METRICS, FULL_METRICS}};
    struct stream_header header;
    struct wire_fault fault;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        struct rec_span bytes = bytes_of(whole[i][1]);
        for (size_t size = 0; size < bytes.size; size++) {
            fault.reason[0] = '\0';
            CHECK(decode_record(whole[i][0], whole[i][1], size, &fault) == -1 &&
                      fault.reason[0] != '\0',
                  "record %zu is accepted when cut to %zu bytes", i, size);
        }
        free((char *)bytes.data);
    }
    struct rec_span bytes = bytes_of(FULL_HEADER);
    for (size_t size = 0; size < bytes.size; size++) {
        fault.reason[0] = '\0';
        CHECK(decode_header(FULL_HEADER, size, &header, &fault) == -1 && fault.reason[0] != '\0',
              "the header is accepted when cut to %zu bytes", size);
    }
    free((char *)bytes.data);
}

/* What only a program can get wrong: records about to be written. */
static void test_written(void)
{
    static const unsigned char four[4];
    const struct rec_label inner = {.kind = LABEL_LIST};
    const struct rec_span one = {"1", 1};
    struct stream_header header, tokens;
    struct wire_fault fault;
    struct stream_record record = {.type = STREAM_TEXT, .text = {.id = one, .text = one}};
    if (decode_header(TEXT, SIZE_MAX, &header, &fault) != 0 ||
        decode_header(TOKENS(""), SIZE_MAX, &tokens, &fault) != 0)
        abort();
    CHECK(wire_check_record(&record, &header, &fault) == 0, "%s", fault.reason);
    CHECK(wire_check_record(&record, &tokens, &fault) == -1 &&
              strcmp(fault.reason, "is a text record in a tokens stream") == 0,
          "%s", fault.reason);
    record.text.label = (struct rec_label){.kind = LABEL_LIST, .items = &inner, .count = 1};
    CHECK(wire_check_record(&record, &header, &fault) == -1 &&
              strcmp(fault.reason, "field 'label' has a list within a list") == 0,
          "%s", fault.reason);
    record.text.label.items = &(const struct rec_label){.kind = LABEL_STRING, .string = one};
    record.text.words = &one;
    record.text.word_count = STREAM_MAX_LIST;
    CHECK(wire_check_record(&record, &header, &fault) == -1 &&
              strcmp(fault.reason, "has more than 1048576 items in its lists") == 0,
          "%s", fault.reason);
    record.text.words = NULL;
    record.text.label = (struct rec_label){0};
    record.text.text = (struct rec_span){0};
    CHECK(wire_check_record(&record, &header, &fault) == -1 &&
              strcmp(fault.reason, "field 'text' is missing") == 0,
          "%s", fault.reason);
    record = (struct stream_record){
        .type = STREAM_TOKENS,
        .tokens = {.id = one, .ids = {(const char *)four, 4}, .ids_type = IDS_U32}};
    CHECK(wire_check_record(&record, &tokens, &fault) == -1 &&
              strcmp(fault.reason, "ids are u32, but the header says u16") == 0,
          "%s", fault.reason);
    stream_header_free(&header);
    stream_header_free(&tokens);
}

/* ---- checks and ends ---- */

#define COUNT "{\"$raw\": \"d30000000000000003\"}"
#define HASH  "{\"$bin\": \"0102030405060708\"}"

static void test_controls(void)
{
    static const struct {
        const char *control, *reason;
    } rows[] = {
        {"[\"check\", " COUNT ", " HASH "]", NULL},
        {"[\"end\", " COUNT ", " HASH "]", NULL},
        {"[\"bertpipe\", 1, {}]", NULL},
        {"{\"$raw\": \"93\"}", "neither record nor header, check or end"},
        {"{}", "neither record nor header, check or end"},
        {"[\"check\", 3]", "neither record nor header, check or end"},
        {"[1, " COUNT ", " HASH "]", "neither record nor header, check or end"},
        {"[\"what\", " COUNT ", " HASH "]", "neither record nor header, check or end"},
        {"[\"check\", 3, " HASH "]", "damaged check"},
        {"[\"end\", {\"$raw\": \"cb0000000000000000\"}, " HASH "]", "damaged end"},
        {"[\"end\", {\"$raw\": \"d3ffffffffffffffff\"}, " HASH "]", "damaged end"},
        {"[\"end\", " COUNT ", \"123456789\"]", "damaged end"},
        {"[\"end\", {\"$raw\": \"a8\"}, {\"$raw\": \"3030303030303030c40830303030303030\"}]",
         "damaged end"},
        {"[\"end\", {\"$raw\": \"03\"}, {\"$bin\": \"01020304050607080910111213141516\"}]",
         "damaged end"},
        {"[\"end\", " COUNT ", {\"$raw\": \"c50007\"}, {\"$raw\": \"01020304050607\"}]",
         "neither record nor header, check or end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rec_span bytes = bytes_of(rows[i].control);
        struct wire_control control = {0};
        struct wire_fault fault = {""};
        int status = wire_decode_control(bytes, &control, &fault);
        CHECK(status == (rows[i].reason != NULL ? -1 : 0), "%s gives %d", rows[i].control, status);
        CHECK(status == 0 || (rows[i].reason != NULL && strcmp(fault.reason, rows[i].reason) == 0),
              "%s: %s", rows[i].control, fault.reason);
        if (i < 2)
            CHECK(control.count == 3 && control.hash == UINT64_C(0x0102030405060708),
                  "%s: count and hash", rows[i].control);
        free((char *)bytes.data);
    }
}

int main(void)
{
    diag_init("test_stream_wire");
    test_headers();
    test_long_history();
    test_whole_header();
    test_records();
    test_cut_short();
    test_written();
    test_controls();
    return check_report();
}
