/* Reading JSON: yajl parses, and what it finds becomes jansson's values. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/utf8.h"

enum {
    MOST_DEPTH = 2048, /* json_decref goes as deep */
    EXACT_DIGITS = 18, /* any number of so many fits into json_int_t */
    READ_BYTES = 1 << 18,
};

/* What jansson takes from the allocator, at most, for a value, and for its place in a list or an
 * object, keys and strings aside. */
enum { OBJECT_BYTES = 224, LIST_BYTES = 128, STRING_BYTES = 80, NUMBER_BYTES = 32 };
enum { MEMBER_BYTES = 128, ITEM_BYTES = 24 };

/* An object or list that is not whole yet. */
struct level {
    json_t *value;
    struct buffer key; /* of the member that comes next, closed with NUL */
    bool given;        /* its members are handed to the caller */
};

struct builder {
    struct level *levels; /* [depth], and more that were in use */
    size_t depth, capacity, count;
    json_t *root;
    json_t *number; /* an integer that is handed over */
    const struct json_members *members;
    bool allow_nul, exact;
    size_t memory, most; /* of the values so far, and how much it may be */
    struct json_fault *fault;
    bool stopped; /* for a reason of its own, and not yajl's */
};

static int stop(struct builder *builder, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static int stop(struct builder *builder, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(builder->fault->reason, sizeof(builder->fault->reason), format, arguments);
    va_end(arguments);
    builder->stopped = true;
    return 0;
}

/* Whether that much more may be taken. */
static int take_memory(struct builder *builder, size_t size)
{
    if (size <= builder->most - builder->memory) {
        builder->memory += size;
        return 1;
    }
    return stop(builder, "its values need more than %zu MiB of memory", JSON_VALUES_MAX >> 20);
}

/* ---- values ---- */

static int stop_at_twin(struct builder *builder, const struct level *level)
{
    return stop(builder, "key '%.200s' is there twice", level->key.data);
}

/* Takes the reference. */
static int add(struct builder *builder, json_t *value)
{
    if (builder->depth == 0) {
        builder->root = value;
        return 1;
    }
    struct level *level = &builder->levels[builder->depth - 1];
    size_t place = json_is_array(level->value) ? ITEM_BYTES : MEMBER_BYTES + level->key.size;
    bool new = true;
    if (!level->given && !take_memory(builder, place)) {
        json_decref(value);
        return 0;
    }
    if (json_is_array(level->value)) {
        json_array_append_new(level->value, value);
    } else if (level->given) {
        new = builder->members->take(builder->members->context, level->key.data, level->key.size,
                                     value);
        json_decref(value);
    } else if (json_object_getn(level->value, level->key.data, level->key.size) != NULL) {
        json_decref(value);
        new = false;
    } else {
        json_object_setn_new_nocheck(level->value, level->key.data, level->key.size, value);
    }
    return new ? 1 : stop_at_twin(builder, level);
}

static int take_null(void *context)
{
    return add(context, json_null());
}

static int take_boolean(void *context, int value)
{
    return add(context, json_boolean(value));
}

static int add_integer(struct builder *builder, json_int_t value)
{
    if (builder->depth == 0 || !builder->levels[builder->depth - 1].given)
        return take_memory(builder, NUMBER_BYTES) && add(builder, json_integer(value));
    json_integer_set(builder->number, value);
    return add(builder, json_incref(builder->number));
}

/* Integers beyond json_int_t are reals, as transformers' "no limit" of 31 digits. */
static int take_number(void *context, const char *text, size_t size)
{
    struct builder *builder = context;
    size_t sign = *text == '-', digits = sign;
    json_int_t value = 0;
    while (digits < size && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    if (digits == size && size - sign <= EXACT_DIGITS) {
        for (size_t i = sign; i < size; i++)
            value = 10 * value + (text[i] - '0');
        return add_integer(builder, sign ? -value : value);
    }
    char *copy = mem_strndup(text, size);
    errno = 0;
    value = strtoll(copy, NULL, 10);
    bool integer = digits == size && errno == 0;
    double real = strtod(copy, NULL);
    free(copy);
    if (integer)
        return add_integer(builder, value);
    if (digits == size && builder->exact)
        return stop(builder, "an integer beyond the range of 64 bits");
    if (isinf(real))
        return stop(builder, "a number beyond the range of reals");
    return take_memory(builder, NUMBER_BYTES) && add(builder, json_real(real));
}

static int take_string(void *context, const unsigned char *data, size_t size)
{
    struct builder *builder = context;
    if (!builder->allow_nul && memchr(data, 0, size) != NULL)
        return stop(builder, "a NUL in a string");
    return take_memory(builder, STRING_BYTES + size) &&
           add(builder, json_stringn_nocheck((const char *)data, size));
}

static int take_key(void *context, const unsigned char *data, size_t size)
{
    struct builder *builder = context;
    struct level *level = &builder->levels[builder->depth - 1];
    if (!level->given && memchr(data, 0, size) != NULL)
        return stop(builder, "a NUL in a key");
    level->key.size = 0;
    buffer_append(&level->key, data, size);
    buffer_string(&level->key);
    return 1;
}

/* ---- objects and lists ---- */

static bool key_is(const struct level *level, const char *key)
{
    return json_is_object(level->value) && level->key.size == strlen(key) &&
           memcmp(level->key.data, key, level->key.size) == 0;
}

/* Whether the value that begins is the object whose members are the caller's. */
static bool is_given(const struct builder *builder)
{
    const struct json_members *members = builder->members;
    return members != NULL && builder->depth == 2 && key_is(&builder->levels[0], members->outer) &&
           key_is(&builder->levels[1], members->inner);
}

static int begin(struct builder *builder, json_t *value)
{
    bool given = json_is_object(value) && is_given(builder);
    if (!take_memory(builder, json_is_object(value) ? OBJECT_BYTES : LIST_BYTES)) {
        json_decref(value);
        return 0;
    }
    if (builder->depth == MOST_DEPTH) {
        json_decref(value);
        return stop(builder, "nested more than %d deep", MOST_DEPTH);
    }
    mem_grow(&builder->levels, &builder->capacity, builder->depth + 1, sizeof(*builder->levels));
    for (; builder->count <= builder->depth; builder->count++)
        builder->levels[builder->count] = (struct level){0};
    struct level *level = &builder->levels[builder->depth++];
    level->value = value;
    level->given = given;
    return 1;
}

static int begin_object(void *context)
{
    return begin(context, json_object());
}

static int begin_list(void *context)
{
    return begin(context, json_array());
}

static int end(void *context)
{
    struct builder *builder = context;
    struct level *level = &builder->levels[--builder->depth];
    json_t *value = level->value;
    level->value = NULL;
    return add(builder, value);
}

static const yajl_callbacks callbacks = {
    .yajl_null = take_null,
    .yajl_boolean = take_boolean,
    .yajl_number = take_number,
    .yajl_string = take_string,
    .yajl_start_map = begin_object,
    .yajl_map_key = take_key,
    .yajl_end_map = end,
    .yajl_start_array = begin_list,
    .yajl_end_array = end,
};

static void builder_free(struct builder *builder)
{
    for (size_t i = 0; i < builder->count; i++) {
        json_decref(builder->levels[i].value);
        buffer_free(&builder->levels[i].key);
    }
    free(builder->levels);
    json_decref(builder->number);
}

/* ---- texts ---- */

static unsigned escaped_unit(const char *hexadecimal)
{
    char digits[5] = {0}, *end;
    memcpy(digits, hexadecimal, 4);
    unsigned long unit = strtoul(digits, &end, 16);
    return end == digits + 4 ? (unsigned)unit : 0;
}

/*
 * What yajl lets through: bytes that are not UTF-8, control characters as white space, and halves
 * of surrogate pairs. The place of the first of them, or size.
 */
static size_t find_stray(const char *data, size_t size, const char **reason)
{
    const char *end = data + size, *p;
    size_t valid = utf8_valid_prefix(data, size);
    *reason = "not valid UTF-8";
    if (valid < size)
        return valid;
    *reason = "a control character";
    for (size_t i = 0; i < size; i++)
        if (data[i] == '\v' || data[i] == '\f')
            return i;
    *reason = "half of a surrogate pair";
    for (p = data; size > 0 && (p = memchr(p, '\\', (size_t)(end - p))) != NULL; p += 2) {
        unsigned unit = end - p >= 6 && p[1] == 'u' ? escaped_unit(p + 2) : 0;
        bool paired = end - p >= 12 && p[6] == '\\' && p[7] == 'u' &&
                      (escaped_unit(p + 8) & 0xfc00) == 0xdc00;
        if ((unit & 0xfc00) == 0xdc00 || ((unit & 0xfc00) == 0xd800 && !paired))
            return (size_t)(p - data);
        if ((unit & 0xfc00) == 0xd800)
            p += 6;
        if (end - p < 2)
            break;
    }
    return size;
}

/* yajl's reason, without its full stop. */
static void explain(yajl_handle parser, struct json_fault *fault)
{
    unsigned char *message = yajl_get_error(parser, 0, NULL, 0);
    snprintf(fault->reason, sizeof(fault->reason), "%s", (const char *)message);
    yajl_free_error(parser, message);
    fault->reason[strcspn(fault->reason, "\n")] = '\0';
    size_t size = strlen(fault->reason);
    if (size > 0 && fault->reason[size - 1] == '.')
        fault->reason[size - 1] = '\0';
}

static void *allocate(void *context, size_t size)
{
    (void)context;
    return mem_alloc(size);
}

static void *reallocate(void *context, void *pointer, size_t size)
{
    (void)context;
    return mem_realloc_array(pointer, size, 1);
}

static void release(void *context, void *pointer)
{
    (void)context;
    free(pointer);
}

static int parse(const char *data, size_t size, struct builder *builder)
{
    yajl_alloc_funcs memory = {allocate, reallocate, release, NULL};
    const char *reason;
    size_t stray = find_stray(data, size, &reason);
    if (stray < size) {
        builder->fault->at = stray;
        stop(builder, "%s", reason);
        return -1;
    }
    yajl_handle parser = yajl_alloc(&callbacks, &memory, builder);
    yajl_config(parser, yajl_dont_validate_strings, 1);
    yajl_status status = yajl_parse(parser, (const unsigned char *)data, size);
    builder->fault->at = yajl_get_bytes_consumed(parser);
    if (status == yajl_status_ok) {
        status = yajl_complete_parse(parser);
        builder->fault->at = size;
    }
    if (status != yajl_status_ok && !builder->stopped)
        explain(parser, builder->fault);
    yajl_free(parser);
    return status == yajl_status_ok ? 0 : -1;
}

static json_t *build(const char *data, size_t size, size_t flags,
                     const struct json_members *members, struct json_fault *fault)
{
    struct builder builder = {
        .members = members,
        .allow_nul = flags & JSON_ALLOW_NUL,
        .exact = flags & JSON_EXACT,
        .most = flags & JSON_ANY_SIZE ? SIZE_MAX : JSON_VALUES_MAX,
        .number = json_integer(0),
        .fault = fault,
    };
    if (parse(data, size, &builder) != 0) {
        json_decref(builder.root);
        builder.root = NULL;
    }
    builder_free(&builder);
    return builder.root;
}

json_t *json_parse(const char *data, size_t size, size_t flags, struct json_fault *fault)
{
    return build(data, size, flags, NULL, fault);
}

/* ---- files ---- */

static size_t line_of(const struct buffer *text, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at && i < text->size; i++)
        line += text->data[i] == '\n';
    return line;
}

static int read_whole(const char *path, struct buffer *text)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count;
    if (file < 0)
        return diag_errno(errno, "%s: cannot open", path);
    do {
        buffer_reserve(text, READ_BYTES);
        count = read(file, text->data + text->size, text->capacity - text->size);
        if (count > 0)
            text->size += (size_t)count;
    } while (count > 0 || (count < 0 && errno == EINTR));
    if (count < 0)
        diag_errno(errno, "%s: cannot read", path);
    close(file);
    return count < 0 ? -1 : 0;
}

json_t *json_file_read_members(const char *path, size_t flags, const struct json_members *members)
{
    struct json_fault fault;
    struct buffer text = {0};
    json_t *root = NULL;
    if (read_whole(path, &text) == 0) {
        root = build(text.data, text.size, flags, members, &fault);
        if (root == NULL)
            diag_error("%s: line %zu: %s", path, line_of(&text, fault.at), fault.reason);
    }
    if (root != NULL && !json_is_object(root)) {
        diag_error("%s: not a JSON object", path);
        json_decref(root);
        root = NULL;
    }
    buffer_free(&text);
    return root;
}

json_t *json_file_read(const char *path, size_t flags)
{
    return json_file_read_members(path, flags, NULL);
}
