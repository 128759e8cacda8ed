/*
 * The Large Movie Review Dataset (Maas et al. 2011):
 * aclImdb/{train,test}/{neg,pos}/NUMBER_RATING.txt and aclImdb/train/unsup/NUMBER_0.txt in a tar
 * archive.
 */
#ifndef DATA_IMDB_H
#define DATA_IMDB_H

#include <stddef.h>
#include <stdint.h>

#include "data/digest.h"

#define IMDB_URL  "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
#define IMDB_MD5  "7c2ac02c03563afcf9b574c7e56c153a"
#define IMDB_SIZE 84125825u /* bytes */

enum imdb_split { IMDB_TRAIN, IMDB_TEST, IMDB_UNSUP, IMDB_SPLITS };
enum imdb_label { IMDB_NEGATIVE, IMDB_POSITIVE, IMDB_UNLABELLED, IMDB_LABELS };

extern const char *const imdb_split_names[]; /* by enum imdb_split */
extern const char
    *const imdb_label_names[]; /* by enum imdb_label: "negative", "positive", "unlabelled" */

struct imdb_review {
    enum imdb_split split;
    enum imdb_label label;
    uint32_t number;
    uint32_t rating; /* 1 to 10; 0 is not known */
    char *text;      /* not closed with NUL; owned */
    size_t size;     /* bytes */
};

#define IMDB_ID_SIZE 48
/* The path within the archive without aclImdb/: "train/pos/0_9.txt". */
void imdb_id(const struct imdb_review *review, char id[IMDB_ID_SIZE]);

struct imdb {
    struct imdb_review *reviews;
    size_t count, capacity;
    char md5[MD5_HEX]; /* of the archive */
};

/*
 * Reads the splits whose bit (1 << enum imdb_split) is set. The reviews come in the order train,
 * test, unsup; negative, positive; by number, whatever the archive's order. -1 with a message when
 * the archive is damaged, has another layout or lacks reviews of a split; only unsup may be missing
 * when other splits are read too.
 */
int imdb_read(struct imdb *imdb, const char *path, unsigned splits);
void imdb_free(struct imdb *imdb);

/*
 * Keeps n reviews of every split, half of them negative and half positive (one more negative when n
 * is odd), in their order. A review's key is SHA-256 of "SEED:ID" ("42:train/pos/0_9.txt"); the n/2
 * smallest keys of each label stay. So a smaller sample is part of a larger one with the same seed,
 * and any program can draw the same. -1 with a message when there are fewer.
 */
int imdb_sample(struct imdb *imdb, uint64_t n, uint64_t seed);

#endif
