#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cli/diag.h"
#include "cli/hash.h"
#include "model/safetensors.h"

struct sink {
    struct output *output;
    XXH64_state_t *hash;
    uint64_t size;
};

static int put(struct sink *sink, const void *data, size_t size)
{
    XXH64_update(sink->hash, data, size);
    sink->size += size;
    return output_write(sink->output, data, size);
}

static int by_name(const void *a, const void *b)
{
    const struct safetensors_item *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static uint64_t item_size(const struct safetensors_item *item)
{
    uint64_t size = sizeof(float);

    for (uint32_t i = 0; i < item->rank; i++)
        size *= item->shape[i];
    return size;
}

/* Rows in the order of the items, after __metadata__. NULL when a name is not UTF-8. */
static json_t *header_object(const struct safetensors_item *items, size_t count,
                             const json_t *metadata)
{
    json_t *header = json_object();
    json_t *notes = json_pack("{s:s}", "format", "pt");
    uint64_t at = 0;

    if (metadata != NULL)
        json_object_update(notes, (json_t *)metadata);
    json_object_set_new(header, "__metadata__", notes);
    for (size_t i = 0; i < count; i++) {
        json_t *shape = json_array();
        uint64_t end = at + item_size(&items[i]);

        for (uint32_t d = 0; d < items[i].rank; d++)
            json_array_append_new(shape, json_integer((json_int_t)items[i].shape[d]));
        json_t *row = json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape,
                                "data_offsets", (json_int_t)at, (json_int_t)end);

        if (json_object_set_new(header, items[i].name, row) != 0) {
            json_decref(header);
            return NULL;
        }
        at = end;
    }
    return header;
}

static int put_header(struct sink *sink, const struct safetensors_item *items, size_t count,
                      const json_t *metadata)
{
    static const char spaces[8] = "       ";
    json_t *header = header_object(items, count, metadata);
    char *text = header != NULL ? json_dumps(header, JSON_COMPACT) : NULL;
    int status;

    json_decref(header);
    if (text == NULL)
        return diag_error("a tensor's name is not UTF-8");
    uint64_t length = strlen(text), padding = (8 - length % 8) % 8;
    uint64_t total = length + padding;

    status = put(sink, &total, sizeof total);
    if (status == 0)
        status = put(sink, text, length);
    if (status == 0)
        status = put(sink, spaces, padding);
    free(text);
    return status;
}

int safetensors_write(struct output *output, struct safetensors_item *items, size_t count,
                      const json_t *metadata, safetensors_get *get, void *context, uint64_t *size,
                      uint64_t *xxh64)
{
    struct sink sink = {.output = output, .hash = hash_new()};
    int status;

    qsort(items, count, sizeof *items, by_name);
    status = put_header(&sink, items, count, metadata);
    for (size_t i = 0; status == 0 && i < count; i++) {
        const float *values = get(context, items[i].index);

        status = values != NULL ? put(&sink, values, item_size(&items[i])) : -1;
    }
    if (size != NULL)
        *size = sink.size;
    if (xxh64 != NULL)
        *xxh64 = XXH64_digest(sink.hash);
    XXH64_freeState(sink.hash);
    return status;
}
