/*
 * Looking at msgpack bytes without trusting them: no allocation, no recursion, no read beyond what
 * has arrived. Internal to stream/. Writing uses msgpack-c; for reading, msgpack-c would allocate
 * from declared counts.
 */
#ifndef STREAM_MSGPACK_SCAN_H
#define STREAM_MSGPACK_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/reader.h"
#include "stream/record.h"

enum mp_kind {
    MP_NIL,
    MP_BOOL,
    MP_INT,
    MP_UINT,
    MP_FLOAT,
    MP_STR,
    MP_BIN,
    MP_EXT,
    MP_ARRAY,
    MP_MAP
};

/* One item's head, and where its payload lies. */
struct mp_token {
    enum mp_kind kind;
    size_t length;  /* bytes of head and payload; of an array or map, the head only */
    uint32_t count; /* MP_ARRAY: items, MP_MAP: pairs */
    union {
        bool boolean;
        int64_t integer;      /* MP_INT: any value of a signed type, or unsigned up to INT64_MAX */
        uint64_t large;       /* MP_UINT: above INT64_MAX */
        double real;          /* MP_FLOAT */
        struct rec_span span; /* MP_STR, MP_BIN, MP_EXT */
    };
};

/* 1: *token is set, though length may exceed available; 0: the head is incomplete; -1: byte 0xc1,
 * which msgpack never uses. */
int mp_peek(const char *bytes, size_t available, struct mp_token *token);

enum mp_scan_result {
    MP_SCAN_DONE,    /* position is the item's size */
    MP_SCAN_MORE,    /* the item continues beyond the bytes that have arrived */
    MP_SCAN_DEEP,    /* nested deeper than STREAM_MAX_DEPTH */
    MP_SCAN_LARGE,   /* larger than the limit, or declares more items than could fit */
    MP_SCAN_INVALID, /* no msgpack */
};

/* Finds the end of one item, however its bytes arrive; zeroed before each item. */
struct mp_scan {
    size_t position;
    unsigned depth;
    uint64_t left[STREAM_MAX_DEPTH]; /* items to come at each level */
};

enum mp_scan_result mp_scan_continue(struct mp_scan *scan, const char *bytes, size_t available,
                                     size_t limit);

/* Reading items one after the other from bytes that a scan has found whole. */
struct mp_cursor {
    const char *at, *end;
};

/* 0, or -1 at the end or on damage (no message). */
int mp_next(struct mp_cursor *cursor, struct mp_token *token);
/* Passes over one item with everything in it; span, if not NULL, receives its bytes. */
int mp_skip(struct mp_cursor *cursor, struct rec_span *span);

#endif
