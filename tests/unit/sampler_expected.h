/* Made by tests/unit/generate-training.py: do not edit. */
#include <stdint.h>

/* clang-format off */
static const uint32_t order_seed_43[] = {8, 4, 9, 0, 5, 1, 6, 7, 2, 3};
static const uint32_t order_seed_large[] = {5, 0, 3, 4, 1, 7, 9, 6, 8, 2};
