/*
 * Files of a tar archive, one after the other, without unpacking to disk.
 *
 * The archive may be plain or compressed with gzip, bzip2, xz or zstd. All of it is read, so that
 * its MD5 is known at the end.
 *
 *     while ((got = archive_file_next(archive, &entry)) > 0)
 *         archive_file_read(archive, buffer, entry.size);
 *     archive_file_finish(archive, md5);
 */
#ifndef DATA_ARCHIVE_H
#define DATA_ARCHIVE_H

#include <stdint.h>

#include "data/digest.h"

struct archive_entry_info {
    const char *name; /* as stored; valid until the next archive_file_next */
    uint64_t size;    /* bytes */
};

struct archive_file;

/* NULL with a message: no such file, or not an archive. */
struct archive_file *archive_file_open(const char *path);
void archive_file_close(struct archive_file *archive);

/* 1 with the next regular file (folders and links are passed over), 0 at the end, -1 with a message
 * when the archive is damaged. */
int archive_file_next(struct archive_file *archive, struct archive_entry_info *entry);
/* Reads the current entry's size bytes; -1 with a message when they are not all there. */
int archive_file_read(struct archive_file *archive, char *data, uint64_t size);
/* After the last entry: reads what follows the tar's end and gives the MD5 of the whole file. -1
 * with a message. */
int archive_file_finish(struct archive_file *archive, char md5[MD5_HEX]);

#endif
