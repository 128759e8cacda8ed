/*
 * One option table per tool: it is parsed, checked and printed as --help from the same rows.
 *
 * `--name VALUE`, `--name=VALUE`, `-x VALUE` and `-xVALUE` are accepted, and underscores in a long
 * name count as dashes (`--num_train_epochs`); a flag may be spelled `--name=true` or
 * `--name=false` too. `--help`, `--version`, `--verbose`, `--quiet` and `--completion` exist
 * in every tool.
 *
 * A tool with an OPTION_CONFIG row also takes its options from a JSON file; what the command line
 * says comes after it and so decides.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG,     /* bool *      : set to true; `--no-NAME` sets it to false */
    OPTION_UNSIGNED, /* uint64_t *  : decimal, within [minimum, maximum] when maximum > 0 */
    OPTION_REAL,     /* double *    : finite, within [minimum, maximum] when maximum > minimum;
                        a default of NaN stands for none */
    OPTION_STRING,   /* const char ** */
    OPTION_CHOICE,   /* int *       : index into choices */
    OPTION_LIST,     /* struct option_list * : may be given more than once */
    OPTION_SECTION,  /* a heading in --help, nothing else */
    OPTION_GROUP,  /* the rows of `group`, whose targets are at `offset` in the struct at target */
    OPTION_CONFIG, /* const char ** : a JSON file with an object of options, by long name */
};

struct option_list {
    const char **items; /* items point into argv */
    size_t count;
};

struct option_row {
    char letter;      /* short form, or 0 */
    const char *name; /* long form without dashes, or NULL for a section */
    enum option_kind kind;
    void *target;               /* holds the default before parsing */
    const char *argument;       /* name of the value in --help: "FILE", "N" */
    const char *help;           /* one line, lower case; the default is appended by the printer */
    const char *alias;          /* another accepted long spelling, or NULL */
    const char *const *choices; /* OPTION_CHOICE: NULL-terminated */
    double minimum, maximum;    /* numbers: see option_kind */
    const char *zero;           /* OPTION_UNSIGNED: another spelling of 0 ("-1"), or NULL */
    const struct option_row *group; /* OPTION_GROUP */
    size_t offset;                  /* in a group's row: of the target, which is NULL */
    bool changes_result;            /* in a group's row: part of the record of a run */
};

/* A name that users of another program know, and what stands for it here. */
struct option_foreign {
    const char *name; /* long form without dashes; NULL ends a table */
    const char *here; /* "--dtype bf16" */
};

struct option_program {
    const char *name;                     /* "wp-tokenize" */
    const char *summary;                  /* one line: what it does */
    const char *usage;                    /* "[OPTION]... [FILE]..." */
    const char *example;                  /* one working command line */
    const struct option_row *rows;        /* ends with a row whose name and help are NULL */
    int operands_min, operands_max;       /* operands_max < 0: any number */
    const struct option_foreign *foreign; /* told with an unknown option's error, or NULL */
};

struct option_operands {
    char **items; /* into argv; NULL-terminated, lives until the program ends */
    int count;
};

/*
 * Options may stand between operands; `--` ends them.
 * Parses argv and calls diag_init with the program's name. --help, --version and --completion print
 * to stdout and exit 0. A bad option prints one line and a hint to stderr and exits 2.
 */
struct option_operands options_parse(const struct option_program *program, int argc, char **argv);

/* Whether the option with that target was given, on the command line or in a --config file. */
bool options_given(const void *target);

/*
 * The value of a group's row in the struct at base, spelled as the command line takes it (numbers
 * with the fewest digits that read back the same); to be freed by the caller. NULL: it has none (a
 * NULL string, a NaN), or the row is no scalar.
 */
char *option_value_text(const struct option_row *row, const void *base);

/* Whether a row ends a table, and whether it is only a heading. */
bool option_row_is_last(const struct option_row *row);
bool option_row_is_section(const struct option_row *row);

/* Reports `message` and the hint, then exits 2: for contradictions between options. */
_Noreturn void options_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whole-string conversions; -1 when the text is not a number of that kind or out of range (no
 * message). */
int parse_unsigned(const char *text, uint64_t *value);
int parse_signed(const char *text, int64_t *value);
int parse_real(const char *text, double *value);

#endif
