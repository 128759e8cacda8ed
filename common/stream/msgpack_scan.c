#include "stream/msgpack_scan.h"

#include <string.h>

static uint64_t big_endian(const unsigned char *bytes, unsigned width)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* A str, bin or ext of length bytes after a head of head bytes. */
static int set_payload(struct mp_token *token, enum mp_kind kind, const unsigned char *bytes,
                       size_t head, uint64_t length)
{
    token->kind = kind;
    token->length = head + length;
    token->span = (struct rec_span){(const char *)bytes + head, length};
    return 1;
}

static int set_container(struct mp_token *token, enum mp_kind kind, size_t head, uint64_t count)
{
    token->kind = kind;
    token->length = head;
    token->count = (uint32_t)count;
    return 1;
}

static int set_integer(struct mp_token *token, size_t length, int64_t value)
{
    token->kind = MP_INT;
    token->length = length;
    token->integer = value;
    return 1;
}

static int set_unsigned(struct mp_token *token, size_t length, uint64_t value)
{
    if (value <= INT64_MAX)
        return set_integer(token, length, (int64_t)value);
    token->kind = MP_UINT;
    token->length = length;
    token->large = value;
    return 1;
}

static int set_float(struct mp_token *token, const unsigned char *bytes, unsigned width)
{
    uint64_t bits = big_endian(bytes + 1, width);
    uint32_t single_bits = (uint32_t)bits;
    float single;

    token->kind = MP_FLOAT;
    token->length = 1 + width;
    if (width == 4) {
        memcpy(&single, &single_bits, sizeof single);
        token->real = (double)single;
    } else {
        memcpy(&token->real, &bits, sizeof token->real);
    }
    return 1;
}

static int64_t sign_extend(uint64_t value, unsigned width)
{
    unsigned shift = 64 - 8 * width;

    return (int64_t)(value << shift) >> shift;
}

/* Bytes of the head after its first byte, for 0xc0 to 0xdf. */
static const unsigned char head_widths[32] = {
    0, 0, 0, 0, 1, 2, 4, 2, 3, 5, 4, 8, 1, 2, 4, 8, /* nil - bool bool bin ext float uint */
    1, 2, 4, 8, 1, 1, 1, 1, 1, 1, 2, 4, 2, 4, 2, 4, /* int fixext str array map */
};

static int peek_wide(const unsigned char *bytes, size_t available, struct mp_token *token)
{
    unsigned first = bytes[0], width = head_widths[first - 0xc0];
    uint64_t value;

    if (available < 1 + (size_t)width)
        return 0;
    value = big_endian(bytes + 1, width);
    switch (first) {
    case 0xc0:
        token->kind = MP_NIL;
        token->length = 1;
        return 1;
    case 0xc2:
    case 0xc3:
        token->kind = MP_BOOL;
        token->length = 1;
        token->boolean = first == 0xc3;
        return 1;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return set_payload(token, MP_BIN, bytes, 1 + width, value);
    case 0xc7:
    case 0xc8:
    case 0xc9: /* the last byte of the head is the ext's type */
        return set_payload(token, MP_EXT, bytes, 1 + width, value >> 8);
    case 0xca:
    case 0xcb:
        return set_float(token, bytes, width);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return set_unsigned(token, 1 + width, value);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return set_integer(token, 1 + width, sign_extend(value, width));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return set_payload(token, MP_EXT, bytes, 2, UINT64_C(1) << (first - 0xd4));
    case 0xd9:
    case 0xda:
    case 0xdb:
        return set_payload(token, MP_STR, bytes, 1 + width, value);
    case 0xdc:
    case 0xdd:
        return set_container(token, MP_ARRAY, 1 + width, value);
    case 0xde:
    case 0xdf:
        return set_container(token, MP_MAP, 1 + width, value);
    default:
        return -1;
    }
}

int mp_peek(const char *data, size_t available, struct mp_token *token)
{
    const unsigned char *bytes = (const unsigned char *)data;
    unsigned first;

    if (available == 0)
        return 0;
    first = bytes[0];
    if (first <= 0x7f)
        return set_integer(token, 1, first);
    if (first <= 0x8f)
        return set_container(token, MP_MAP, 1, first & 0x0f);
    if (first <= 0x9f)
        return set_container(token, MP_ARRAY, 1, first & 0x0f);
    if (first <= 0xbf)
        return set_payload(token, MP_STR, bytes, 1, first & 0x1f);
    if (first >= 0xe0)
        return set_integer(token, 1, (int64_t)first - 0x100);
    return peek_wide(bytes, available, token);
}

static bool is_container(const struct mp_token *token)
{
    return token->kind == MP_ARRAY || token->kind == MP_MAP;
}

static uint64_t contained_items(const struct mp_token *token)
{
    return token->kind == MP_MAP ? 2 * (uint64_t)token->count : token->count;
}

enum mp_scan_result mp_scan_continue(struct mp_scan *scan, const char *bytes, size_t available,
                                     size_t limit)
{
    for (;;) {
        struct mp_token token;
        int found = mp_peek(bytes + scan->position, available - scan->position, &token);

        if (found < 0)
            return MP_SCAN_INVALID;
        if (found == 0)
            return scan->position < limit ? MP_SCAN_MORE : MP_SCAN_LARGE;
        if (token.length > limit - scan->position)
            return MP_SCAN_LARGE;
        if (token.length > available - scan->position)
            return MP_SCAN_MORE;
        if (is_container(&token) && contained_items(&token) > limit - scan->position)
            return MP_SCAN_LARGE;
        if (is_container(&token) && scan->depth == STREAM_MAX_DEPTH)
            return MP_SCAN_DEEP;
        scan->position += token.length;
        if (is_container(&token) && token.count > 0) {
            scan->left[scan->depth++] = contained_items(&token);
            continue;
        }
        while (scan->depth > 0 && --scan->left[scan->depth - 1] == 0)
            scan->depth--;
        if (scan->depth == 0)
            return MP_SCAN_DONE;
    }
}

int mp_next(struct mp_cursor *cursor, struct mp_token *token)
{
    size_t available = (size_t)(cursor->end - cursor->at);

    if (mp_peek(cursor->at, available, token) != 1 || token->length > available)
        return -1;
    cursor->at += token->length;
    return 0;
}

int mp_skip(struct mp_cursor *cursor, struct rec_span *span)
{
    const char *begin = cursor->at;
    uint64_t left = 1;

    while (left > 0) {
        struct mp_token token;

        if (mp_next(cursor, &token) != 0)
            return -1;
        left--;
        if (is_container(&token))
            left += contained_items(&token);
    }
    if (span != NULL)
        *span = (struct rec_span){begin, (size_t)(cursor->at - begin)};
    return 0;
}
