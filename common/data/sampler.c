#include "data/sampler.h"

#include <stdlib.h>

#include "cli/memory.h"

enum { WORDS = 624, MIDDLE = 397 };

/* Optimiser steps of a group, where there are enough samples for four such groups. */
#define GROUP_STEPS 50
#define GROUPS      4

void mt19937_init(struct mt19937 *generator, uint32_t seed)
{
    uint32_t *state = generator->state;
    state[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++)
        state[i] = UINT32_C(1812433253) * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
    generator->next = WORDS;
}

static void refill(struct mt19937 *generator)
{
    uint32_t *state = generator->state;
    for (unsigned i = 0; i < WORDS; i++) {
        uint32_t mixed =
            (state[i] & UINT32_C(0x80000000)) | (state[(i + 1) % WORDS] & UINT32_C(0x7fffffff));
        state[i] =
            state[(i + MIDDLE) % WORDS] ^ (mixed >> 1) ^ ((mixed & 1) ? UINT32_C(0x9908b0df) : 0);
    }
    generator->next = 0;
}

uint32_t mt19937_next(struct mt19937 *generator)
{
    if (generator->next == WORDS)
        refill(generator);
    uint32_t word = generator->state[generator->next++];
    word ^= word >> 11;
    word ^= (word << 7) & UINT32_C(0x9d2c5680);
    word ^= (word << 15) & UINT32_C(0xefc60000);
    return word ^ (word >> 18);
}

void sampler_permute(uint32_t *order, uint32_t count, uint64_t seed, uint64_t epoch)
{
    struct mt19937 generator;
    mt19937_init(&generator, (uint32_t)(seed + epoch));
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = 0; i + 1 < count; i++) {
        uint32_t other = i + mt19937_next(&generator) % (count - i);
        uint32_t held = order[i];
        order[i] = order[other];
        order[other] = held;
    }
}

/* A sample of a group: its place there decides among equal lengths, as Python's sort keeps them. */
struct member {
    uint32_t length, place, index;
};

static int compare_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static void sort_group(const struct dataset *dataset, uint32_t *order, uint32_t count,
                       struct member *members)
{
    for (uint32_t i = 0; i < count; i++)
        members[i] = (struct member){dataset_length(dataset, order[i]), i, order[i]};
    qsort(members, count, sizeof *members, compare_members);
    for (uint32_t i = 0; i < count; i++)
        order[i] = members[i].index;
}

static void group_by_length(const struct sampler *sampler, uint32_t *order)
{
    const struct dataset *dataset = sampler->dataset;
    uint32_t count = dataset->count, longest = 0;
    uint64_t steps = count / GROUPS / sampler->step_samples;
    steps = steps == 0 ? 1 : steps < GROUP_STEPS ? steps : GROUP_STEPS;
    /* No larger than the data: a product that wrapped would be a group of none. */
    uint32_t group =
        sampler->step_samples > count / steps ? count : (uint32_t)(steps * sampler->step_samples);
    struct member *members = mem_realloc_array(NULL, group, sizeof *members);
    for (uint32_t first = 0; first < count; first += group) {
        uint32_t size = count - first < group ? count - first : group;
        sort_group(dataset, order + first, size, members);
        if (dataset_length(dataset, order[first]) > dataset_length(dataset, order[longest]))
            longest = first;
        if (size < group)
            break;
    }
    free(members);
    uint32_t held = order[0];
    order[0] = order[longest];
    order[longest] = held;
}

void sampler_epoch(const struct sampler *sampler, uint64_t epoch, uint32_t *order)
{
    uint32_t count = sampler->dataset->count;
    if (sampler->kind == SAMPLER_SEQUENTIAL) {
        for (uint32_t i = 0; i < count; i++)
            order[i] = i;
        return;
    }
    sampler_permute(order, count, sampler->seed, epoch);
    if (sampler->kind == SAMPLER_GROUP_BY_LENGTH)
        group_by_length(sampler, order);
}
