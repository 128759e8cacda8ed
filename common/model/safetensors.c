#include "model/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/paths.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "tensors are used in place, and they are little-endian");

struct dtype_row {
    const char *name;
    enum safetensors_dtype dtype;
    uint32_t size;
};

static const struct dtype_row dtype_rows[] = {
    {"F32", SAFETENSORS_F32, 4},       {"F16", SAFETENSORS_F16, 2},
    {"BF16", SAFETENSORS_BF16, 2},     {"F64", SAFETENSORS_F64, 8},
    {"I64", SAFETENSORS_I64, 8},       {"I32", SAFETENSORS_OTHER, 4},
    {"I16", SAFETENSORS_OTHER, 2},     {"I8", SAFETENSORS_OTHER, 1},
    {"U64", SAFETENSORS_OTHER, 8},     {"U32", SAFETENSORS_OTHER, 4},
    {"U16", SAFETENSORS_OTHER, 2},     {"U8", SAFETENSORS_OTHER, 1},
    {"BOOL", SAFETENSORS_OTHER, 1},    {"F8_E4M3", SAFETENSORS_OTHER, 1},
    {"F8_E5M2", SAFETENSORS_OTHER, 1},
};

static int read_dtype(struct safetensors_tensor *tensor, const char *path, const json_t *item,
                      uint32_t *element)
{
    const char *name = json_string_value(item);

    if (name == NULL)
        return diag_error("%s: tensor '%s': no dtype", path, tensor->name);
    for (size_t i = 0; i < sizeof dtype_rows / sizeof dtype_rows[0]; i++) {
        if (strcmp(name, dtype_rows[i].name) == 0) {
            tensor->dtype = dtype_rows[i].dtype;
            tensor->dtype_name = dtype_rows[i].name;
            *element = dtype_rows[i].size;
            return 0;
        }
    }
    return diag_error("%s: tensor '%s': unknown dtype '%s'", path, tensor->name, name);
}

static int read_shape(struct safetensors_tensor *tensor, const char *path, const json_t *item,
                      uint32_t element)
{
    if (!json_is_array(item) || json_array_size(item) > SAFETENSORS_RANK_MAX)
        return diag_error("%s: tensor '%s': shape is not a list of at most %d sizes", path,
                          tensor->name, SAFETENSORS_RANK_MAX);
    tensor->rank = (uint32_t)json_array_size(item);
    tensor->count = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        const json_t *extent = json_array_get(item, i);

        if (!json_is_integer(extent) || json_integer_value(extent) < 0)
            return diag_error("%s: tensor '%s': shape has an entry that is not a size", path,
                              tensor->name);
        tensor->shape[i] = (uint64_t)json_integer_value(extent);
        if (__builtin_mul_overflow(tensor->count, tensor->shape[i], &tensor->count))
            return diag_error("%s: tensor '%s': shape is too large", path, tensor->name);
    }
    if (__builtin_mul_overflow(tensor->count, element, &tensor->size))
        return diag_error("%s: tensor '%s': shape is too large", path, tensor->name);
    return 0;
}

/* Checks the byte range against shape and file; data is where the tensors begin. */
static int read_offsets(struct safetensors_tensor *tensor, const char *path, const json_t *item,
                        const char *data, size_t data_size)
{
    json_int_t begin, end;

    if (json_array_size(item) != 2 || !json_is_integer(json_array_get(item, 0)) ||
        !json_is_integer(json_array_get(item, 1)))
        return diag_error("%s: tensor '%s': data_offsets are not two numbers", path, tensor->name);
    begin = json_integer_value(json_array_get(item, 0));
    end = json_integer_value(json_array_get(item, 1));
    if (begin < 0 || end < begin)
        return diag_error("%s: tensor '%s': data_offsets %lld and %lld are no range", path,
                          tensor->name, (long long)begin, (long long)end);
    if ((uint64_t)end > data_size)
        return diag_error("%s: tensor '%s' ends at byte %lld, but there are only %zu: the file is "
                          "cut short",
                          path, tensor->name, (long long)end, data_size);
    if ((uint64_t)(end - begin) != tensor->size)
        return diag_error("%s: tensor '%s': %lld bytes, but its shape and dtype need %llu", path,
                          tensor->name, (long long)(end - begin), (unsigned long long)tensor->size);
    tensor->data = data + begin;
    return 0;
}

static int read_tensor(struct safetensors_tensor *tensor, const char *path, const json_t *row,
                       const char *data, size_t data_size)
{
    uint32_t element = 0;

    if (!json_is_object(row))
        return diag_error("%s: tensor '%s': its header entry is not an object", path, tensor->name);
    if (read_dtype(tensor, path, json_object_get(row, "dtype"), &element) != 0 ||
        read_shape(tensor, path, json_object_get(row, "shape"), element) != 0)
        return -1;
    return read_offsets(tensor, path, json_object_get(row, "data_offsets"), data, data_size);
}

static int check_metadata(const char *path, const json_t *metadata)
{
    const char *key;
    json_t *value;

    if (!json_is_object(metadata))
        return diag_error("%s: __metadata__ is not an object", path);
    json_object_foreach((json_t *)metadata, key, value)
    {
        if (!json_is_string(value))
            return diag_error("%s: __metadata__ '%s' is not a string", path, key);
    }
    return 0;
}

static int by_position(const void *a, const void *b)
{
    const struct safetensors_tensor *x = a, *y = b;

    if (x->data != y->data)
        return (const char *)x->data < (const char *)y->data ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size); /* empty tensors first */
}

/* The tensors, in order of position, must cover the data exactly. */
static int check_cover(const struct safetensors_tensor *tensors, size_t count, const char *path,
                       const char *data, size_t data_size)
{
    const char *at = data;

    for (size_t i = 0; i < count; i++) {
        const char *begin = tensors[i].data;

        if (begin > at)
            return diag_error("%s: %zu unused bytes before tensor '%s'", path, (size_t)(begin - at),
                              tensors[i].name);
        if (begin < at)
            return diag_error("%s: tensors '%s' and '%s' overlap", path, tensors[i - 1].name,
                              tensors[i].name);
        at = begin + tensors[i].size;
    }
    if (at != data + data_size)
        return diag_error("%s: %zu bytes after the last tensor", path,
                          data_size - (size_t)(at - data));
    return 0;
}

static json_t *parse_header(const char *path, const char *map, size_t size, size_t *header)
{
    struct json_fault fault;
    json_t *json;
    uint64_t length;

    if (size < 8) {
        diag_error("%s: %zu bytes are too few for a safetensors file", path, size);
        return NULL;
    }
    memcpy(&length, map, sizeof length);
    if (length > SAFETENSORS_HEADER_MAX) {
        diag_error("%s: a header of %llu bytes is over the limit of %u: not a safetensors file?",
                   path, (unsigned long long)length, SAFETENSORS_HEADER_MAX);
        return NULL;
    }
    if (length > size - 8) {
        diag_error("%s: a header of %llu bytes, but only %zu follow: the file is cut short", path,
                   (unsigned long long)length, size - 8);
        return NULL;
    }
    *header = (size_t)length;
    if (length == 0 || map[8] != '{') {
        diag_error("%s: the header does not begin with '{'", path);
        return NULL;
    }
    json = json_parse(map + 8, (size_t)length, 0, &fault);
    if (json == NULL)
        diag_error("%s: header: byte %zu: %s", path, fault.at, fault.reason);
    return json;
}

static int read_tensors(struct safetensors *set, const struct mapping *file)
{
    size_t header = 0, first = set->count;
    json_t *json = parse_header(file->path, file->data, file->size, &header);
    const char *key;
    json_t *row;

    if (json == NULL)
        return -1;

    const char *data = (const char *)file->data + 8 + header;
    size_t data_size = file->size - 8 - header;

    /* One more, so that there is an array even without tensors. */
    mem_grow(&set->tensors, &set->capacity, set->count + json_object_size(json) + 1,
             sizeof *set->tensors);
    json_object_foreach(json, key, row)
    {
        struct safetensors_tensor *tensor = &set->tensors[set->count];
        int status;

        if (strcmp(key, "__metadata__") == 0) {
            status = check_metadata(file->path, row);
            json_decref(set->metadata);
            set->metadata = json_incref(row);
        } else {
            *tensor = (struct safetensors_tensor){.name = mem_strdup(key), .path = file->path};
            set->count++;
            status = read_tensor(tensor, file->path, row, data, data_size);
        }
        if (status != 0) {
            json_decref(json);
            return -1;
        }
    }
    json_decref(json);
    qsort(set->tensors + first, set->count - first, sizeof *set->tensors, by_position);
    return check_cover(set->tensors + first, set->count - first, file->path, data, data_size);
}

static int add_file(struct safetensors *set, const char *path)
{
    struct mapping *file = mapping_open(path, false);

    if (file == NULL)
        return -1;
    set->files = mem_realloc_array(set->files, set->file_count + 1, sizeof(struct mapping *));
    set->files[set->file_count++] = file;
    return read_tensors(set, file);
}

static int by_name(const void *a, const void *b)
{
    const struct safetensors_tensor *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int finish(struct safetensors *set)
{
    if (set->count > 0)
        qsort(set->tensors, set->count, sizeof *set->tensors, by_name);
    for (size_t i = 1; i < set->count; i++)
        if (strcmp(set->tensors[i - 1].name, set->tensors[i].name) == 0)
            return diag_error("%s: tensor '%s' is also in %s", set->tensors[i].path,
                              set->tensors[i].name, set->tensors[i - 1].path);
    return 0;
}

int safetensors_open(struct safetensors *set, const char *path)
{
    *set = (struct safetensors){0};
    if (add_file(set, path) == 0 && finish(set) == 0)
        return 0;
    safetensors_close(set);
    return -1;
}

/* Maps every file that the weight map names, once. */
static int add_shards(struct safetensors *set, const char *folder, const char *index,
                      const json_t *map)
{
    json_t *seen = json_object(), *value;
    const char *key;
    int status = 0;

    json_object_foreach((json_t *)map, key, value)
    {
        const char *name = json_string_value(value);

        if (name == NULL || name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL) {
            status =
                diag_error("%s: tensor '%s': its file is not a name within the folder", index, key);
        } else if (json_object_get(seen, name) == NULL) {
            char *path = mem_format("%s/%s", folder, name);

            json_object_set_new(seen, name, json_true());
            status = add_file(set, path);
            free(path);
        }
        if (status != 0)
            break;
    }
    json_decref(seen);
    return status;
}

/* Every tensor must be in the file that the index says. */
static int check_shards(const struct safetensors *set, const char *index, const json_t *map)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)map, key, value)
    {
        const struct safetensors_tensor *tensor = safetensors_find(set, key);
        const char *base = tensor != NULL ? strrchr(tensor->path, '/') + 1 : "";

        if (strcmp(base, json_string_value(value)) != 0)
            return diag_error("%s: tensor '%s' is not in %s", index, key, json_string_value(value));
    }
    return 0;
}

static int open_sharded(struct safetensors *set, const char *folder, const char *index)
{
    json_t *json = json_file_read(index, 0);
    const json_t *map = json_object_get(json, "weight_map");
    int status = -1;

    if (json == NULL)
        return -1;
    if (!json_is_object(map))
        diag_error("%s: no 'weight_map'", index);
    else if (json_object_size(map) == 0)
        diag_error("%s: 'weight_map' is empty", index);
    else if (add_shards(set, folder, index, map) == 0 && finish(set) == 0)
        status = check_shards(set, index, map);
    json_decref(json);
    return status;
}

int safetensors_open_folder(struct safetensors *set, const char *folder)
{
    char *single = mem_format("%s/model.safetensors", folder);
    char *index = mem_format("%s/model.safetensors.index.json", folder);
    char *pickle = mem_format("%s/pytorch_model.bin", folder);
    int status;

    *set = (struct safetensors){0};
    if (!path_missing(single) || (path_missing(index) && path_missing(pickle))) {
        status = safetensors_open(set, single);
    } else if (!path_missing(index)) {
        status = open_sharded(set, folder, index);
        if (status != 0)
            safetensors_close(set);
    } else {
        status =
            diag_error("%s: a pickle is not read: the model must be saved as safetensors", pickle);
    }
    free(single);
    free(index);
    free(pickle);
    return status;
}

void safetensors_close(struct safetensors *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->tensors[i].name);
    free(set->tensors);
    for (size_t i = 0; i < set->file_count; i++)
        mapping_close(set->files[i]);
    free(set->files);
    json_decref(set->metadata);
    *set = (struct safetensors){0};
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *set, const char *name)
{
    const struct safetensors_tensor key = {.name = (char *)name};

    if (set->count == 0)
        return NULL;
    return bsearch(&key, set->tensors, set->count, sizeof *set->tensors, by_name);
}

bool safetensors_is_float(const struct safetensors_tensor *tensor)
{
    return tensor->dtype == SAFETENSORS_F32 && (uintptr_t)tensor->data % _Alignof(float) == 0;
}

static float from_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static float from_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1fu;
    uint32_t fraction = half & 0x3ffu;

    if (exponent == 0x1f) /* infinity, NaN */
        return from_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent != 0)
        return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float value = (float)fraction * 0x1p-24f; /* zero and subnormals */

    return sign != 0 ? -value : value;
}

int safetensors_to_float(const struct safetensors_tensor *tensor, float *values)
{
    const char *data = tensor->data;

    switch (tensor->dtype) {
    case SAFETENSORS_F32:
        if (tensor->size > 0)
            memcpy(values, data, tensor->size);
        return 0;
    case SAFETENSORS_F64:
        for (uint64_t i = 0; i < tensor->count; i++) {
            double wide;

            memcpy(&wide, data + i * 8, sizeof wide);
            values[i] = (float)wide;
        }
        return 0;
    case SAFETENSORS_F16:
    case SAFETENSORS_BF16:
        for (uint64_t i = 0; i < tensor->count; i++) {
            uint16_t narrow;

            memcpy(&narrow, data + i * 2, sizeof narrow);
            values[i] = tensor->dtype == SAFETENSORS_F16 ? from_half(narrow)
                                                         : from_bits((uint32_t)narrow << 16);
        }
        return 0;
    default:
        return -1;
    }
}

const char *safetensors_shape_text(uint32_t rank, const uint64_t *shape, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "[");

    for (uint32_t i = 0; i < rank && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%llu", i > 0 ? ", " : "",
                                   (unsigned long long)shape[i]);
    if (length < size)
        snprintf(text + length, size - length, "]");
    return text;
}
