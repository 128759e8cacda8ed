/*
 * Records, as views: strings and arrays point into the memory of whoever made the record (the
 * reader's buffer until its next call, or the caller's own arrays when writing). See
 * bertpipe-stream(5) for every field's meaning.
 *
 * Optional fields: a span or array pointer of NULL is absent; an empty one has a pointer and size
 * 0. Everything zero is a valid record without optional fields: begin with `struct stream_record
 * record = {.type = STREAM_TEXT};`.
 */
#ifndef STREAM_RECORD_H
#define STREAM_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/header.h"

/* Bytes, not closed with NUL. Strings are valid UTF-8. */
struct rec_span {
    const char *data; /* NULL: absent */
    size_t size;
};

/* A span of a C string; absent when string is NULL. */
struct rec_span rec_span_of(const char *string);
bool rec_span_equal(struct rec_span span, const char *string);

enum rec_label_kind { LABEL_NONE, LABEL_INT, LABEL_FLOAT, LABEL_STRING, LABEL_LIST };

/* A label (or a tag): an id, a number, a name, or a list of those. Items of a list are never lists.
 */
struct rec_label {
    enum rec_label_kind kind;
    uint32_t count; /* LABEL_LIST */
    union {
        int64_t integer;
        double real;
        struct rec_span string;
        const struct rec_label *items;
    };
};

struct rec_text {
    struct rec_span id, text;
    struct rec_span pair;
    const struct rec_span *words; /* pre-split words [word_count] */
    size_t word_count;
    const struct rec_label *tags; /* a name or id per word [tag_count] */
    size_t tag_count;
    struct rec_label label;
    struct rec_span x; /* one msgpack map, raw */
};

struct rec_window {
    uint64_t k, n;        /* window k of n, from 1; n 0: absent */
    uint64_t first_token; /* of the text's own tokens, specials not counted */
};

struct rec_tokens {
    struct rec_span id;
    struct rec_span
        ids; /* little-endian u16 or u32 as ids_type says, specials included, unaligned */
    enum stream_ids_type
        ids_type;          /* the header's; filled in by the reader and checked by the writer */
    struct rec_span types; /* u8 [tokens] */
    struct rec_span
        offsets; /* u32 pairs [tokens, 2]: first byte and byte after the last, in the raw text */
    struct rec_span words;  /* u32 [tokens]: word the token belongs to, 0xffffffff for specials */
    struct rec_span labels; /* i32 [tokens], -100 ignored */
    struct rec_label label;
    struct rec_window window;
    uint64_t cut; /* tokens lost to truncation */
    struct rec_span text;
    struct rec_span x;
};

/* A stretch of text found by a token classifier. */
struct rec_found {
    uint32_t first, last; /* bytes of the text: first, and the one after the last */
    struct rec_span name;
    double score;
};

struct rec_prediction {
    struct rec_span id;
    struct rec_label label; /* id, value, or list of ids */
    struct rec_span name;   /* the label's name */
    double score;
    bool has_score;
    const double *probs; /* [prob_count]; written as float32 where that is exact */
    size_t prob_count;
    struct rec_label gold;
    struct rec_span text;
    const struct rec_found *spans; /* [span_count] */
    size_t span_count;
    struct rec_span x;
};

struct rec_value {
    struct rec_span name;
    double value; /* NaN and infinities are allowed */
};

struct rec_metrics {
    uint64_t step;
    double epoch;
    struct rec_span split;          /* "train", "eval", ... */
    double time;                    /* seconds since 1970 */
    const struct rec_value *values; /* [value_count] */
    size_t value_count;
};

struct stream_record {
    enum stream_type type;
    union {
        struct rec_text text;
        struct rec_tokens tokens;
        struct rec_prediction prediction;
        struct rec_metrics metrics;
    };
};

/* The record's id; absent in records of metrics, which have none. */
struct rec_span stream_record_id(const struct stream_record *record);
/* The label that the user's data gave it: the gold label of a prediction. NULL: metrics. */
const struct rec_label *stream_record_label(const struct stream_record *record);

/* Little-endian items of a bin field; i must be below the count. */
uint32_t rec_u16_at(struct rec_span bin, size_t i);
uint32_t rec_u32_at(struct rec_span bin, size_t i);
int32_t rec_i32_at(struct rec_span bin, size_t i);

/* Number of tokens, the id of one, the largest (0 of none), and all widened into
 * ids[rec_token_count]. */
size_t rec_token_count(const struct rec_tokens *tokens);
uint32_t rec_token_id(const struct rec_tokens *tokens, size_t i);
uint32_t rec_largest_id(const struct rec_tokens *tokens);
void rec_token_ids(const struct rec_tokens *tokens, uint32_t *ids);

/* For writing: stores count host values as little-endian items of ids_type into out[count * 2 or
 * 4]; gives the bin's span. */
struct rec_span rec_store_ids(void *out, const uint32_t *ids, size_t count,
                              enum stream_ids_type ids_type);
struct rec_span rec_store_u32(void *out, const uint32_t *values, size_t count);
struct rec_span rec_store_i32(void *out, const int32_t *values, size_t count);

/* A deep copy in one allocation, with the views inside it; release with free(). For tools that hold
 * a batch. */
struct stream_record *stream_record_clone(const struct stream_record *record);

#endif
