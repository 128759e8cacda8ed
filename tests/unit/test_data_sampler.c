/* The order of an epoch, against the numbers torch.randperm gives. */
#include <inttypes.h>
#include <stdlib.h>

#include "check.h"
#include "data/sampler.h"
#include "sampler_expected.h"

/* Makoto Matsumoto's mt19937ar, init_genrand(5489): the first output and the 10,000th, which is
 * also what C++ std::mt19937 promises. */
static void test_generator(void)
{
    struct mt19937 generator;
    mt19937_init(&generator, 5489);
    uint32_t word = mt19937_next(&generator);
    CHECK(word == 3499211612u, "first word %" PRIu32, word);
    for (int i = 1; i < 10000; i++)
        word = mt19937_next(&generator);
    CHECK(word == 4123659995u, "10,000th word %" PRIu32, word);
}

/* torch.randperm(25000, generator=Generator().manual_seed(42 + epoch)), its first ten. */
static void test_imdb(void)
{
    static const uint32_t first[] = {12542, 12918, 13566, 15968, 18130,
                                     17220, 10864, 19893, 9454,  1711};
    uint32_t *order = malloc(25000 * sizeof *order);
    sampler_permute(order, 25000, 42, 0);
    for (int i = 0; i < 10; i++)
        CHECK(order[i] == first[i], "position %d: %" PRIu32 ", expected %" PRIu32, i, order[i],
              first[i]);
    free(order);
}

/* torch.randperm(10) with seeds 43 and 2**32 + 7, by torch. */
static void test_epochs(void)
{
    uint32_t order[10];
    sampler_permute(order, 10, 42, 1);
    for (int i = 0; i < 10; i++)
        CHECK(order[i] == order_seed_43[i], "epoch 1: position %d: %" PRIu32, i, order[i]);
    sampler_permute(order, 10, UINT64_C(4294967303), 0);
    for (int i = 0; i < 10; i++)
        CHECK(order[i] == order_seed_large[i], "large seed: position %d: %" PRIu32, i, order[i]);
}

static void test_permutation(void)
{
    uint32_t order[1000], seen[1000] = {0};
    sampler_permute(order, 1000, 7, 3);
    for (int i = 0; i < 1000; i++)
        seen[order[i]]++;
    bool all = true;
    for (int i = 0; i < 1000; i++)
        all = all && seen[i] == 1;
    CHECK(all, "every index once");
    sampler_permute(order, 1, 7, 0);
    CHECK(order[0] == 0, "one sample");
}

static uint32_t length_of(const struct dataset *dataset, uint32_t index)
{
    (void)dataset;
    return lengths[index];
}

static const struct dataset_methods only_lengths = {.length = length_of};

static void check_grouped(uint64_t step_samples, const uint32_t *expected)
{
    struct dataset dataset = {.methods = &only_lengths, .count = LENGTHS};
    struct sampler sampler = {SAMPLER_GROUP_BY_LENGTH, &dataset, 42, step_samples};
    uint32_t order[LENGTHS], wrong = 0;
    sampler_epoch(&sampler, 2, order);
    for (uint32_t i = 0; i < LENGTHS; i++)
        wrong += order[i] != expected[i];
    CHECK(wrong == 0, "groups of steps of %" PRIu64 ": %" PRIu32 " of %d places differ",
          step_samples, wrong, LENGTHS);
}

/* get_length_grouped_indices with a generator of seed 44. */
static void test_grouped(void)
{
    check_grouped(1, grouped_1);
    check_grouped(4, grouped_4);
    check_grouped(16, grouped_16);
    check_grouped(100, grouped_100);
    check_grouped(500, grouped_500);
}

static void test_kinds(void)
{
    struct dataset dataset = {.methods = &only_lengths, .count = 10};
    struct sampler sampler = {SAMPLER_SEQUENTIAL, &dataset, 42, 4};
    uint32_t order[10];
    sampler_epoch(&sampler, 1, order);
    for (uint32_t i = 0; i < 10; i++)
        CHECK(order[i] == i, "sequential: position %" PRIu32 ": %" PRIu32, i, order[i]);
    sampler.kind = SAMPLER_RANDOM;
    sampler_epoch(&sampler, 1, order);
    for (uint32_t i = 0; i < 10; i++)
        CHECK(order[i] == order_seed_43[i], "random: position %" PRIu32 ": %" PRIu32, i, order[i]);
}

int main(void)
{
    test_generator();
    test_imdb();
    test_epochs();
    test_permutation();
    test_grouped();
    test_kinds();
    return check_report();
}
