/*
 * Cleaning up when a signal or an exit ends the program early.
 *
 * Paths registered here are removed by any exit() and by SIGINT, SIGTERM, SIGHUP or SIGQUIT, the
 * last registered first, and the signal is raised again so that the caller sees the true cause. A
 * path may be a file or an empty folder: register a temporary folder before the files in it.
 * SIGPIPE too removes them and then ends the program silently: a filter whose reader has gone.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

/* Registers a copy of path; installs the handlers on first use. */
void signals_remove_later(const char *path);
/* Forgets path: it is complete, or has already been removed. */
void signals_keep(const char *path);
/* Removes them all now; async-signal-safe. */
void signals_cleanup(void);

#endif
