#include "nn/dropout.h"

#include "cli/philox.h"

#define DROPOUT_STEPS 65536.0 /* of the probability */

void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    struct philox_block block = {{counter[0], counter[1], counter[2], counter[3]}};
    block = philox(block, key[0], key[1]);
    for (int i = 0; i < 4; i++)
        out[i] = block.word[i];
}

uint32_t dropout_threshold(double probability)
{
    return (uint32_t)(probability * DROPOUT_STEPS);
}

float dropout_scale(double probability)
{
    return (float)(1.0 / (1.0 - dropout_threshold(probability) / DROPOUT_STEPS));
}

float dropout_factor(uint64_t seed, uint64_t ordinal, uint32_t site, uint32_t row, uint32_t column,
                     double probability)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t counter[4] = {
        column / 128 * 16 + column % 16,
        row + (uint32_t)(ordinal >> 32 << 16),
        (uint32_t)ordinal,
        site,
    };
    uint32_t random[4];

    philox4x32(counter, key, random);
    uint32_t half = column / 16 % 8;
    if ((random[half / 2] >> half % 2 * 16 & 0xffff) < dropout_threshold(probability))
        return 0.0f;
    return dropout_scale(probability);
}
