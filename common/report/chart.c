#include "report/chart.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/utf8.h"
#include "report/gnuplot.h"
#include "report/svg.h"

const struct chart_colour chart_colours[] = {
    {"ink", "#1c2024", "#eceef1"},
    {"muted", "#656d78", "#9ba3af"},
    {"line", "#e2e5ea", "#31353c"},
    {"paper", "#ffffff", "#191b1f"},
    {"strong", "#fefefe", "#fdfdfd"}, /* on an area in a series' colour */
    {"c1", "#2a62d9", "#6d9bff"},
    {"c2", "#d96b0b", "#f59a4a"},
    {"c3", "#1b8a5a", "#4cc38a"},
    {"c4", "#8250c8", "#b594f0"},
    {"c5", "#c93a3a", "#f27878"},
    {"c6", "#0f8a9c", "#4ec3d4"},
    {0},
};

void chart_free(struct chart *chart)
{
    free(chart->about);
    buffer_free(&chart->script);
    *chart = (struct chart){0};
}

static void set_terminal(struct buffer *script, const struct chart *chart, enum chart_form form)
{
    const char *kind = form == CHART_PNG ? "pngcairo" : "svg";
    const char *look =
        form == CHART_PNG
            ? "font 'sans,10' fontscale 2 pointscale 2 linewidth 2 background '#ffffff'"
        : form == CHART_INLINE ? "font 'sans-serif,13' dynamic name 'c'"
                               : "font 'sans-serif,13' background '#ffffff'";
    unsigned scale = form == CHART_PNG ? 2 : 1;
    buffer_format(script, "set terminal %s size %u,%u noenhanced %s\n", kind, chart->width * scale,
                  chart->height * scale, look);
}

/* A quiet frame: horizontal lines, no ticks, a legend above. */
static void set_look(struct buffer *script)
{
    for (const struct chart_colour *colour = chart_colours; colour->name; colour++)
        buffer_format(script, "%s = '%s'\n", colour->name, colour->light);
    buffer_append_string(script, "set encoding utf8\n"
                                 "set border 1 lc rgb muted lw 1\n"
                                 "set tics nomirror scale 0 tc rgb muted\n"
                                 "set grid y lt 1 lc rgb line lw 1\n"
                                 "set grid layerdefault\n"
                                 "set xlabel tc rgb muted\n"
                                 "set ylabel tc rgb muted\n"
                                 "set key above right horizontal Left reverse samplen 1.5 "
                                 "tc rgb ink\n"
                                 "set style fill solid noborder\n");
}

int chart_draw(const struct chart *chart, enum chart_form form, struct buffer *out)
{
    struct buffer script = {0}, picture = {0};
    set_terminal(&script, chart, form);
    set_look(&script);
    if (form != CHART_INLINE) {
        buffer_append_string(&script, "set title ");
        chart_quote(&script, chart->title, 100);
        buffer_append_string(&script, " tc rgb ink\n");
    }
    buffer_append(&script, chart->script.data, chart->script.size);
    int result = gnuplot_run(&script, form == CHART_INLINE ? &picture : out);
    if (result == 0 && form == CHART_INLINE)
        svg_inline(buffer_string(&picture), chart, out);
    buffer_free(&script);
    buffer_free(&picture);
    return result;
}

/* Between single quotes nothing is special but the quote itself: neither `commands` nor @macros. It
 * stands between two strings, because '' is not understood everywhere, and as a number, because
 * macros are looked for behind it. */
void chart_quote(struct buffer *script, const char *text, size_t limit)
{
    size_t length = strlen(text), characters = 0;
    buffer_append_char(script, '\'');
    for (size_t i = 0; i < length && characters < limit; characters++) {
        size_t bytes = 1;
        while (i + bytes < length && ((unsigned char)text[i + bytes] & 0xc0) == 0x80)
            bytes++;
        if (characters + 1 == limit && i + bytes < length)
            buffer_append_string(script, "…");
        else if (text[i] == '\'')
            buffer_append_string(script, "'.\"\\047\".'");
        else if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            buffer_append_char(script, ' ');
        else if (utf8_valid_prefix(text + i, bytes) == bytes)
            buffer_append(script, text + i, bytes);
        else
            buffer_append_char(script, '?');
        i += bytes;
    }
    buffer_append_char(script, '\'');
}

void chart_data(struct buffer *script, const char *name, const double *values, size_t rows,
                size_t columns)
{
    buffer_format(script, "$%s << END_OF_DATA\n", name);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            double value = values[i * columns + j];
            if (isfinite(value))
                buffer_format(script, "%.8g", value);
            else
                buffer_append_string(script, "NaN");
            buffer_append_char(script, j + 1 == columns ? '\n' : ' ');
        }
    buffer_append_string(script, "END_OF_DATA\n");
}

void chart_range_add(struct chart_range *range, double value)
{
    if (!isfinite(value))
        return;
    if (range->low > range->high)
        *range = (struct chart_range){value, value};
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

void chart_range_set(struct buffer *script, const char *axis, struct chart_range range,
                     double margin)
{
    double low = range.low, high = range.high, width = high - low;
    if (low > high)
        low = 0, high = 1;
    else if (width <= 1e-9 * fmax(fabs(low), fabs(high)))
        width = low == 0 ? 1 : fabs(low) / 2, low -= width, high += width;
    else
        low -= width * margin, high += width * margin;
    buffer_format(script, "set %srange [%.10g:%.10g]\n", axis, low, high);
}
