/* Pieces of an HTML page; all text is escaped. */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stddef.h>

#include "cli/buffer.h"

/* Text for content and for attributes between double quotes. Bytes that HTML does not take (control
 * characters, what is no UTF-8) become U+FFFD; marks that turn the direction of writing too. */
void html_text(struct buffer *out, const char *text);
void html_bytes(struct buffer *out, const char *text, size_t size);

/* A number for people: four digits, "–" for NaN. */
void html_number(struct buffer *out, double value);
/* A share as per cent: "82.1 %". */
void html_percent(struct buffer *out, double share);
/* A count with thin spaces between thousands. */
void html_count(struct buffer *out, double count);
/* "15 min 45 s" */
void html_duration(struct buffer *out, double seconds);

#endif
