/* A question to the file system whose answer may be that it cannot be told: that is never "no". */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <stdbool.h>

/* Whether path certainly names nothing, links followed. Otherwise whoever opens it learns what is
 * wrong, and reports it. */
bool path_missing(const char *path);

#endif
