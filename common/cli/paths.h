/* Questions to the file system whose answer may be that it cannot be told: that is never "no". */
#ifndef CLI_PATHS_H
#define CLI_PATHS_H

#include <stdbool.h>

/* Whether path certainly names nothing, links followed. Otherwise whoever opens it learns what is
 * wrong, and reports it. */
bool path_missing(const char *path);

/* Whether path names something, links followed, that access(2) allows mode (F_OK, R_OK ...) of: 1,
 * or 0 when it names nothing; -1 with a message when that cannot be told or is not allowed. */
int path_there(const char *path, int mode);

#endif
