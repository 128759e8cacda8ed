/* What a hub answers, what is shown of a URL, and which files make a model. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "hub/answers.h"
#include "hub/cache.h"
#include "hub/files.h"
#include "model_capture.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

static void test_listing(void)
{
    static const char whole[] = "{\"sha\": \"" COMMIT "\", \"siblings\": [{\"rfilename\": "
                                "\"config.json\"}, {}, {\"rfilename\": 5}, 7]}";
    struct hub_listing listing;
    struct json_fault fault;
    if (CHECK(hub_listing_read(&listing, whole, strlen(whole), &fault) == 0, "%s", fault.reason)) {
        CHECK(strcmp(listing.commit, COMMIT) == 0, "%s", listing.commit);
        CHECK(json_object_size(listing.files) == 1 &&
                  json_object_get(listing.files, "config.json") != NULL,
              "the file");
        hub_listing_free(&listing);
    }
    static const struct {
        const char *text, *reason;
    } bad[] = {
        {"", "parse error: premature EOF"},
        {"<html>", "lexical error: invalid char in json text"},
        {"[]", "no commit and files"},
        {"{\"siblings\": []}", "no commit and files"},
        {"{\"sha\": \"../../x\", \"siblings\": []}", "no commit and files"},
        {"{\"sha\": \"" COMMIT "0\", \"siblings\": []}", "no commit and files"},
        {"{\"sha\": \"" COMMIT "\", \"siblings\": {}}", "no commit and files"},
        {"{\"sha\": \"a\", \"sha\": \"" COMMIT "\", \"siblings\": []}", "key 'sha' is there twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(hub_listing_read(&listing, bad[i].text, strlen(bad[i].text), &fault) == -1 &&
                  strcmp(fault.reason, bad[i].reason) == 0,
              "%s: %s", bad[i].text, fault.reason);
}

/* Many files in few bytes: their names need more memory than a hub is given. */
static void test_large_listing(void)
{
    struct hub_listing listing;
    struct json_fault fault;
    struct buffer text = {0};
    buffer_append_string(&text, "{\"sha\": \"" COMMIT "\", \"siblings\": [{}");
    for (int i = 0; i < 200000; i++)
        buffer_append_string(&text, ",{}");
    buffer_append_string(&text, "]}");
    CHECK(hub_listing_read(&listing, text.data, text.size, &fault) == -1 &&
              strcmp(fault.reason, "its values need more than 32 MiB of memory") == 0,
          "%s", fault.reason);
    buffer_free(&text);
}

#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_etag(void)
{
    static const struct {
        const char *text, *etag; /* NULL: refused */
    } rows[] = {
        {"\"abc\"", "abc"},
        {"abc", "abc"},
        {"W/\"abc-1_Z\"", "abc-1_Z"},
        {"\"" SHA256 "\"", SHA256},
        {"\"" SHA256 "0\"", NULL},
        {"\"a\"b/", "a"},
        {"", NULL},
        {"\"\"", NULL},
        {"\"../x\"", NULL},
        {"a.b", NULL},
        {"a b", NULL},
        {NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char etag[DIGEST_HEX_MAX] = "";
        int status = hub_etag_read(etag, rows[i].text);
        CHECK(status == (rows[i].etag != NULL ? 0 : -1) &&
                  (status != 0 || strcmp(etag, rows[i].etag) == 0),
              "%s: %s", rows[i].text != NULL ? rows[i].text : "none", etag);
    }
}

/* ---- files ---- */

static void check_missing(const char *folder, const char *expected)
{
    char *missing = NULL;
    CHECK(hub_missing_file(folder, &missing) == (expected != NULL), "the result");
    CHECK(missing == expected ||
              (missing != NULL && expected != NULL && strcmp(missing, expected) == 0),
          "%s, not %s", missing != NULL ? missing : "nothing",
          expected != NULL ? expected : "nothing");
    free(missing);
}

#define INDEX(map) "{\"weight_map\": " map "}"

static void test_missing(void)
{
    char *folder = temporary_folder(), *missing = NULL;
    struct capture capture;
    check_missing(folder, HUB_CONFIG);
    write_in(folder, HUB_CONFIG, "{}");
    check_missing(folder, HUB_WEIGHTS);
    write_in(folder, HUB_WEIGHTS_INDEX,
             INDEX("{\"x\": \"b.safetensors\", \"y\": \"c.safetensors\"}"));
    check_missing(folder, "b.safetensors");
    write_in(folder, "b.safetensors", "");
    check_missing(folder, "c.safetensors");
    write_in(folder, "c.safetensors", "");
    check_missing(folder, NULL);
    write_in(folder, HUB_WEIGHTS_INDEX, "[]");
    capture_begin(&capture);
    CHECK(hub_missing_file(folder, &missing) == -1 && missing == NULL, "it cannot be told");
    capture_end(&capture);
    CHECK(strstr(capture.text, "index.json: not a JSON object") != NULL, "said: %s", capture.text);
    write_in(folder, HUB_WEIGHTS, "");
    check_missing(folder, NULL);
    remove_folder(folder);
}

static void test_shards(void)
{
    static const char none[] = "has no 'weight_map'";
    static const char other[] = "'weight_map' names what is no file beside it";
    static const char *const bad[][2] = {
        {"{}", none},
        {INDEX("[]"), none},
        {INDEX("{}"), none},
        {INDEX("{\"x\": 5}"), other},
        {INDEX("{\"x\": \"../a.safetensors\"}"), other},
        {INDEX("{\"x\": \"a/b.safetensors\"}"), other},
        {INDEX("{\"x\": \".a.safetensors\"}"), other},
        {INDEX("{\"x\": \"a.bin\"}"), other},
        {INDEX("{\"x\": \"a\"}"), other},
        {INDEX("{\"x\": \"a\\u0000.safetensors\"}"), "a NUL in a string"},
    };
    char *folder = temporary_folder(), *path = mem_format("%s/index.json", folder);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct capture capture;
        write_in(folder, "index.json", bad[i][0]);
        capture_begin(&capture);
        json_t *shards = hub_shards(path);
        capture_end(&capture);
        CHECK(shards == NULL && capture_is_line(capture.text, bad[i][1]), "%s: %s", bad[i][0],
              capture.text);
    }
    write_in(folder, "index.json", INDEX("{\"x\": \"a.safetensors\", \"y\": \"a.safetensors\"}"));
    json_t *shards = hub_shards(path);
    CHECK(json_array_size(shards) == 1, "one file of two tensors");
    json_decref(shards);
    free(path);
    remove_folder(folder);
}

/* ---- names ---- */

/* After huggingface_hub's validate_repo_id, and what may stand in a path as a revision. */
static void test_names(void)
{
    static const struct {
        const char *text, *revision;        /* as given */
        const char *id, *expected, *folder; /* NULL: no name */
    } rows[] = {
        {"bert", NULL, "bert", "main", "models--bert"},
        {"a/b", NULL, "a/b", "main", "models--a--b"},
        {"a/b@v1", NULL, "a/b", "v1", "models--a--b"},
        {"a/b@v1", "refs/pr/3", "a/b", "refs/pr/3", "models--a--b"},
        {"A_1/b-c.d", "v1.0+x", "A_1/b-c.d", "v1.0+x", "models--A_1--b-c.d"},
        {"git", NULL, "git", "main", "models--git"},
        {"", NULL, NULL, NULL, NULL},
        {"/b", NULL, NULL, NULL, NULL},
        {"a/", NULL, NULL, NULL, NULL},
        {"a/b/c", NULL, NULL, NULL, NULL},
        {"a b", NULL, NULL, NULL, NULL},
        {"-a", NULL, NULL, NULL, NULL},
        {"a.", NULL, NULL, NULL, NULL},
        {".a/b", NULL, NULL, NULL, NULL},
        {"a--b", NULL, NULL, NULL, NULL},
        {"a..b", NULL, NULL, NULL, NULL},
        {"a/b.git", NULL, NULL, NULL, NULL},
        {"b@", NULL, NULL, NULL, NULL},
        {"b@/v1", NULL, NULL, NULL, NULL},
        {"b@v1/", NULL, NULL, NULL, NULL},
        {"b@v1 x", NULL, NULL, NULL, NULL},
        {"b@v..1", NULL, NULL, NULL, NULL},
        {"b@refs//1", NULL, NULL, NULL, NULL},
        {"b@refs/.1", NULL, NULL, NULL, NULL},
        {"b@.v1", NULL, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct hub_model model = {NULL, NULL};
        bool found = hub_model_parse(&model, rows[i].text, rows[i].revision);
        if (!CHECK(found == (rows[i].id != NULL), "%s: %d", rows[i].text, found) || !found)
            continue;
        char *folder = hub_repository_name(&model);
        CHECK(strcmp(model.id, rows[i].id) == 0 && strcmp(model.revision, rows[i].expected) == 0 &&
                  strcmp(folder, rows[i].folder) == 0,
              "%s: %s, %s, %s", rows[i].text, model.id, model.revision, folder);
        free(folder);
        hub_model_free(&model);
    }
}

/* A part of a name has at most 96 letters, a revision fewer than 256. */
static void test_long_names(void)
{
    char text[300];
    struct hub_model model;
    memset(text, 'a', sizeof text);
    text[96] = '\0';
    CHECK(hub_model_parse(&model, text, NULL), "96");
    hub_model_free(&model);
    text[96] = 'a';
    text[97] = '\0';
    CHECK(!hub_model_parse(&model, text, NULL), "97");
    text[97] = 'a';
    text[255] = '\0';
    CHECK(hub_model_parse(&model, "b", text), "255");
    hub_model_free(&model);
    text[255] = 'a';
    text[256] = '\0';
    CHECK(!hub_model_parse(&model, "b", text), "256");
}

static void test_home(void)
{
    static const char *const rows[][2] = {
        {"~", "/home/me"}, {"~/x", "/home/me/x"}, {"~x", "~x"}, {"/x/~", "/x/~"}, {"", ""}};
    setenv("HOME", "/home/me", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *path = hub_expand_home(rows[i][0]);
        CHECK(strcmp(path, rows[i][1]) == 0, "%s: %s", rows[i][0], path);
        free(path);
    }
    unsetenv("HOME");
    char *path = hub_expand_home("~/x");
    CHECK(strcmp(path, "~/x") == 0, "without HOME: %s", path);
    free(path);
}

int main(void)
{
    diag_init("test");
    test_missing();
    test_shards();
    test_listing();
    test_large_listing();
    test_etag();
    test_names();
    test_long_names();
    test_home();
    return check_report();
}
