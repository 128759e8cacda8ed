#include "stream/groups.h"

#include <inttypes.h>
#include <string.h>

#include "cli/diag.h"

void stream_groups_free(struct stream_groups *groups)
{
    buffer_free(&groups->id);
    *groups = (struct stream_groups){0};
}

bool stream_groups_complete(const struct stream_groups *groups)
{
    return groups->k == groups->n;
}

int stream_groups_end(const struct stream_groups *groups, struct stream_reader *reader)
{
    if (stream_groups_complete(groups))
        return 0;
    return diag_error("%s: of the %" PRIu64 " windows of '%.*s' only %" PRIu64 " are there",
                      stream_reader_place(reader), groups->n,
                      (int)(groups->id.size < 200 ? groups->id.size : 200), groups->id.data,
                      groups->k);
}

static bool is_same_id(const struct stream_groups *groups, struct rec_span id)
{
    return groups->id.size == id.size &&
           (id.size == 0 || memcmp(groups->id.data, id.data, id.size) == 0);
}

int stream_groups_add(struct stream_groups *groups, struct stream_reader *reader)
{
    const struct stream_record *record = stream_reader_record(reader);
    struct rec_window window = {0};
    struct rec_span id = {0};

    if (record->type == STREAM_TOKENS) {
        window = record->tokens.window;
        id = record->tokens.id;
    }
    if (window.k > 1 &&
        (window.k != groups->k + 1 || window.n != groups->n || !is_same_id(groups, id)))
        return diag_error("%s: window %" PRIu64 " of %" PRIu64
                          " does not come after the window before it",
                          stream_reader_place(reader), window.k, window.n);
    if (window.k <= 1 && stream_groups_end(groups, reader) != 0)
        return -1;
    groups->k = window.k;
    groups->n = window.n;
    if (window.k > 1)
        return 0;
    groups->count++;
    groups->id.size = 0;
    if (window.n > 1)
        buffer_append(&groups->id, id.data, id.size);
    return 1;
}
