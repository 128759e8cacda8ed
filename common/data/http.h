/*
 * HTTP and HTTPS requests, one after another.
 *
 * Redirects are followed here and not by libcurl, so that it is plain where a token goes: to the
 * origin (scheme, host and port) of the URL it was given with, and nowhere else.
 */
#ifndef DATA_HTTP_H
#define DATA_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/buffer.h"

struct http;

/* NULL with a message. */
struct http *http_open(void);
void http_close(struct http *http);

/* Takes bytes of the body; -1, after a message, ends the transfer. */
typedef int http_sink(void *context, const char *data, size_t size);

struct http_request {
    const char *url;
    const char *token; /* sent as a bearer's, or NULL */
    bool head;         /* ask for the headers only */
    bool stay;         /* a redirect to another origin is not followed: it is the answer */
    uint64_t offset;   /* the first byte wanted */
    const char *match; /* of offset: the ETag that the bytes before it came with, or NULL */
    http_sink *sink;   /* NULL: the body is dropped */
    void *context;
};

enum http_outcome {
    HTTP_DONE,        /* the answer is there */
    HTTP_NO_RANGE,    /* the server cannot or will not begin at the offset */
    HTTP_AGAIN,       /* a broken connection or a busy server: asking again may help */
    HTTP_REFUSED,     /* a status that asking again does not change */
    HTTP_UNREACHABLE, /* no connection */
    HTTP_STOPPED,     /* the sink has failed, with a message */
};

struct http_answer {
    enum http_outcome outcome;
    long status;      /* of HTTP; 0 when there was none */
    long retry_after; /* seconds the server asks to wait; 0 when it does not */
    char reason[256]; /* why it is not HTTP_DONE, without URLs */
};

void http_perform(struct http *http, const struct http_request *request,
                  struct http_answer *answer);

/* A header of the last answer, or NULL; valid until the next request. */
const char *http_header(struct http *http, const char *name);

struct http_retry {
    unsigned fruitless; /* attempts in a row that brought nothing */
};

/* Waits before the next attempt: as long as the server asked, or 1, 2, 4, 8 seconds. False, at
 * once, after five attempts or when it asked for more than ten minutes. place: for notes. */
bool http_retry_wait(struct http_retry *retry, const struct http_answer *answer, const char *place);

/* http_perform, again and again as http_retry_wait has it; a body goes to `body` (or NULL) and may
 * have at most `most` bytes. Errors are the caller's to report, but for HTTP_STOPPED. */
void http_ask(struct http *http, const struct http_request *request, const char *place,
              struct buffer *body, size_t most, struct http_answer *answer);

/* The first byte of a Content-Range (or NULL). 0, or -1 without a message. */
int http_range_first(const char *range, uint64_t *first);

/* Whether both URLs have the same scheme, host and port. */
bool http_same_origin(const char *one, const char *other);
/* A URL fit for messages: without user, password, query and fragment; to be freed. */
char *http_shown(const char *url);

#endif
