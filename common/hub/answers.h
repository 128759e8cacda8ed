/* What a hub answers: text of strangers, of which nothing is used that has not been checked. */
#ifndef HUB_ANSWERS_H
#define HUB_ANSWERS_H

#include <jansson.h>
#include <stddef.h>

#include "cli/json_file.h"
#include "data/digest.h"

/* A revision's description. */
struct hub_listing {
    char *commit;  /* 40 hexadecimal digits */
    json_t *files; /* an object whose keys are the repository's files */
};

/* 0, or -1 with the fault; then there is nothing to be freed. */
int hub_listing_read(struct hub_listing *listing, const char *data, size_t size,
                     struct json_fault *fault);
void hub_listing_free(struct hub_listing *listing);

/* The ETag without W/ and quotes, when it can be a file's name: letters, digits, '_' and '-'. text:
 * the header's value, or NULL. 0, or -1 without a message. */
int hub_etag_read(char etag[DIGEST_HEX_MAX], const char *text);

#endif
