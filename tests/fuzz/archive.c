/*
 * Archives: of a model, to be unpacked, and of reviews, to be read through. Bits of an input's
 * first byte say which, and whether it is a tar whose sums are set right first, so that what stands
 * behind them is reached. What has been unpacked are files of a model in their folder and nothing
 * else anywhere, no larger than the archive allows.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "data/archive.h"
#include "fuzz.h"
#include "hub/files.h"
#include "hub/unpack.h"
#include "reading.h"

#define BLOCK 512

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    reading_init();
    return 0;
}

/* Each header's sum: of its bytes, with spaces in the place of the sum. */
static void seal(uint8_t *tar, size_t size)
{
    for (size_t at = 0; at + BLOCK <= size;) {
        uint8_t *header = tar + at;
        char digits[13] = {0}, sum_text[8];
        unsigned sum = 0;
        if (header[0] == 0)
            return;
        memset(header + 148, ' ', 8);
        for (int i = 0; i < BLOCK; i++)
            sum += header[i];
        snprintf(sum_text, sizeof sum_text, "%06o", sum & 0777777);
        memcpy(header + 148, sum_text, 7);
        memcpy(digits, header + 124, 12);
        unsigned long length = strtoul(digits, NULL, 8);
        if (length > size)
            return;
        at += BLOCK + (length + BLOCK - 1) / BLOCK * BLOCK;
    }
}

/* The bytes of the files in the folder `name`, all of which are ones of a model; they go. */
static uint64_t take_files(const char *name)
{
    uint64_t bytes = 0;
    DIR *directory = opendir(reading_path(name));
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        char path[600];
        struct stat status;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", reading_path(name), entry->d_name);
        REQUIRE(lstat(path, &status) == 0 && S_ISREG(status.st_mode), "%s: no file", path);
        REQUIRE(hub_is_model_file(entry->d_name), "%s: no file of a model", path);
        bytes += (uint64_t)status.st_size;
        unlink(path);
    }
    closedir(directory);
    return bytes;
}

static size_t count_entries(void)
{
    size_t count = 0;
    DIR *directory = opendir(reading_folder);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static void unpack(const char *path, size_t size)
{
    static struct reading reading;
    mkdir(reading_path("model"), 0777);
    size_t before = count_entries();
    reading_begin(&reading);
    bool accepted = hub_unpack(path, reading_path("model")) == 0;
    reading_end(&reading, accepted, size);
    char *missing = NULL;
    if (accepted)
        (void)hub_missing_file(reading_path("model"), &missing);
    REQUIRE(missing == NULL || strcmp(missing, HUB_WEIGHTS) == 0 ||
                strcmp(missing, HUB_WEIGHTS_INDEX) == 0 || strstr(missing, ".safetensors") != NULL,
            "unpacked without %s", missing);
    free(missing);
    REQUIRE(take_files("model") <= size * UNPACK_RATIO + UNPACK_SPARE, "a bomb");
    rmdir(reading_path("model"));
    REQUIRE(count_entries() == before - 1, "files elsewhere");
}

static bool read_through(const char *path)
{
    static char bytes[1 << 16];
    char md5[MD5_HEX];
    struct archive_file *archive = archive_file_open(path);
    struct archive_entry_info entry;
    int got = archive != NULL ? 0 : -1;
    while (got == 0 && (got = archive_file_next(archive, &entry)) > 0)
        got = entry.size <= sizeof bytes ? archive_file_read(archive, bytes, entry.size) : 0;
    if (got == 0)
        got = archive_file_finish(archive, md5);
    archive_file_close(archive);
    return got == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading reading;
    if (size < 1)
        return -1;
    uint8_t *copy = malloc(size);
    memcpy(copy, data + 1, size - 1);
    if (data[0] & 2)
        seal(copy, size - 1);
    const char *path = reading_write("in", copy, size - 1);
    if (data[0] & 1) {
        reading_begin(&reading);
        bool accepted = read_through(path);
        reading_end(&reading, accepted, size);
    } else {
        unpack(path, size - 1);
    }
    free(copy);
    return 0;
}
