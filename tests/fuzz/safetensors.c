/*
 * The reader of safetensors files. Of an input whose first byte is odd, what follows up to a
 * newline is the header, whose length is put before it, and the rest the tensors; else it is the
 * file. The tensors of a file that is accepted lie in it end to end, and are the same after they
 * have been written and read again.
 */
#include <string.h>

#include "cli/memory.h"
#include "fuzz.h"
#include "model/safetensors.h"
#include "reading.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    reading_init();
    return 0;
}

static const char *write_input(const uint8_t *data, size_t size)
{
    if (!(data[0] & 1))
        return reading_write("in.safetensors", data + 1, size - 1);
    const uint8_t *text = data + 1, *newline = memchr(text, '\n', size - 1);
    uint64_t length = newline != NULL ? (uint64_t)(newline - text) : size - 1;
    char *file = malloc(size + 8);
    size_t rest = newline != NULL ? size - 1 - length - 1 : 0;
    memcpy(file, &length, 8);
    memcpy(file + 8, text, length);
    memcpy(file + 8 + length, text + length + (newline != NULL), rest);
    const char *path = reading_write("in.safetensors", file, 8 + length + rest);
    free(file);
    return path;
}

/* Each tensor's bytes are its own: none is outside, in two, or in none. */
static void check_places(const struct safetensors *set)
{
    const char *map = set->files[0]->data;
    size_t size = set->files[0]->size;
    unsigned char *owners = calloc(size + 1, 1);
    uint64_t header;
    memcpy(&header, map, 8);
    for (size_t i = 0; i < set->count; i++) {
        const struct safetensors_tensor *tensor = &set->tensors[i];
        size_t begin = (size_t)((const char *)tensor->data - map);
        REQUIRE(begin >= 8 + header && begin <= size && tensor->size <= size - begin, "%s",
                tensor->name);
        for (size_t k = begin; k < begin + tensor->size; k++)
            REQUIRE(++owners[k] == 1, "%s: byte %zu is another's, too", tensor->name, k);
        REQUIRE(safetensors_find(set, tensor->name) == tensor, "%s: found elsewhere", tensor->name);
    }
    for (size_t k = 8 + header; k < size; k++)
        REQUIRE(owners[k] == 1, "byte %zu is nobody's", k);
    free(owners);
}

struct values {
    const struct safetensors *set;
    float *values; /* of the tensor last asked for */
};

static const float *get_values(void *context, size_t index)
{
    struct values *values = context;
    const struct safetensors_tensor *tensor = &values->set->tensors[index];
    free(values->values);
    values->values = calloc(tensor->count + 1, sizeof(float));
    safetensors_to_float(tensor, values->values);
    return values->values;
}

/* Those that can be converted, as F32. */
static void check_writing(const struct safetensors *set)
{
    struct safetensors_item *items = calloc(set->count + 1, sizeof *items);
    struct values values = {.set = set};
    struct safetensors again;
    struct output output;
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct safetensors_tensor *tensor = &set->tensors[i];
        if (tensor->dtype == SAFETENSORS_OTHER || tensor->dtype == SAFETENSORS_I64 ||
            strcmp(tensor->name, "__metadata__") == 0)
            continue;
        items[count] = (struct safetensors_item){tensor->name, tensor->rank, {0}, i};
        memcpy(items[count++].shape, tensor->shape, sizeof tensor->shape);
    }
    const char *path = reading_path("out.safetensors");
    REQUIRE(output_open(&output, path) == 0 &&
                safetensors_write(&output, items, count, set->metadata, get_values, &values, NULL,
                                  NULL) == 0 &&
                output_commit(&output) == 0 && safetensors_open(&again, path) == 0,
            "what was written does not open");
    REQUIRE(again.count == count, "%zu tensors, not %zu", again.count, count);
    for (size_t i = 0; i < count; i++) {
        const struct safetensors_tensor *tensor = safetensors_find(&again, items[i].name);
        REQUIRE(tensor != NULL && tensor->size == 4 * set->tensors[items[i].index].count, "%s",
                items[i].name);
        REQUIRE(memcmp(tensor->data, get_values(&values, items[i].index), tensor->size) == 0, "%s",
                items[i].name);
    }
    safetensors_close(&again);
    free(values.values);
    free(items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading reading;
    struct safetensors set;
    if (size < 1)
        return -1;
    const char *path = write_input(data, size);
    reading_begin(&reading);
    bool accepted = safetensors_open(&set, path) == 0;
    reading_end(&reading, accepted, size);
    if (!accepted)
        return 0;
    check_places(&set);
    check_writing(&set);
    safetensors_close(&set);
    return 0;
}
