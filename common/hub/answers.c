#include "hub/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "hub/names.h"

static json_t *file_names(const json_t *siblings)
{
    json_t *names = json_object(), *sibling;
    size_t i;
    json_array_foreach(siblings, i, sibling)
    {
        const char *name = json_member_string(sibling, "rfilename");
        if (name != NULL)
            json_object_set_new(names, name, json_true());
    }
    return names;
}

int hub_listing_read(struct hub_listing *listing, const char *data, size_t size,
                     struct json_fault *fault)
{
    json_t *json = json_parse(data, size, 0, fault);
    const char *commit = json_member_string(json, "sha");
    const json_t *siblings = json_object_get(json, "siblings");
    int status = 0;
    *listing = (struct hub_listing){0};
    if (json == NULL) {
        status = -1;
    } else if (commit == NULL || !hub_is_commit(commit) || !json_is_array(siblings)) {
        *fault = (struct json_fault){.reason = "no commit and files"};
        status = -1;
    } else {
        listing->commit = mem_strdup(commit);
        listing->files = file_names(siblings);
    }
    json_decref(json);
    return status;
}

void hub_listing_free(struct hub_listing *listing)
{
    free(listing->commit);
    json_decref(listing->files);
    *listing = (struct hub_listing){0};
}

int hub_etag_read(char etag[DIGEST_HEX_MAX], const char *text)
{
    size_t length;
    if (text == NULL)
        return -1;
    if (strncmp(text, "W/", 2) == 0)
        text += 2;
    text += *text == '"';
    length = strcspn(text, "\"");
    if (length == 0 || length >= DIGEST_HEX_MAX ||
        strspn(text, "0123456789abcdefABCDEF"
                     "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ-_") != length)
        return -1;
    snprintf(etag, DIGEST_HEX_MAX, "%.*s", (int)length, text);
    return 0;
}
