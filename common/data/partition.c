#include "data/partition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "cli/options.h"
#include "cli/philox.h"

#define PARTITION_USE 0x73706c74u /* of the seed */
#define TOLERANCE     1e-9        /* of sums of decimal fractions */

static int parse_share(const char *text, size_t size, double *share)
{
    char *copy = mem_strndup(text, size);
    int status = parse_real(copy, share);

    free(copy);
    return status == 0 && *share > 0 ? 0 : -1;
}

const char *partition_parse_ratio(struct partition_plan *plan, const char *text)
{
    double sum = 0;

    plan->parts = 0;
    for (;; text++) {
        size_t size = strcspn(text, ":,");

        if (plan->parts == PARTITION_MAX_PARTS)
            return "has more than 100 parts";
        if (parse_share(text, size, &plan->shares[plan->parts]) != 0)
            return "is no list of positive numbers such as 9:1 or 0.8,0.1,0.1";
        sum += plan->shares[plan->parts++];
        text += size;
        if (*text == '\0')
            break;
    }
    /* 0.8,0.1 is a slip: nobody knows what becomes of the last tenth. */
    if (sum < 1 - TOLERANCE)
        return "adds up to less than 1";
    for (size_t i = 0; i < plan->parts; i++)
        plan->shares[i] /= sum;
    return NULL;
}

/* Whole and fractional part of count * share, where 0.3 * 10 is 3. */
static size_t split_share(size_t count, double share, double *fraction)
{
    double exact = (double)count * share, whole = floor(exact + TOLERANCE * (exact + 1));

    *fraction = exact > whole ? exact - whole : 0;
    return (size_t)whole;
}

/* Largest remainders: the sizes of all parts for count items. */
static void whole_sizes(const struct partition_plan *plan, size_t count, size_t *sizes)
{
    double fractions[PARTITION_MAX_PARTS];
    size_t left = count;

    for (size_t part = 0; part < plan->parts; part++) {
        sizes[part] = split_share(count, plan->shares[part], &fractions[part]);
        left -= sizes[part];
    }
    for (; left > 0; left--) {
        size_t best = 0;

        for (size_t part = 1; part < plan->parts; part++)
            if (fractions[part] > fractions[best] + TOLERANCE)
                best = part;
        fractions[best] = -1;
        sizes[best]++;
    }
}

/*
 * Of each stratum a part gets its share rounded down, and the items left over go, at most one to a
 * part, to the parts that lack most of their whole size: so the roundings of many small strata do
 * not add up. (Gale and Ryser's construction of a matrix from its sums.)
 */
static void stratum_sizes(const struct partition_plan *plan, const size_t *counts,
                          size_t stratum_count, size_t count, size_t *table)
{
    double fractions[PARTITION_MAX_PARTS];
    size_t wanted[PARTITION_MAX_PARTS];
    int64_t lacking[PARTITION_MAX_PARTS];

    whole_sizes(plan, count, wanted);
    for (size_t part = 0; part < plan->parts; part++) {
        lacking[part] = (int64_t)wanted[part];
        for (size_t i = 0; i < stratum_count; i++) {
            table[i * plan->parts + part] = split_share(counts[i], plan->shares[part], fractions);
            lacking[part] -= (int64_t)table[i * plan->parts + part];
        }
    }
    for (size_t i = 0; i < stratum_count; i++) {
        size_t *row = table + i * plan->parts, left = counts[i];
        bool served[PARTITION_MAX_PARTS] = {false};

        for (size_t part = 0; part < plan->parts; part++) {
            left -= row[part];
            split_share(counts[i], plan->shares[part], &fractions[part]);
        }
        for (; left > 0; left--) {
            size_t best = plan->parts;

            for (size_t part = 0; part < plan->parts; part++)
                if (!served[part] && (best == plan->parts || lacking[part] > lacking[best] ||
                                      (lacking[part] == lacking[best] &&
                                       fractions[part] > fractions[best] + TOLERANCE)))
                    best = part;
            served[best] = true;
            row[best]++;
            lacking[best]--;
        }
    }
}

struct item {
    uint64_t key;
    size_t index;
    uint32_t stratum;
};

static int compare_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;

    if (a->stratum != b->stratum)
        return a->stratum < b->stratum ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* The items of each stratum one after the other, in random order or their own. */
static struct item *order_items(const struct partition_plan *plan, const uint32_t *strata,
                                size_t count)
{
    struct item *items = mem_calloc(count, sizeof *items);

    for (size_t i = 0; i < count; i++)
        items[i] = (struct item){
            .key = plan->in_order ? i : philox_u64(plan->seed, PARTITION_USE, i),
            .index = i,
            .stratum = strata != NULL ? strata[i] : 0,
        };
    if (count > 1)
        qsort(items, count, sizeof *items, compare_items);
    return items;
}

void partition_assign(const struct partition_plan *plan, const uint32_t *strata,
                      size_t stratum_count, size_t count, uint8_t *part_of, size_t *sizes)
{
    struct item *items = order_items(plan, strata, count);
    size_t rows = strata != NULL ? stratum_count : 1, next = 0;
    size_t *counts = mem_calloc(rows, sizeof *counts);
    size_t *table = mem_calloc(rows * plan->parts, sizeof *table);

    for (size_t i = 0; i < count; i++)
        counts[items[i].stratum]++;
    stratum_sizes(plan, counts, rows, count, table);
    memset(sizes, 0, plan->parts * sizeof *sizes);
    for (size_t i = 0; i < rows; i++)
        for (size_t part = 0; part < plan->parts; part++) {
            size_t end = next + table[i * plan->parts + part];

            sizes[part] += end - next;
            for (; next < end; next++)
                part_of[items[next].index] = (uint8_t)part;
        }
    free(items);
    free(counts);
    free(table);
}
