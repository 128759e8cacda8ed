/* --help, printed from the option table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options_internal.h"
#include "cli/output.h"

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
        if (!isnan(*(double *)row->target))
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
    case OPTION_GROUP:
    case OPTION_CONFIG:
        break;
    }
}

static void print_choices(const struct option_row *row)
{
    printf("; one of");
    for (int i = 0; row->choices[i] != NULL; i++)
        printf("%s %s", i ? "," : "", row->choices[i]);
}

static void print_row(const struct option_row *row, bool default_too)
{
    char left[128], letter[5] = "    ";

    if (option_row_is_section(row)) {
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
    if (default_too)
        print_default(row);
    putchar('\n');
}

void options_print_help(const struct option_program *program, const struct option_row *rows)
{
    printf("Usage: %s %s\n%s\n", program->name, program->usage, program->summary);
    if (!option_row_is_last(rows) && !option_row_is_section(rows))
        printf("\nOptions:\n");
    for (const struct option_row *row = rows; !option_row_is_last(row); row++)
        print_row(row, true);
    for (const struct option_row *row = options_common_rows; !option_row_is_last(row); row++)
        print_row(row, false);
    if (program->example != NULL)
        printf("\nExample:\n  %s\n", program->example);
    exit(output_finish_stdout(0));
}
