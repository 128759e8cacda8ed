/*
 * A fuzz target is one file here, tests/fuzz/NAME.c, that defines LLVMFuzzerTestOneInput and states
 * with REQUIRE what must hold of any input. `make fuzz` builds and runs all of them, beginning with
 * tests/fuzz/corpus/NAME/ (generate-corpus.py) and with the words of tests/fuzz/NAME.dict, if those
 * are there; `make check` runs that corpus through them (replay.c).
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process, of which libFuzzer keeps the input, when something is not as it must be. */
#define REQUIRE(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
