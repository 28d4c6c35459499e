/* What dashboards showed, for verdict.json. */
#ifndef DRILL_REPORT_PANELS_H
#define DRILL_REPORT_PANELS_H

#include "drill/panels.h"

#include <jansson.h>

/* A list of panels with what they showed at the end of each phase, and whether they moved; empty
 * for NULL. New reference. */
json_t *report_panels_json(const struct panel_book *book, const struct scenario *scenario);

#endif
