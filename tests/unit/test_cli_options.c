/* common/cli/options: every spelling of an option, and what a bad one leads to. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "cli/options.h"

static const char *const colours[] = {"red", "green", NULL};

static struct values {
    bool flag, on, given;
    uint64_t number;
    double real;
    const char *string;
    int colour;
    struct option_list list;
} values;

static const struct option_row rows[] = {
    {'f', "flag", .kind = OPTION_FLAG, .target = &values.flag, .help = "a flag"},
    {'n', "some-number", .kind = OPTION_UNSIGNED, .target = &values.number, .minimum = 1,
     .maximum = 10, .alias = "old-number", .given = &values.given, .help = "a number"},
    {.name = "More"},
    {'r', "real", .kind = OPTION_REAL, .target = &values.real, .minimum = 0, .maximum = 1,
     .help = "a real number"},
    {0, "on", .kind = OPTION_FLAG, .target = &values.on, .help = "a flag that is on"},
    {'s', "string", .kind = OPTION_STRING, .target = &values.string, .help = "a string"},
    {'c', "colour", .kind = OPTION_CHOICE, .target = &values.colour, .choices = colours,
     .help = "a colour"},
    {'l', "list", .kind = OPTION_LIST, .target = &values.list, .help = "may be repeated"},
    {0},
};

static const struct option_program program = {
    .name = "test_cli_options",
    .summary = "a test",
    .usage = "[OPTION]... [FILE]",
    .rows = rows,
    .operands_max = 2,
};

static struct option_operands parse(const char *const *arguments)
{
    static char *argv[16];
    int argc = 0;

    free(values.list.items);
    values = (struct values){.on = true, .number = 7};
    argv[argc++] = (char *)"test";
    for (; *arguments != NULL; arguments++)
        argv[argc++] = (char *)*arguments;
    argv[argc] = NULL;
    return options_parse(&program, argc, argv);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

/* Exit status of a process that parses these; its messages go to /dev/null. */
static int status_of(const char *const *arguments)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);

        dup2(null, STDERR_FILENO);
        dup2(null, STDOUT_FILENO);
        parse(arguments);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define STATUS(...) status_of((const char *const[]){__VA_ARGS__, NULL})

static void test_spellings(void)
{
    struct option_operands operands = PARSE("a", "-f", "--some-number", "3", "-", "-r0.5");

    CHECK(values.flag && values.number == 3 && values.given && values.real == 0.5, "mixed");
    CHECK(operands.count == 2 && strcmp(operands.items[0], "a") == 0 &&
              strcmp(operands.items[1], "-") == 0 && operands.items[2] == NULL,
          "operands between options");
    free(operands.items);
    free(PARSE("--some_number=4").items);
    CHECK(values.number == 4, "underscores and =");
    free(PARSE("--old-number=5").items);
    CHECK(values.number == 5, "the alias");
    free(PARSE("--no-on", "--flag", "--no-flag").items);
    CHECK(!values.on && !values.flag, "--no-");
    free(PARSE("-fn9").items);
    CHECK(values.flag && values.number == 9, "letters together, the last with its value");
    free(PARSE("--string", "--flag").items);
    CHECK(!values.flag && strcmp(values.string, "--flag") == 0, "a value may look like an option");
    free(PARSE("--string=").items);
    CHECK(values.string[0] == '\0', "an empty value");
    free(PARSE("-c", "green").items);
    CHECK(values.colour == 1, "a choice");
    free(PARSE("-l", "x", "--list=y").items);
    CHECK(values.list.count == 2 && strcmp(values.list.items[1], "y") == 0, "a list");
    operands = PARSE("--", "-f", "--flag");
    CHECK(operands.count == 2 && !values.flag, "-- ends the options");
    free(operands.items);
    free(PARSE("--real", "1").items);
    CHECK(!values.given && values.number == 7, "defaults stay");
}

static void test_errors(void)
{
    CHECK(STATUS("-f") == 0, "a good one");
    CHECK(STATUS("--help") == 0 && STATUS("-h") == 0, "--help");
    CHECK(STATUS("--version") == 0 && STATUS("-V") == 0, "--version");
    CHECK(STATUS("--unknown") == 2 && STATUS("-u") == 2 && STATUS("--fla") == 2, "unknown");
    CHECK(STATUS("--no-real") == 2 && STATUS("--no-unknown") == 2, "--no- of something else");
    CHECK(STATUS("-n", "0") == 2 && STATUS("-n", "11") == 2, "outside the range");
    CHECK(STATUS("-n", "3x") == 2 && STATUS("-n", "-3") == 2 && STATUS("-n", "") == 2,
          "no whole number");
    CHECK(STATUS("-r", "1.01") == 2 && STATUS("-r", "nan") == 2, "no real number in range");
    CHECK(STATUS("-c", "blue") == 2, "no choice");
    CHECK(STATUS("-n") == 2 && STATUS("--string") == 2, "no value");
    CHECK(STATUS("--flag=yes") == 2, "a value too many");
    CHECK(STATUS("a", "b", "c") == 2, "too many operands");
}

int main(void)
{
    test_spellings();
    test_errors();
    free(values.list.items);
    return check_report();
}
