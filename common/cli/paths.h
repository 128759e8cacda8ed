/* Questions to the file system whose answer may be that it cannot be told: that is never "no". */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <dirent.h>
#include <stdbool.h>

/* Whether path certainly names nothing, links followed. Otherwise whoever opens it learns what is
 * wrong, and reports it. */
bool path_missing(const char *path);

/* The next name in a folder: 1 with the entry, 0 at the end, -1 with a message that names it. */
int folder_next(DIR *directory, const char *folder, const struct dirent **entry);

#endif
