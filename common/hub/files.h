/* Which files make a model, in a repository, an archive or a folder. */
#ifndef HUB_FILES_H
#define HUB_FILES_H

#include <jansson.h>
#include <stdbool.h>

#define HUB_CONFIG        "config.json"
#define HUB_WEIGHTS       "model.safetensors"
#define HUB_WEIGHTS_INDEX "model.safetensors.index.json"

/* The tokenizer's files, any of which may be missing; NULL-terminated. */
extern const char *const hub_tokenizer_files[];

/* Whether the name is that of a file of weights. */
bool hub_is_weights(const char *name);
/* Whether a file of that name, directly in the model's folder, is one that is read. */
bool hub_is_model_file(const char *name);

/* The distinct file names in an index's weight_map: an array of strings, a new reference. NULL with
 * a message when the file is no such index or names a file outside the folder. */
json_t *hub_shards(const char *index_path);

/* Whether the folder lacks a file to be a model with weights: 0, or 1 and the name of the first, to
 * be freed, or -1 with a message when it cannot be told. */
int hub_missing_file(const char *folder, char **missing);

#endif
