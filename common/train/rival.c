#include "train/rival.h"

#include <inttypes.h>
#include <string.h>

#include "cli/diag.h"

int rival_open(struct rival *rival, const char *path, size_t max_record)
{
    char *paths[] = {(char *)path};
    *rival = (struct rival){.path = path};
    if (!path)
        return 0;
    rival->merge = predictions_stream(paths, 1, max_record);
    return rival->merge
               ? predictions_init(&rival->predictions, stream_merge_header(rival->merge), path)
               : -1;
}

void rival_close(struct rival *rival)
{
    predictions_free(&rival->predictions);
    stream_merge_close(rival->merge);
    rival->merge = NULL;
}

/* As much of an id as belongs into a message. */
static int shown(struct rec_span id)
{
    return (int)(id.size < 100 ? id.size : 100);
}

int rival_follow(struct rival *rival, const struct stream_record *record, const char *place)
{
    const struct stream_record *other;
    if (!rival->merge)
        return 0;
    int result = stream_merge_next(rival->merge, &other);
    if (result == 0)
        return diag_error("%s: %s has %" PRIu64 " records only", place, rival->path,
                          stream_merge_count(rival->merge));
    if (result < 0)
        return -1;
    const char *other_place = stream_reader_place(stream_merge_reader(rival->merge));
    struct rec_span id = stream_record_id(record), other_id = stream_record_id(other);
    if (id.size != other_id.size || memcmp(id.data, other_id.data, id.size) != 0)
        return diag_error("%s: its id is '%.*s', and that of %s is '%.*s': both need the same "
                          "records in the same order",
                          other_place, shown(other_id), other_id.data, place, shown(id), id.data);
    return predictions_add(&rival->predictions, &other->prediction, other_place);
}

static int compare_labels(const struct rival *rival, const struct outcomes *outcomes,
                          char *const *names)
{
    const struct outcomes *others = &rival->predictions.outcomes;
    if (outcomes->kind != others->kind)
        return diag_error("%s: its problem is another", rival->path);
    if (outcomes->labels != others->labels)
        return diag_error("%s: it has %" PRIu32 " labels, not %" PRIu32, rival->path,
                          others->labels, outcomes->labels);
    for (uint32_t i = 0; i < outcomes->labels; i++)
        if (strcmp(names[i], rival->predictions.names.names[i]) != 0)
            return diag_error("%s: its label %" PRIu32 " is '%s', not '%s'", rival->path, i,
                              rival->predictions.names.names[i], names[i]);
    return 0;
}

int rival_finish(struct rival *rival, const struct outcomes *outcomes, char *const *names)
{
    const struct outcomes *others = &rival->predictions.outcomes;
    const struct stream_record *record;
    if (!rival->merge)
        return 0;
    int result = stream_merge_next(rival->merge, &record);
    if (result < 0)
        return -1;
    if (result > 0)
        return diag_error("%s: it has more than %zu records", rival->path, outcomes->count);
    if (compare_labels(rival, outcomes, names))
        return -1;
    if (outcomes->has_values != others->has_values)
        return diag_error("%s: it has %sprobabilities, and what it is compared with has %s",
                          rival->path, others->has_values ? "" : "no ",
                          others->has_values ? "none" : "some");
    for (size_t i = 0; i < outcomes->count; i++)
        if (!outcomes_same_gold(outcomes, others, i))
            return diag_error("%s: record %zu: its gold label is another", rival->path, i + 1);
    return 0;
}
