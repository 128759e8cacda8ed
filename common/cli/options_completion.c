/* --completion, printed from the option table: a script for bash or zsh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options_internal.h"
#include "cli/output.h"

static bool is_argument(const struct option_row *row, const char *const *names)
{
    for (int i = 0; row->argument != NULL && names[i] != NULL; i++)
        if (strcmp(row->argument, names[i]) == 0)
            return true;
    return false;
}

static bool takes_model(const struct option_row *row)
{
    return is_argument(row, (const char *const[]){"MODEL", NULL});
}

static bool takes_path(const struct option_row *row)
{
    return is_argument(row, (const char *const[]){"FILE", "FOLDER", "OUT", "DIR", NULL});
}

static void print_choices(const struct option_row *row)
{
    for (int i = 0; row->choices[i] != NULL; i++)
        printf("%s%s", i > 0 ? " " : "", row->choices[i]);
}

/* The program's name where a shell wants an identifier. */
static void print_identifier(const char *name)
{
    for (; *name != '\0'; name++)
        putchar(*name == '-' ? '_' : *name);
}

/* Names of the hub's cached models that begin with $1. Whoever fills the cache names them, so that
 * a shell must never read them as words of its own. */
static void print_cached(const char *name, enum options_shell shell)
{
    printf("_");
    print_identifier(name);
    printf("_cached()\n{\n"
           "    local folder name\n"
           "    for folder in "
           "\"${HF_HUB_CACHE:-${HF_HOME:-$HOME/.cache/huggingface}/hub}\"/models--*%s; do\n"
           "        [ -d \"$folder\" ] || continue\n"
           "        name=${folder##*/models--}\n"
           "        name=${name//--//}\n"
           "        [[ $name != \"$1\"* ]] || printf '%%s\\n' \"$name\"\n"
           "    done\n"
           "}\n",
           shell == OPTIONS_ZSH ? "(N)" : "");
}

/* ---- bash ---- */

static void bash_case(const struct option_program *program, const struct option_row *row)
{
    if (option_row_is_section(row) || row->kind == OPTION_FLAG)
        return;
    printf("    --%s", row->name);
    if (row->letter != 0)
        printf("|-%c", row->letter);
    printf(")\n");
    if (row->kind == OPTION_CHOICE) {
        printf("        COMPREPLY=($(compgen -W '");
        print_choices(row);
        printf("' -- \"$cur\"))\n");
    } else if (takes_model(row)) {
        printf("        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"; _");
        print_identifier(program->name);
        printf("_cached \"$cur\")\n");
    } else if (takes_path(row)) {
        printf("        COMPREPLY=($(compgen -f -- \"$cur\"))\n");
    }
    printf("        return ;;\n");
}

static void bash_name(const struct option_row *row)
{
    if (option_row_is_section(row))
        return;
    printf(" --%s", row->name);
    if (row->kind == OPTION_FLAG && *(bool *)row->target)
        printf(" --no-%s", row->name);
}

static void print_bash(const struct option_program *program, const struct option_row *rows)
{
    printf("# bash completion of %s\n", program->name);
    print_cached(program->name, OPTIONS_BASH);
    printf("_");
    print_identifier(program->name);
    printf("()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} IFS=$' "
           "\\t\\n'\n"
           "    COMPREPLY=()\n"
           "    # --name=value comes as three words\n"
           "    if [ \"$cur\" = = ]; then cur=; elif [ \"$prev\" = = ]; then "
           "prev=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
           "    case $prev in\n");
    for (const struct option_row *row = rows; !option_row_is_last(row); row++)
        bash_case(program, row);
    printf("    esac\n"
           "    case $cur in\n"
           "    -*) COMPREPLY=($(compgen -W '");
    for (const struct option_row *row = rows; !option_row_is_last(row); row++)
        bash_name(row);
    for (const struct option_row *row = options_common_rows; !option_row_is_last(row); row++)
        bash_name(row);
    printf(" ' -- \"$cur\")) ;;\n");
    if (program->operands_max != 0)
        printf("    *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n");
    printf("    esac\n}\ncomplete -o filenames -F _");
    print_identifier(program->name);
    printf(" %s\n", program->name);
}

/* ---- zsh ---- */

/* Within single quotes and square brackets. */
static void zsh_text(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '\'')
            printf("'\\''");
        else if (strchr("[]:\\", *text) != NULL)
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void zsh_value(const struct option_program *program, const struct option_row *row)
{
    printf(":%s:", row->argument != NULL ? row->argument : "VALUE");
    if (row->kind == OPTION_CHOICE) {
        printf("(");
        print_choices(row);
        printf(")");
    } else if (takes_model(row)) {
        printf("{_files -/; compadd -- ${(f)\"$(_");
        print_identifier(program->name);
        printf("_cached \"\")\"}}");
    } else if (takes_path(row)) {
        printf("_files");
    }
}

static void zsh_row(const struct option_program *program, const struct option_row *row)
{
    bool list = row->kind == OPTION_LIST, value = row->kind != OPTION_FLAG;
    if (option_row_is_section(row))
        return;
    for (int form = 0; form < 2; form++) {
        if (form == 0 && row->letter == 0)
            continue;
        printf(" \\\n    '%s", list ? "*" : "");
        if (form == 0)
            printf("-%c%s", row->letter, value ? "+" : "");
        else
            printf("--%s%s", row->name, value ? "=" : "");
        printf("[");
        zsh_text(row->help);
        printf("]");
        if (value)
            zsh_value(program, row);
        printf("'");
    }
    if (row->kind == OPTION_FLAG && *(bool *)row->target)
        printf(" \\\n    '--no-%s[turn that off]'", row->name);
}

static void print_zsh(const struct option_program *program, const struct option_row *rows)
{
    printf("#compdef %s\n", program->name);
    print_cached(program->name, OPTIONS_ZSH);
    printf("_arguments -s -S");
    for (const struct option_row *row = rows; !option_row_is_last(row); row++)
        zsh_row(program, row);
    for (const struct option_row *row = options_common_rows; !option_row_is_last(row); row++)
        zsh_row(program, row);
    if (program->operands_max != 0)
        printf(" \\\n    '*:file:_files'");
    printf("\n");
}

void options_print_completion(const struct option_program *program, const struct option_row *rows,
                              enum options_shell shell)
{
    if (shell == OPTIONS_ZSH)
        print_zsh(program, rows);
    else
        print_bash(program, rows);
    exit(output_finish_stdout(0));
}
