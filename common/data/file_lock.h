/* One process at a time, by flock on a file that stays. */
#ifndef DATA_FILE_LOCK_H
#define DATA_FILE_LOCK_H

/* Makes the file and its folders if need be and waits for the lock, with a note in which `name`
 * is what is waited for. A descriptor to be closed, which releases the lock, or -1 with a message.
 */
int file_lock_take(const char *path, const char *name);

/* Makes the folders that a path leads through, but not its last part. 0, or -1 with a message. */
int file_make_folders(const char *path);

#endif
