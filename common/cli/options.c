#include "cli/options.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options_internal.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/version.h"

/* The options of every tool. Their targets are handled in apply_common. */
enum common_option { COMMON_HELP, COMMON_VERSION, COMMON_VERBOSE, COMMON_QUIET };
static bool common_given[4];
static int completion_shell = -1; /* enum options_shell */
static const char *const shell_names[] = {"bash", "zsh", NULL};
const struct option_row options_common_rows[] = {
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
    {.name = "completion",
     .kind = OPTION_CHOICE,
     .target = &completion_shell,
     .argument = "SHELL",
     .choices = shell_names,
     .help = "print a script that completes the options, and exit"},
    {0},
};

/* The tool's rows with those of its groups in their places, and which of them were given; released
 * by the next parse alone, for operands and values live as long as the program. */
static struct option_row *table;
static bool *table_given;
static const struct option_foreign *foreign_names; /* the tool's */

bool option_row_is_last(const struct option_row *row)
{
    return row->name == NULL && row->help == NULL && row->kind != OPTION_GROUP;
}

bool option_row_is_section(const struct option_row *row)
{
    return row->kind == OPTION_SECTION ||
           (row->target == NULL && (row->name == NULL || row->help == NULL));
}

static size_t count_rows(const struct option_row *rows)
{
    size_t count = 0;
    for (; !option_row_is_last(rows); rows++)
        count += rows->kind == OPTION_GROUP ? count_rows(rows->group) : 1;
    return count;
}

static struct option_row *copy_rows(struct option_row *to, const struct option_row *rows,
                                    char *base)
{
    for (; !option_row_is_last(rows); rows++) {
        if (rows->kind == OPTION_GROUP) {
            to = copy_rows(to, rows->group, rows->target);
            continue;
        }
        *to = *rows;
        if (base != NULL && !option_row_is_section(rows))
            to->target = base + rows->offset;
        to++;
    }
    return to;
}

static void build_table(const struct option_row *rows)
{
    size_t count = count_rows(rows);
    free(table);
    free(table_given);
    table = mem_calloc(count + 1, sizeof *table);
    table_given = mem_calloc(count + 1, sizeof *table_given);
    copy_rows(table, rows, NULL);
}

static void mark_given(const struct option_row *row)
{
    if (row >= table && row < table + count_rows(table))
        table_given[row - table] = true;
}

bool options_given(const void *target)
{
    for (size_t i = 0; !option_row_is_last(&table[i]); i++)
        if (table[i].target == target)
            return table_given[i];
    return false;
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
    for (; !option_row_is_last(rows); rows++)
        if (!option_row_is_section(rows) &&
            (same_name(rows->name, name, length) || same_name(rows->alias, name, length)))
            return rows;
    return NULL;
}

static const struct option_row *find_letter(const struct option_row *rows, char letter)
{
    for (; !option_row_is_last(rows); rows++)
        if (!option_row_is_section(rows) && rows->letter == letter)
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

    if (row->zero != NULL && strcmp(value, row->zero) == 0) {
        *(uint64_t *)row->target = 0;
        return;
    }
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

static void set_flag(const struct option_row *row, const char *spelling, const char *value)
{
    bool on = strcasecmp(value, "true") == 0;

    if (!on && strcasecmp(value, "false") != 0)
        options_usage_error("%s: '%s' is neither true nor false", spelling, value);
    *(bool *)row->target = on;
}

void options_set(const struct option_row *row, const char *spelling, const char *value)
{
    switch (row->kind) {
    case OPTION_UNSIGNED:
        set_unsigned(row, spelling, value);
        break;
    case OPTION_REAL:
        set_real(row, spelling, value);
        break;
    case OPTION_STRING:
    case OPTION_CONFIG:
        *(const char **)row->target = value;
        break;
    case OPTION_CHOICE:
        set_choice(row, spelling, value);
        break;
    case OPTION_LIST:
        append_to_list(row->target, value);
        break;
    case OPTION_FLAG:
        set_flag(row, spelling, value);
        break;
    case OPTION_SECTION:
    case OPTION_GROUP:
        break;
    }
    mark_given(row);
}

/* What the command line says, in its order; applied after the configuration file. */
struct setting {
    const struct option_row *row;
    char spelling[64]; /* for messages */
    const char *value;
};
static struct setting *settings;
static size_t setting_count;

static void add_setting(const struct option_row *row, const char *value, const char *prefix,
                        const char *name, size_t length)
{
    settings = mem_realloc_array(settings, setting_count + 1, sizeof *settings);
    struct setting *setting = &settings[setting_count++];
    *setting = (struct setting){.row = row, .value = value};
    snprintf(setting->spelling, sizeof setting->spelling, "%s%.*s", prefix, (int)length, name);
}

const struct option_row *options_find(const char *name, size_t length)
{
    const struct option_row *row = find_long(table, name, length);
    return row != NULL ? row : find_long(options_common_rows, name, length);
}

const char *options_foreign(const char *name, size_t length)
{
    for (const struct option_foreign *foreign = foreign_names; foreign != NULL && foreign->name;
         foreign++)
        if (same_name(foreign->name, name, length))
            return foreign->here;
    return NULL;
}

/* How many letters have to be put in, left out or replaced: Levenshtein's distance of the first
 * `length` letters of given, underscores counting as dashes, from name. */
static size_t distance(const char *given, size_t length, const char *name)
{
    size_t row[64], width = strlen(name);

    if (length >= 64 || width >= 64)
        return 64;
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 1; i <= length; i++) {
        size_t corner = row[0];
        char letter = given[i - 1] == '_' ? '-' : given[i - 1];

        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t changed = corner + (letter != name[j - 1]);
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

            corner = row[j];
            row[j] = changed < least ? changed : least;
        }
    }
    return row[width];
}

/* argument: "--name" or "--name=value"; length: of the name. */
_Noreturn static void refuse_unknown(const char *argument, size_t length)
{
    const char *nearest = NULL, *here = options_foreign(argument + 2, length);
    size_t least = length < 6 ? 2 : 3; /* more would be a guess */

    if (here != NULL)
        options_usage_error("unknown option '%.*s': here it is %s", (int)(length + 2), argument,
                            here);
    for (const struct option_row *row = table; !option_row_is_last(row); row++) {
        size_t apart =
            option_row_is_section(row) ? least : distance(argument + 2, length, row->name);

        if (apart < least) {
            least = apart;
            nearest = row->name;
        }
    }
    if (nearest != NULL)
        options_usage_error("unknown option '%.*s', perhaps --%s", (int)(length + 2), argument,
                            nearest);
    options_usage_error("unknown option '%.*s'", (int)(length + 2), argument);
}

/* argv[*index] is `--name`, `--name=value` or `--no-name`; *index moves past a separate value. */
static void parse_long(int argc, char **argv, int *index)
{
    const char *argument = argv[*index], *name = argument + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    const struct option_row *row = options_find(name, length);

    if (row == NULL && value == NULL && length > 3 &&
        (strncmp(name, "no-", 3) == 0 || strncmp(name, "no_", 3) == 0)) {
        row = find_long(table, name + 3, length - 3);
        value = "false";
        if (row != NULL && row->kind != OPTION_FLAG)
            row = NULL;
    }
    if (row == NULL)
        refuse_unknown(argument, length);
    if (row->kind == OPTION_FLAG && value == NULL)
        value = "true";
    if (value == NULL && *index + 1 < argc)
        value = argv[++*index];
    if (value == NULL)
        options_usage_error("--%s needs a value", row->name);
    add_setting(row, value, "--", row->name, strlen(row->name));
}

/* argv[*index] is `-x`, `-xVALUE` or several flags `-xyz`. */
static void parse_letters(int argc, char **argv, int *index)
{
    for (const char *letter = argv[*index] + 1; *letter != '\0'; letter++) {
        const struct option_row *row = find_letter(table, *letter);
        const char *value;

        if (row == NULL)
            row = find_letter(options_common_rows, *letter);
        if (row == NULL)
            options_usage_error("unknown option '-%c'", *letter);
        if (row->kind == OPTION_FLAG) {
            add_setting(row, "true", "-", letter, 1);
            continue;
        }
        value = letter[1] != '\0' ? letter + 1 : *index + 1 < argc ? argv[++*index] : NULL;
        if (value == NULL)
            options_usage_error("-%c needs a value", *letter);
        add_setting(row, value, "-", letter, 1);
        return;
    }
}

static bool is_common(const struct option_row *row)
{
    for (const struct option_row *common = options_common_rows; !option_row_is_last(common);
         common++)
        if (common == row)
            return true;
    return false;
}

static void apply_common_settings(void)
{
    for (size_t i = 0; i < setting_count; i++)
        if (is_common(settings[i].row))
            options_set(settings[i].row, settings[i].spelling, settings[i].value);
}

static void apply_settings(void)
{
    for (size_t i = 0; i < setting_count; i++)
        if (settings[i].row->kind == OPTION_CONFIG)
            options_read_config(settings[i].value);
    for (size_t i = 0; i < setting_count; i++)
        options_set(settings[i].row, settings[i].spelling, settings[i].value);
    free(settings);
    settings = NULL;
    setting_count = 0;
}

static void apply_common(const struct option_program *program)
{
    if (common_given[COMMON_HELP])
        options_print_help(program, table);
    if (common_given[COMMON_VERSION]) {
        printf("%s (bertpipe) %s\n", program->name, BERTPIPE_VERSION);
        exit(output_finish_stdout(0));
    }
    if (completion_shell >= 0)
        options_print_completion(program, table, (enum options_shell)completion_shell);
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
    signals_ignore_file_limit();
    diag_init(program->name);
    json_set_alloc_funcs(mem_alloc, free); /* whose own would leave out what finds no room */
    build_table(program->rows);
    foreign_names = program->foreign;
    all_operands = operands.items = mem_calloc((size_t)argc + 1, sizeof *operands.items);
    for (int i = 1; i < argc; i++) {
        const char *argument = argv[i];

        if (options_ended || argument[0] != '-' || argument[1] == '\0')
            operands.items[operands.count++] = argv[i];
        else if (strcmp(argument, "--") == 0)
            options_ended = true;
        else if (argument[1] == '-')
            parse_long(argc, argv, &i);
        else
            parse_letters(argc, argv, &i);
    }
    apply_common_settings();
    apply_common(program);
    apply_settings();
    check_operands(program, &operands);
    return operands;
}
