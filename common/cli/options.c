#include "cli/options.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/version.h"

/* The options of every tool. Their targets are handled in apply_common. */
enum common_option { COMMON_HELP, COMMON_VERSION, COMMON_VERBOSE, COMMON_QUIET };
static bool common_given[4];
static const struct option_row common_rows[] = {
    {.name = "Common options"},
    {.letter = 'v',
     .name = "verbose",
     .kind = OPTION_FLAG,
     .target = &common_given[COMMON_VERBOSE],
     .help = "say more on standard error"},
    {.letter = 'q',
     .name = "quiet",
     .kind = OPTION_FLAG,
     .target = &common_given[COMMON_QUIET],
     .help = "print warnings and errors only"},
    {.letter = 'h',
     .name = "help",
     .kind = OPTION_FLAG,
     .target = &common_given[COMMON_HELP],
     .help = "print this text and exit"},
    {.letter = 'V',
     .name = "version",
     .kind = OPTION_FLAG,
     .target = &common_given[COMMON_VERSION],
     .help = "print the version and exit"},
    {0},
};

static bool is_last(const struct option_row *row)
{
    return row->name == NULL && row->help == NULL;
}

static bool is_section(const struct option_row *row)
{
    return row->kind == OPTION_SECTION || row->target == NULL;
}

void options_usage_error(const char *format, ...)
{
    char message[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    diag_error("%s", message);
    diag_error("try '%s --help'", diag_program());
    exit(2);
}

/* Equal up to length, underscores in the spelling given counting as dashes. */
static bool same_name(const char *name, const char *given, size_t length)
{
    if (name == NULL || strlen(name) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (name[i] != (given[i] == '_' ? '-' : given[i]))
            return false;
    return true;
}

static const struct option_row *find_long(const struct option_row *rows, const char *name,
                                          size_t length)
{
    for (; !is_last(rows); rows++)
        if (!is_section(rows) &&
            (same_name(rows->name, name, length) || same_name(rows->alias, name, length)))
            return rows;
    return NULL;
}

static const struct option_row *find_letter(const struct option_row *rows, char letter)
{
    for (; !is_last(rows); rows++)
        if (!is_section(rows) && rows->letter == letter)
            return rows;
    return NULL;
}

static void append_to_list(struct option_list *list, const char *value)
{
    list->items = mem_realloc_array(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = value;
}

static void set_unsigned(const struct option_row *row, const char *spelling, const char *value)
{
    uint64_t number;

    if (parse_unsigned(value, &number) != 0)
        options_usage_error("%s: '%s' is no whole number", spelling, value);
    if (row->maximum > 0 && ((double)number < row->minimum || (double)number > row->maximum))
        options_usage_error("%s: %s is outside %.0f to %.0f", spelling, value, row->minimum,
                            row->maximum);
    *(uint64_t *)row->target = number;
}

static void set_real(const struct option_row *row, const char *spelling, const char *value)
{
    double number;

    if (parse_real(value, &number) != 0)
        options_usage_error("%s: '%s' is no number", spelling, value);
    if (row->maximum > row->minimum && (number < row->minimum || number > row->maximum))
        options_usage_error("%s: %s is outside %g to %g", spelling, value, row->minimum,
                            row->maximum);
    *(double *)row->target = number;
}

static void set_choice(const struct option_row *row, const char *spelling, const char *value)
{
    char known[512] = "";
    size_t used = 0;

    for (int i = 0; row->choices[i] != NULL; i++) {
        if (strcmp(row->choices[i], value) == 0) {
            *(int *)row->target = i;
            return;
        }
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                     row->choices[i]);
    }
    options_usage_error("%s: '%s' is none of %s", spelling, value, known);
}

static void set_value(const struct option_row *row, const char *spelling, const char *value)
{
    switch (row->kind) {
    case OPTION_UNSIGNED:
        set_unsigned(row, spelling, value);
        break;
    case OPTION_REAL:
        set_real(row, spelling, value);
        break;
    case OPTION_STRING:
        *(const char **)row->target = value;
        break;
    case OPTION_CHOICE:
        set_choice(row, spelling, value);
        break;
    case OPTION_LIST:
        append_to_list(row->target, value);
        break;
    case OPTION_FLAG:
    case OPTION_SECTION:
        break;
    }
    if (row->given != NULL)
        *row->given = true;
}

static void set_flag(const struct option_row *row, bool value)
{
    *(bool *)row->target = value;
    if (row->given != NULL)
        *row->given = true;
}

/* argv[*index] is `--name`, `--name=value` or `--no-name`; *index moves past a separate value. */
static void parse_long(const struct option_row *rows, int argc, char **argv, int *index)
{
    const char *argument = argv[*index], *name = argument + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    const struct option_row *row = find_long(rows, name, length);
    char *spelling;

    if (row == NULL)
        row = find_long(common_rows, name, length);
    if (row == NULL && length > 3 &&
        (strncmp(name, "no-", 3) == 0 || strncmp(name, "no_", 3) == 0)) {
        row = find_long(rows, name + 3, length - 3);
        if (row != NULL && row->kind == OPTION_FLAG && value == NULL) {
            set_flag(row, false);
            return;
        }
        row = NULL;
    }
    if (row == NULL)
        options_usage_error("unknown option '%.*s'", (int)(length + 2), argument);
    if (row->kind == OPTION_FLAG) {
        if (value != NULL)
            options_usage_error("--%s takes no value", row->name);
        set_flag(row, true);
        return;
    }
    if (value == NULL && *index + 1 < argc)
        value = argv[++*index];
    if (value == NULL)
        options_usage_error("--%s needs a value", row->name);
    spelling = mem_format("--%s", row->name);
    set_value(row, spelling, value);
    free(spelling);
}

/* argv[*index] is `-x`, `-xVALUE` or several flags `-xyz`. */
static void parse_letters(const struct option_row *rows, int argc, char **argv, int *index)
{
    for (const char *letter = argv[*index] + 1; *letter != '\0'; letter++) {
        const struct option_row *row = find_letter(rows, *letter);
        char spelling[] = {'-', *letter, '\0'};
        const char *value;

        if (row == NULL)
            row = find_letter(common_rows, *letter);
        if (row == NULL)
            options_usage_error("unknown option '-%c'", *letter);
        if (row->kind == OPTION_FLAG) {
            set_flag(row, true);
            continue;
        }
        value = letter[1] != '\0' ? letter + 1 : *index + 1 < argc ? argv[++*index] : NULL;
        if (value == NULL)
            options_usage_error("-%c needs a value", *letter);
        set_value(row, spelling, value);
        return;
    }
}

static void print_default(const struct option_row *row)
{
    switch (row->kind) {
    case OPTION_FLAG:
        if (*(bool *)row->target)
            printf(" (default; --no-%s turns it off)", row->name);
        break;
    case OPTION_UNSIGNED:
        printf(" (default: %llu)", (unsigned long long)*(uint64_t *)row->target);
        break;
    case OPTION_REAL:
        printf(" (default: %g)", *(double *)row->target);
        break;
    case OPTION_STRING:
        if (*(const char **)row->target != NULL)
            printf(" (default: %s)", *(const char **)row->target);
        break;
    case OPTION_CHOICE:
        printf(" (default: %s)", row->choices[*(int *)row->target]);
        break;
    case OPTION_LIST:
    case OPTION_SECTION:
        break;
    }
}

static void print_choices(const struct option_row *row)
{
    printf("; one of");
    for (int i = 0; row->choices[i] != NULL; i++)
        printf("%s %s", i ? "," : "", row->choices[i]);
}

static void print_row(const struct option_row *row)
{
    char left[128], letter[5] = "    ";

    if (is_section(row)) {
        printf("\n%s:\n", row->name != NULL ? row->name : row->help);
        return;
    }
    if (row->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(left, sizeof left, "  %s--%s%s%s", letter, row->name,
             row->kind == OPTION_FLAG ? "" : " ",
             row->kind == OPTION_FLAG ? ""
             : row->argument != NULL  ? row->argument
                                      : "VALUE");
    if (strlen(left) > 34)
        printf("%s\n%-36s", left, "");
    else
        printf("%-36s", left);
    printf("%s", row->help != NULL ? row->help : "");
    if (row->kind == OPTION_CHOICE)
        print_choices(row);
    print_default(row);
    putchar('\n');
}

static void print_help(const struct option_program *program)
{
    printf("Usage: %s %s\n%s\n", program->name, program->usage, program->summary);
    if (!is_last(program->rows) && !is_section(program->rows))
        printf("\nOptions:\n");
    for (const struct option_row *row = program->rows; !is_last(row); row++)
        print_row(row);
    for (const struct option_row *row = common_rows; !is_last(row); row++)
        print_row(row);
    if (program->example != NULL)
        printf("\nExample:\n  %s\n", program->example);
    exit(output_finish_stdout(0));
}

static void apply_common(const struct option_program *program)
{
    if (common_given[COMMON_HELP])
        print_help(program);
    if (common_given[COMMON_VERSION]) {
        printf("%s (bertpipe) %s\n", program->name, BERTPIPE_VERSION);
        exit(output_finish_stdout(0));
    }
    if (common_given[COMMON_QUIET])
        diag_set_level(DIAG_QUIET);
    else if (common_given[COMMON_VERBOSE])
        diag_set_level(DIAG_VERBOSE);
}

/*
 * A file opened while a standard descriptor is closed would get its number, and messages would end
 * up in it. A stand-in that fails on the wrong use keeps the errors that a closed descriptor would
 * give.
 */
static void occupy_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            exit(1);
}

static void check_operands(const struct option_program *program,
                           const struct option_operands *operands)
{
    if (operands->count < program->operands_min)
        options_usage_error("missing operand");
    if (program->operands_max >= 0 && operands->count > program->operands_max)
        options_usage_error("unexpected operand '%s'", operands->items[program->operands_max]);
}

static char *
    *volatile all_operands; /* never released: this keeps them reachable for leak checkers */

struct option_operands options_parse(const struct option_program *program, int argc, char **argv)
{
    struct option_operands operands = {0};
    bool options_ended = false;

    occupy_standard_descriptors();
    diag_init(program->name);
    all_operands = operands.items = mem_calloc((size_t)argc + 1, sizeof *operands.items);
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];

        if (options_ended || argument[0] != '-' || argument[1] == '\0')
            operands.items[operands.count++] = argv[i];
        else if (strcmp(argument, "--") == 0)
            options_ended = true;
        else if (argument[1] == '-')
            parse_long(program->rows, argc, argv, &i);
        else
            parse_letters(program->rows, argc, argv, &i);
    }
    apply_common(program);
    check_operands(program, &operands);
    return operands;
}
