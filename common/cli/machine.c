#include "cli/machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/options.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The first word of a file as a number; UINT64_MAX when it is none ("max"). */
static uint64_t read_number(const char *path)
{
    char line[256] = "";
    uint64_t value;
    FILE *file = fopen(path, "r");
    if (!file)
        return UINT64_MAX;
    bool number = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    line[strcspn(line, " \n")] = '\0';
    return number && parse_unsigned(line, &value) == 0 ? value : UINT64_MAX;
}

/* Containers see their own group at the root, in either version of control groups. */
static uint64_t group_limit(void)
{
    return least(read_number("/sys/fs/cgroup/memory.max"),
                 read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
}

static uint64_t still_mappable(uint64_t page)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    uint64_t pages = read_number("/proc/self/statm"),
             mapped = pages == UINT64_MAX ? 0 : pages * page;
    return limit.rlim_cur > mapped ? limit.rlim_cur - mapped : 0;
}

uint64_t machine_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (page <= 0)
        return UINT64_MAX;
    uint64_t all = pages > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;
    return least(least(all, group_limit()), still_mappable((uint64_t)page));
}
