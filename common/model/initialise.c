#include "model/initialise.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "cli/philox.h"

#define TWO_PI          6.283185307179586
#define INITIALISE_SITE 0x696e6974u

static void fill_normal(const struct parameter *parameter, uint64_t seed, double deviation,
                        float *values)
{
    const double unit = 1.0 / 4294967296.0;
    uint64_t name = XXH64(parameter->name, strlen(parameter->name), 0);

    for (uint64_t element = 0; element < parameter->count; element += 4) {
        uint64_t block = element / 4;
        struct philox_block counter = {
            {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)name, (uint32_t)(name >> 32)}};
        struct philox_block random =
            philox(counter, (uint32_t)seed, (uint32_t)(seed >> 32) ^ INITIALISE_SITE);

        for (uint64_t pair = 0; pair < 2; pair++) {
            double radius = deviation * sqrt(-2.0 * log((random.word[2 * pair] + 1.0) * unit));
            double angle = TWO_PI * (random.word[2 * pair + 1] * unit);
            uint64_t at = element + 2 * pair;

            if (at < parameter->count)
                values[at] = (float)(radius * cos(angle));
            if (at + 1 < parameter->count)
                values[at + 1] = (float)(radius * sin(angle));
        }
    }
}

void initialise_parameter(const struct parameter *parameter, uint64_t seed, double deviation,
                          float *values)
{
    if (parameter->initialisation == INITIALISE_NORMAL) {
        fill_normal(parameter, seed, deviation, values);
        return;
    }
    float value = parameter->initialisation == INITIALISE_ONE ? 1.0f : 0.0f;

    for (uint64_t i = 0; i < parameter->count; i++)
        values[i] = value;
}
