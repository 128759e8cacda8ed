/* The folders of checkpoints: which there are, what an interrupted run has left, what is removed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"
#include "model_capture.h"

#include "cli/diag.h"
#include "model/checkpoint.h"

static void make_folder(const char *out, const char *name)
{
    char path[600];

    snprintf(path, sizeof path, "%s/%s", out, name);
    CHECK(mkdir(path, 0777) == 0, "%s", path);
}

static bool exists(const char *out, const char *name)
{
    char path[600];
    struct stat status;

    snprintf(path, sizeof path, "%s/%s", out, name);
    return lstat(path, &status) == 0;
}

static void check_line(bool failed, const struct capture *capture, const char *folder,
                       const char *words)
{
    CHECK(failed && capture_is_exactly(capture->text, folder, words), "%s instead of %s",
          capture->text, words);
}

static void test_list(const char *out)
{
    static const char *const others[] = {"checkpoint-",    "checkpoint-07", "checkpoint-7x",
                                         "checkpoint--7",  "checkpoint",    "model-7",
                                         ".checkpoint-7.x"};
    struct capture capture;
    uint64_t *steps;

    CHECK(checkpoint_list("/nowhere", &steps) == 0 && steps == NULL, "no folder");
    CHECK(checkpoint_list(out, &steps) == 0 && steps == NULL, "an empty folder");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        make_folder(out, others[i]);
    make_folder(out, "checkpoint-10");
    make_folder(out, "checkpoint-0");
    make_folder(out, "checkpoint-9");
    CHECK(checkpoint_list(out, &steps) == 3 && steps[0] == 0 && steps[1] == 9 && steps[2] == 10,
          "in order of their numbers");
    free(steps);
    capture_begin(&capture);
    int64_t count = checkpoint_list("/dev/null", &steps);
    capture_end(&capture);
    check_line(count == -1, &capture, "/dev/null", ": cannot open: Not a directory");
}

/* Of ".checkpoint-3.old" the run that replaced it never came to put the new one in its place. */
static void test_clean(const char *out)
{
    struct capture capture;

    make_folder(out, ".checkpoint-1.partial");
    write_in(out, ".checkpoint-1.partial/vocab.txt", "");
    write_in(out, ".checkpoint-1.partial/.config.json.Ab12Cd", "");
    make_folder(out, ".checkpoint-2.old");
    make_folder(out, "checkpoint-2");
    make_folder(out, ".checkpoint-3.old");
    write_in(out, ".checkpoint-3.old/vocab.txt", "");
    make_folder(out, ".model.partial");
    make_folder(out, ".checkpoint-x.partial");
    make_folder(out, ".notes.old");
    write_in(out, "notes.partial", "");
    write_in(out, ".partial", "");
    CHECK(checkpoint_clean(out) == 0, "cleaned");
    CHECK(!exists(out, ".checkpoint-1.partial") && !exists(out, ".checkpoint-2.old") &&
              !exists(out, ".checkpoint-3.old") && !exists(out, ".model.partial"),
          "what was left over");
    CHECK(exists(out, "checkpoint-2") && exists(out, "checkpoint-3/vocab.txt"), "the checkpoints");
    CHECK(exists(out, ".checkpoint-x.partial") && exists(out, ".notes.old") &&
              exists(out, "notes.partial") && exists(out, ".partial"),
          "what is not a run's");
    capture_begin(&capture);
    int status = checkpoint_clean("/nowhere");
    capture_end(&capture);
    check_line(status == -1, &capture, "/nowhere", ": cannot open: No such file or directory");
}

static void test_remove(const char *out)
{
    char path[600];
    struct capture capture;

    make_folder(out, "checkpoint-20");
    write_in(out, "checkpoint-20/model.safetensors", "");
    write_in(out, "checkpoint-20/notes.txt", "");
    snprintf(path, sizeof path, "%s/checkpoint-20", out);
    capture_begin(&capture);
    int status = checkpoint_remove(path);
    capture_end(&capture);
    CHECK(status == 0 && capture_is_line(capture.text, "test: warning: ") &&
              strstr(capture.text, "checkpoint-20: kept, as it holds files of another kind\n"),
          "%d: %s", status, capture.text);
    CHECK(exists(path, "notes.txt") && !exists(path, "model.safetensors"), "a file of the user's");
    make_folder(out, "checkpoint-21");
    make_folder(out, "checkpoint-21/vocab.txt");
    snprintf(path, sizeof path, "%s/checkpoint-21", out);
    capture_begin(&capture);
    status = checkpoint_remove(path);
    capture_end(&capture);
    check_line(status == -1, &capture, path, "/vocab.txt: cannot remove: Is a directory");
    capture_begin(&capture);
    status = checkpoint_discard(out, 77);
    capture_end(&capture);
    snprintf(path, sizeof path, "%s/checkpoint-77", out);
    check_line(status == -1, &capture, path, ": cannot remove: No such file or directory");
    make_folder(out, "checkpoint-22");
    CHECK(checkpoint_discard(out, 22) == 0 && !exists(out, "checkpoint-22"), "removed");
}

int main(void)
{
    char *list = temporary_folder(), *clean = temporary_folder(), *gone = temporary_folder();

    diag_init("test");
    test_list(list);
    test_clean(clean);
    test_remove(gone);
    remove_folder(list);
    remove_folder(clean);
    remove_folder(gone);
    return check_report();
}
