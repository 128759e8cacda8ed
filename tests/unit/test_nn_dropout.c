#include <stdint.h>

#include "nn/dropout.h"

#include "check.h"

/* Known answers published with Random123 (kat_vectors: philox4x32 10). */
static const struct {
    uint32_t counter[4], key[2], out[4];
} known[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static void test_known_answers(void)
{
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        uint32_t out[4];
        philox4x32(known[k].counter, known[k].key, out);
        for (int i = 0; i < 4; i++)
            CHECK(out[i] == known[k].out[i], "vector %zu word %d: %08x, expected %08x", k, i,
                  out[i], known[k].out[i]);
    }
}

static void test_threshold(void)
{
    CHECK(dropout_threshold(0.0) == 0, "threshold of 0");
    CHECK(dropout_threshold(0.5) == 0x8000, "threshold of 1/2");
    CHECK(dropout_threshold(0.1) == 6553, "threshold of 0.1: %u", dropout_threshold(0.1));
    CHECK(dropout_threshold(nextafter(1.0, 0.0)) == 0xffff, "threshold just below 1");
    /* What is kept makes up for the share that is dropped, 6553 of 65536. */
    CHECK(dropout_scale(0.0) == 1.0f && dropout_scale(0.5) == 2.0f, "scale of 0 and of 1/2");
    CHECK(dropout_scale(0.1) == (float)(65536.0 / 58983.0), "scale of 0.1: %g", dropout_scale(0.1));
}

/* The counter's layout, taken apart by hand. The upper half of word 3 of counter
 * (16 + 5, 7 + (3 << 16), 9, site) belongs to column 128 + 7 * 16 + 5. */
static void test_layout(void)
{
    const uint64_t seed = 0x299f31d0a4093822u, ordinal = ((uint64_t)3 << 32) + 9;
    const uint32_t site = 2u << 16 | 1u << 12 | 11u;
    const uint32_t counter[4] = {16 + 5, 7 + (3u << 16), 9, site};
    const uint32_t key[2] = {0xa4093822, 0x299f31d0};
    uint32_t out[4];

    CHECK(dropout_site(2, DROPOUT_ATTENTION, 11) == site, "the site's bits");
    philox4x32(counter, key, out);
    for (uint32_t half = 0; half < 8; half++) {
        uint32_t random = half % 2 ? out[half / 2] >> 16 : out[half / 2] & 0xffff;
        double just_below = random / 65536.0, just_above = (random + 1.0) / 65536.0;
        uint32_t column = 128 + 16 * half + 5;
        float kept = dropout_factor(seed, ordinal, site, 7, column, just_below);
        float dropped = dropout_factor(seed, ordinal, site, 7, column, just_above);

        CHECK(kept == (float)(1.0 / (1.0 - just_below)), "column %u is kept: %g", column, kept);
        CHECK(dropped == 0.0f, "column %u is dropped: %g", column, dropped);
    }
}

/* A tenth of a million elements, within five standard deviations. */
static void test_rate(void)
{
    const unsigned rows = 1000, columns = 1000;
    unsigned dropped = 0;

    for (unsigned r = 0; r < rows; r++) {
        for (unsigned c = 0; c < columns; c++)
            dropped += dropout_factor(42, 5, 0, r, c, 0.1) == 0.0f;
    }
    CHECK(dropped > 100000 - 1500 && dropped < 100000 + 1500, "dropped %u of a million", dropped);
}

int main(void)
{
    test_known_answers();
    test_threshold();
    test_layout();
    test_rate();
    return check_report();
}
