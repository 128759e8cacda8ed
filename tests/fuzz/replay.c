/*
 * A target without a fuzzer, for `make check`: runs the inputs that are its operands, or all of
 * tests/fuzz/corpus/NAME/, where its own name is test_fuzz_NAME. However many bytes an input
 * declares, the resident memory does not grow by more than its size and 64 MiB.
 */
#include <dirent.h>
#include <string.h>
#include <sys/resource.h>

#include "fuzz.h"
#include "reading.h"

static size_t resident(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

static void run(const char *path)
{
    size_t before = resident();
    FILE *file = fopen(path, "r");
    REQUIRE(file != NULL && fseek(file, 0, SEEK_END) == 0, "%s", path);
    size_t size = (size_t)ftell(file);
    uint8_t *data = malloc(size);
    rewind(file);
    REQUIRE(fread(data, 1, size, file) == size, "%s", path);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
#ifndef COUNTS_MEMORY
    REQUIRE(resident() - before <= size + READING_SPARE, "%s: %zu bytes of memory", path,
            resident() - before);
#else
    (void)before;
#endif
}

/* In the order of their names. */
static int run_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort), inputs = 0;
    REQUIRE(count >= 0, "%s", folder);
    for (int i = 0; i < count; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            run(path);
            inputs++;
        }
        free(entries[i]);
    }
    free(entries);
    return inputs;
}

int main(int argc, char **argv)
{
    static const char prefix[] = "test_fuzz_";
    const char *name = strrchr(argv[0], '/');
    int inputs = argc - 1;
    name = name != NULL ? name + 1 : argv[0];
    REQUIRE(strncmp(name, prefix, strlen(prefix)) == 0, "%s", name);
    LLVMFuzzerInitialize(&argc, &argv);
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            run(argv[i]);
    } else {
        char folder[300];
        snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", name + strlen(prefix));
        inputs = run_folder(folder);
    }
    printf("%d passed, 0 failed\n", inputs);
    return 0;
}
