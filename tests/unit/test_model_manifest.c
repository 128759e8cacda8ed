/* bertpipe.json: what is refused of it and of the files that it lists, and the digest of a folder.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "model_capture.h"

#include "cli/diag.h"
#include "model/manifest.h"

#define EMPTY "\"size\": 0, \"xxh64\": \"ef46db3751d8e999\"" /* XXH64's published value */

static void check_line(int status, const struct capture *capture, const char *folder,
                       const char *words)
{
    CHECK(status == -1 && capture_is_exactly(capture->text, folder, words), "%d: %s instead of %s",
          status, capture->text, words);
}

/* FILES(row): a bertpipe.json that lists it; the digest is that of an empty config.json alone. */
#define FILES(row) "{\"format\": 1, \"digest\": \"cc169e8b626dcef0\", \"files\": {" row "}}"

static const struct {
    const char *json, *words; /* the line after the folder's name; NULL: accepted */
} manifests[] = {
    {FILES("\"config.json\": {" EMPTY "}"), NULL},
    {"{\"format\": 2, \"digest\": \"\", \"files\": {}}",
     "/bertpipe.json: not a list of files of format 1"},
    {"{\"format\": 1, \"digest\": \"\", \"files\": []}",
     "/bertpipe.json: not a list of files of format 1"},
    {"{\"format\": 1, \"digest\": \"\"}", "/bertpipe.json: not a list of files of format 1"},
    {"{\"format\": 1, \"digest\": 5, \"files\": {}}",
     "/bertpipe.json: not a list of files of format 1"},
    {"{\"format\": 1, \"files\": {}}", "/bertpipe.json: not a list of files of format 1"},
    {FILES("\"config.json\": {\"size\": 0}"), "/bertpipe.json: bad entry 'config.json'"},
    {FILES("\"config.json\": 5"), "/bertpipe.json: bad entry 'config.json'"},
    {FILES("\"../config.json\": {" EMPTY "}"), "/bertpipe.json: bad entry '../config.json'"},
    {FILES("\"config.json\": {\"size\": 1, \"xxh64\": \"0\"}"),
     "/config.json: 0 bytes, but bertpipe.json says 1: not whole, or changed: then delete "
     "bertpipe.json"},
    {FILES("\"config.json\": {\"size\": 0, \"xxh64\": \"0\"}"),
     "/config.json: not the contents that bertpipe.json lists: the file was changed or is damaged"},
    {FILES("\"vocab.txt\": {" EMPTY "}"),
     "/vocab.txt: listed in bertpipe.json: No such file or directory"},
    {FILES(""), "/bertpipe.json: its digest is not that of its list of files: it was changed or is "
                "damaged"},
};

static void test_verify(const char *folder)
{
    write_in(folder, "config.json", "");
    for (size_t i = 0; i < sizeof manifests / sizeof manifests[0]; i++) {
        char digest[MANIFEST_DIGEST_SIZE];
        struct capture capture;

        write_in(folder, "bertpipe.json", manifests[i].json);
        capture_begin(&capture);
        int status = manifest_verify(folder, digest);
        capture_end(&capture);
        if (manifests[i].words == NULL)
            CHECK(status == 0 && strcmp(digest, "cc169e8b626dcef0") == 0, "%s: %s", digest,
                  capture.text);
        else
            check_line(status, &capture, folder, manifests[i].words);
    }
}

/* A folder where a file is listed, of the size that it has. */
static void test_folder_listed(const char *folder)
{
    char digest[MANIFEST_DIGEST_SIZE], json[300], path[600];
    struct capture capture;
    struct stat status;

    snprintf(path, sizeof path, "%s/vocab.txt", folder);
    if (!CHECK(mkdir(path, 0777) == 0 && stat(path, &status) == 0, "a folder"))
        return;
    snprintf(json, sizeof json, FILES("\"vocab.txt\": {\"size\": %lld, \"xxh64\": \"0\"}"),
             (long long)status.st_size);
    write_in(folder, "bertpipe.json", json);
    capture_begin(&capture);
    int refused = manifest_verify(folder, digest);
    capture_end(&capture);
    check_line(refused, &capture, folder, "/vocab.txt: not a regular file");
    capture_begin(&capture);
    refused = manifest_write(folder, false, NULL, 0, NULL);
    capture_end(&capture);
    check_line(refused, &capture, folder, "/vocab.txt: not a regular file");
    capture_begin(&capture);
    refused = manifest_digest(folder, digest);
    capture_end(&capture);
    check_line(refused, &capture, folder, "/vocab.txt: not a regular file");
    rmdir(path);
}

static void test_one_file(const char *folder)
{
    struct capture capture;

    write_in(folder, "bertpipe.json", FILES("\"vocab.txt\": {" EMPTY "}"));
    CHECK(manifest_verify_file(folder, "config.json") == 0, "a file that is not listed");
    capture_begin(&capture);
    int status = manifest_verify_file(folder, "vocab.txt");
    capture_end(&capture);
    check_line(status, &capture, folder,
               "/vocab.txt: listed in bertpipe.json: No such file or directory");
    write_in(folder, "bertpipe.json", "[]");
    capture_begin(&capture);
    status = manifest_verify_file(folder, "config.json");
    capture_end(&capture);
    check_line(status, &capture, folder, "/bertpipe.json: not a JSON object");
}

/* Of the model's files alone: "config.json 0 ef46db3751d8e999\n" and so on, hashed by
 * tests/fixtures/stream/msgstream.py. */
static void test_digest(const char *folder)
{
    static const char *const files[] = {
        "vocab.txt",
        "model-00001-of-00002.safetensors",
        "trainer_state.json",
        "optimizer.safetensors",
        "model-1.safetensors~",
        "model-card.md",
        "a.safetensors",
    };
    char digest[MANIFEST_DIGEST_SIZE];
    struct capture capture;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        write_in(folder, files[i], "");
    CHECK(manifest_digest(folder, digest) == 0 && strcmp(digest, "3de8136a872c8af6") == 0, "%s",
          digest);
    capture_begin(&capture);
    int status = manifest_digest("nowhere", digest);
    capture_end(&capture);
    check_line(status, &capture, "nowhere", ": No such file or directory");
}

int main(void)
{
    char *folder = temporary_folder();

    diag_init("test");
    test_verify(folder);
    test_folder_listed(folder);
    test_one_file(folder);
    test_digest(folder);
    remove_folder(folder);
    return check_report();
}
