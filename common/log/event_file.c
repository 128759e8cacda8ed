#include "log/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/buffer.h"
#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "log/crc32c.h"

#define FILE_VERSION  "brain.Event:2"
#define FILE_PREFIX   "events.out.tfevents."
#define DT_STRING     7
#define SESSION_START 1

/* Wire types of protobuf. */
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct event_file {
    int fd;
    char *path;
};

/* ---- protobuf ---- */

static void put_varint(struct buffer *buffer, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buffer_append_char(buffer, (char)(value | 0x80));
    buffer_append_char(buffer, (char)value);
}

static void put_little_endian(struct buffer *buffer, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        buffer_append_char(buffer, (char)(value >> 8 * i));
}

static void put_key(struct buffer *buffer, unsigned field, unsigned wire_type)
{
    put_varint(buffer, field << 3 | wire_type);
}

static void put_number(struct buffer *buffer, unsigned field, uint64_t value)
{
    put_key(buffer, field, VARINT);
    put_varint(buffer, value);
}

static void put_double(struct buffer *buffer, unsigned field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(buffer, field, FIXED64);
    put_little_endian(buffer, bits, 8);
}

static void put_float(struct buffer *buffer, unsigned field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(buffer, field, FIXED32);
    put_little_endian(buffer, bits, 4);
}

static void put_bytes(struct buffer *buffer, unsigned field, const void *data, size_t size)
{
    put_key(buffer, field, BYTES);
    put_varint(buffer, size);
    buffer_append(buffer, data, size);
}

static void put_string(struct buffer *buffer, unsigned field, const char *string)
{
    put_bytes(buffer, field, string, strlen(string));
}

/* Takes over the message, which is empty afterwards. */
static void put_message(struct buffer *buffer, unsigned field, struct buffer *message)
{
    put_bytes(buffer, field, message->data, message->size);
    buffer_free(message);
}

/* ---- records ---- */

/* Takes over the event. */
static void put_record(struct buffer *records, struct buffer *event)
{
    size_t first = records->size;
    put_little_endian(records, event->size, 8);
    put_little_endian(records, crc32c_mask(crc32c(records->data + first, 8)), 4);
    buffer_append(records, event->data, event->size);
    put_little_endian(records, crc32c_mask(crc32c(event->data, event->size)), 4);
    buffer_free(event);
}

/* Takes over the value. A step of 0 is the default, which protobuf does not write. */
static void put_summary(struct buffer *records, double time, uint64_t step, struct buffer *value)
{
    struct buffer event = {0}, summary = {0};
    put_message(&summary, 1, value);
    put_double(&event, 1, time);
    if (step > 0)
        put_number(&event, 2, step);
    put_message(&event, 5, &summary);
    put_record(records, &event);
}

static void put_scalar(struct buffer *records, const struct metrics *metrics, const char *group,
                       const char *name, double number)
{
    struct buffer value = {0};
    char *tag = mem_format("%s/%s", group, name);
    put_string(&value, 1, tag);
    put_float(&value, 2, (float)number);
    put_summary(records, metrics->time, metrics->step, &value);
    free(tag);
}

/* Takes over the records: writes them all. */
static int write_records(struct event_file *file, struct buffer *records)
{
    size_t done = 0;
    int result = 0;
    while (done < records->size && result == 0) {
        ssize_t size = write(file->fd, records->data + done, records->size - done);
        if (size >= 0)
            done += (size_t)size;
        else if (errno != EINTR)
            result = diag_errno(errno, "%s: cannot write", file->path);
    }
    buffer_free(records);
    return result;
}

/* ---- files ---- */

static void host_name(char *host, size_t size)
{
    if (gethostname(host, size) || !host[0])
        strncpy(host, "localhost", size - 1);
    host[size - 1] = '\0';
}

/* The number in an event file's name. */
static uint64_t seconds_of(const char *path)
{
    return strtoull(strrchr(path, '/') + strlen("/" FILE_PREFIX), NULL, 10);
}

/* The folder of the newest event file below OUT/runs; *folder stays NULL when there is none. */
static int newest_folder(const char *out, char **folder)
{
    struct buffer pattern = {0};
    const char *newest = NULL;
    glob_t found = {0};
    for (const char *c = out; *c; c++) {
        if (strchr("*?[\\", *c))
            buffer_append_char(&pattern, '\\');
        buffer_append_char(&pattern, *c);
    }
    buffer_append_string(&pattern, "/runs/*/" FILE_PREFIX "*");
    int failed = glob(buffer_string(&pattern), 0, NULL, &found);
    if (failed == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            if (!newest || seconds_of(found.gl_pathv[i]) >= seconds_of(newest))
                newest = found.gl_pathv[i];
    if (newest)
        *folder = mem_strndup(newest, (size_t)(strrchr(newest, '/') - newest));
    globfree(&found);
    buffer_free(&pattern);
    if (failed != 0 && failed != GLOB_NOMATCH)
        return diag_error("%s/runs: cannot look for event files", out);
    return 0;
}

char *event_file_default_folder(const char *out, uint64_t step)
{
    char host[256], moment[32];
    char *folder = NULL;
    if (step > 0 && newest_folder(out, &folder) != 0)
        return NULL;
    if (folder)
        return folder;
    time_t now = time(NULL);
    struct tm local;
    host_name(host, sizeof host);
    strftime(moment, sizeof moment, "%b%d_%H-%M-%S", localtime_r(&now, &local));
    return mem_format("%s/runs/%s_%s", out, moment, host);
}

/* Makes the folder and those above it. */
static int make_folders(const char *folder)
{
    char *path = mem_strdup(folder);
    struct stat status;
    errno = ENOENT; /* of an empty name, which no call is made for */
    for (char *end = path + 1; *path; end++) {
        char after = *end;
        if (after != '/' && after != '\0')
            continue;
        *end = '\0';
        if (mkdir(path, 0777) && errno != EEXIST)
            break;
        *end = after;
        if (after == '\0')
            break;
    }
    int reason = errno;
    free(path);
    if (stat(folder, &status))
        return diag_errno(reason, "%s: cannot make this folder", folder);
    return S_ISDIR(status.st_mode) ? 0 : diag_error("%s: exists and is not a folder", folder);
}

/* Opens a file that was not there. */
static struct event_file *create(const char *folder, double now)
{
    struct event_file *file = mem_calloc(1, sizeof *file);
    char host[256];
    host_name(host, sizeof host);
    for (unsigned n = 0;; n++) {
        file->path = mem_format("%s/" FILE_PREFIX "%010" PRIu64 ".%s.%ld.%u", folder, (uint64_t)now,
                                host, (long)getpid(), n);
        file->fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
        if (file->fd >= 0 || errno != EEXIST)
            break;
        free(file->path);
    }
    if (file->fd < 0) {
        diag_errno(errno, "%s: cannot make this file", file->path);
        free(file->path);
        free(file);
        return NULL;
    }
    return file;
}

struct event_file *event_file_open(const char *folder, uint64_t step)
{
    struct buffer event = {0}, records = {0}, session = {0};
    double now = clock_wall();
    struct event_file *file = make_folders(folder) ? NULL : create(folder, now);
    if (!file)
        return NULL;
    put_double(&event, 1, now);
    put_string(&event, 3, FILE_VERSION);
    put_record(&records, &event);
    if (step > 0) {
        put_number(&session, 1, SESSION_START);
        put_double(&event, 1, now);
        put_number(&event, 2, step + 1);
        put_message(&event, 7, &session);
        put_record(&records, &event);
    }
    if (write_records(file, &records)) {
        event_file_close(file);
        return NULL;
    }
    return file;
}

const char *event_file_path(const struct event_file *file)
{
    return file->path;
}

int event_file_metrics(struct event_file *file, const struct metrics *metrics)
{
    struct buffer records = {0};
    for (size_t i = 0; i < metrics->count; i++)
        put_scalar(&records, metrics, metrics->split, metrics->values[i].name,
                   metrics->values[i].value);
    put_scalar(&records, metrics, "train", "epoch", metrics->epoch);
    return write_records(file, &records);
}

int event_file_text(struct event_file *file, const char *tag, const char *text)
{
    struct buffer value = {0}, metadata = {0}, plugin = {0}, tensor = {0}, shape = {0}, dim = {0};
    struct buffer records = {0};
    char *full = mem_format("%s/text_summary", tag);
    put_number(&dim, 1, 1);
    put_message(&shape, 2, &dim);
    put_number(&tensor, 1, DT_STRING);
    put_message(&tensor, 2, &shape);
    put_string(&tensor, 8, text);
    put_string(&plugin, 1, "text");
    put_message(&metadata, 1, &plugin);
    put_string(&value, 1, full);
    put_message(&value, 8, &tensor);
    put_message(&value, 9, &metadata);
    put_summary(&records, clock_wall(), 0, &value);
    free(full);
    return write_records(file, &records);
}

int event_file_close(struct event_file *file)
{
    if (!file)
        return 0;
    int result = close(file->fd) ? diag_errno(errno, "%s: cannot write", file->path) : 0;
    free(file->path);
    free(file);
    return result;
}
