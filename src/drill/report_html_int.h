/* Shared by report_html.c (the page) and report_html_panels.c (its dashboards). */
#ifndef DRILL_REPORT_HTML_INT_H
#define DRILL_REPORT_HTML_INT_H

#include "base/buf.h"
#include "drill/report_html.h"

/* <td>TEXT</td>, escaped; `class` may be NULL. */
void html_cell(struct buf *out, const char *class, const char *text);
void html_head_cell(struct buf *out, const char *text);
/* Opens a table in a box that scrolls; `caption` is the program's. html_table_end closes. */
void html_table(struct buf *out, const char *caption, const char *const *heads, size_t count);
void html_table_end(struct buf *out);

void html_dashboards(struct buf *out, const struct report *report);

#endif
