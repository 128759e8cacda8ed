#include "data/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "cli/crypto.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"

#define ATTEMPTS     5   /* in a row that bring nothing */
#define LONGEST_WAIT 600 /* seconds that a server may ask for */
#define CONNECT_TIME 30L /* seconds */
#define SILENT_TIME  60L /* seconds without a byte before the connection counts as broken */
#define HOPS         10  /* redirects of one request */

struct http {
    CURL *curl;
    const struct http_request *request; /* in progress */
    bool stopped;                       /* by its sink */
    bool no_range;                      /* the body does not begin where it should */
    char reason[CURL_ERROR_SIZE];
};

struct http *http_open(void)
{
    struct http *http = mem_calloc(1, sizeof(*http));
    crypto_init();
    http->curl = curl_easy_init();
    if (http->curl)
        return http;
    diag_error("libcurl: cannot begin a transfer");
    free(http);
    return NULL;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    free(http);
}

int http_range_first(const char *range, uint64_t *first)
{
    if (!range || strncasecmp(range, "bytes ", 6) != 0)
        return -1;
    char *digits = mem_strndup(range + 6, strcspn(range + 6, "-"));
    int status = parse_unsigned(digits, first);
    free(digits);
    return status;
}

/* Whether the body begins at the byte that was asked for. */
static bool begins_right(struct http *http, long status)
{
    uint64_t first;
    if (status == 200)
        return http->request->offset == 0;
    return http_range_first(http_header(http, "Content-Range"), &first) == 0 &&
           first == http->request->offset;
}

/* Only what was asked for reaches the sink: not the page that comes with a redirect. */
static size_t receive(char *data, size_t one, size_t size, void *context)
{
    struct http *http = context;
    const struct http_request *request = http->request;
    long status = 0;
    (void)one;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if ((status != 200 && status != 206) || !request->sink)
        return size;
    http->no_range = !begins_right(http, status);
    http->stopped = !http->no_range && request->sink(request->context, data, size) < 0;
    return http->stopped || http->no_range ? 0 : size;
}

/* Sets the parts that origins are compared by; port: as written or the scheme's own. */
static bool split_url(const char *url, char *parts[3])
{
    CURLU *handle = curl_url();
    bool whole = handle && curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(handle, CURLUPART_SCHEME, &parts[0], 0) == CURLUE_OK &&
                 curl_url_get(handle, CURLUPART_HOST, &parts[1], 0) == CURLUE_OK &&
                 curl_url_get(handle, CURLUPART_PORT, &parts[2], CURLU_DEFAULT_PORT) == CURLUE_OK;
    curl_url_cleanup(handle);
    return whole;
}

bool http_same_origin(const char *one, const char *other)
{
    char *a[3] = {NULL}, *b[3] = {NULL};
    bool same = split_url(one, a) && split_url(other, b) && strcasecmp(a[0], b[0]) == 0 &&
                strcasecmp(a[1], b[1]) == 0 && strcmp(a[2], b[2]) == 0;
    for (int i = 0; i < 3; i++) {
        curl_free(a[i]);
        curl_free(b[i]);
    }
    return same;
}

char *http_shown(const char *url)
{
    const char *authority = url + strcspn(url, ":/?#@");
    authority = strncmp(authority, "://", 3) == 0 ? authority + 3 : url;
    const char *host = authority, *end = authority + strcspn(authority, "/?#");
    for (const char *c = authority; c < end; c++) /* a password may have an '@' in it */
        host = *c == '@' ? c + 1 : host;
    return mem_format("%.*s%.*s", (int)(authority - url), url, (int)strcspn(host, "?#"), host);
}

static struct curl_slist *set_options(struct http *http, const char *url, bool with_token)
{
    const struct http_request *request = http->request;
    struct curl_slist *headers = NULL;
    CURL *curl = http->curl;
    const char *authorities = getenv("SSL_CERT_FILE"); /* curl(1) knows it, libcurl does not */
    curl_easy_reset(curl);
    if (authorities && authorities[0])
        curl_easy_setopt(curl, CURLOPT_CAINFO, authorities);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIME);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENT_TIME);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "bertpipe");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->reason);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(curl, CURLOPT_NOBODY, request->head ? 1L : 0L);
    if (with_token) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request->token);
    }
    if (request->offset > 0) { /* not RESUME_FROM, which takes a redirect for a server's "no" */
        char *range = mem_format("%" PRIu64 "-", request->offset);
        curl_easy_setopt(curl, CURLOPT_RANGE, range);
        free(range);
    }
    if (request->offset > 0 && request->match) {
        char *line = mem_format("If-Range: %s", request->match);
        headers = curl_slist_append(NULL, line);
        free(line);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    }
    return headers;
}

static void judge(struct http *http, CURLcode code, struct http_answer *answer)
{
    curl_off_t wait = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_getinfo(http->curl, CURLINFO_RETRY_AFTER, &wait);
    answer->retry_after = (long)(wait > 1L << 30 ? 1L << 30 : wait);
    const char *reason = http->reason[0] ? http->reason : curl_easy_strerror(code);
    snprintf(answer->reason, sizeof(answer->reason), "%s", reason);
    long status = answer->status;
    if (http->stopped)
        answer->outcome = HTTP_STOPPED;
    else if (http->no_range || (http->request->offset > 0 && status == 416))
        answer->outcome = HTTP_NO_RANGE;
    else if (code == CURLE_OK)
        answer->outcome = HTTP_DONE;
    else if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
             code == CURLE_COULDNT_RESOLVE_PROXY)
        answer->outcome = HTTP_UNREACHABLE;
    else if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
             code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
             (code == CURLE_HTTP_RETURNED_ERROR && status < 500 && status != 408 && status != 429))
        answer->outcome = HTTP_REFUSED;
    else
        answer->outcome = HTTP_AGAIN;
}

static void refuse(struct http_answer *answer, const char *reason)
{
    answer->outcome = HTTP_REFUSED;
    snprintf(answer->reason, sizeof(answer->reason), "%s", reason);
}

static bool is_secure(const char *url)
{
    return strncasecmp(url, "https:", 6) == 0;
}

/* The URL that the answer points on to and that may be followed, to be freed; or NULL, when the
 * answer stands. */
static char *next_hop(struct http *http, const char *url, struct http_answer *answer)
{
    char *target = NULL;
    if (answer->outcome != HTTP_DONE || answer->status / 100 != 3)
        return NULL;
    curl_easy_getinfo(http->curl, CURLINFO_REDIRECT_URL, &target);
    if (!target)
        refuse(answer, "a redirect to nowhere");
    else if (http->request->stay && !http_same_origin(http->request->url, target))
        return NULL;
    else if (is_secure(url) && !is_secure(target))
        refuse(answer, "a redirect from https to something else");
    else
        return mem_strdup(target);
    return NULL;
}

void http_perform(struct http *http, const struct http_request *request, struct http_answer *answer)
{
    char *url = mem_strdup(request->url);
    http->request = request;
    http->stopped = false;
    for (int hops = 0; url; hops++) {
        bool with_token = request->token && http_same_origin(request->url, url);
        struct curl_slist *headers = set_options(http, url, with_token);
        http->reason[0] = '\0';
        http->no_range = false;
        CURLcode code = curl_easy_perform(http->curl);
        curl_slist_free_all(headers);
        judge(http, code, answer);
        char *next = next_hop(http, url, answer);
        free(url);
        url = next;
        if (url && hops == HOPS) {
            refuse(answer, "too many redirects");
            free(url);
            url = NULL;
        }
    }
}

const char *http_header(struct http *http, const char *name)
{
    struct curl_header *header;
    if (curl_easy_header(http->curl, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}

bool http_retry_wait(struct http_retry *retry, const struct http_answer *answer, const char *place)
{
    if (++retry->fruitless >= ATTEMPTS || answer->retry_after > LONGEST_WAIT)
        return false;
    if (answer->retry_after > 0) {
        diag_note("%s: %s; asking again in %ld s, as the server says", place, answer->reason,
                  answer->retry_after);
        sleep((unsigned)answer->retry_after);
    } else {
        diag_verbose("%s: %s; asking again", place, answer->reason);
        sleep(1u << (retry->fruitless - 1));
    }
    return true;
}

struct body {
    struct buffer *buffer;
    size_t most;
};

static int add_to_body(void *context, const char *data, size_t size)
{
    struct body *body = context;
    if (size > body->most - body->buffer->size)
        return diag_error("the server's answer has more than %zu bytes", body->most);
    buffer_append(body->buffer, data, size);
    return 0;
}

void http_ask(struct http *http, const struct http_request *request, const char *place,
              struct buffer *buffer, size_t most, struct http_answer *answer)
{
    struct body body = {buffer, most};
    struct http_request whole = *request;
    struct http_retry retry = {0};
    whole.sink = buffer ? add_to_body : NULL;
    whole.context = &body;
    do {
        if (buffer)
            buffer->size = 0;
        http_perform(http, &whole, answer);
    } while (answer->outcome == HTTP_AGAIN && http_retry_wait(&retry, answer, place));
}
