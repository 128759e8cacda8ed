/*
 * The files of the model in a zip or tar archive (the latter plain or compressed with gzip, bzip2,
 * xz or zstd).
 *
 * The model is the folder with config.json and weights; the one nearest to the archive's root when
 * several are nested. Only its own files that hub_is_model_file knows are written. An archive with
 * a link, a device, an absolute path or a ".." anywhere is refused whole, and so is one that has
 * too many entries, or unpacks to more than UNPACK_RATIO times its size.
 */
#ifndef HUB_UNPACK_H
#define HUB_UNPACK_H

#include <stdint.h>

#define UNPACK_ENTRIES 20000                /* most, of any kind */
#define UNPACK_FILES   256                  /* most, of the model */
#define UNPACK_RATIO   200                  /* most bytes out for a byte in, ... */
#define UNPACK_SPARE   ((uint64_t)16 << 20) /* ... these aside */

/* Writes the model's files into an empty folder; a signal or a failure removes them. 0, or -1 with
 * a message. */
int hub_unpack(const char *archive, const char *folder);

#endif
