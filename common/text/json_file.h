/*
 * JSON objects in files, and their members with the types a reader expects.
 */
#ifndef TEXT_JSON_FILE_H
#define TEXT_JSON_FILE_H

#include <jansson.h>
#include <stdbool.h>

/* Reads a file that holds one JSON object. A new reference, or NULL with a message. */
json_t *json_file_read(const char *path);
/* The same, but a file that does not exist is *json = NULL and no error. 0, or -1 with a message.
 */
int json_file_read_optional(const char *path, json_t **json);
/* Writes the object, indented by two, as a file that appears when it is whole. 0, or -1 with a
 * message. */
int json_file_write(const char *path, const json_t *json);

/* The member when it is a string without NUL, else NULL. */
const char *json_member_string(const json_t *object, const char *key);
/* The member's value, or `otherwise` when there is none or it is null; *wrong is set when it is
 * something else. */
bool json_member_bool(const json_t *object, const char *key, bool otherwise, bool *wrong);

#endif
