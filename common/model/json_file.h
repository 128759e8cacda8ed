/* JSON files as Hugging Face writes them: indented by two spaces, keys in order. */
#ifndef MODEL_JSON_FILE_H
#define MODEL_JSON_FILE_H

#include <jansson.h>

/* Reads a file that holds one JSON value with no key twice. A new reference, or NULL after a
 * message that names the file (and the line). */
json_t *model_json_read(const char *path);

/* Writes the value (not consumed) atomically, real numbers with the given number of significant
 * digits: 15 print decimal constants as they were written, 17 give every double back. 0, or -1 with
 * a message. */
int model_json_write(const char *path, const json_t *json, int digits);

#endif
