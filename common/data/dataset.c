#include "data/dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "data/sample_labels.h"

struct sample {
    uint64_t first; /* position of its first token in ids and types */
    uint32_t length;
};

struct memory_dataset {
    struct dataset base;
    struct sample *samples;
    size_t sample_capacity;
    unsigned id_size;   /* 2 or 4 bytes */
    unsigned char *ids; /* [tokens] of id_size */
    size_t id_capacity; /* bytes */
    uint8_t *types;     /* [tokens], or NULL as long as all are zero */
    size_t type_capacity;
    struct sample_labels labels;
    struct stream_header header; /* for the labels */
};

static void memory_close(struct dataset *dataset)
{
    struct memory_dataset *self = (struct memory_dataset *)dataset;
    sample_labels_free(&self->labels);
    free(self->samples);
    free(self->ids);
    free(self->types);
    stream_header_free(&self->header);
    free(self);
}

static uint32_t memory_length(const struct dataset *dataset, uint32_t index)
{
    return ((const struct memory_dataset *)dataset)->samples[index].length;
}

static void memory_ids(const struct dataset *dataset, uint32_t index, uint32_t *out)
{
    const struct memory_dataset *self = (const struct memory_dataset *)dataset;
    const struct sample *sample = &self->samples[index];
    if (self->id_size == 2) {
        const uint16_t *ids = (const uint16_t *)self->ids + sample->first;
        for (uint32_t i = 0; i < sample->length; i++)
            out[i] = ids[i];
    } else {
        memcpy(out, (const uint32_t *)self->ids + sample->first, sizeof *out * sample->length);
    }
}

static void memory_types(const struct dataset *dataset, uint32_t index, uint32_t *out)
{
    const struct memory_dataset *self = (const struct memory_dataset *)dataset;
    const struct sample *sample = &self->samples[index];
    for (uint32_t i = 0; i < sample->length; i++)
        out[i] = self->types ? self->types[sample->first + i] : 0;
}

static int32_t memory_class(const struct dataset *dataset, uint32_t index)
{
    return sample_labels_class(&((const struct memory_dataset *)dataset)->labels, index);
}

static void memory_values(const struct dataset *dataset, uint32_t index, float *out)
{
    sample_labels_values(&((const struct memory_dataset *)dataset)->labels, index, out);
}

static const struct dataset_methods memory_methods = {
    .close = memory_close,
    .length = memory_length,
    .ids = memory_ids,
    .types = memory_types,
    .class_of = memory_class,
    .values_of = memory_values,
};

int dataset_check(const struct rec_tokens *tokens, const struct dataset_limits *limits,
                  const char *place)
{
    size_t length = rec_token_count(tokens);
    if (length == 0)
        return diag_error("%s: no tokens", place);
    if (length > limits->max_length)
        return diag_error("%s: %zu tokens, but the model takes at most %" PRIu32, place, length,
                          limits->max_length);
    for (size_t i = 0; i < length; i++) {
        uint32_t id = rec_token_id(tokens, i);
        if (id >= limits->vocab_size)
            return diag_error("%s: token id %" PRIu32
                              " is not below the model's vocabulary of %" PRIu64,
                              place, id, limits->vocab_size);
    }
    if (!tokens->types.data || limits->types == 0)
        return 0;
    for (size_t i = 0; i < length; i++) {
        unsigned type = (unsigned char)tokens->types.data[i];
        if (type >= limits->types)
            return diag_error("%s: token type %u, but the model knows only %" PRIu32, place, type,
                              limits->types);
    }
    return 0;
}

static void append_ids(struct memory_dataset *self, const struct rec_tokens *tokens, size_t length)
{
    uint64_t first = self->base.tokens;
    mem_grow(&self->ids, &self->id_capacity, (first + length) * self->id_size, 1);
    for (size_t i = 0; i < length; i++) {
        uint32_t id = rec_token_id(tokens, i);
        if (self->id_size == 2)
            ((uint16_t *)self->ids)[first + i] = (uint16_t)id;
        else
            ((uint32_t *)self->ids)[first + i] = id;
    }
}

static void append_types(struct memory_dataset *self, struct rec_span types, size_t length)
{
    if (!types.data && !self->types)
        return;
    bool fresh = !self->types;
    mem_grow(&self->types, &self->type_capacity, self->base.tokens + length, 1);
    if (fresh)
        memset(self->types, 0, self->base.tokens);
    if (types.data)
        memcpy(self->types + self->base.tokens, types.data, length);
    else
        memset(self->types + self->base.tokens, 0, length);
}

static int append(struct memory_dataset *self, const struct rec_tokens *tokens,
                  const struct dataset_limits *limits, const char *place)
{
    if (dataset_check(tokens, limits, place))
        return -1;
    if (self->base.count >= UINT32_MAX - 1)
        return diag_error("%s: more than %" PRIu32 " records", place, UINT32_MAX - 1);
    size_t length = rec_token_count(tokens);
    append_ids(self, tokens, length);
    if (limits->types > 0)
        append_types(self, tokens->types, length);
    mem_grow(&self->samples, &self->sample_capacity, (size_t)self->base.count + 1,
             sizeof *self->samples);
    self->samples[self->base.count++] = (struct sample){
        .first = self->base.tokens,
        .length = (uint32_t)length,
    };
    self->base.tokens += length;
    if (length > self->base.longest)
        self->base.longest = (uint32_t)length;
    return sample_labels_add(&self->labels, &tokens->label, place);
}

struct dataset *dataset_load(struct stream_merge *merge, const struct dataset_limits *limits)
{
    struct memory_dataset *self = mem_calloc(1, sizeof *self);
    struct stream_reader *reader = stream_merge_reader(merge);
    const struct stream_record *record;
    self->base.methods = &memory_methods;
    self->id_size = limits->vocab_size <= 65536 ? 2 : 4;
    stream_header_copy(&self->header, stream_merge_header(merge));
    int result;
    while ((result = stream_merge_next(merge, &record)) > 0)
        if (append(self, &record->tokens, limits, stream_reader_place(reader))) {
            result = -1;
            break;
        }
    if (result == 0 && self->base.count == 0)
        result = diag_error("%s: no records", stream_reader_source(reader));
    if (result) {
        memory_close(&self->base);
        return NULL;
    }
    return &self->base;
}

void dataset_close(struct dataset *dataset)
{
    if (dataset)
        dataset->methods->close(dataset);
}

enum stream_problem dataset_problem(const struct dataset *dataset)
{
    const struct memory_dataset *self = (const struct memory_dataset *)dataset;
    return self->header.problem != STREAM_PROBLEM_NONE ? self->header.problem
                                                       : sample_labels_problem(&self->labels);
}

int dataset_suggest_classes(const struct dataset *dataset, bool sets, struct label_set *classes,
                            uint32_t *numbered)
{
    const struct memory_dataset *self = (const struct memory_dataset *)dataset;
    if (!self->header.has_labels)
        return sample_labels_suggest(&self->labels, sets, classes, numbered);
    *numbered = 0;
    label_set_copy(classes, self->header.labels, self->header.label_count);
    return 0;
}

uint32_t dataset_suggest_numbers(const struct dataset *dataset)
{
    return sample_labels_width(&((const struct memory_dataset *)dataset)->labels);
}

int dataset_set_classes(struct dataset *dataset, const struct label_set *classes)
{
    struct memory_dataset *self = (struct memory_dataset *)dataset;
    return sample_labels_set_classes(&self->labels, &self->header, classes);
}

int dataset_set_sets(struct dataset *dataset, const struct label_set *classes)
{
    struct memory_dataset *self = (struct memory_dataset *)dataset;
    dataset->values = (uint32_t)classes->count;
    return sample_labels_set_sets(&self->labels, &self->header, classes);
}

int dataset_set_numbers(struct dataset *dataset, uint32_t count)
{
    dataset->values = count;
    return sample_labels_set_numbers(&((struct memory_dataset *)dataset)->labels, count);
}
