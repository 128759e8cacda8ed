/*
 * What the files of the option table share with one another; tools use options.h.
 */
#ifndef CLI_OPTIONS_INTERNAL_H
#define CLI_OPTIONS_INTERNAL_H

#include "cli/options.h"

/* The rows of every tool: --verbose, --quiet, --help, --version, --completion. */
extern const struct option_row options_common_rows[];

/* The row of a long name or alias, underscores counting as dashes, or NULL. */
const struct option_row *options_find(const char *name, size_t length);

/* What stands for another program's long name, or NULL. */
const char *options_foreign(const char *name, size_t length);

/* Sets a row's target from text; text that it does not take is a usage error that begins with
 * spelling. The text must live as long as the program. */
void options_set(const struct option_row *row, const char *spelling, const char *value);

/* Sets what the JSON object in a file names; exits 1 when it cannot be read, 2 when an option is
 * unknown or its value wrong. */
void options_read_config(const char *path);

enum options_shell { OPTIONS_BASH, OPTIONS_ZSH };

/* Prints to standard output and exits. rows: the tool's, groups in their places. */
_Noreturn void options_print_help(const struct option_program *program,
                                  const struct option_row *rows);
_Noreturn void options_print_completion(const struct option_program *program,
                                        const struct option_row *rows, enum options_shell shell);

#endif
