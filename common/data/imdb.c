#include "data/imdb.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/utf8.h"
#include "data/archive.h"
#include "data/digest.h"

#define MAX_TOTAL  ((uint64_t)256 << 20) /* bytes of all reviews; the real ones have half */
#define MAX_REVIEW ((uint64_t)1 << 20)   /* bytes; the longest of the real ones has 14,106 */
#define MAX_RATING 10

const char *const imdb_split_names[] = {"train", "test", "unsup", NULL};
const char *const imdb_label_names[] = {"negative", "positive", "unlabelled", NULL};

static const struct folder {
    const char *path;
    enum imdb_split split;
    enum imdb_label label;
} folders[] = {
    {"train/neg/", IMDB_TRAIN, IMDB_NEGATIVE},     {"train/pos/", IMDB_TRAIN, IMDB_POSITIVE},
    {"test/neg/", IMDB_TEST, IMDB_NEGATIVE},       {"test/pos/", IMDB_TEST, IMDB_POSITIVE},
    {"train/unsup/", IMDB_UNSUP, IMDB_UNLABELLED},
};
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

static const char *folder_of(const struct imdb_review *review)
{
    size_t i = 0;
    while (folders[i].split != review->split || folders[i].label != review->label)
        i++;
    return folders[i].path;
}

void imdb_id(const struct imdb_review *review, char id[IMDB_ID_SIZE])
{
    snprintf(id, IMDB_ID_SIZE, "%s%" PRIu32 "_%" PRIu32 ".txt", folder_of(review), review->number,
             review->rating);
}

/* "0_9.txt" to 0 and 9. */
static int parse_file_name(const char *name, struct imdb_review *review)
{
    char copy[IMDB_ID_SIZE];
    size_t length = strlen(name);
    if (length >= sizeof(copy))
        return -1;
    memcpy(copy, name, length + 1);
    char *underscore = strchr(copy, '_');
    char *dot = strchr(copy, '.');
    if (!underscore || !dot || dot < underscore || strcmp(dot, ".txt") != 0)
        return -1;
    *underscore = '\0';
    *dot = '\0';
    uint64_t number, rating;
    if (parse_unsigned(copy, &number) < 0 || parse_unsigned(underscore + 1, &rating) < 0 ||
        number > UINT32_MAX || rating > MAX_RATING)
        return -1;
    review->number = (uint32_t)number;
    review->rating = (uint32_t)rating;
    return 0;
}

/* 1 when the path is a review's, 0 when it is something else's, -1 with a message when it should be
 * a review's. */
static int parse_path(const char *path, const char *archive, struct imdb_review *review)
{
    const char *rest = strncmp(path, "./", 2) == 0 ? path + 2 : path;
    if (strncmp(rest, "aclImdb/", 8) != 0)
        return 0;
    rest += 8;
    for (size_t i = 0; i < FOLDERS; i++) {
        size_t length = strlen(folders[i].path);
        if (strncmp(rest, folders[i].path, length) != 0 || rest[length] == '.')
            continue;
        review->split = folders[i].split;
        review->label = folders[i].label;
        if (parse_file_name(rest + length, review) < 0)
            return diag_error("%s: %s: not named NUMBER_RATING.txt", archive, path);
        return 1;
    }
    return 0;
}

static int compare_reviews(const void *one, const void *other)
{
    const struct imdb_review *a = one, *b = other;
    if (a->split != b->split)
        return a->split < b->split ? -1 : 1;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return (a->rating > b->rating) - (a->rating < b->rating);
}

static int read_reviews(struct imdb *imdb, struct archive_file *archive, const char *path,
                        unsigned splits)
{
    struct archive_entry_info entry;
    uint64_t total = 0;
    int got;
    while ((got = archive_file_next(archive, &entry)) > 0) {
        struct imdb_review review;
        int found = parse_path(entry.name, path, &review);
        if (found < 0)
            return -1;
        if (!found || !(splits & 1u << review.split))
            continue;
        if (entry.size > MAX_REVIEW)
            return diag_error("%s: %s: a review of %" PRIu64 " bytes, more than %" PRIu64, path,
                              entry.name, entry.size, MAX_REVIEW);
        if ((total += entry.size) > MAX_TOTAL)
            return diag_error("%s: reviews of more than %" PRIu64 " bytes: refused", path,
                              MAX_TOTAL);
        review.size = (size_t)entry.size;
        review.text = mem_alloc(review.size + 1);
        mem_grow(&imdb->reviews, &imdb->capacity, imdb->count + 1, sizeof(review));
        imdb->reviews[imdb->count++] = review;
        if (archive_file_read(archive, review.text, entry.size) < 0)
            return -1;
        if (utf8_valid_prefix(review.text, review.size) < review.size)
            return diag_error("%s: %s: not UTF-8", path, entry.name);
    }
    return got;
}

/* A label without reviews or a review twice: some other archive, or a part of this one. */
static int check_reviews(const struct imdb *imdb, const char *path, unsigned splits)
{
    size_t counts[FOLDERS] = {0};
    for (size_t i = 0; i < imdb->count; i++) {
        const struct imdb_review *review = &imdb->reviews[i];
        for (size_t k = 0; k < FOLDERS; k++)
            counts[k] += folders[k].split == review->split && folders[k].label == review->label;
        if (i > 0 && compare_reviews(review - 1, review) == 0) {
            char id[IMDB_ID_SIZE];
            imdb_id(review, id);
            return diag_error("%s: aclImdb/%s is there twice", path, id);
        }
    }
    if (imdb->count == 0 && splits != 1u << IMDB_UNSUP)
        return diag_error("%s: not the IMDB archive: no files like aclImdb/%s0_3.txt", path,
                          splits & 1u << IMDB_TRAIN ? "train/neg/" : "test/neg/");
    for (size_t k = 0; k < FOLDERS; k++) {
        bool optional = folders[k].split == IMDB_UNSUP && splits != 1u << IMDB_UNSUP;
        if (splits & 1u << folders[k].split && counts[k] == 0 && !optional)
            return diag_error("%s: no reviews in aclImdb/%s", path, folders[k].path);
    }
    return 0;
}

int imdb_read(struct imdb *imdb, const char *path, unsigned splits)
{
    memset(imdb, 0, sizeof(*imdb));
    struct archive_file *archive = archive_file_open(path);
    if (!archive)
        return -1;
    int status = read_reviews(imdb, archive, path, splits);
    if (status == 0)
        status = archive_file_finish(archive, imdb->md5);
    archive_file_close(archive);
    if (status == 0) {
        if (imdb->count > 0)
            qsort(imdb->reviews, imdb->count, sizeof(*imdb->reviews), compare_reviews);
        status = check_reviews(imdb, path, splits);
    }
    if (status < 0)
        imdb_free(imdb);
    return status;
}

void imdb_free(struct imdb *imdb)
{
    for (size_t i = 0; i < imdb->count; i++)
        free(imdb->reviews[i].text);
    free(imdb->reviews);
    memset(imdb, 0, sizeof(*imdb));
}

struct draw {
    char key[DIGEST_HEX_MAX];
    size_t review;
};

static int compare_draws(const void *one, const void *other)
{
    return strcmp(((const struct draw *)one)->key, ((const struct draw *)other)->key);
}

/* Marks the `wanted` reviews of [first, first + count) with the smallest keys. */
static void draw(const struct imdb *imdb, size_t first, size_t count, size_t wanted, uint64_t seed,
                 bool *kept)
{
    struct draw *draws = mem_calloc(count, sizeof(*draws));
    for (size_t i = 0; i < count; i++) {
        char id[IMDB_ID_SIZE], text[IMDB_ID_SIZE + 24];
        imdb_id(&imdb->reviews[first + i], id);
        int length = snprintf(text, sizeof(text), "%" PRIu64 ":%s", seed, id);
        struct digest *digest = digest_new(DIGEST_SHA256);
        digest_add(digest, text, (size_t)length);
        digest_finish(digest, draws[i].key);
        draws[i].review = first + i;
    }
    qsort(draws, count, sizeof(*draws), compare_draws);
    for (size_t i = 0; i < wanted; i++)
        kept[draws[i].review] = true;
    free(draws);
}

static bool same_group(const struct imdb_review *one, const struct imdb_review *other)
{
    return one->split == other->split && one->label == other->label;
}

int imdb_sample(struct imdb *imdb, uint64_t n, uint64_t seed)
{
    bool *kept = mem_calloc(imdb->count + 1, sizeof(*kept));
    int status = 0;
    size_t first = 0;
    while (first < imdb->count && status == 0) {
        const struct imdb_review *group = &imdb->reviews[first];
        size_t count = 1;
        while (first + count < imdb->count && same_group(group, group + count))
            count++;
        uint64_t wanted = group->label == IMDB_UNLABELLED ? n
                          : group->label == IMDB_NEGATIVE ? n - n / 2
                                                          : n / 2;
        if (wanted > count)
            status = diag_error("a sample of %" PRIu64 " needs %" PRIu64 " reviews of %s, not %zu",
                                n, wanted, folder_of(group), count);
        else
            draw(imdb, first, count, (size_t)wanted, seed, kept);
        first += count;
    }
    size_t count = 0;
    for (size_t i = 0; i < imdb->count && status == 0; i++) {
        if (kept[i])
            imdb->reviews[count++] = imdb->reviews[i];
        else
            free(imdb->reviews[i].text);
    }
    if (status == 0)
        imdb->count = count;
    free(kept);
    return status;
}
