/* common/cli: numbers, UTF-8, buffers, lines, output files, mappings. */
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/lines.h"
#include "cli/mapping.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/utf8.h"

static void test_unsigned(void)
{
    static const struct {
        const char *text;
        int status;
        uint64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -1, 0},
        {"007", 0, 7},
        {"", -1, 0},
        {"-1", -1, 0},
        {"+1", -1, 0},
        {" 1", -1, 0},
        {"1 ", -1, 0},
        {"0x1", -1, 0},
        {"1e3", -1, 0},
        {"1.0", -1, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 0;
        int status = parse_unsigned(cases[i].text, &value);

        CHECK(status == cases[i].status && value == cases[i].value, "parse_unsigned(\"%s\")",
              cases[i].text);
    }
}

static void test_signed(void)
{
    int64_t value = 0;

    CHECK(parse_signed("-9223372036854775808", &value) == 0 && value == INT64_MIN, "smallest");
    CHECK(parse_signed("9223372036854775807", &value) == 0 && value == INT64_MAX, "largest");
    CHECK(parse_signed("9223372036854775808", &value) == -1, "too large");
    CHECK(parse_signed("-", &value) == -1, "a lone sign");
    CHECK(parse_signed("--1", &value) == -1, "two signs");
    CHECK(parse_signed("", &value) == -1, "empty");
}

static void test_real(void)
{
    static const char *const bad[] = {"",      "nan",  "inf", "-inf", "0x10",
                                      "1e999", "1.5x", " 1",  ".",    "e5"};
    double value = 0;

    CHECK(parse_real("5e-5", &value) == 0 && value == 5e-5, "5e-5");
    CHECK(parse_real("-.5", &value) == 0 && value == -0.5, "-.5");
    CHECK(parse_real("3", &value) == 0 && value == 3, "3");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(parse_real(bad[i], &value) == -1, "parse_real(\"%s\") must fail", bad[i]);
}

/* From the Unicode Standard 15.0, tables 3-7 and 3-8 (substitution of maximal subparts). */
static void test_utf8(void)
{
    static const struct {
        const char *text;
        size_t valid, invalid;
    } cases[] = {
        {"abc", 3, 0},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, 0},
        {"\xc0\x80", 0, 1},
        {"\xc1\xbf", 0, 1},
        {"\xe0\x80\xbf", 0, 1},
        {"\xed\xa0\x80", 0, 1}, /* surrogate */
        {"\xef\xbf\xbf", 3, 0},
        {"\xf4\x8f\xbf\xbf", 4, 0},
        {"\xf4\x90\x80\x80", 0, 1}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", 0, 1},
        {"a\xe1\x80\xe2\xf0\x91\x92", 1, 2}, /* the first of table 3-8's sequences */
        {"\xf0\x91\x92\xf1", 0, 3},
        {"12345678\x80", 8, 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = strlen(cases[i].text);
        size_t valid = utf8_valid_prefix(cases[i].text, size);

        CHECK(valid == cases[i].valid, "case %zu: %zu valid bytes, expected %zu", i, valid,
              cases[i].valid);
        if (valid < size)
            CHECK(utf8_invalid_length(cases[i].text + valid, size - valid) == cases[i].invalid,
                  "case %zu: length of the ill-formed part", i);
    }
}

/* Bytes that libc's iconv converts before it meets one that is wrong, or the end. */
static size_t iconv_prefix(iconv_t convert, char *text, size_t size)
{
    char out[4 * 256], *next = out, *start = text;
    size_t room = sizeof out;

    iconv(convert, NULL, NULL, NULL, NULL);
    iconv(convert, &text, &size, &next, &room);
    return (size_t)(text - start);
}

/* Every pair of bytes, and each of the bytes that bound a character behind each pair, in the middle
 * of other characters; and random ones. */
static void test_utf8_everywhere(void)
{
    static const char *const around[] = {"\u20ac\u20ac", "x", "\U0001f600 \u00e9"};
    static const unsigned char bounds[] = {0x00, 0x7f, 0x80, 0x8f, 0x90,
                                           0x9f, 0xa0, 0xbf, 0xc2, 0xff};
    iconv_t convert = iconv_open("UTF-32LE", "UTF-8");
    struct buffer text = {0};
    uint32_t random = 1;
    size_t wrong = 0;

    CHECK(convert != (iconv_t)-1, "iconv knows UTF-8");
    for (uint32_t i = 0; i < 65536 * sizeof bounds; i++) {
        text.size = 0;
        for (uint32_t k = i % 12; k > 0; k--)
            buffer_append_string(&text, around[(i + k) % 3]);
        buffer_append_char(&text, (char)(i >> 8));
        buffer_append_char(&text, (char)i);
        buffer_append_char(&text, (char)bounds[i >> 16]);
        buffer_append_char(&text, (char)bounds[i % sizeof bounds]);
        for (uint32_t k = i % 17; k > 0; k--)
            buffer_append_string(&text, around[k % 3]);
        for (uint32_t k = i % 7; k > 5 && text.size > 0; k--) {
            random = random * 1664525u + 1013904223u;
            text.data[random % text.size] = (char)(random >> 24);
        }
        wrong +=
            utf8_valid_prefix(text.data, text.size) != iconv_prefix(convert, text.data, text.size);
    }
    CHECK(wrong == 0, "%zu texts are not judged as iconv does", wrong);
    iconv_close(convert);
    buffer_free(&text);
}

static void test_buffer(void)
{
    struct buffer buffer = {0};

    for (int i = 0; i < 1000; i++)
        buffer_format(&buffer, "%03d", i);
    CHECK(buffer.size == 3000, "%zu bytes", buffer.size);
    CHECK(memcmp(buffer.data + 2997, "999", 3) == 0, "the last three digits");
    CHECK(strlen(buffer_string(&buffer)) == 3000, "closed with NUL");
    buffer_free(&buffer);
    CHECK(buffer.data == NULL && buffer.capacity == 0, "free empties it");
}

static char *write_file(const char *folder, const char *name, const char *data, size_t size)
{
    char *path = mem_format("%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        exit(2);
    close(fd);
    return path;
}

static void test_lines(const char *folder)
{
    static const char text[] = "first\n\nwith\0nul\r\nlast";
    static const struct {
        const char *text;
        size_t size;
    } expected[] = {{"first", 5}, {"", 0}, {"with\0nul", 8}, {"last", 4}};
    char *path = write_file(folder, "lines", text, sizeof text - 1), *line;
    struct line_reader reader;
    size_t size;

    CHECK(line_reader_open(&reader, path, 0) == 0, "open");
    for (size_t i = 0; i < 4; i++)
        CHECK(line_reader_next(&reader, &line, &size) == 1 && size == expected[i].size &&
                  memcmp(line, expected[i].text, size) == 0 && reader.number == i + 1,
              "line %zu", i + 1);
    CHECK(line_reader_next(&reader, &line, &size) == 0, "the end");
    line_reader_close(&reader);
    free(path);
}

static void test_long_lines(const char *folder)
{
    size_t length = 300000, size;
    char *text = mem_alloc(length + 2), *path, *line;
    struct line_reader reader;

    memset(text, 'x', length);
    text[length] = '\n';
    text[length + 1] = 'y';
    path = write_file(folder, "long", text, length + 2);
    CHECK(line_reader_open(&reader, path, 0) == 0, "open");
    CHECK(line_reader_next(&reader, &line, &size) == 1 && size == length, "300,000 bytes");
    CHECK(line_reader_next(&reader, &line, &size) == 1 && size == 1 && line[0] == 'y', "then y");
    line_reader_close(&reader);
    free(text);
    free(path);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void test_output(const char *folder)
{
    char *path = mem_format("%s/out", folder), *temporary;
    struct output output;
    struct stat status;

    umask(022);
    CHECK(output_open(&output, path) == 0 && output_write(&output, "one", 3) == 0, "open, write");
    CHECK(!exists(path), "nothing appears before the commit");
    CHECK(output_commit(&output) == 0 && exists(path), "the commit makes it appear");
    CHECK(stat(path, &status) == 0 && status.st_size == 3, "3 bytes");
    CHECK((status.st_mode & 0777) == 0644, "mode %o honours the umask", status.st_mode & 0777);

    CHECK(output_open(&output, path) == 0 && output_write(&output, "other", 5) == 0, "again");
    temporary = mem_strdup(output.temporary);
    output_abandon(&output);
    CHECK(stat(path, &status) == 0 && status.st_size == 3, "abandoning keeps the old file");
    CHECK(!exists(temporary), "and removes the temporary one");
    free(temporary);
    unlink(path);
    free(path);
}

static void commit(const char *path, const char *text)
{
    struct output output;

    CHECK(output_open(&output, path) == 0 && output_write(&output, text, strlen(text)) == 0 &&
              output_commit(&output) == 0,
          "%s is written", path);
}

static void check_contents(const char *path, const char *expected)
{
    char text[16] = "";
    int fd = open(path, O_RDONLY);

    CHECK(fd >= 0 && read(fd, text, sizeof text - 1) >= 0 && strcmp(text, expected) == 0,
          "%s holds '%s', expected '%s'", path, text, expected);
    close(fd);
}

/* Links are followed, also to what is not there yet, and stay; permissions are kept. */
static void test_output_places(const char *folder)
{
    char *file = write_file(folder, "file", "old", 3), *link = mem_format("%s/link", folder);
    char *new = mem_format("%s/new", folder), *chain = mem_format("%s/chain", folder);
    char *long_name = mem_format("%s/%0*d", folder, NAME_MAX, 7);
    struct stat status;

    chmod(file, 0640);
    CHECK(symlink("file", link) == 0 && symlink(link, chain) == 0, "links");
    commit(chain, "one");
    check_contents(file, "one");
    CHECK(stat(file, &status) == 0 && (status.st_mode & 0777) == 0640, "mode %o is kept",
          status.st_mode & 0777);
    unlink(link);
    CHECK(symlink("new", link) == 0 && access(link, F_OK) != 0, "a link to nothing");
    commit(chain, "two");
    check_contents(new, "two");
    CHECK(lstat(link, &status) == 0 && S_ISLNK(status.st_mode), "the link stays");
    CHECK(lstat(chain, &status) == 0 && S_ISLNK(status.st_mode), "the link to the link, too");
    commit(long_name, "three");
    check_contents(long_name, "three");
    const char *const paths[] = {file, link, chain, new, long_name};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        CHECK(unlink(paths[i]) == 0, "%s is there", paths[i]);
    free(file);
    free(link);
    free(new);
    free(chain);
    free(long_name);
}

/* What a child that reads a mapping beyond its file's new end says; its exit status. */
static int read_shortened(const char *path, char *text, size_t size)
{
    int ends[2], status;
    ssize_t count;
    pid_t child;

    if (pipe(ends) != 0 || (child = fork()) < 0)
        return -1;
    if (child == 0) {
        struct mapping *first = mapping_open("/proc/self/exe", false);
        struct mapping *file = mapping_open(path, false);

        dup2(ends[1], STDERR_FILENO);
        if (file == NULL || truncate(path, 5000) != 0)
            _exit(2);
        mapping_close(first);
        _exit(((volatile char *)file->data)[4999] != 0 || ((volatile char *)file->data)[9000]);
    }
    close(ends[1]);
    count = read(ends[0], text, size - 1);
    text[count > 0 ? count : 0] = '\0';
    close(ends[0]);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void test_mapping(const char *folder)
{
    char zeros[10000] = {0}, text[512], *path = write_file(folder, "mapped", zeros, sizeof zeros);
    struct mapping *mapping = mapping_open(path, true);

    CHECK(mapping != NULL && mapping->size == sizeof zeros, "mapped");
    mapping_close(mapping);
    CHECK(read_shortened(path, text, sizeof text) == 1, "exit status 1");
    /* Not before: to valgrind, what only registers of this frame hold has leaked when the handler
     * ends the child. */
    char *expected = mem_format("test_cli: %s: has become shorter while it was read\n", path);
    CHECK(strcmp(text, expected) == 0, "said: %s", text);
    unlink(path);
    free(expected);
    free(path);
}

int main(void)
{
    char folder[] = "/tmp/test_cli.XXXXXX";
    char *lines, *longer;

    diag_init("test_cli");
    if (mkdtemp(folder) == NULL)
        return 2;
    test_unsigned();
    test_signed();
    test_real();
    test_utf8();
    test_utf8_everywhere();
    test_buffer();
    test_lines(folder);
    test_long_lines(folder);
    test_output(folder);
    test_output_places(folder);
    test_mapping(folder);
    lines = mem_format("%s/lines", folder);
    longer = mem_format("%s/long", folder);
    unlink(lines);
    unlink(longer);
    rmdir(folder);
    free(lines);
    free(longer);
    return check_report();
}
