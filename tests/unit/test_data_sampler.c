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

int main(void)
{
    test_generator();
    test_imdb();
    test_epochs();
    test_permutation();
    return check_report();
}
