/*
 * JSON in files and in memory, and members of objects with the types a reader expects.
 *
 * What is read is bounded: no key is there twice in an object, nothing is nested more than 2,048
 * deep, and the values take no more than JSON_VALUES_MAX bytes of memory, however few bytes of text
 * spell them.
 */
#ifndef CLI_JSON_FILE_H
#define CLI_JSON_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JSON_VALUES_MAX ((size_t)32 << 20)

/* Flags beside jansson's JSON_ALLOW_NUL, without which no string may have a NUL in it; keys never
 * may. */
#define JSON_ANY_SIZE ((size_t)1 << 24) /* no limit to the memory: for what this program wrote */
#define JSON_EXACT    ((size_t)1 << 25) /* refuse an integer too large for json_int_t: else a real */

struct json_fault {
    size_t at; /* byte */
    char reason[240];
};
/* One value of any kind, which is all of the text. A new reference, or NULL and the fault. */
json_t *json_parse(const char *data, size_t size, size_t flags, struct json_fault *fault);

/* Reads a file that holds one JSON object. A new reference, or NULL with a message that names the
 * file and line. */
json_t *json_file_read(const char *path, size_t flags);
/* The same, but a file that does not exist is *json = NULL and no error. 0, or -1 with a message.
 */
int json_file_read_optional(const char *path, size_t flags, json_t **json);

/* The members of an object within the file's object that are handed over one by one instead of
 * being kept: of {"model": {"vocab": {...}}} with "model" and "vocab". */
struct json_members {
    const char *outer, *inner;
    /* Whether the key is new; keys that come twice are for it to find. The value is borrowed. */
    bool (*take)(void *context, const char *key, size_t size, const json_t *value);
    void *context;
};
/* As json_file_read; that object is empty in what it returns, and its keys may have a NUL in them.
 */
json_t *json_file_read_members(const char *path, size_t flags, const struct json_members *members);

/* Writes the object, indented by two, as a file that appears when it is whole. flags: of jansson's
 * encoder besides, as JSON_SORT_KEYS. 0, or -1 with a message. */
int json_file_write(const char *path, const json_t *json, size_t flags);

/* The member when it is a string without NUL, else NULL. */
const char *json_member_string(const json_t *object, const char *key);
/* The member's value, or `otherwise` when there is none or it is null; *wrong is set when it is
 * something else. */
bool json_member_bool(const json_t *object, const char *key, bool otherwise, bool *wrong);

#endif
