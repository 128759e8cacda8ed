#include "model/install.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/folder.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/paths.h"
#include "model/checkpoint.h"
#include "model/manifest.h"
#include "model/save.h"

#define OLD ".model.old"

/* from NULL: the names in the folder `to` are brought to the disk. */
struct move {
    char *from, *to;
    enum { NEW, REPLACED, STALE } what;
};

/* All that is to be done, so that neither memory nor a look at a file is needed once it begins. */
struct plan {
    const char *partial, *folder;
    char *old;
    struct move *moves;
    size_t count, capacity;
};

static void add(struct plan *plan, struct move move)
{
    mem_grow(&plan->moves, &plan->capacity, plan->count + 1, sizeof *plan->moves);
    plan->moves[plan->count++] = move;
}

static void add_sync(struct plan *plan, const char *folder)
{
    add(plan, (struct move){.to = mem_strdup(folder)});
}

static void add_new(struct plan *plan, const char *name)
{
    add(plan, (struct move){.from = mem_format("%s/%s", plan->partial, name),
                            .to = mem_format("%s/%s", plan->folder, name)});
}

/* 1 or 0, or -1 with a message when it cannot be told. */
static int is_in(const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    int there = path_there(path, F_OK);

    free(path);
    return there;
}

static int set_aside(struct plan *plan, const char *name, int what)
{
    int there = is_in(plan->folder, name);

    if (there == 1)
        add(plan, (struct move){.from = mem_format("%s/%s", plan->folder, name),
                                .to = mem_format("%s/%s", plan->old, name),
                                .what = what});
    return there < 0 ? -1 : 0;
}

/* The files that the folder's bertpipe.json lists and the new model does not have: they would count
 * as its own. */
static int set_stale_aside(struct plan *plan)
{
    char *path = mem_format("%s/" MANIFEST_NAME, plan->folder);
    json_t *json, *entry;
    const char *name;
    int status = json_file_read_optional(path, 0, &json);

    free(path);
    json_object_foreach(json_object_get(json, "files"), name, entry)
    {
        int is_new;

        if (status != 0 || strchr(name, '/') != NULL || strcmp(name, SAVE_WEIGHTS_INDEX) == 0)
            continue;
        is_new = is_in(plan->partial, name);
        status = is_new == 0 ? set_aside(plan, name, STALE) : is_new < 0 ? -1 : 0;
    }
    json_decref(json);
    return status;
}

static int make_plan(struct plan *plan)
{
    if (set_aside(plan, SAVE_WEIGHTS, REPLACED) != 0 ||
        set_aside(plan, SAVE_WEIGHTS_INDEX, REPLACED) != 0)
        return -1;
    if (plan->count > 0) {
        add_sync(plan, plan->old);
        add_sync(plan, plan->folder);
    }
    if (set_stale_aside(plan) != 0)
        return -1;
    for (size_t i = 0; manifest_names[i] != NULL; i++) {
        const char *name = manifest_names[i];
        int there;

        if (strcmp(name, SAVE_WEIGHTS) == 0 || strcmp(name, MANIFEST_NAME) == 0)
            continue;
        there = is_in(plan->partial, name);
        if (there < 0 || (there && set_aside(plan, name, REPLACED) != 0))
            return -1;
        if (there)
            add_new(plan, name);
    }
    add_sync(plan, plan->folder);
    add_new(plan, SAVE_WEIGHTS);
    add_sync(plan, plan->folder);
    add_new(plan, MANIFEST_NAME);
    return 0;
}

static bool replaces(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->moves[i].what != NEW)
            return true;
    return false;
}

static void say_where_old(const struct plan *plan, const char *what, const char *reason)
{
    if (replaces(plan))
        diag_warn("%s: %s: the model that was there is in %s", what, reason, plan->old);
}

/* Undoes the first so many moves. */
static void take_back(const struct plan *plan, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        const struct move *move = &plan->moves[i];

        if (move->from == NULL || rename(move->to, move->from) == 0)
            continue;
        say_where_old(plan, move->to, "cannot be moved back");
        return;
    }
    (void)rmdir(plan->old);
}

static int carry_out(const struct plan *plan)
{
    int error_number;

    if (replaces(plan) && mkdir(plan->old, 0777) != 0 && errno != EEXIST)
        return diag_errno(errno, "%s: cannot make the folder", plan->old);
    for (size_t i = 0; i < plan->count; i++) {
        const struct move *move = &plan->moves[i];

        if (move->from == NULL ? folder_sync(move->to) == 0 : rename(move->from, move->to) == 0)
            continue;
        error_number = errno;
        take_back(plan, i);
        if (move->from != NULL)
            diag_errno(error_number, "%s: cannot rename to %s", move->from, move->to);
        return -1;
    }
    if (folder_sync(plan->folder) == 0)
        return 0;
    say_where_old(plan, plan->folder, "the new model may not be on the disk");
    return -1;
}

static int remove_old(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct move *move = &plan->moves[i];

        if (move->what == NEW)
            continue;
        if (unlink(move->to) != 0)
            return diag_errno(errno, "%s: cannot remove", move->to);
        if (move->what == STALE)
            diag_note("%s: removed, as it was part of the model that is replaced", move->from);
    }
    return replaces(plan) ? checkpoint_remove(plan->old) : 0;
}

int model_install(const char *partial, const char *folder)
{
    struct plan plan = {.partial = partial, .folder = folder};
    int status;

    plan.old = mem_format("%s/" OLD, folder);
    status = make_plan(&plan);
    if (status == 0)
        status = carry_out(&plan);
    if (status == 0)
        status = remove_old(&plan);
    for (size_t i = 0; i < plan.count; i++) {
        free(plan.moves[i].from);
        free(plan.moves[i].to);
    }
    free(plan.moves);
    free(plan.old);
    return status;
}
