/*
 * The JSON files of models and checkpoints. The first byte of an input says which it is; the files
 * that it needs beside it are there. A configuration that is accepted keeps to its limits, and is
 * the same after it has been written and read again; so is the state of a run.
 */
#include <jansson.h>
#include <string.h>

#include "cli/json_file.h"
#include "fuzz.h"
#include "hub/files.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "model/manifest.h"
#include "model/parameters.h"
#include "model/safetensors.h"
#include "reading.h"
#include "train/arguments.h"
#include "train/plan.h"
#include "train/state.h"

/* One tensor, "a", of two floats. */
static const char shard_header[] =
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
#define SHARD "model-00001-of-00001.safetensors"

static void write_shard(void)
{
    char file[sizeof shard_header - 1 + 16] = {0};
    uint64_t length = sizeof shard_header - 1;
    memcpy(file, &length, 8);
    memcpy(file + 8, shard_header, length);
    reading_write(SHARD, file, sizeof file);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    reading_init();
    write_shard();
    reading_write("vocab.txt", "[PAD]\n", 6);
    return 0;
}

static bool read_config(void)
{
    struct model_config config;
    if (model_config_load(&config, reading_folder) != 0)
        return false;
    REQUIRE(config.hidden_size % config.num_attention_heads == 0 && config.num_labels >= 1 &&
                config.vocab_size <= 1u << 24 && config.hidden_size <= 1u << 16 &&
                config.num_hidden_layers <= 1u << 12,
            "beyond its limits");
    model_config_free(&config);
    return true;
}

static void check_config(void)
{
    struct model_config config, again;
    struct parameter_table table;
    REQUIRE(model_config_load(&config, reading_folder) == 0, "accepted before");
    if (config.num_hidden_layers <= 64 && parameter_table_init(&table, &config) == 0) {
        uint64_t total = 0;
        for (size_t i = 0; i < table.count; i++) {
            REQUIRE(table.items[i].count == table.items[i].shape[0] * table.items[i].shape[1], "%s",
                    table.items[i].name);
            total += table.items[i].count;
        }
        REQUIRE(total == table.total, "another total");
        parameter_table_free(&table);
    }
    REQUIRE(model_config_write(&config, reading_folder) == 0, "it cannot be written");
    REQUIRE(model_config_load(&again, reading_folder) == 0, "what was written is refused");
    REQUIRE(again.num_labels == config.num_labels && again.vocab_size == config.vocab_size &&
                again.hidden_act == config.hidden_act &&
                again.pad_token_id == config.pad_token_id &&
                again.problem_type == config.problem_type &&
                again.max_position_embeddings == config.max_position_embeddings,
            "it has become another");
    for (uint32_t i = 0; i < config.num_labels; i++)
        REQUIRE(strcmp(config.label_names[i], again.label_names[i]) == 0, "label %u", i);
    model_config_free(&config);
    model_config_free(&again);
}

static bool read_manifest(void)
{
    char digest[MANIFEST_DIGEST_SIZE];
    return manifest_verify(reading_folder, digest) == 0;
}

static bool read_checkpoint(void)
{
    return checkpoint_verify(reading_folder) == 0;
}

static bool read_state(void)
{
    struct train_state state;
    json_t *json = json_file_read(reading_path("trainer_state.json"), 0);
    train_state_init(&state);
    bool accepted = json != NULL && train_state_restore(&state, json, "trainer_state.json") == 0;
    json_decref(json);
    train_state_free(&state);
    return accepted;
}

static void check_state(void)
{
    static const struct train_arguments arguments;
    static const struct train_plan plan;
    struct train_state state, again;
    json_t *json = json_file_read(reading_path("trainer_state.json"), 0);
    train_state_init(&state);
    train_state_init(&again);
    REQUIRE(train_state_restore(&state, json, "trainer_state.json") == 0, "accepted before");
    json_t *first = train_state_json(&state, &arguments, &plan, NULL);
    REQUIRE(train_state_restore(&again, first, "again") == 0, "what was written is refused");
    json_t *second = train_state_json(&again, &arguments, &plan, NULL);
    REQUIRE(json_equal(first, second), "it has become another");
    struct stream_writer *writer = stream_writer_open("/dev/null", FORM_MSGPACK);
    struct stream_header header;
    stream_header_init(&header, STREAM_METRICS);
    REQUIRE(stream_writer_begin(writer, &header) == 0, "metrics");
    train_state_replay(&state, writer);
    stream_writer_close(writer, false);
    stream_header_free(&header);
    json_decref(json);
    json_decref(first);
    json_decref(second);
    train_state_free(&state);
    train_state_free(&again);
}

static bool read_index(void)
{
    struct safetensors set;
    if (safetensors_open_folder(&set, reading_folder) != 0)
        return false;
    REQUIRE(safetensors_find(&set, "a") != NULL, "the shard's tensor");
    safetensors_close(&set);
    return true;
}

static bool read_shards(void)
{
    json_t *shards = hub_shards(reading_path(HUB_WEIGHTS_INDEX)), *shard;
    size_t i;
    json_array_foreach(shards, i, shard)
        REQUIRE(hub_is_model_file(json_string_value(shard)), "%s", json_string_value(shard));
    json_decref(shards);
    return shards != NULL;
}

static const struct file_kind {
    const char *name;
    bool (*read)(void);
    void (*check)(void); /* what was accepted; or NULL */
} kinds[] = {
    {"config.json", read_config, check_config}, {MANIFEST_NAME, read_manifest, NULL},
    {MANIFEST_NAME, read_checkpoint, NULL},     {"trainer_state.json", read_state, check_state},
    {HUB_WEIGHTS_INDEX, read_index, NULL},      {HUB_WEIGHTS_INDEX, read_shards, NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading reading;
    if (size < 1)
        return -1;
    const struct file_kind *kind = &kinds[data[0] % (sizeof kinds / sizeof kinds[0])];
    reading_write(kind->name, data + 1, size - 1);
    reading_begin(&reading);
    bool accepted = kind->read();
    reading_end(&reading, accepted, size);
    if (accepted && kind->check != NULL)
        kind->check();
    unlink(reading_path(kind->name));
    return 0;
}
