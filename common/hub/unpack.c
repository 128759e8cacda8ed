#include "hub/unpack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "cli/diag.h"
#include "cli/input.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "hub/files.h"

#define CHUNK     ((size_t)1 << 16)
#define TAR_BLOCK 512

/* A folder of the archive that may be a model's. */
struct candidate {
    char *folder; /* "" or "a/b/" */
    bool has_config, has_weights;
};

struct unpack {
    const char *path;
    struct archive *archive;
    uint64_t size, most; /* bytes of the archive, and how many may come out */
    uint64_t declared, written;
    unsigned entries, files;
    char *written_paths[UNPACK_FILES]; /* [files], registered with signals_remove_later */
    struct candidate *candidates;
    size_t count, capacity;
    const char *source; /* the chosen candidate's folder */
    const char *folder; /* to write to */
    struct progress progress;
};

static int failed(const struct unpack *unpack)
{
    const char *reason = archive_error_string(unpack->archive);
    if (archive_format(unpack->archive) == 0)
        return diag_error("%s: not a zip or tar archive", unpack->path);
    return diag_error("%s: damaged archive: %s", unpack->path,
                      reason != NULL ? reason : "no reason given");
}

static int begin(struct unpack *unpack)
{
    unpack->archive = archive_read_new();
    if (unpack->archive == NULL)
        return diag_error("libarchive: cannot begin to read");
    archive_read_support_filter_gzip(unpack->archive);
    archive_read_support_filter_bzip2(unpack->archive);
    archive_read_support_filter_xz(unpack->archive);
    archive_read_support_filter_zstd(unpack->archive);
    archive_read_support_format_tar(unpack->archive);
    archive_read_support_format_zip_seekable(unpack->archive);
    if (archive_read_open_filename(unpack->archive, unpack->path, CHUNK) != ARCHIVE_OK)
        return failed(unpack);
    return 0;
}

static void end(struct unpack *unpack)
{
    archive_read_free(unpack->archive);
    unpack->archive = NULL;
}

static int too_large(const struct unpack *unpack)
{
    return diag_error("%s: unpacks to more than %" PRIu64 " bytes, %d times its size: refused",
                      unpack->path, unpack->most, UNPACK_RATIO);
}

/* The entry's path without "./" at its beginning, or NULL when it leads out of the folder. */
static const char *safe_path(const char *path)
{
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    if (path[0] == '/' || strchr(path, '\\') != NULL)
        return NULL;
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return NULL;
    }
    return path;
}

/* 1 with the path of the next file or folder ("a/b/"), 0 at the end, -1 with a message. */
static int next_entry(struct unpack *unpack, const char **path, bool *is_file)
{
    struct archive_entry *entry;
    int status = archive_read_next_header(unpack->archive, &entry);
    if (status == ARCHIVE_EOF)
        return 0;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
        return failed(unpack);
    const char *name = archive_entry_pathname(entry);
    if (name == NULL) /* no characters of this locale, so none of the files that are wanted */
        name = "?";
    mode_t type = archive_entry_filetype(entry);
    if ((*path = safe_path(name)) == NULL)
        return diag_error("%s: '%s' leads out of the archive: refused", unpack->path, name);
    if ((type != AE_IFREG && type != AE_IFDIR) || archive_entry_hardlink(entry) != NULL ||
        archive_entry_symlink(entry) != NULL)
        return diag_error("%s: '%s' is a link or a device: refused", unpack->path, name);
    if (++unpack->entries > UNPACK_ENTRIES)
        return diag_error("%s: more than %d files: refused", unpack->path, UNPACK_ENTRIES);
    *is_file = type == AE_IFREG;
    unpack->declared += archive_entry_size(entry) > 0 ? (uint64_t)archive_entry_size(entry) : 0;
    if (unpack->declared > unpack->most)
        return too_large(unpack);
    return 1;
}

static void add_candidate(struct unpack *unpack, const char *path, bool is_config)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) + 1 : 0, i = 0;
    while (i < unpack->count && (strlen(unpack->candidates[i].folder) != length ||
                                 memcmp(unpack->candidates[i].folder, path, length) != 0))
        i++;
    if (i == unpack->count) {
        mem_grow(&unpack->candidates, &unpack->capacity, unpack->count + 1,
                 sizeof *unpack->candidates);
        unpack->candidates[unpack->count++] =
            (struct candidate){.folder = mem_strndup(path, length)};
    }
    unpack->candidates[i].has_config |= is_config;
    unpack->candidates[i].has_weights |= !is_config;
}

static int find_candidates(struct unpack *unpack)
{
    const char *path;
    bool is_file;
    int status = begin(unpack);
    while (status == 0 && (status = next_entry(unpack, &path, &is_file)) > 0) {
        const char *slash = strrchr(path, '/');
        const char *name = slash != NULL ? slash + 1 : path;
        status = 0;
        if (is_file && strcmp(name, HUB_CONFIG) == 0)
            add_candidate(unpack, path, true);
        else if (is_file &&
                 (strcmp(name, HUB_WEIGHTS) == 0 || strcmp(name, HUB_WEIGHTS_INDEX) == 0))
            add_candidate(unpack, path, false);
    }
    end(unpack);
    return status;
}

static size_t depth(const char *folder)
{
    size_t slashes = 0;
    for (; *folder != '\0'; folder++)
        slashes += *folder == '/';
    return slashes;
}

static int choose(struct unpack *unpack)
{
    const struct candidate *best = NULL, *rival = NULL;
    for (size_t i = 0; i < unpack->count; i++) {
        const struct candidate *item = &unpack->candidates[i];
        if (!item->has_config || !item->has_weights)
            continue;
        if (best == NULL || depth(item->folder) < depth(best->folder)) {
            best = item;
            rival = NULL;
        } else if (depth(item->folder) == depth(best->folder)) {
            rival = item;
        }
    }
    if (best == NULL)
        return diag_error("%s: holds no folder with %s and %s", unpack->path, HUB_CONFIG,
                          HUB_WEIGHTS);
    if (rival != NULL)
        return diag_error("%s: holds more than one model: %s and %s", unpack->path, best->folder,
                          rival->folder);
    unpack->source = best->folder;
    return 0;
}

static int copy_data(struct unpack *unpack, struct output *output)
{
    char *chunk = mem_alloc(CHUNK);
    la_ssize_t got;
    int status = 0;
    while (status == 0 && (got = archive_read_data(unpack->archive, chunk, CHUNK)) != 0) {
        if (got < 0)
            status = failed(unpack);
        else if ((unpack->written += (uint64_t)got) > unpack->most)
            status = too_large(unpack);
        else
            status = output_write(output, chunk, (size_t)got);
        progress_update(&unpack->progress, unpack->written, NULL);
    }
    free(chunk);
    return status;
}

static int write_file(struct unpack *unpack, const char *name)
{
    struct output output;
    char *path = mem_format("%s/%s", unpack->folder, name);
    int status = 0;
    if (!path_missing(path))
        status = diag_error("%s: %s%s is there twice", unpack->path, unpack->source, name);
    else if (unpack->files == UNPACK_FILES)
        status =
            diag_error("%s: a model of more than %d files: refused", unpack->path, UNPACK_FILES);
    if (status == 0)
        status = output_open(&output, path);
    if (status == 0) {
        signals_remove_later(path);
        unpack->written_paths[unpack->files++] = path;
        status = copy_data(unpack, &output);
        if (status == 0)
            status = output_commit(&output);
        else
            output_abandon(&output);
    } else {
        free(path);
    }
    return status;
}

static int extract(struct unpack *unpack)
{
    size_t length = strlen(unpack->source);
    const char *path;
    bool is_file;
    unpack->entries = 0;
    unpack->declared = 0;
    int status = begin(unpack);
    progress_init(&unpack->progress, "bytes", 0, 0);
    while (status == 0 && (status = next_entry(unpack, &path, &is_file)) > 0) {
        status = 0;
        if (is_file && strncmp(path, unpack->source, length) == 0 &&
            hub_is_model_file(path + length))
            status = write_file(unpack, path + length);
    }
    progress_finish(&unpack->progress);
    end(unpack);
    return status;
}

/* libarchive takes a plain tar that is cut between two files for a whole one: only the blocks of
 * zeros at its end tell. */
static int check_tar_end(const struct unpack *unpack)
{
    static const char zeros[TAR_BLOCK];
    char magic[5] = "", last[TAR_BLOCK] = "x";
    struct input input;
    if (input_open(&input, unpack->path) != 0)
        return -1;
    ssize_t size = input_read_at(&input, 257, magic, sizeof magic);
    bool is_tar = size == (ssize_t)sizeof magic && memcmp(magic, "ustar", sizeof magic) == 0;
    if (is_tar)
        size = input_read_at(&input, unpack->size - TAR_BLOCK, last, TAR_BLOCK);
    input_close(&input);
    if (size < 0)
        return -1;
    if (!is_tar || (size == TAR_BLOCK && memcmp(last, zeros, TAR_BLOCK) == 0))
        return 0;
    return diag_error("%s: damaged archive: it ends before the end of the tar", unpack->path);
}

int hub_unpack(const char *archive, const char *folder)
{
    struct unpack unpack = {.path = archive, .folder = folder};
    struct stat status;
    int result;
    if (stat(archive, &status) != 0)
        return diag_errno(errno, "%s: cannot open", archive);
    unpack.size = (uint64_t)status.st_size;
    unpack.most = unpack.size > (UINT64_MAX - UNPACK_SPARE) / UNPACK_RATIO
                      ? UINT64_MAX
                      : unpack.size * UNPACK_RATIO + UNPACK_SPARE;
    result = find_candidates(&unpack);
    if (result == 0)
        result = check_tar_end(&unpack);
    if (result == 0)
        result = choose(&unpack);
    if (result == 0)
        result = extract(&unpack);
    for (size_t i = 0; i < unpack.count; i++)
        free(unpack.candidates[i].folder);
    free(unpack.candidates);
    for (unsigned i = 0; i < unpack.files; i++) {
        if (result != 0)
            unlink(unpack.written_paths[i]);
        signals_keep(unpack.written_paths[i]);
        free(unpack.written_paths[i]);
    }
    return result;
}
