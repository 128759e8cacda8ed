/* JSON files: what RFC 8259 allows and what it does not. */
#include <malloc.h>
#include <stdint.h>
#include <string.h>

#include "check.h"
#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "model_capture.h"

static char *path;

static const struct {
    const char *text, *message;
} bad[] = {
    {"", "line 1: parse error: premature EOF"},
    {"{\n\"a\": 1,\n", "line 3: parse error: premature EOF"},
    {"[1, 2]", "not a JSON object"},
    {"12", "not a JSON object"},
    {"{\"a\": 1} x", "line 1: parse error: trailing garbage"},
    {"{\"a\": 1}\n{}", "line 2: parse error: trailing garbage"},
    {"{\"a\": 1,\n \"a\": 2}", "line 2: key 'a' is there twice"},
    {"{\"a\": {\"b\": 1, \"b\": 1}}", "line 1: key 'b' is there twice"},
    {"{\"a\": 1,}", "line 1: parse error: invalid object key (must be a string)"},
    {"{\n\n\"a\": tru}", "line 3: lexical error: invalid string in json text"},
    {"{\"a\": 01}", "line 1: parse error: after key and value, inside map, I expect ',' or '}'"},
    {"{\"a\": -}",
     "line 1: lexical error: malformed number, a digit is required after the minus sign"},
    {"{\"a\": 1e999}", "line 1: a number beyond the range of reals"},
    {"{\"a\": \"\x01\"}", "line 1: lexical error: invalid character inside string"},
    {"{\"a\": \"\\q\"}",
     "line 1: lexical error: inside a string, '\\' occurs before a character which it may not"},
    {"{\"a\":\n\"\xff\"}", "line 2: not valid UTF-8"},
    {"{\"a\": \"\xed\xa0\x80\"}", "line 1: not valid UTF-8"},
    {"\xef\xbb\xbf{}", "line 1: lexical error: invalid char in json text"},
    {"{\"a\": 1\v}", "line 1: a control character"},
    {"{\"a\":\n\n\"\\ud83d\"}", "line 3: half of a surrogate pair"},
    {"{\"a\": \"\\ud83dx\\ude00\"}", "line 1: half of a surrogate pair"},
    {"{\"a\": \"\\ude00\"}", "line 1: half of a surrogate pair"},
    {"{\"a\": \"\\\\\\uDE00\"}", "line 1: half of a surrogate pair"},
    {"{\"a\": \"\\u0000\"}", "line 1: a NUL in a string"},
    {"{\"a\\u0000\": 1}", "line 1: a NUL in a key"},
    {"{\"a\": \"\\",
     "line 1: lexical error: inside a string, '\\' occurs before a character which it may not"},
    {"{\"a\": \"\\ud83d", "line 1: half of a surrogate pair"},
};

static void test_refused(void)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct capture capture;
        char *expected = mem_format("test: %s: %s\n", path, bad[i].message);
        write_whole(path, bad[i].text, strlen(bad[i].text));
        capture_begin(&capture);
        json_t *json = json_file_read(path, 0);
        const char *got = capture_end(&capture);
        CHECK(json == NULL && strcmp(got, expected) == 0, "%s: %s", bad[i].text, got);
        json_decref(json);
        free(expected);
    }
}

/* So many lists in an object: 2,047 are as many as may be. */
static json_t *read_nested(size_t depth)
{
    char *text = mem_alloc(2 * depth + 8);
    size_t size = (size_t)sprintf(text, "{\"a\":");
    memset(text + size, '[', depth);
    memset(text + size + depth, ']', depth);
    text[size + 2 * depth] = '}';
    write_whole(path, text, size + 2 * depth + 1);
    free(text);
    return json_file_read(path, 0);
}

static void test_depth(void)
{
    struct capture capture;
    json_t *json = read_nested(2047);
    CHECK(json != NULL, "2,048 deep");
    json_decref(json);
    capture_begin(&capture);
    json = read_nested(2048);
    CHECK(capture_is_line(capture_end(&capture), "line 1: nested more than 2048 deep"),
          "2,049 deep: %s", capture.text);
    CHECK(json == NULL, "2,049 deep");
}

static void test_values(void)
{
    static const char text[] =
        "{\"a\": [null, true, false, \"\", {}, []], \"\": -9223372036854775808,\n"
        " \"max\": 9223372036854775807, \"over\": 9223372036854775808,\n"
        " \"none\": 1000000000000000019884624838656, \"r\": -1.5e3, \"tiny\": 1e-999, \"zero\": -0,"
        " \"s\": \"\\u00e9\\ud83d\\ude00\\n\\/\\\\ud83d\\\"\xc3\xa9\", \"n\": \"a\\u0000b\"}";
    write_whole(path, text, sizeof text - 1);
    json_t *json = json_file_read(path, JSON_ALLOW_NUL);
    json_t *expected =
        json_pack("{s:[n, b, b, s, {}, []], s:I, s:I, s:f, s:f, s:f, s:f, s:i, s:s, s:s%}", "a", 1,
                  0, "", "", (json_int_t)INT64_MIN, "max", (json_int_t)INT64_MAX, "over",
                  9223372036854775808.0, "none", 1e30, "r", -1500.0, "tiny", 0.0, "zero", 0, "s",
                  "\xc3\xa9\xf0\x9f\x98\x80\n/\\ud83d\"\xc3\xa9", "n", "a\0b", (size_t)3);
    char *got = json_dumps(json, 0);
    CHECK(expected != NULL && json_equal(json, expected), "%s", got);
    free(got);
    json_decref(expected);
    json_decref(json);
}

struct seen {
    char text[200];
    const char *twin; /* that is to be there twice */
};

static bool see(void *context, const char *key, size_t size, const json_t *value)
{
    struct seen *seen = context;
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof seen->text - used, "%.*s=%s ", (int)size, key, dumped);
    free(dumped);
    return seen->twin == NULL || strcmp(seen->twin, key) != 0;
}

static void test_members(void)
{
    static const char text[] =
        "{\"v\": {\"no\": 1}, \"m\": {\"x\": {\"v\": {\"no\": 2}}, \"v\": "
        "{\"b\": 1, \"a\": 2,\n \"b\": [1, {\"v\": {}}], \"\": -3, \"r\": 0.5}, "
        "\"w\": {\"no\": 3}}, \"n\": {\"v\": {\"no\": 4}}}";
    struct seen seen = {.text = ""};
    const struct json_members members = {"m", "v", see, &seen};
    struct capture capture;
    write_whole(path, text, sizeof text - 1);
    json_t *json = json_file_read_members(path, 0, &members);
    CHECK(strcmp(seen.text, "b=1 a=2 b=[1,{\"v\":{}}] =-3 r=0.5 ") == 0, "%s", seen.text);
    char *rest = json_dumps(json, JSON_COMPACT);
    CHECK(strcmp(rest,
                 "{\"v\":{\"no\":1},\"m\":{\"x\":{\"v\":{\"no\":2}},\"v\":{},\"w\":{\"no\":3}},"
                 "\"n\":{\"v\":{\"no\":4}}}") == 0,
          "%s", rest);
    free(rest);
    json_decref(json);
    seen = (struct seen){.twin = "a"};
    capture_begin(&capture);
    json = json_file_read_members(path, 0, &members);
    CHECK(capture_is_line(capture_end(&capture), "line 1: key 'a' is there twice") && json == NULL,
          "%s", capture.text);
}

static void test_files(void)
{
    struct capture capture;
    json_t *json;
    unlink(path);
    CHECK(json_file_read_optional(path, 0, &json) == 0 && json == NULL, "none is no error");
    capture_begin(&capture);
    CHECK(json_file_read(path, 0) == NULL, "there is none");
    CHECK(capture_is_line(capture_end(&capture), "cannot open: No such file or directory"), "%s",
          capture.text);
    capture_begin(&capture);
    CHECK(json_file_read("/", 0) == NULL, "a folder");
    CHECK(strcmp(capture_end(&capture), "test: /: cannot read: Is a directory\n") == 0, "%s",
          capture.text);
}

/* A list in a list takes 128 and 24 bytes: 220,752 of them are 32 MiB, all but 128 of the outer one
 * and its member's 128 + 1, and the object's 224. */
static void test_memory(void)
{
    enum { MOST = ((32 << 20) - 128 - 129 - 224) / (128 + 24) };
    char *text = mem_alloc(3 * MOST + 20);
    for (int more = 0; more <= 1; more++) {
        struct capture capture;
        size_t size = (size_t)sprintf(text, "{\"a\":[[]");
        for (int i = 1; i < MOST + more; i++, size += 3)
            memcpy(text + size, ",[]", 3);
        memcpy(text + size, "]}", 2);
        write_whole(path, text, size + 2);
        capture_begin(&capture);
        json_t *json = json_file_read(path, 0);
        const char *got = capture_end(&capture);
        if (more)
            CHECK(json == NULL && capture_is_line(got, "line 1: its values need more than 32 MiB "
                                                       "of memory"),
                  "%s", got);
        else
            CHECK(json_array_size(json_object_get(json, "a")) == MOST, "%s", got);
        json_decref(json);
        json = json_file_read(path, JSON_ANY_SIZE);
        CHECK(json_array_size(json_object_get(json, "a")) == (size_t)(MOST + more), "no limit");
        json_decref(json);
    }
    free(text);
}

/* Each kind of value, as many as there may be, takes no more from the allocator than 32 MiB. */
static void test_memory_taken(void)
{
    static const char *const values[] = {
        "[]", "{}", "0.5", "7", "\"\"", "\"0123456789abcdef\"", "null", "{\"a\":{}}", "[[[[]]]]"};
    for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
        struct json_fault fault;
        struct buffer text = {0};
        json_t *json = NULL;
        size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, taken;
        buffer_append_string(&text, "[null");
        for (size_t i = 0; i < 100000; i++)
            buffer_format(&text, ",%s", values[k]);
        buffer_append_string(&text, "]");
        before = mallinfo2().uordblks + mallinfo2().hblkhd;
        json = json_parse(text.data, text.size, 0, &fault);
        taken = mallinfo2().uordblks + mallinfo2().hblkhd - before;
        CHECK(json != NULL ? taken <= JSON_VALUES_MAX : strstr(fault.reason, "32 MiB") != NULL,
              "%s: %zu bytes", values[k], taken);
        json_decref(json);
        buffer_free(&text);
    }
}

static void test_exact(void)
{
    struct json_fault fault;
    json_t *json = json_parse("9223372036854775808", 19, 0, &fault);
    CHECK(json_real_value(json) == 9223372036854775808.0, "a real");
    json_decref(json);
    json = json_parse("-9223372036854775808", 20, JSON_EXACT, &fault);
    CHECK(json_integer_value(json) == INT64_MIN, "an integer");
    json_decref(json);
    json = json_parse("[1,\n9223372036854775808]", 24, JSON_EXACT, &fault);
    CHECK(json == NULL && strcmp(fault.reason, "an integer beyond the range of 64 bits") == 0 &&
              fault.at >= 4,
          "byte %zu: %s", fault.at, fault.reason);
    json = json_parse("", 0, 0, &fault);
    CHECK(json == NULL && strcmp(fault.reason, "parse error: premature EOF") == 0, "%s",
          fault.reason);
}

int main(void)
{
    char *folder = temporary_folder();
    diag_init("test");
    path = mem_format("%s/file.json", folder);
    test_refused();
    test_depth();
    test_memory();
    test_memory_taken();
    test_exact();
    test_values();
    test_members();
    test_files();
    free(path);
    remove_folder(folder);
    return check_report();
}
