/*
 * The safetensors format: u64le header length, JSON header, tensors.
 *
 * The reader maps files and trusts nothing: header of at most 100 MB that begins with `{`, no name
 * twice, known dtypes, every tensor's byte range equal to shape times element size, ranges that
 * cover the file without gap, overlap or trailing bytes. Source:
 * github.com/huggingface/safetensors, README "Format".
 */
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/mapping.h"
#include "cli/output.h"

#define SAFETENSORS_HEADER_MAX 100000000u
#define SAFETENSORS_RANK_MAX   8

enum safetensors_dtype {
    SAFETENSORS_F64,
    SAFETENSORS_F32,
    SAFETENSORS_F16,
    SAFETENSORS_BF16,
    SAFETENSORS_I64,
    SAFETENSORS_OTHER, /* a dtype whose size is known but whose values nothing here reads */
};

struct safetensors_tensor {
    char *name;       /* owned by the set */
    const char *path; /* the file it is in; owned by the set */
    enum safetensors_dtype dtype;
    const char *dtype_name; /* "F32"; static */
    uint32_t rank;
    uint64_t shape[SAFETENSORS_RANK_MAX];
    uint64_t count;   /* product of shape; 1 for rank 0 */
    const void *data; /* in the mapping; may be unaligned; little-endian, row-major */
    uint64_t size;    /* bytes */
};

/* The tensors of one or several files, by name. */
struct safetensors {
    struct safetensors_tensor *tensors; /* sorted by name (bytewise) */
    size_t count;
    size_t capacity;
    struct mapping **files;
    size_t file_count;
    json_t *metadata; /* __metadata__ of the last file that has one, or NULL; owned */
};

/* Maps one file. 0, or -1 with a message that names the file; nothing to close after a failure. */
int safetensors_open(struct safetensors *set, const char *path);
/* Maps FOLDER/model.safetensors, or all files that FOLDER/model.safetensors.index.json names. */
int safetensors_open_folder(struct safetensors *set, const char *folder);
void safetensors_close(struct safetensors *set);

const struct safetensors_tensor *safetensors_find(const struct safetensors *set, const char *name);

/* Whether values can be used in place as const float *: F32 and aligned. */
bool safetensors_is_float(const struct safetensors_tensor *tensor);
/* Converts an F64, F32, F16 or BF16 tensor to count floats. -1 without a message for other dtypes.
 */
int safetensors_to_float(const struct safetensors_tensor *tensor, float *values);
/* "[30522, 384]" into text[size]; returns text. */
const char *safetensors_shape_text(uint32_t rank, const uint64_t *shape, char *text, size_t size);

/* One tensor to write, F32. */
struct safetensors_item {
    const char *name;
    uint32_t rank;
    uint64_t shape[SAFETENSORS_RANK_MAX];
    size_t index; /* handed to the getter */
};

/* Gives a tensor's values, which must stay valid until the next call. NULL after a message. */
typedef const float *safetensors_get(void *context, size_t index);

/*
 * Writes a whole file to output: header padded with spaces to a multiple of 8, then the tensors
 * in name order, contiguous. items is sorted in place. metadata (may be NULL; not consumed) holds
 * strings and is merged into `__metadata__ {"format": "pt"}`. *size and *xxh64 (may be NULL)
 * receive the file's size and hash. 0, or -1 with a message.
 */
int safetensors_write(struct output *output, struct safetensors_item *items, size_t count,
                      const json_t *metadata, safetensors_get *get, void *context, uint64_t *size,
                      uint64_t *xxh64);

#endif
