/*
 * Folders: what is in one, and its names on the disk.
 */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include <dirent.h>

/* As opendir, but the folder itself and not one that a link leads to: ENOTDIR or ELOOP then. For
 * folders whose contents are about to be removed. */
DIR *folder_open(const char *path);
/* The next name in the folder: 1 with the entry, 0 at the end, -1 with a message that names it. */
int folder_next(DIR *directory, const char *folder, const struct dirent **entry);

/* Makes the names in a folder lasting: files that were made, renamed or removed in it. Does nothing
 * where the folder may not be read or its file system has no such thing. 0, or -1 with a message.
 */
int folder_sync(const char *folder);
/* The folder that path is in, to be freed. */
char *folder_of(const char *path);
/* folder_sync of that folder. */
int folder_sync_parent(const char *path);

#endif
