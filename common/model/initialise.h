/*
 * Seeded initial values.
 *
 * Element e of a tensor is drawn by Philox 4x32-10 with key (seed low, seed high ^ 0x696e6974) and
 * counter (e/4 low, e/4 high, h low, h high), where h is the xxh64 of the tensor's name. Words 0
 * and 1 give elements 0 and 1 of the block of four, words 2 and 3 its elements 2 and 3, each pair
 * by Box-Muller in double precision from u1 = (word + 1) / 2^32 and u2 = next word / 2^32:
 * deviation * sqrt(-2 ln u1) * cos(2 pi u2), and sin for the second. So any element can be had
 * alone.
 */
#ifndef MODEL_INITIALISE_H
#define MODEL_INITIALISE_H

#include <stdint.h>

#include "model/parameters.h"

/* Fills values[parameter->count]; deviation is the standard deviation of the normal ones. */
void initialise_parameter(const struct parameter *parameter, uint64_t seed, double deviation,
                          float *values);

#endif
