#include "text/pretokenise.h"

#include "text/unicode.h"
#include "text/utf8.h"

bool pretokenise_next(const char **cursor, const char *end, struct word *word)
{
    const char *start = *cursor, *p = start;
    while (p < end) {
        const char *next = p;
        unsigned properties = unicode_properties(utf8_next(&next));
        if (properties & UNICODE_SPACE) {
            if (p > start)
                break;
            start = next;
        } else if (properties & UNICODE_PUNCTUATION) {
            if (p == start)
                p = next;
            break;
        }
        p = next;
    }
    *cursor = p;
    *word = (struct word){start, (size_t)(p - start)};
    return p > start;
}
