/*
 * bertpipe.json: the last file written into a model folder, so what it lists was whole.
 *
 *   {"bertpipe": "0.1.0", "format": 1, "digest": "9f...", "files": {"config.json": {"size": 900,
 * "xxh64": "1c..."}, ...}, "run": {...}}
 *
 * The digest is the xxh64 of one line "NAME SIZE XXH64\n" per file of the model itself (weights,
 * configuration, tokenizer, in name order; not the optimizer's and trainer's state), so it is the
 * same for a checkpoint and a copy of it.
 */
#ifndef MODEL_MANIFEST_H
#define MODEL_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANIFEST_NAME        "bertpipe.json"
#define MANIFEST_DIGEST_SIZE 17

/* A file whose hash is known because this process has just written it. */
struct manifest_entry {
    const char *name;
    uint64_t size;
    uint64_t xxh64;
};

/* Writes FOLDER/bertpipe.json for the model files that are in the folder and, for a checkpoint
 * (state), those of the optimizer's and trainer's state; those not among the known ones are read
 * and hashed. run (not consumed) may be NULL. 0, or -1 with a message. */
int manifest_write(const char *folder, bool state, const struct manifest_entry *known,
                   size_t known_count, const json_t *run);

/* The digest of a folder as its bertpipe.json would record it, from its files, weights in several
 * files included. 0, or -1 with a message. */
int manifest_digest(const char *folder, char digest[MANIFEST_DIGEST_SIZE]);

/*
 * Compares the folder with its bertpipe.json: sizes and contents (of the optimizer's and trainer's
 * state only the size; manifest_verify_file checks it when it is read). digest receives the
 * recorded digest, or "" when the folder has no bertpipe.json, which is no error. 0, or -1 with a
 * message.
 */
int manifest_verify(const char *folder, char digest[MANIFEST_DIGEST_SIZE]);
int manifest_verify_file(const char *folder, const char *name);

/* Names of all files that belong to a model folder or checkpoint, bertpipe.json included;
 * NULL-terminated. */
extern const char *const manifest_names[];

#endif
