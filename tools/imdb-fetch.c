/* imdb-fetch: the IMDB reviews as a text stream. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "data/download.h"
#include "data/imdb.h"
#include "data/imdb_stream.h"
#include "stream/options.h"
#include "stream/text_form.h"
#include "stream/writer.h"

enum { SPLIT_ALL = IMDB_SPLITS };
static const char *const split_choices[] = {"train", "test", "unsup", "all", NULL};

static struct settings {
    int split;
    const char *archive;
    const char *url, *md5;
    bool verify, stats;
    uint64_t sample, seed;
    struct stream_io io;
} settings = {.url = IMDB_URL, .md5 = IMDB_MD5, .seed = 42};

/* clang-format off */
static const struct option_row rows[] = {
    {'s', "split", .kind = OPTION_CHOICE, .target = &settings.split, .argument = "SPLIT",
     .choices = split_choices, .help = "reviews to write"},
    {'n', "sample", .kind = OPTION_UNSIGNED, .target = &settings.sample, .argument = "N",
     .minimum = 1, .maximum = 1e9,
     .help = "only N random reviews of each split, half of them of each label"},
    {0, "seed", .kind = OPTION_UNSIGNED, .target = &settings.seed, .argument = "S",
     .help = "seed of the sample"},
    {0, "stats", .kind = OPTION_FLAG, .target = &settings.stats,
     .help = "print counts and one record of each split instead of a stream"},

    {.name = "Where the reviews come from"},
    {'a', "archive", .kind = OPTION_STRING, .target = &settings.archive, .argument = "FILE",
     .help = "read this archive and download nothing"},
    {0, "verify", .kind = OPTION_FLAG, .target = &settings.verify,
     .help = "refuse an archive with another checksum"},
    {0, "url", .kind = OPTION_STRING, .target = &settings.url, .argument = "URL",
     .help = "download from here"},
    {0, "md5", .kind = OPTION_STRING, .target = &settings.md5, .argument = "HEX",
     .help = "checksum of the archive"},

    {.name = "Output"},
    STREAM_OPTION_OUTPUT(settings.io),
    STREAM_OPTION_FORM(settings.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "imdb-fetch",
    .summary = "write the IMDB reviews as a text stream",
    .usage = "[OPTION]...",
    .example = "imdb-fetch -s train -n 2000 | wp-tokenize -m bert-base-uncased "
               "> train.mp",
    .rows = rows,
};

static void check_settings(void)
{
    if (strspn(settings.md5, "0123456789abcdefABCDEF") != 32 || settings.md5[32] != '\0')
        options_usage_error("--md5: '%s' is not 32 hexadecimal digits", settings.md5);
    if (settings.archive && options_given(&settings.url))
        options_usage_error("--archive and --url are two places to read from; give one");
    if (settings.stats && settings.io.form != FORM_AUTO && settings.io.form != FORM_TEXT)
        options_usage_error("--stats prints text only");
}

/* The cached archive, downloaded first when it is not there; to be freed. NULL
 * with a message. */
static char *cached_archive(void)
{
    const char *slash = strrchr(settings.url, '/');
    const char *name = slash && slash[1] ? slash + 1 : "aclImdb_v1.tar.gz";
    /* Archives of different checksums must not share a name in the cache. */
    char *file =
        options_given(&settings.md5) ? mem_format("%s-%s", settings.md5, name) : mem_strdup(name);
    char *path = download_cache_path(file);
    free(file);
    if (!path)
        return NULL;
    struct download download = {.url = settings.url,
                                .path = path,
                                .kind = DIGEST_MD5,
                                .digest = settings.md5,
                                .size = options_given(&settings.md5) ? 0 : IMDB_SIZE};
    if (download_file(&download) < 0) {
        free(path);
        return NULL;
    }
    return path;
}

static int check_md5(const struct imdb *imdb, const char *path)
{
    if (strcasecmp(imdb->md5, settings.md5) == 0)
        return 0;
    if (!settings.archive)
        return diag_error("%s: MD5 is %s, expected %s; remove the file to download it again", path,
                          imdb->md5, settings.md5);
    if (settings.verify)
        return diag_error("%s: MD5 is %s, expected %s", path, imdb->md5, settings.md5);
    diag_warn("%s: MD5 is %s, not %s %s", path, imdb->md5,
              options_given(&settings.md5) ? "the expected" : "the published archive's",
              settings.md5);
    return 0;
}

static int read_archive(struct imdb *imdb)
{
    char *path = settings.archive ? mem_strdup(settings.archive) : cached_archive();
    if (!path)
        return -1;
    unsigned splits = settings.split == SPLIT_ALL ? (1u << IMDB_SPLITS) - 1 : 1u << settings.split;
    int status = imdb_read(imdb, path, splits);
    if (status == 0)
        status = check_md5(imdb, path);
    free(path);
    if (status == 0 && options_given(&settings.sample))
        status = imdb_sample(imdb, settings.sample, settings.seed);
    if (status < 0)
        imdb_free(imdb);
    return status;
}

static void make_header(const struct imdb *imdb, struct stream_header *header)
{
    imdb_header(header);
    stream_history_append(header, program.name);
    stream_history_option(header, "archive", "md5:%s", imdb->md5);
    stream_history_option(header, "split", "%s", split_choices[settings.split]);
    if (options_given(&settings.sample)) {
        stream_history_option(header, "sample", "%" PRIu64, settings.sample);
        stream_history_option(header, "seed", "%" PRIu64, settings.seed);
    }
}

static void count(const struct imdb *imdb, size_t counts[IMDB_SPLITS][IMDB_LABELS])
{
    for (size_t i = 0; i < imdb->count; i++)
        counts[imdb->reviews[i].split][imdb->reviews[i].label]++;
}

static void report_counts(const struct imdb *imdb)
{
    size_t counts[IMDB_SPLITS][IMDB_LABELS] = {0};
    count(imdb, counts);
    for (int split = 0; split < IMDB_SPLITS; split++) {
        const size_t *of = counts[split];
        if (of[IMDB_UNLABELLED] > 0)
            diag_note("%s: %zu unlabelled", imdb_split_names[split], of[IMDB_UNLABELLED]);
        else if (of[IMDB_NEGATIVE] + of[IMDB_POSITIVE] > 0)
            diag_note("%s: %zu negative, %zu positive", imdb_split_names[split], of[IMDB_NEGATIVE],
                      of[IMDB_POSITIVE]);
    }
}

/* A table of counts, and the first record of each split. */
static int print_stats(const struct imdb *imdb, const struct stream_header *header)
{
    size_t counts[IMDB_SPLITS][IMDB_LABELS] = {0};
    struct buffer text = {0};
    struct imdb_record_memory memory = {0};
    int status = 0;
    count(imdb, counts);
    buffer_format(&text, "%-8s%12s%12s%12s\n", "split", "negative", "positive", "unlabelled");
    for (int split = 0; split < IMDB_SPLITS; split++)
        buffer_format(&text, "%-8s%12zu%12zu%12zu\n", imdb_split_names[split],
                      counts[split][IMDB_NEGATIVE], counts[split][IMDB_POSITIVE],
                      counts[split][IMDB_UNLABELLED]);
    for (size_t i = 0; i < imdb->count && status == 0; i++) {
        if (i > 0 && imdb->reviews[i].split == imdb->reviews[i - 1].split)
            continue;
        struct stream_record record;
        imdb_record(&imdb->reviews[i], &memory, &record);
        buffer_append_string(&text, "\n");
        status = stream_render_text(&text, header, &record);
    }
    struct output output;
    if (status == 0)
        status = output_open(&output, settings.io.output);
    if (status == 0) {
        status = output_write(&output, text.data, text.size);
        if (status == 0)
            status = output_commit(&output);
        else
            output_abandon(&output);
    }
    buffer_free(&memory.x);
    buffer_free(&text);
    return status;
}

static int write_stream(const struct imdb *imdb, const struct stream_header *header)
{
    struct stream_writer *writer =
        stream_writer_open(settings.io.output, (enum stream_form)settings.io.form);
    if (!writer)
        return -1;
    int status = imdb_write(imdb, header, writer);
    if (stream_writer_close(writer, status == 0) < 0)
        status = -1;
    return status;
}

int main(int argc, char **argv)
{
    options_parse(&program, argc, argv);
    check_settings();
    struct imdb imdb;
    if (read_archive(&imdb) < 0)
        return output_finish_stdout(1);
    struct stream_header header;
    make_header(&imdb, &header);
    int status = settings.stats ? print_stats(&imdb, &header) : write_stream(&imdb, &header);
    if (status == 0)
        report_counts(&imdb);
    stream_header_free(&header);
    imdb_free(&imdb);
    return output_finish_stdout(status < 0 ? 1 : 0);
}
