/*
 * The result of a drill for people, as one page of HTML that needs nothing else: no network, no
 * script. It is well-formed XML as well. Main thread only.
 */
#ifndef DRILL_REPORT_HTML_H
#define DRILL_REPORT_HTML_H

#include "base/error.h"
#include "drill/report.h"

#define REPORT_HTML_FILE "report.html"
#define REPORT_HTML_DASHBOARDS "dashboards" /* folder of the pictures */

/* The page, at most some megabytes: a dashboard too large to draw is left out, and said to be. */
enum err report_write_html(const struct report *report, const char *path, struct error *error)
    __attribute__((warn_unused_result));
/* Each dashboard as a picture of its own, folder/dashboards/UID.svg. */
enum err report_write_dashboards(const struct report *report, const char *folder,
                                 struct error *error) __attribute__((warn_unused_result));

#endif
