/* common/cli/options: every spelling of an option, and what a bad one leads to. */
#include <fcntl.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "cli/options.h"

static const char *const colours[] = {"red", "green", NULL};

static struct values {
    bool flag, on;
    uint64_t number;
    double real;
    const char *string;
    int colour;
    struct option_list list;
} values;

static const struct option_row rows[] = {
    {'f', "flag", .kind = OPTION_FLAG, .target = &values.flag, .help = "a flag"},
    {'n', "some-number", .kind = OPTION_UNSIGNED, .target = &values.number, .minimum = 1,
     .maximum = 10, .alias = "old-number", .zero = "none", .help = "a number"},
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

    CHECK(values.flag && values.number == 3 && options_given(&values.number) && values.real == 0.5,
          "mixed");
    CHECK(operands.count == 2 && strcmp(operands.items[0], "a") == 0 &&
              strcmp(operands.items[1], "-") == 0 && operands.items[2] == NULL,
          "operands between options");
    free(operands.items);
    free(PARSE("--some_number=4").items);
    CHECK(values.number == 4, "underscores and =");
    free(PARSE("--old-number=5").items);
    CHECK(values.number == 5, "the alias");
    free(PARSE("--old-number=none").items);
    CHECK(values.number == 0, "another spelling of 0");
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
    CHECK(!options_given(&values.number) && values.number == 7, "defaults stay");
}

/* A table with a group: its rows' targets are offsets into `inner`. */
static struct inner {
    double unset, share;
    uint64_t count;
    bool flag;
    int colour;
    const char *name, *config;
} inner;

#define AT(member) .offset = offsetof(struct inner, member)
static const struct option_row inner_rows[] = {
    {.name = "Inner"},
    {0, "flag", AT(flag), .kind = OPTION_FLAG, .help = "f"},
    {0, "unset", AT(unset), .kind = OPTION_REAL, .argument = "X", .help = "u"},
    {0, "share", AT(share), .kind = OPTION_REAL, .argument = "X", .help = "s",
     .changes_result = true},
    {'c', "count", AT(count), .kind = OPTION_UNSIGNED, .argument = "N", .help = "c"},
    {0, "colour", AT(colour), .kind = OPTION_CHOICE, .choices = colours, .help = "c"},
    {0, "name", AT(name), .kind = OPTION_STRING, .help = "n"},
    {0},
};
static const struct option_row outer_rows[] = {
    {'x', "extra", .kind = OPTION_FLAG, .target = &values.flag, .help = "x"},
    {.kind = OPTION_GROUP, .target = &inner, .group = inner_rows},
    {0, "config", .kind = OPTION_CONFIG, .target = &inner.config, .argument = "FILE", .help = "c"},
    {0},
};
static const struct option_program outer = {
    .name = "test_cli_options", .summary = "a test", .usage = "", .rows = outer_rows};

static void parse_outer(const char *const *arguments)
{
    static char *argv[16];
    int argc = 1;
    argv[0] = (char *)"test";
    for (; *arguments != NULL; arguments++)
        argv[argc++] = (char *)*arguments;
    argv[argc] = NULL;
    inner = (struct inner){.unset = NAN, .share = 0.1};
    values.flag = false;
    free(options_parse(&outer, argc, argv).items);
}

#define PARSE_OUTER(...) parse_outer((const char *const[]){__VA_ARGS__, NULL})

static bool has_text(size_t row, const char *expected)
{
    char *text = option_value_text(&inner_rows[row], &inner);
    bool same = expected == NULL ? text == NULL : text != NULL && strcmp(text, expected) == 0;
    free(text);
    return same;
}

static void test_groups(void)
{
    PARSE_OUTER("--flag", "-c5", "--share=1e-4", "-x", "--colour", "green");
    CHECK(inner.flag && inner.count == 5 && inner.share == 1e-4 && inner.colour == 1,
          "a group's rows, the first at offset 0");
    CHECK(values.flag, "and the rows around it");
    CHECK(options_given(&inner.count) && !options_given(&inner.unset), "what was given");
    CHECK(has_text(1, "true") && has_text(2, NULL) && has_text(3, "0.0001") && has_text(4, "5") &&
              has_text(5, "green") && has_text(6, NULL),
          "values as text");
    inner.share = 0.1 + 0.2;
    CHECK(has_text(3, "0.30000000000000004"), "as many digits as the number needs");
}

static void test_config(void)
{
    char path[] = "/tmp/test_cli_options.XXXXXX";
    int fd = mkstemp(path);
    const char text[] = "{\"share\": 0.25, \"count\": 7, \"flag\": true, \"extra\": true, "
                        "\"name\": \"n\", \"unset\": null}";
    CHECK(fd >= 0 && write(fd, text, sizeof text - 1) == (ssize_t)sizeof text - 1, "a file");
    close(fd);
    PARSE_OUTER("--count", "9", "--no-extra", "--config", path);
    CHECK(inner.share == 0.25 && inner.flag && strcmp(inner.name, "n") == 0, "from the file");
    CHECK(inner.count == 9 && !values.flag, "the command line decides, wherever it stands");
    CHECK(isnan(inner.unset) && !options_given(&inner.unset), "null leaves the default");
    CHECK(options_given(&inner.share), "the file gives options too");
    unlink(path);
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
    CHECK(STATUS("--flag=yes") == 2, "a flag's value is true or false");
    CHECK(STATUS("--help", "-n", "0") == 0, "--help whatever else is wrong with a value");
    CHECK(STATUS("a", "b", "c") == 2, "too many operands");
}

int main(void)
{
    test_spellings();
    test_groups();
    test_config();
    test_errors();
    free(values.list.items);
    return check_report();
}
