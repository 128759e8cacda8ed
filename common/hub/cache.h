/*
 * The hub's cache as huggingface_hub lays it out, for reading.
 *
 *     CACHE/models--ORG--NAME/refs/REVISION           holds COMMIT
 *     CACHE/models--ORG--NAME/snapshots/COMMIT/FILE → ../../blobs/HASH
 *     CACHE/models--ORG--NAME/blobs/HASH              HASH is the server's ETag
 *     CACHE/.locks/models--ORG--NAME/HASH.lock
 */
#ifndef HUB_CACHE_H
#define HUB_CACHE_H

#include <stdbool.h>

#include "hub/names.h"

/* HF_HUB_CACHE, or HF_HOME/hub, to be freed; NULL with a message when there is no home. */
char *hub_cache_folder(void);

/* "models--ORG--NAME", to be freed. */
char *hub_repository_name(const struct hub_model *model);

/* The commit that the cache has for the model's revision: from refs, or the revision itself when
 * it is a commit. To be freed; NULL, without a message, when it is not there. */
char *hub_cached_commit(const char *cache, const struct hub_model *model);

/* The folder of the model's cached files at its revision, which may lack some of them; to be freed.
 * NULL, without a message, when it is not there. */
char *hub_cached_snapshot(const char *cache, const struct hub_model *model);

/*
 * The folder that the name after a tool's -m stands for, to be freed: a folder of that name; or
 * else the cached model with that id (ORG/NAME, NAME, with @REVISION if wanted), in which case a
 * note says where it is at DIAG_VERBOSE. A name that can only be a path is given back as it is, so
 * that whoever opens it says what is wrong. NULL with a message when it is a file, or an id that is
 * not cached: then bert-fetch is the answer.
 */
char *hub_locate_model(const char *name);

#endif
