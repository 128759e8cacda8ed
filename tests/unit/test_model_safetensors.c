/* The safetensors reader and writer. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "model_capture.h"

#include "cli/diag.h"
#include "model/safetensors.h"

static void test_good(void)
{
    struct safetensors set;
    const struct safetensors_tensor *b;

    if (CHECK(safetensors_open(&set, FIXTURES "/good.safetensors") == 0, "good is read")) {
        b = safetensors_find(&set, "b");
        CHECK(set.count == 2, "two tensors");
        CHECK(safetensors_find(&set, "c") == NULL, "no tensor c");
        if (CHECK(b != NULL && b->rank == 2 && b->shape[0] == 2 && b->shape[1] == 3, "b"))
            CHECK(safetensors_is_float(b) && ((const float *)b->data)[5] == 5.0f, "b[1][2] is 5");
        safetensors_close(&set);
    }
    if (CHECK(safetensors_open(&set, FIXTURES "/good-empty.safetensors") == 0, "no tensors")) {
        CHECK(set.count == 0 && safetensors_find(&set, "a") == NULL, "is an empty set");
        safetensors_close(&set);
    }
    if (CHECK(safetensors_open(&set, FIXTURES "/good-scalar-and-zero.safetensors") == 0,
              "a scalar and a tensor without elements")) {
        CHECK(safetensors_find(&set, "s")->count == 1, "a scalar has one element");
        CHECK(safetensors_find(&set, "z")->count == 0, "shape [0, 3] has none");
        safetensors_close(&set);
    }
}

/* A file of the fixtures and the words its refusal must hold. */
static const char *const refusals[][2] = {
    {"bad-zero-bytes", "0 bytes are too few"},
    {"bad-seven-bytes", "7 bytes are too few"},
    {"bad-truncated-header", "cut short"},
    {"bad-truncated", "tensor 'b' ends at byte 40, but there are only 39: the file is cut short"},
    {"bad-trailing", "1 bytes after the last tensor"},
    {"bad-header-long", "100000001 bytes is over the limit of 100000000"},
    {"bad-header-huge", "18446744073709551615 bytes is over the limit"},
    {"bad-header-empty", "does not begin with '{'"},
    {"bad-not-brace", "does not begin with '{'"},
    {"bad-not-json", "header: byte "},
    {"bad-after-json", "header: byte "},
    {"bad-not-object", "tensor 'a': its header entry is not an object"},
    {"bad-duplicate", "key 'a' is there twice"},
    {"bad-gap", "4 unused bytes before tensor 'b'"},
    {"bad-hole-at-start", "4 unused bytes before tensor 'a'"},
    {"bad-overlap", "tensors 'a' and 'b' overlap"},
    {"bad-offsets-reversed", "tensor 'a': data_offsets 16 and 0 are no range"},
    {"bad-offsets-three", "tensor 'a': data_offsets are not two numbers"},
    {"bad-offset-negative", "tensor 'a': data_offsets -16 and 0 are no range"},
    {"bad-size", "tensor 'a': 16 bytes, but its shape and dtype need 20"},
    {"bad-shape-negative", "tensor 'a': shape has an entry that is not a size"},
    {"bad-shape-text", "tensor 'a': shape is not a list"},
    {"bad-shape-overflow", "tensor 'a': shape is too large"},
    {"bad-shape-overflow-wraps", "tensor 'a': shape is too large"},
    {"bad-shape-overflow-bytes", "tensor 'a': shape is too large"},
    {"bad-shape-rank", "tensor 'a': shape is not a list of at most 8 sizes"},
    {"bad-dtype", "tensor 'a': unknown dtype 'F31'"},
    {"bad-dtype-number", "tensor 'a': no dtype"},
    {"bad-metadata", "__metadata__ 'format' is not a string"},
    {"bad-nul-name", "header: byte "},
    {"nowhere", "cannot open: No such file"},
};

static void test_refusals(void)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct safetensors set;
        struct capture capture;
        char path[256];
        int status;

        snprintf(path, sizeof path, FIXTURES "/%s.safetensors", refusals[i][0]);
        capture_begin(&capture);
        status = safetensors_open(&set, path);
        capture_end(&capture);
        if (!CHECK(status == -1, "%s is refused", refusals[i][0]))
            safetensors_close(&set);
        CHECK(capture_is_line(capture.text, refusals[i][1]) && strstr(capture.text, path) != NULL,
              "%s: '%s' does not say \"%s\"", refusals[i][0], capture.text, refusals[i][1]);
    }
}

/* Every truncation is refused, and no change of one byte does more than be refused or accepted. */
static void test_damage(void)
{
    char *folder = temporary_folder(), path[600];
    size_t size = 0, accepted = 0, refused = 0;
    char *data = read_whole(FIXTURES "/good.safetensors", &size);
    struct capture capture;
    struct safetensors set;

    snprintf(path, sizeof path, "%s/damaged.safetensors", folder);
    capture_begin(&capture);
    for (size_t length = 0; length < size; length++) {
        write_whole(path, data, length);
        if (safetensors_open(&set, path) == 0) {
            accepted++;
            safetensors_close(&set);
        }
    }
    for (size_t i = 0; i < size; i++) {
        char kept = data[i];

        data[i] = (char)(kept ^ (1 << i % 8));
        write_whole(path, data, size);
        data[i] = kept;
        if (safetensors_open(&set, path) != 0)
            refused++;
        else
            safetensors_close(&set);
    }
    capture_end(&capture);
    CHECK(size > 100 && accepted == 0, "%zu truncations of %zu bytes were accepted", accepted,
          size);
    CHECK(refused > size / 4, "%zu of %zu damaged files were refused", refused, size);
    free(data);
    remove_folder(folder);
}

/* Half-precision values against numpy's widening. */
static void test_widening(const char *narrow_path, const char *wide_path)
{
    struct safetensors narrow, wide;

    if (safetensors_open(&narrow, narrow_path) != 0 || safetensors_open(&wide, wide_path) != 0) {
        CHECK(false, "%s or %s cannot be read", narrow_path, wide_path);
        return;
    }
    CHECK(narrow.count == wide.count && wide.count == 25, "as many tensors");
    for (size_t i = 0; i < narrow.count; i++) {
        const struct safetensors_tensor *n = &narrow.tensors[i], *w = &wide.tensors[i];
        float *values = malloc(n->count * sizeof *values + 1);

        CHECK(strcmp(n->name, w->name) == 0 && n->count == w->count, "%s", n->name);
        CHECK(safetensors_to_float(n, values) == 0 && memcmp(values, w->data, w->size) == 0,
              "%s: the same bits", n->name);
        free(values);
    }
    safetensors_close(&narrow);
    safetensors_close(&wide);
}

static const float *give(void *context, size_t index)
{
    return ((const float **)context)[index];
}

static const float *fail(void *context, size_t index)
{
    return index == 1 ? NULL : give(context, index);
}

static void test_write(void)
{
    static const float a[] = {0, 1, 2, 3}, b[] = {0, 1, 2, 3, 4, 5};
    const float *values[] = {b, a};
    struct safetensors_item items[] = {
        {.name = "b", .rank = 2, .shape = {2, 3}, .index = 0},
        {.name = "a", .rank = 1, .shape = {4}, .index = 1},
    };
    char *folder = temporary_folder(), path[600];
    size_t size = 0, good_size = 0;
    uint64_t written = 0, hash = 0;
    struct output output;
    struct stat status;

    snprintf(path, sizeof path, "%s/written.safetensors", folder);
    json_t *metadata = json_pack("{s:s}", "step", "7");

    CHECK(output_open(&output, path) == 0, "opened");
    CHECK(safetensors_write(&output, items, 2, metadata, give, values, &written, &hash) == 0 &&
              output_commit(&output) == 0,
          "written");
    json_decref(metadata);
    char *ours = read_whole(path, &size);
    char *good = read_whole(FIXTURES "/good.safetensors", &good_size);

    CHECK(written == size && size % 8 == 0, "%zu bytes, told %llu", size,
          (unsigned long long)written);
    CHECK(memcmp(ours + size - 40, good + good_size - 40, 40) == 0, "the same data, a before b");
    CHECK(strstr(ours + 8, "\"__metadata__\":{\"format\":\"pt\",\"step\":\"7\"}") != NULL,
          "metadata: %s", ours + 8);
    CHECK(((uint64_t *)ours)[0] % 8 == 0, "the header is padded to 8");
    free(ours);
    free(good);
    CHECK(output_open(&output, path) == 0, "opened again");
    CHECK(safetensors_write(&output, items, 2, NULL, fail, values, NULL, NULL) == -1,
          "a failing getter fails the write");
    output_abandon(&output);
    CHECK(stat(path, &status) == 0 && (size_t)status.st_size == size, "the old file stays");
    remove_folder(folder);
}

/* A file of that header and those bytes, opened. */
static int open_made(struct safetensors *set, const char *path, const char *header,
                     const void *data, size_t size)
{
    char bytes[512];
    uint64_t length = strlen(header);

    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + length, data, size);
    write_whole(path, bytes, 8 + length + size);
    return safetensors_open(set, path);
}

/* Values by IEEE 754: 0x7c00 is infinity, 0x7e00 no number, 0x0001 and 0x8001 2^-24 and -2^-24. */
static void test_conversions(void)
{
    char *folder = temporary_folder(), path[600];
    const double wide[2] = {1.5, -0x1p-30};
    const uint16_t half[5] = {0x7c00, 0xfc00, 0x7e00, 0x0001, 0x8001};
    char data[34] = {0};
    float values[5];
    struct safetensors set;

    snprintf(path, sizeof path, "%s/made.safetensors", folder);
    memcpy(data, wide, 16);
    memcpy(data + 24, half, 10);
    if (CHECK(open_made(&set, path,
                        "{\"wide\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]},"
                        "\"whole\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[16,24]},"
                        "\"half\":{\"dtype\":\"F16\",\"shape\":[5],\"data_offsets\":[24,34]},"
                        "\"none\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[24,24]}}",
                        data, sizeof data) == 0,
              "three kinds, and nothing")) {
        CHECK(safetensors_to_float(safetensors_find(&set, "wide"), values) == 0 &&
                  values[0] == 1.5f && values[1] == -0x1p-30f,
              "F64");
        CHECK(safetensors_to_float(safetensors_find(&set, "half"), values) == 0 &&
                  values[0] == INFINITY && values[1] == -INFINITY && isnan(values[2]) &&
                  values[3] == 0x1p-24f && values[4] == -0x1p-24f,
              "F16");
        CHECK(safetensors_to_float(safetensors_find(&set, "whole"), values) == -1, "I64");
        safetensors_close(&set);
    }
    remove_folder(folder);
}

static void test_refused_made(void)
{
    static const char *const rows[][2] = {
        {"{\"__metadata__\":5}", "__metadata__ is not an object"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[\"0\",4]}}",
         "tensor 'a': data_offsets are not two numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4.0]}}",
         "tensor 'a': data_offsets are not two numbers"},
        {"{\"a\":5}", "tensor 'a': its header entry is not an object"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":5}}",
         "tensor 'a': data_offsets are not two numbers"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}",
         "tensor 'a': shape has an entry that is not a size"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}",
         "tensor 'a': shape is not a list of at most 8 sizes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"shape\":[1]}}",
         "key 'shape' is there twice"},
    };
    char *folder = temporary_folder(), path[600];
    struct safetensors set;
    struct capture capture;
    int status;

    snprintf(path, sizeof path, "%s/made.safetensors", folder);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        capture_begin(&capture);
        status = open_made(&set, path, rows[i][0], "abcd", 4);
        capture_end(&capture);
        CHECK(status == -1 && capture_is_line(capture.text, rows[i][1]), "%s: %s", rows[i][0],
              capture.text);
    }
    capture_begin(&capture);
    status = safetensors_open(&set, folder);
    capture_end(&capture);
    CHECK(status == -1 && capture_is_line(capture.text, "not a regular file"), "%s", capture.text);
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", folder);
    static const char *const indices[][2] = {
        {"{\"weight_map\": []}", "index.json: no 'weight_map'"},
        {"{\"weight_map\": {}}", "index.json: 'weight_map' is empty"},
        {"{}", "index.json: no 'weight_map'"},
        {"{\"weight_map\": {\"a\": 5}}",
         "index.json: tensor 'a': its file is not a name within the folder"},
        {"{\"weight_map\": {\"a\": \"\"}}",
         "index.json: tensor 'a': its file is not a name within the folder"},
        {"{\"weight_map\": {\"a\": \"..\"}}",
         "index.json: tensor 'a': its file is not a name within the folder"},
        {"{\"weight_map\": {\"a\": \"b\"}}", "/b: cannot open: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof indices / sizeof indices[0]; i++) {
        write_whole(path, indices[i][0], strlen(indices[i][0]));
        capture_begin(&capture);
        status = safetensors_open_folder(&set, folder);
        capture_end(&capture);
        CHECK(status == -1 && capture_is_line(capture.text, indices[i][1]), "%s", capture.text);
    }
    remove_folder(folder);
}

int main(void)
{
    diag_init("test");
    test_good();
    test_refusals();
    test_damage();
    test_widening(FIXTURES "/good-fp16/model.safetensors",
                  FIXTURES "/good-fp16-as-fp32/model.safetensors");
    test_widening(FIXTURES "/good-bf16/model.safetensors",
                  FIXTURES "/good-bf16-as-fp32/model.safetensors");
    test_write();
    test_conversions();
    test_refused_made();
    return check_report();
}
