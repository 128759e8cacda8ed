/*
 * The header of a segment: what its records are, and how they came about. See bertpipe-stream(5).
 */
#ifndef STREAM_HEADER_H
#define STREAM_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_VERSION   1
#define STREAM_MAX_PARTS 1000000

enum stream_type { STREAM_TEXT, STREAM_TOKENS, STREAM_PREDICTIONS, STREAM_METRICS };

enum stream_problem {
    STREAM_PROBLEM_NONE, /* not stated: unlabelled text, metrics */
    STREAM_PROBLEM_SINGLE,
    STREAM_PROBLEM_MULTI,
    STREAM_PROBLEM_REGRESSION,
    STREAM_PROBLEM_TOKEN,
    STREAM_PROBLEM_MLM,
};

enum stream_ids_type { IDS_NONE, IDS_U16, IDS_U32 };

/* "text", "single", "u16": as written in the header; "none" for the values that are not written. */
const char *stream_type_name(enum stream_type type);
const char *stream_problem_name(enum stream_problem problem);
const char *stream_ids_type_name(enum stream_ids_type type);
/* NULL-terminated, indexed by enum: for OPTION_CHOICE. */
extern const char *const stream_problem_names[];

/* Strings are owned by the header. */
struct stream_option {
    char *key, *value;
};

struct stream_history_entry {
    char *tool, *version;
    struct stream_option *options;
    size_t option_count, option_capacity;
};

struct stream_part {
    bool present;
    uint64_t k, n; /* part k of n, from 1 */
    char *set;     /* id shared by the parts of one set */
};

struct stream_model {
    char *name, *digest; /* name NULL: no model stated */
};

/* What tokens were made with. Ids are -1 when the tokenizer has no such token. */
struct stream_tokenizer {
    char *digest;                    /* canonical SHA-256 in hex; NULL: no tokenizer stated */
    char *kind;                      /* "wordpiece" */
    uint64_t vocab_size, max_length; /* max_length: tokens per record, specials included */
    int64_t cls, sep, pad, unk, mask;
};

struct stream_header {
    enum stream_type type;
    enum stream_problem problem;
    char **labels; /* names in id order; one block of memory with them */
    size_t label_count;
    bool has_labels;
    struct stream_history_entry *history;
    size_t history_count, history_capacity;
    struct stream_part part;
    struct stream_model model;
    struct stream_tokenizer tokenizer;
    enum stream_ids_type ids_type; /* follows from vocab_size in a tokens stream, else IDS_NONE */
};

/* Empty, of this type. */
void stream_header_init(struct stream_header *header, enum stream_type type);
void stream_header_free(struct stream_header *header);
/* Deep copy into an uninitialised header. */
void stream_header_copy(struct stream_header *header, const struct stream_header *source);

/* Copies the names; replaces earlier ones. */
void stream_header_set_labels(struct stream_header *header, const char *const *names, size_t count);
struct rec_span;
void stream_header_set_label_spans(struct stream_header *header, const struct rec_span *names,
                                   size_t count);
void stream_header_set_model(struct stream_header *header, const char *name, const char *digest);
/* Copies the description and sets ids_type from vocab_size. */
void stream_header_set_tokenizer(struct stream_header *header,
                                 const struct stream_tokenizer *tokenizer);
void stream_header_set_part(struct stream_header *header, uint64_t k, uint64_t n, const char *set);
void stream_header_clear_part(struct stream_header *header);

/*
 * Appends one entry for this tool at BERTPIPE_VERSION; then its options, one call each. Only
 * options that change the result belong here: never threads, paths, times or secrets.
 */
void stream_history_append(struct stream_header *header, const char *tool);
/* An entry of another version, read from somewhere. */
void stream_history_append_version(struct stream_header *header, const char *tool,
                                   const char *version);
void stream_history_option(struct stream_header *header, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* How much of the history streams are written with: the environment's BERTPIPE_HISTORY. */
enum stream_history_rule {
    HISTORY_FULL,
    HISTORY_PROGRAMS, /* names and versions */
    HISTORY_NONE,
};
/* 0, or -1 with a message when the variable has none of these names. */
int stream_history_find_rule(enum stream_history_rule *rule);
void stream_history_redact(struct stream_header *header, enum stream_history_rule rule);

/* u16 iff vocab_size is at most 65,536. */
enum stream_ids_type stream_ids_type_for(uint64_t vocab_size);

/* Whether both have the same names in the same order, or neither has any. */
bool stream_header_same_labels(const struct stream_header *a, const struct stream_header *b);

/*
 * Whether segments may be merged: they agree on type, problem, labels and tokenizer. 0, or -1 with
 * a message `place: ...` that names what differs.
 */
int stream_header_agree(const struct stream_header *first, const struct stream_header *other,
                        const char *place);
/* 0 when the type is the wanted one, or -1 with `place: needs a tokens stream, this is a text
 * stream`. */
int stream_header_expect(const struct stream_header *header, enum stream_type type,
                         const char *place);

#endif
