/* Steps of writing a model folder that model_save and checkpoint_write share. Each gives 0, or -1
 * with a message. */
#ifndef MODEL_SAVE_H
#define MODEL_SAVE_H

#include <jansson.h>
#include <stddef.h>

#include "model/manifest.h"
#include "model/model.h"

#define SAVE_WEIGHTS       "model.safetensors"
#define SAVE_WEIGHTS_INDEX SAVE_WEIGHTS ".index.json" /* of weights in several files */

/* Makes the folder, lastingly, unless there is one. */
int save_folder(const char *folder);
/* Writes FOLDER/entry->name (see safetensors_write) and fills in entry's size and hash. */
int save_tensors(const char *folder, struct safetensors_item *items, size_t count,
                 const json_t *metadata, safetensors_get *get, void *context,
                 struct manifest_entry *entry);
/* Writes the tokenizer's files, config.json and model.safetensors; weights->name must be
 * SAVE_WEIGHTS. */
int save_model(const struct model_source *source, const char *folder,
               struct manifest_entry *weights);

/*
 * A folder under construction, under a temporary name: begin makes it, in place of what a killed
 * run left under that name; keep is for when it has its final name; discard removes it. Until then
 * exits and fatal signals remove it. claim is for a folder that gets such a name to be removed.
 */
int partial_begin(const char *path);
void partial_claim(const char *path);
void partial_keep(const char *path);
int partial_discard(const char *path);

#endif
