/* Shared by capacity_report.c (the table), capacity_report_json.c, capacity_report_html.c and
 * capacity_report_svg.c (the curve). */
#ifndef COMMAND_CAPACITY_REPORT_INT_H
#define COMMAND_CAPACITY_REPORT_INT_H

#include "base/buf.h"
#include "command/capacity_report.h"

#define CAPACITY_LOAD_SIZE 32

/* "8 at once" or "1250/s"; returns out. */
const char *capacity_load_text(const struct capacity_level *level, char *out, size_t size);
/* "p99<50ms,errors<0.1%" */
void capacity_objectives_text(const struct slo *slo, struct buf *out);
/* The answer in one sentence without a full stop. */
void capacity_answer_text(const struct capacity_report *report, struct buf *out);
/* Sentences about the wanted rate, the confirmation, the knee and the ladder, each a line. */
void capacity_findings_text(const struct capacity_report *report, struct buf *out);
/* The objective nearest to its limit at a level, or further beyond it than the others. */
size_t capacity_tightest(const struct capacity_report *report, const struct capacity_level *level);

/* Two pictures one above the other: the worst latency and what lists are worth against the rate. */
void capacity_curve_svg(struct buf *out, const struct capacity_report *report);

#endif
