#include "data/sampler.h"

enum { WORDS = 624, MIDDLE = 397 };

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
