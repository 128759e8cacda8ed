#include "report/html.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/utf8.h"

/* U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069: they could show a text as another. */
static bool turns_direction(const unsigned char *bytes, size_t size)
{
    if (size < 3 || bytes[0] != 0xe2)
        return false;
    return (bytes[1] == 0x80 && (bytes[2] == 0x8e || bytes[2] == 0x8f)) ||
           (bytes[1] == 0x80 && bytes[2] >= 0xaa && bytes[2] <= 0xae) ||
           (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9);
}

static size_t append_character(struct buffer *out, const char *text, size_t size)
{
    unsigned char c = (unsigned char)*text;
    size_t bytes = 1;
    if (c >= 0x80) {
        bytes = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
        bool valid = bytes <= size && utf8_valid_prefix(text, bytes) == bytes;
        bool control = valid && c == 0xc2 && (unsigned char)text[1] < 0xa0;
        if (!valid)
            bytes = utf8_invalid_length(text, size);
        if (!valid || control || turns_direction((const unsigned char *)text, bytes))
            buffer_append_string(out, "\xef\xbf\xbd");
        else
            buffer_append(out, text, bytes);
    } else if (c == '&') {
        buffer_append_string(out, "&amp;");
    } else if (c == '<') {
        buffer_append_string(out, "&lt;");
    } else if (c == '>') {
        buffer_append_string(out, "&gt;");
    } else if (c == '"') {
        buffer_append_string(out, "&quot;");
    } else if (c == '\'') {
        buffer_append_string(out, "&#39;");
    } else if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f) {
        buffer_append_string(out, "\xef\xbf\xbd");
    } else {
        buffer_append_char(out, *text);
    }
    return bytes;
}

void html_bytes(struct buffer *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size;)
        i += append_character(out, text + i, size - i);
}

void html_text(struct buffer *out, const char *text)
{
    html_bytes(out, text, strlen(text));
}

void html_number(struct buffer *out, double value)
{
    if (isnan(value))
        buffer_append_string(out, "–");
    else if (isinf(value))
        buffer_append_string(out, value > 0 ? "∞" : "−∞");
    else if (value != 0 && fabs(value) < 1e-3)
        buffer_format(out, "%.2e", value);
    else if (fabs(value) >= 1e4)
        html_count(out, value);
    else
        buffer_format(out, "%.4g", value);
}

void html_percent(struct buffer *out, double share)
{
    if (isnan(share))
        buffer_append_string(out, "–");
    else
        buffer_format(out, "%.1f\u202f%%", share * 100);
}

void html_count(struct buffer *out, double count)
{
    char digits[32];
    if (!(fabs(count) < 1e15)) {
        buffer_format(out, "%.3g", count);
        return;
    }
    int length = snprintf(digits, sizeof digits, "%.0f", fabs(count));
    buffer_append_string(out, count < 0 ? "−" : "");
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            buffer_append_string(out, "\u202f");
        buffer_append_char(out, digits[i]);
    }
}

void html_duration(struct buffer *out, double seconds)
{
    if (!(seconds >= 0 && seconds < 1e12)) {
        buffer_append_string(out, "–");
    } else if (seconds < 10) {
        buffer_format(out, "%.2g s", seconds);
    } else {
        uint64_t whole = (uint64_t)(seconds + 0.5), hours = whole / 3600;
        if (hours > 0)
            buffer_format(out, "%" PRIu64 " h %" PRIu64 " min", hours, whole / 60 % 60);
        else if (whole >= 60)
            buffer_format(out, "%" PRIu64 " min %" PRIu64 " s", whole / 60, whole % 60);
        else
            buffer_format(out, "%" PRIu64 " s", whole);
    }
}
