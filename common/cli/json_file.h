/*
 * JSON objects in files, and their members with the types a reader expects.
 */
#ifndef CLI_JSON_FILE_H
#define CLI_JSON_FILE_H

#include <jansson.h>
#include <stdbool.h>

/* Reads a file that holds one JSON object with no key twice. flags: of jansson's decoder besides,
 * as JSON_ALLOW_NUL. A new reference, or NULL with a message that names the file and line. */
json_t *json_file_read(const char *path, size_t flags);
/* The same, but a file that does not exist is *json = NULL and no error. 0, or -1 with a message.
 */
int json_file_read_optional(const char *path, size_t flags, json_t **json);
/* Writes the object, indented by two, as a file that appears when it is whole. flags: of jansson's
 * encoder besides, as JSON_SORT_KEYS. 0, or -1 with a message. */
int json_file_write(const char *path, const json_t *json, size_t flags);

/* The member when it is a string without NUL, else NULL. */
const char *json_member_string(const json_t *object, const char *key);
/* The member's value, or `otherwise` when there is none or it is null; *wrong is set when it is
 * something else. */
bool json_member_bool(const json_t *object, const char *key, bool otherwise, bool *wrong);

#endif
