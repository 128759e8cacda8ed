#include "text/fit.h"

enum { HEAD_OF_510 = 128, SPECIALS = 2, PAIR_SPECIALS = 3 };

size_t fit_default_head(size_t max_length)
{
    return (max_length - SPECIALS) * HEAD_OF_510 / 510;
}

void fit_share_room(size_t *first, size_t *second, size_t room)
{
    size_t *shorter = *first <= *second ? first : second;
    size_t *longer = shorter == first ? second : first;
    if (*first + *second <= room)
        return;
    if (*shorter > room)
        *longer = *shorter;
    else
        *longer = *shorter > room - *shorter ? *shorter : room - *shorter;
    if (*shorter + *longer > room) {
        *shorter = room / 2;
        *longer = *shorter + room % 2;
    }
}

/* The parts of an encoding without a limit: [CLS] first [SEP], or [CLS] first [SEP] second [SEP];
 * where each text's tokens begin, and how many there are. */
struct parts {
    size_t first, second;
    size_t first_count, second_count, room;
};

static struct parts parts_of(const struct fit *fit, const struct encoding *whole, bool paired)
{
    struct parts parts = {
        .first = 1,
        .first_count = whole->first_segment - SPECIALS,
        .room = fit->max_length - (paired ? PAIR_SPECIALS : SPECIALS),
    };
    if (paired) {
        parts.second = whole->first_segment;
        parts.second_count = whole->count - whole->first_segment - 1;
    }
    return parts;
}

/* What a window holds beside the first text of a pair, and how far the next is from it. */
struct windows {
    size_t fixed, count, room, step;
};

static struct windows windows_of(const struct fit *fit, const struct parts *parts, bool paired)
{
    struct windows windows = {.count = parts->first_count, .room = parts->room};
    if (paired) {
        /* The second text has at least half the room if it needs it. */
        size_t wanted =
            parts->second_count < parts->room / 2 ? parts->second_count : parts->room / 2;
        windows.fixed =
            parts->first_count < parts->room - wanted ? parts->first_count : parts->room - wanted;
        windows.count = parts->second_count;
        windows.room = parts->room - windows.fixed;
    }
    windows.step = fit->stride < windows.room ? windows.room - fit->stride : (windows.room + 1) / 2;
    return windows;
}

size_t fit_count(const struct fit *fit, const struct encoding *whole, bool paired)
{
    if (fit->on_long != FIT_WINDOW || whole->count <= fit->max_length)
        return 1;
    struct parts parts = parts_of(fit, whole, paired);
    struct windows windows = windows_of(fit, &parts, paired);
    if (windows.count <= windows.room)
        return 1;
    return 1 + (windows.count - windows.room + windows.step - 1) / windows.step;
}

/* `kept` of `count` tokens: head and tail; all when they are as many. */
static void append_ends(struct encoding *out, const struct fit *fit, const struct encoding *whole,
                        size_t from, size_t count, size_t kept)
{
    size_t head = kept == count ? kept : kept * fit->head / (fit->max_length - SPECIALS);
    encoding_append(out, whole, from, head);
    encoding_append(out, whole, from + count - (kept - head), kept - head);
}

static void append_windowed(struct encoding *out, const struct fit *fit,
                            const struct encoding *whole, const struct parts *parts, bool paired,
                            size_t k, size_t *begin)
{
    struct windows windows = windows_of(fit, parts, paired);
    size_t left;
    *begin = k * windows.step;
    left = windows.count - *begin;
    if (left > windows.room)
        left = windows.room;
    if (!paired) {
        encoding_append(out, whole, parts->first + *begin, left);
        return;
    }
    encoding_append(out, whole, parts->first, windows.fixed);
    encoding_append(out, whole, whole->first_segment - 1, 1); /* [SEP] */
    out->first_segment = out->count;
    encoding_append(out, whole, parts->second + *begin, left);
    out->cut = k == 0 ? parts->first_count - windows.fixed : 0;
}

void fit_take(const struct fit *fit, const struct encoding *whole, bool paired, size_t k,
              struct encoding *out, size_t *begin)
{
    struct parts parts = parts_of(fit, whole, paired);
    size_t first = parts.first_count, second = parts.second_count;
    size_t separator = whole->first_segment - 1;
    out->traced = whole->traced;
    out->count = out->cut = *begin = 0;
    encoding_append(out, whole, 0, 1);
    if (fit->on_long == FIT_WINDOW && whole->count > fit->max_length) {
        append_windowed(out, fit, whole, &parts, paired, k, begin);
    } else {
        fit_share_room(&first, &second, parts.room);
        append_ends(out, fit, whole, parts.first, parts.first_count, first);
        if (paired) {
            encoding_append(out, whole, separator, 1);
            out->first_segment = out->count;
            append_ends(out, fit, whole, parts.second, parts.second_count, second);
        }
        out->cut = parts.first_count + parts.second_count - first - second;
    }
    encoding_append(out, whole, separator, 1);
    if (!paired)
        out->first_segment = out->count;
}
