/*
 * Diagnostics: the only place that writes messages to standard error.
 *
 * Every line reads `program: place: reason`, lower case, without a full stop.
 * The function that knows the reason reports it once; its callers pass -1 on.
 */
#ifndef CLI_DIAG_H
#define CLI_DIAG_H

#include <stdbool.h>
#include <stddef.h>

enum diag_level { DIAG_QUIET = 0, DIAG_NORMAL = 1, DIAG_VERBOSE = 2 };

/* Sets the program's name (copied by reference: pass a literal or argv[0]'s base name). */
void diag_init(const char *program);
const char *diag_program(void);

/* What diag_note and diag_verbose print; warnings and errors are always printed. */
void diag_set_level(enum diag_level level);
enum diag_level diag_get_level(void);

/* Prints `program: message` and returns -1, so that `return diag_error(...)` reads well. */
int diag_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, followed by `: ` and strerror(error_number). */
int diag_errno(int error_number, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints `program: warning: message`. */
void diag_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints `program: message`, unless the level is DIAG_QUIET: counts, results of a run. */
void diag_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints `program: message` at DIAG_VERBOSE only: kernels in use, timings. */
void diag_verbose(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Lines of one thread that are printed later, or never: threads that work ahead keep what they have
 * to say until it is known that nothing before it failed. Beyond 8 KiB lines are dropped.
 */
struct diag_held {
    char lines[8192];
    size_t size;
};
/* From now on this thread's lines go to *held, which begins zeroed; NULL: they are printed. */
void diag_hold(struct diag_held *held);
/* Prints what was held. */
void diag_print_held(struct diag_held *held);

/* The reason in the first line that was held: without the program's name, in *held. */
const char *diag_held_reason(struct diag_held *held);

/* Prints `program: place: reason` from within a signal handler that ends the program. */
void diag_last_words(const char *place, const char *reason);

/*
 * Shows line as the line in progress on a terminal, or removes it when NULL. Messages remove it
 * first. For progress.h, which decides whether there is a terminal.
 */
void diag_status(const char *line);

#endif
