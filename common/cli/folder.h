/*
 * What a crash of the machine must not undo: names in folders.
 */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

/* Makes the names in a folder lasting: files that were made, renamed or removed in it. Does nothing
 * where the folder may not be read or its file system has no such thing. 0, or -1 with a message.
 */
int folder_sync(const char *folder);
/* The same of the folder that path is in. */
int folder_sync_parent(const char *path);

#endif
