/* Reading the JSON fixtures of tests/fixtures/text. */
#ifndef TESTS_UNIT_TEXT_JSON_H
#define TESTS_UNIT_TEXT_JSON_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "text/tokeniser.h"

#define TEXT_FIXTURES "tests/fixtures/text/"

/* The file's JSON; ends the test when it cannot be read. */
static inline json_t *load_fixture(const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof(path), TEXT_FIXTURES "%s", name);
    json_t *json = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (json == NULL) {
        printf("FAILED: %s: %s\n0 passed, 1 failed\n", path, error.text);
        exit(1);
    }
    return json;
}

static inline struct text_span span_of(const json_t *string)
{
    return (struct text_span){json_string_value(string), json_string_length(string)};
}

/* Whether a list of numbers is these ids; prints both when it is not. */
static inline bool same_ids(const json_t *expected, const uint32_t *ids, size_t count)
{
    bool same = json_array_size(expected) == count;
    for (size_t i = 0; same && i < count; i++)
        same = json_integer_value(json_array_get(expected, i)) == ids[i];
    if (!same) {
        char *text = json_dumps(expected, 0);
        printf("expected %s\n     got [", text);
        for (size_t i = 0; i < count; i++)
            printf("%s%u", i > 0 ? ", " : "", ids[i]);
        printf("]\n");
        free(text);
    }
    return same;
}

/* Whether a list of numbers is these places, first byte and byte after the last one after the
 * other. */
static inline bool same_offsets(const json_t *expected, const struct encoding *encoding)
{
    uint32_t flat[2 * 4096] = {0};
    for (size_t i = 0; i < encoding->count && i < 4096; i++) {
        flat[2 * i] = encoding->offsets[i].begin;
        flat[2 * i + 1] = encoding->offsets[i].end;
    }
    return same_ids(expected, flat, 2 * encoding->count);
}

#endif
