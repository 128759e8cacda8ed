/* bert-fetch: a model's folder, downloaded or unpacked if need be; its path goes to standard
 * output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "hub/archive.h"
#include "hub/fetch.h"
#include "hub/files.h"

static struct {
    const char *revision, *sha256;
} options;

/* clang-format off */
static const struct option_row rows[] = {
    {'r', "revision", .kind = OPTION_STRING, .target = &options.revision, .argument = "REVISION",
     .help = "branch, tag or commit of a hub's model; main when not given"},
    {0, "sha256", .kind = OPTION_STRING, .target = &options.sha256, .argument = "HEX",
     .help = "checksum that an archive must have"},
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "bert-fetch",
    .summary = "download or unpack a model and print its folder",
    .usage = "[OPTION]... MODEL",
    .example = "bert-train -m \"$(bert-fetch google-bert/bert-base-uncased)\" -o out < train.mp",
    .rows = rows,
    .operands_min = 1,
    .operands_max = 1,
};

enum source { SOURCE_HUB, SOURCE_URL, SOURCE_FOLDER, SOURCE_ARCHIVE };

static enum source source_of(const char *name)
{
    struct stat status;
    if (strncasecmp(name, "https://", 8) == 0 || strncasecmp(name, "http://", 7) == 0)
        return SOURCE_URL;
    if (stat(name, &status) != 0)
        return SOURCE_HUB;
    return S_ISDIR(status.st_mode) ? SOURCE_FOLDER : SOURCE_ARCHIVE;
}

static void check_options(enum source source)
{
    const char *sha256 = options.sha256;
    if (sha256 != NULL && (strspn(sha256, "0123456789abcdefABCDEF") != 64 || sha256[64] != '\0'))
        options_usage_error("--sha256: '%s' is not 64 hexadecimal digits", sha256);
    if (options.revision != NULL && source != SOURCE_HUB)
        options_usage_error("--revision is for models of a hub");
    if (sha256 != NULL && source != SOURCE_URL && source != SOURCE_ARCHIVE)
        options_usage_error("--sha256 is for archives");
}

static char *fetch_from_hub(const char *name)
{
    struct hub_model model;
    if (!hub_model_parse(&model, name, options.revision)) {
        diag_error("%s%s%s: neither a folder, an archive, a URL nor a model's name (ORG/NAME)",
                   name, options.revision != NULL ? " at " : "",
                   options.revision != NULL ? options.revision : "");
        return NULL;
    }
    char *folder = hub_fetch(&model);
    hub_model_free(&model);
    return folder;
}

static char *check_folder(const char *folder)
{
    char *missing = NULL;
    int result = hub_missing_file(folder, &missing);
    if (result == 0)
        return mem_strdup(folder);
    if (result == 1)
        diag_error("%s: no model's folder: it has no %s", folder, missing);
    free(missing);
    return NULL;
}

static char *fetch(const char *name, enum source source)
{
    switch (source) {
    case SOURCE_URL:
        return hub_url_folder(name, options.sha256);
    case SOURCE_FOLDER:
        return check_folder(name);
    case SOURCE_ARCHIVE:
        return hub_archive_folder(name, options.sha256);
    default:
        return fetch_from_hub(name);
    }
}

int main(int argc, char **argv)
{
    struct option_operands operands = options_parse(&program, argc, argv);
    enum source source = source_of(operands.items[0]);
    check_options(source);
    char *folder = fetch(operands.items[0], source);
    int status = folder != NULL ? 0 : 1;
    if (folder != NULL)
        puts(folder);
    free(folder);
    return output_finish_stdout(status);
}
