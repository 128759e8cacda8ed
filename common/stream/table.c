#include "stream/table.h"

#include <stdlib.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/string_index.h"
#include "stream/groups.h"
#include "stream/wire.h"

struct entry {
    size_t begin, size; /* in bytes */
    bool used;
};

struct stream_table {
    struct stream_header header;
    struct string_index ids;
    struct entry *entries; /* [ids.count] */
    size_t capacity;
    struct buffer bytes;
    struct stream_record record;
    struct blocks lists; /* behind record */
};

static int add(struct stream_table *table, struct stream_reader *reader)
{
    struct rec_span id = stream_record_id(stream_reader_record(reader));
    struct rec_span raw = stream_reader_raw(reader);
    bool added;

    if (id.data == NULL)
        return diag_error("%s: records of metrics have no ids", stream_reader_place(reader));
    string_index_add(&table->ids, id.data, id.size, &added);
    if (!added)
        return diag_error("%s: id '%.*s' occurs for the second time (--by-position pairs records "
                          "by their places)",
                          stream_reader_place(reader), (int)(id.size < 200 ? id.size : 200),
                          id.data);
    mem_grow(&table->entries, &table->capacity, table->ids.count, sizeof *table->entries);
    table->entries[table->ids.count - 1] =
        (struct entry){.begin = table->bytes.size, .size = raw.size};
    buffer_append(&table->bytes, raw.data, raw.size);
    return 0;
}

struct stream_table *stream_table_read(struct stream_merge *merge)
{
    struct stream_table *table = mem_calloc(1, sizeof *table);
    struct stream_reader *reader = stream_merge_reader(merge);
    const struct stream_record *record;
    struct stream_groups groups = {0};
    int found;

    stream_header_copy(&table->header, stream_merge_header(merge));
    while ((found = stream_merge_next(merge, &record)) > 0) {
        int begins = stream_groups_add(&groups, reader);

        if (begins < 0 || (begins > 0 && add(table, reader) != 0)) {
            found = -1;
            break;
        }
    }
    if (found == 0)
        found = stream_groups_end(&groups, reader);
    stream_groups_free(&groups);
    if (found == 0)
        return table;
    stream_table_free(table);
    return NULL;
}

void stream_table_free(struct stream_table *table)
{
    if (table == NULL)
        return;
    stream_header_free(&table->header);
    string_index_free(&table->ids);
    free(table->entries);
    buffer_free(&table->bytes);
    blocks_free(&table->lists);
    free(table);
}

int stream_table_use(struct stream_table *table, struct rec_span id,
                     const struct stream_record **record)
{
    size_t number = string_index_find(&table->ids, id.data, id.size);
    struct entry *entry;
    struct rec_span raw;
    struct wire_fault fault;

    if (number == STRING_INDEX_NONE)
        return 0;
    entry = &table->entries[number];
    if (entry->used)
        return 2;
    entry->used = true;
    raw = (struct rec_span){table->bytes.data + entry->begin, entry->size};
    blocks_reset(&table->lists);
    if (wire_decode_record(raw, &table->header, &table->lists, &table->record, &fault) != 0)
        return diag_error("id '%.*s': %s", (int)(id.size < 200 ? id.size : 200), id.data,
                          fault.reason);
    *record = &table->record;
    return 1;
}

size_t stream_table_unused(const struct stream_table *table, struct rec_span *id)
{
    size_t unused = 0;

    for (size_t i = table->ids.count; i-- > 0;)
        if (!table->entries[i].used) {
            unused++;
            id->data = string_index_get(&table->ids, i, &id->size);
        }
    return unused;
}
