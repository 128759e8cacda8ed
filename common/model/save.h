/* Steps of writing a model folder that model_save and checkpoint_write share. Each gives 0, or -1
 * with a message. */
#ifndef MODEL_SAVE_H
#define MODEL_SAVE_H

#include <jansson.h>
#include <stddef.h>

#include "model/manifest.h"
#include "model/model.h"

/* Makes the folder unless there is one. */
int save_folder(const char *folder);
/* Makes the names in a folder lasting. */
int save_sync(const char *folder);
/* Writes FOLDER/entry->name (see safetensors_write) and fills in entry's size and hash. */
int save_tensors(const char *folder, struct safetensors_item *items, size_t count,
                 const json_t *metadata, safetensors_get *get, void *context,
                 struct manifest_entry *entry);
/* Writes config.json and model.safetensors; weights->name must be "model.safetensors". */
int save_model(const struct model_source *source, const char *folder,
               struct manifest_entry *weights);

#endif
