/* XXH64, the hash of streams, files and data sets. */
#ifndef CLI_HASH_H
#define CLI_HASH_H

#include <xxhash.h>

#include "cli/memory.h"

/* A new hash with seed 0, in checked memory; to be released with XXH64_freeState. */
static inline XXH64_state_t *hash_new(void)
{
    XXH64_state_t *hash = XXH64_createState();

    if (hash == NULL)
        mem_exhausted("for a hash");
    XXH64_reset(hash, 0);
    return hash;
}

#endif
