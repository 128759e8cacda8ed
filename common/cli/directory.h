/* Folders whose contents are about to be removed. */
#ifndef CLI_DIRECTORY_H
#define CLI_DIRECTORY_H

#include <dirent.h>

/* As opendir, but the folder itself and not one that a link leads to: ENOTDIR or ELOOP then. */
DIR *directory_open(const char *path);

#endif
