/*
 * What comes from a hub: the description of a repository, headers, and names and URLs that a user
 * may have from anywhere. The first byte of an input says which it is. What is accepted can be part
 * of a path, and what is shown of a URL has no secret in it.
 */
#include <string.h>

#include "data/http.h"
#include "fuzz.h"
#include "hub/answers.h"
#include "hub/cache.h"
#include "hub/names.h"
#include "reading.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    reading_init();
    return 0;
}

/* Letters, digits, '_', '-' and whatever else is allowed, at least one. */
static bool is_plain(const char *text, const char *allowed)
{
    for (const char *c = text; *c != '\0'; c++)
        if (!((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
              *c == '_' || *c == '-' || strchr(allowed, *c) != NULL))
            return false;
    return *text != '\0';
}

static void read_listing(const char *text, size_t size)
{
    struct hub_listing listing;
    struct json_fault fault;
    if (hub_listing_read(&listing, text, size, &fault) != 0) {
        REQUIRE(fault.reason[0] != '\0', "no reason");
        return;
    }
    REQUIRE(strlen(listing.commit) == 40 && is_plain(listing.commit, ""), "%s", listing.commit);
    REQUIRE(json_is_object(listing.files), "no files");
    hub_listing_free(&listing);
}

static void read_etag(const char *text, size_t size)
{
    char etag[DIGEST_HEX_MAX];
    (void)size;
    if (hub_etag_read(etag, text) == 0)
        REQUIRE(is_plain(etag, ""), "%s", etag);
}

static void read_range(const char *text, size_t size)
{
    uint64_t first;
    char again[40];
    (void)size;
    if (http_range_first(text, &first) != 0)
        return;
    snprintf(again, sizeof again, "bytes %llu-", (unsigned long long)first);
    REQUIRE(http_range_first(again, &first) == 0, "%s", again);
}

static void read_name(const char *text, size_t size)
{
    struct hub_model model;
    (void)size;
    if (!hub_model_parse(&model, text, NULL))
        return;
    char *folder = hub_repository_name(&model);
    REQUIRE(is_plain(folder, ".") && folder[0] != '.', "%s", folder);
    REQUIRE(is_plain(model.revision, "./+") && strstr(model.revision, "..") == NULL &&
                model.revision[0] != '/',
            "%s", model.revision);
    free(folder);
    hub_model_free(&model);
}

/* Two URLs, one on each line. */
static void read_urls(const char *text, size_t size)
{
    char *first = strndup(text, strcspn(text, "\n")), *shown = http_shown(first);
    const char *second = text + strcspn(text, "\n");
    (void)size;
    second += *second == '\n';
    REQUIRE(strpbrk(shown, "?#") == NULL && strlen(shown) <= strlen(first), "%s", shown);
    if (strncmp(first, "https://", 8) == 0)
        REQUIRE(memchr(shown + 8, '@', strcspn(shown + 8, "/")) == NULL, "%s", shown);
    REQUIRE(http_same_origin(first, second) == http_same_origin(second, first), "%s", text);
    free(first);
    free(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const char *, size_t) = {read_listing, read_etag, read_range,
                                                            read_name, read_urls};
    static struct reading reading;
    if (size < 1)
        return -1;
    char *text = calloc(size, 1);
    memcpy(text, data + 1, size - 1);
    reading_begin(&reading);
    readers[data[0] % (sizeof readers / sizeof readers[0])](text, size - 1);
    reading_end(&reading, true, size);
    free(text);
    return 0;
}
