/*
 * Cleaning up when a signal or an exit ends the program early.
 *
 * Paths registered here are removed by any exit() and by every signal that would end the program
 * and can be caught, the last registered first, and the signal is raised again so that the caller
 * sees the true cause. A path may be a file or an empty folder: register a temporary folder before
 * the files in it. SIGPIPE too removes them and then ends the program silently: a filter whose
 * reader has gone.
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Registers a copy of path; installs the handlers on first use. */
void signals_remove_later(const char *path);
/* Forgets path: it is complete, or has already been removed. */
void signals_keep(const char *path);
/* Removes them all now; async-signal-safe. */
void signals_cleanup(void);

/* Between these two, signals wait: for making a file and registering it, and for what happens as a
 * whole or not at all. before: for signals_release. */
void signals_hold(sigset_t *before);
void signals_release(const sigset_t *before);

/* From now on a file that reaches the limit of its size (ulimit -f) is an error of write, as on a
 * full disk, and not the end of the program. */
void signals_ignore_file_limit(void);

/*
 * Signals that ask for something instead of ending the program: SIGINT and SIGTERM to finish what
 * is being done and stop, SIGUSR1 to save and go on. A second SIGINT or SIGTERM ends the program at
 * once, as it would have without signals_catch_stop. A signal that was ignored before stays so.
 */
void signals_catch_stop(void);
void signals_catch_save(void);
/* The signal that asks to stop, or 0. */
int signals_stop(void);
/* Whether SIGUSR1 came since the last call. */
bool signals_save(void);
/* Ends the program as by the signal: removes the registered paths and raises it. */
_Noreturn void signals_die(int number);

#endif
