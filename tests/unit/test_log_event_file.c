/* Checksums of event files by RFC 3720's vectors, and an event file byte for byte. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "check.h"
#include "cli/diag.h"
#include "log/crc32c.h"
#include "log/event_file.h"

static void check_crc(const char *name, const void *data, size_t size, uint32_t expected)
{
    uint32_t crc = crc32c(data, size);
    CHECK(crc == expected, "%s: %08x, expected %08x", name, (unsigned)crc, (unsigned)expected);
}

/* RFC 3720, B.4; the last is the usual check value of catalogues of CRCs. */
static void test_vectors(void)
{
    static const unsigned char read_command[48] = {
        [0] = 0x01,  [1] = 0xc0,  [16] = 0x14, [22] = 0x04,
        [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02,
    };
    unsigned char bytes[32];
    memset(bytes, 0, sizeof bytes);
    check_crc("zeros", bytes, sizeof bytes, 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    check_crc("ones", bytes, sizeof bytes, 0x62a8ab43);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    check_crc("rising", bytes, sizeof bytes, 0x46dd794e);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(31 - i);
    check_crc("falling", bytes, sizeof bytes, 0x113fdb5c);
    check_crc("read command", read_command, sizeof read_command, 0xd9963a56);
    check_crc("digits", "123456789", 9, 0xe3069283);
    check_crc("nothing", "", 0, 0);
}

/* The first record of a file that PyTorch's SummaryWriter wrote begins 48 00 00 00 00 00 00 00 fe
 * 92 48 9d: the length 72 and its masked checksum. */
static void test_mask(void)
{
    static const unsigned char length[8] = {72};
    uint32_t masked = crc32c_mask(crc32c(length, sizeof length));
    CHECK(masked == 0x9d4892fe, "%08x", (unsigned)masked);
}

/* The bytes of a file after its first record, which has 40; valid until the next call. */
static unsigned char *read_rest(const char *path, size_t *size)
{
    static unsigned char data[4096];
    FILE *file = fopen(path, "rb");
    size_t all = file ? fread(data, 1, sizeof data, file) : 0;
    if (file)
        fclose(file);
    *size = all >= 40 ? all - 40 : 0;
    return data + 40;
}

/* Protobuf's encoding by hand: key = field << 3 | wire type. */
static void test_scalar(const char *folder)
{
    static const unsigned char event[] = {
        0x09, 0,    0,    0,    0,    0,   0,   0xf8, 0x3f,                /* 1: double 1.5 */
        0x10, 0xac, 0x02,                                                  /* 2: varint 300 */
        0x2a, 0x13,                                                        /* 5: 19 bytes */
        0x0a, 0x11,                                                        /* 1: 17 bytes */
        0x0a, 0x0a, 't',  'r',  'a',  'i', 'n', '/',  'l',  'o', 's', 's', /* 1: tag */
        0x15, 0,    0,    0x40, 0x3f,                                      /* 2: float 0.75 */
    };
    struct metrics metrics;
    size_t size;
    struct event_file *file = event_file_open(folder, 0);
    metrics_init(&metrics, "train", 300, 2);
    metrics.time = 1.5;
    metrics_add(&metrics, "loss", 0.75);
    CHECK(file && event_file_metrics(file, &metrics) == 0, "writing an event");
    const unsigned char *data = file ? read_rest(event_file_path(file), &size) : NULL;
    CHECK(data && size == 2 * (16 + sizeof event) + 1, "%zu bytes", data ? size : 0);
    CHECK(data && data[0] == sizeof event, "a record of %d bytes", data ? data[0] : 0);
    CHECK(data && memcmp(data + 12, event, sizeof event) == 0, "other bytes of an event");
    CHECK(event_file_close(file) == 0, "closing");
}

static void test_text(const char *folder)
{
    static const unsigned char
        value[] =
            {
                0x0a, 0x0e, 'a',  '/',  't',  'e',  'x',  't',  '_',  's',
                'u',  'm',  'm',  'a',  'r',  'y',  0x42, 0x0b, 0x08, 0x07,
                0x12, 0x04, 0x12, 0x02, 0x08, 0x01, 0x42, 0x01, 'x',       /* 8: tensor */
                0x4a, 0x08, 0x0a, 0x06, 0x0a, 0x04, 't',  'e',  'x',  't', /* 9: metadata */
            };
    size_t size = 0;
    struct event_file *file = event_file_open(folder, 3);
    CHECK(file && event_file_text(file, "a", "x") == 0, "writing a text");
    const unsigned char *data = file ? read_rest(event_file_path(file), &size) : NULL;
    CHECK(data && memmem(data, size, value, sizeof value) != NULL, "other bytes of a text");
    CHECK(event_file_close(file) == 0 && event_file_close(NULL) == 0, "closing");
}

/* Two files of one folder within a second, in a folder below two that are made. */
static void test_names(const char *folder)
{
    char path[300];
    snprintf(path, sizeof path, "%s/a/b", folder);
    struct event_file *one = event_file_open(path, 0), *two = event_file_open(path, 0);
    CHECK(one && two && strcmp(event_file_path(one), event_file_path(two)) != 0, "the same name");
    event_file_close(one);
    event_file_close(two);
    snprintf(path, sizeof path, "%s/runs/x/../x", folder);
    event_file_close(event_file_open(path, 0));
    char *newest = event_file_default_folder(folder, 7),
         *fresh = event_file_default_folder(folder, 0);
    snprintf(path, sizeof path, "%s/runs/x", folder);
    CHECK(strcmp(newest, path) == 0, "resumed in %s", newest);
    CHECK(strncmp(fresh, path, strlen(path) - 1) == 0 && strcmp(fresh, path) != 0, "%s", fresh);
    free(newest);
    free(fresh);
}

/* The one line that came, of a call that has failed. */
static void check_line(const struct diag_held *held, bool failed, const char *line)
{
    CHECK(failed && held->size > 0 && strcmp(held->lines, line) == 0, "%s instead of %s",
          held->size > 0 ? held->lines : "nothing", line);
}

static void test_refused(const char *folder)
{
    struct diag_held held = {.size = 0};
    char path[300], line[400];
    FILE *file;

    diag_hold(&held);
    bool failed = event_file_open("/dev/null/events", 0) == NULL;
    check_line(&held, failed,
               "test_log_event_file: /dev/null/events: cannot make this folder: Not a directory\n");
    held.size = 0;
    failed = event_file_open("", 0) == NULL;
    check_line(&held, failed,
               "test_log_event_file: : cannot make this folder: No such file or directory\n");
    held.size = 0;
    snprintf(path, sizeof path, "%s/a-file", folder);
    file = fopen(path, "w");
    CHECK(file && fclose(file) == 0, "%s", path);
    snprintf(line, sizeof line, "test_log_event_file: %s: exists and is not a folder\n", path);
    failed = event_file_open(path, 0) == NULL;
    check_line(&held, failed, line);
    held.size = 0;
    failed = event_file_open("/proc", 0) == NULL;
    CHECK(failed && strstr(held.lines, ": cannot make this file: ") != NULL, "%s", held.lines);
    diag_hold(NULL);
}

/* Event files in a folder whose name means something to glob(3) and looks like theirs. */
static void test_newest(const char *folder)
{
    char out[300], path[400];

    snprintf(out, sizeof out, "%s/events.out.tfevents.9[a]*?\\", folder);
    char *fresh = event_file_default_folder(out, 7);
    snprintf(path, sizeof path, "%s/runs/", out);
    CHECK(strncmp(fresh, path, strlen(path)) == 0, "%s", fresh);
    free(fresh);
    static const char *const files[] = {"b/events.out.tfevents.0000000009.h.1.0",
                                        "a/events.out.tfevents.0000000010.h.1.0",
                                        "c/events.out.tfevents.x"};
    CHECK(mkdir(out, 0777) == 0 && mkdir(path, 0777) == 0, "%s", path);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/runs/%c", out, files[i][0]);
        CHECK(mkdir(path, 0777) == 0, "%s", path);
        snprintf(path, sizeof path, "%s/runs/%s", out, files[i]);
        FILE *file = fopen(path, "w");
        CHECK(file && fclose(file) == 0, "%s", path);
    }
    char *newest = event_file_default_folder(out, 7);
    snprintf(path, sizeof path, "%s/runs/a", out);
    CHECK(strcmp(newest, path) == 0, "%s", newest);
    free(newest);
}

/* A limit on file sizes stands for a full disk. */
static void test_full_disk(const char *folder)
{
    const struct rlimit limit = {50, RLIM_INFINITY};
    struct diag_held held = {.size = 0};
    struct rlimit before;
    struct metrics metrics;

    metrics_init(&metrics, "train", 1, 1);
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    diag_hold(&held);
    struct event_file *file = event_file_open(folder, 0);
    int status = file ? event_file_metrics(file, &metrics) : 0;
    CHECK(status == -1 && strstr(held.lines, ": cannot write: File too large\n") != NULL, "%d: %s",
          status, held.size > 0 ? held.lines : "");
    event_file_close(file);
    held.size = 0;
    file = event_file_open(folder, 5);
    diag_hold(NULL);
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(!file && strstr(held.lines, ": cannot write: File too large\n") != NULL, "%s",
          held.size > 0 ? held.lines : "");
}

int main(void)
{
    char folder[] = "/tmp/bertpipe-events-XXXXXX", command[64];
    diag_init("test_log_event_file");
    test_vectors();
    test_mask();
    if (!mkdtemp(folder))
        return 1;
    test_scalar(folder);
    test_text(folder);
    test_names(folder);
    test_newest(folder);
    test_refused(folder);
    test_full_disk(folder);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0, "%s", command);
    return check_report();
}
