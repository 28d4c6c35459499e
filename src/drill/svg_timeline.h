/*
 * The picture of a drill over time: phases, the course of injections and disturbances, a row for
 * each alert (pending, firing, notified, resolved, and within which time it had to), and the
 * quantities as recorded beside the truth, all above one axis. Pure.
 */
#ifndef DRILL_SVG_TIMELINE_H
#define DRILL_SVG_TIMELINE_H

#include "base/buf.h"
#include "drill/report.h"

#define SVG_TIMELINE_WIDTH 1200

/* `id` as in svg_head. Alone: a file of its own. */
void svg_timeline(struct buf *out, const char *id, bool alone, const struct report *report);
/* Bars of delays by their parts, with the floors as marks; nothing without any delay. */
void svg_delays(struct buf *out, const char *id, const struct report *report);

/* "choice-rotation, sudden, 180 degrees" */
void svg_timeline_injection_text(const struct drift_injection *injection, char *out, size_t size);
/* "restart of the target" */
const char *svg_timeline_disturbance_text(enum scenario_disturb kind);
/* The most important thing to know of an alert's episodes: "fired at 13.0 s", "silent". If the
 * evidence is not complete, an alert without episodes is not known to have been silent. */
void svg_timeline_alert_text(const struct evidence_alert *alert, bool complete, char *out,
                             size_t size);

#endif
