#include "report/svg.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"
#include "report/html.h"

/* Elements that are left out with all that they hold, and tags that are left out alone. */
static const char *const dropped[] = {"title", "desc", "defs", NULL};

static bool is_tag(const char *tag, const char *name)
{
    size_t length = strlen(name);
    return strncmp(tag + 1, name, length) == 0 && strchr(" \t\n>/", tag[1 + length]);
}

/* The next number below 256 at *at, past blanks and a comma; -1: there is none. */
static int component(const char **at)
{
    char *end;
    *at += strspn(*at, " ,");
    if (**at < '0' || **at > '9')
        return -1;
    long value = strtol(*at, &end, 10);
    *at = end;
    return value < 256 ? (int)value : -1;
}

/* "rgb( 42,  98, 217)" as "var(--c1)": the bytes read, or 0 when it is no colour of ours. */
static size_t colour(const char *text, struct buffer *out)
{
    const char *at = text + strlen("rgb(");
    int red = component(&at), green = component(&at), blue = component(&at);
    char code[32];
    if (red < 0 || green < 0 || blue < 0 || *at != ')')
        return 0;
    snprintf(code, sizeof code, "#%02x%02x%02x", (unsigned)red, (unsigned)green, (unsigned)blue);
    for (const struct chart_colour *known = chart_colours; known->name; known++)
        if (strcmp(known->light, code) == 0) {
            buffer_format(out, "var(--%s)", known->name);
            return (size_t)(at + 1 - text);
        }
    return 0;
}

static void append_tag(const char *tag, const char *end, struct buffer *out)
{
    while (tag < end) {
        size_t used = strncmp(tag, "rgb(", 4) == 0 ? colour(tag, out) : 0;
        if (used == 0 && strncmp(tag, " id=", 4) == 0)
            used = 5 + strcspn(tag + 5, "\"'") + 1;
        if (used == 0)
            buffer_append_char(out, *tag);
        tag += used ? used : 1;
    }
}

/* Past the element that begins at tag when it is one of those left out, or NULL. */
static const char *skip_element(const char *tag)
{
    for (int i = 0; dropped[i]; i++) {
        char closing[16];
        if (!is_tag(tag, dropped[i]))
            continue;
        snprintf(closing, sizeof closing, "</%s>", dropped[i]);
        const char *end = strstr(tag, closing);
        return end ? end + strlen(closing) : tag + strlen(tag);
    }
    return NULL;
}

static void append_root(const struct chart *chart, struct buffer *out)
{
    buffer_format(out, "<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"", chart->width,
                  chart->height);
    html_text(out, chart->title);
    if (chart->about) {
        buffer_append_string(out, ". ");
        html_text(out, chart->about);
    }
    buffer_append_string(out, "\">\n");
}

void svg_inline(const char *document, const struct chart *chart, struct buffer *out)
{
    size_t opened = 0; /* where a group begins in which there is nothing yet */
    const char *at = document, *tag;
    while ((tag = strchr(at, '<'))) {
        const char *end = skip_element(tag), *text = at + strspn(at, " \t\n");
        if (text < tag) {
            buffer_append(out, at, (size_t)(tag - at));
            opened = 0;
        }
        at = end ? end : tag + strcspn(tag, ">") + (strchr(tag, '>') != NULL);
        if (end || tag[1] == '?' || tag[1] == '!')
            continue;
        if (is_tag(tag, "svg")) {
            append_root(chart, out);
        } else if (is_tag(tag, "/g") && opened) {
            out->size = opened;
            opened = 0;
        } else {
            opened = is_tag(tag, "g") ? out->size : 0;
            append_tag(tag, at, out);
            buffer_append_string(out, tag[1] == '/' ? "\n" : "");
        }
    }
}

void svg_markers(struct buffer *out)
{
    buffer_append_string(out,
                         "<svg class=\"markers\" width=\"0\" height=\"0\" aria-hidden=\"true\">"
                         "<defs><circle id=\"gpDot\" r=\".5\" fill=\"currentColor\"/>"
                         "<circle id=\"gpPt6\" r=\"1\" fill=\"currentColor\" stroke=\"none\"/>"
                         "</defs></svg>\n");
}
