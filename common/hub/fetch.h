/*
 * Downloading a model from a hub into the cache (see cache.h), by huggingface_hub's protocol.
 *
 * GET ENDPOINT/api/models/ID/revision/REVISION names the commit and its files; for each file that
 * the cache lacks, HEAD ENDPOINT/ID/resolve/COMMIT/FILE tells its ETag and size, and GET its bytes,
 * which are compared with the ETag: a SHA-256, or git's hash of a small file. The revision is
 * noted in refs/ when everything is there.
 */
#ifndef HUB_FETCH_H
#define HUB_FETCH_H

#include "hub/names.h"

/*
 * The folder of the model in the cache, to be freed, after what it lacks has been downloaded. When
 * HF_HUB_OFFLINE is on, nothing is; when the hub cannot be reached, a whole cached copy will do,
 * with a warning. NULL with a message.
 */
char *hub_fetch(const struct hub_model *model);

#endif
