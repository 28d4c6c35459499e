/*
 * What a drill tells GitHub Actions: an annotation at the scenario's line for each expectation that
 * was not met, and a summary of the step in Markdown. Texts may be hostile: they are escaped, so
 * that none can be a workflow command, or Markdown, of its own. Main thread.
 */
#ifndef DRILL_GITHUB_H
#define DRILL_GITHUB_H

#include "base/buf.h"
#include "base/error.h"
#include "drill/report.h"

#include <stdbool.h>

#define GITHUB_ANNOTATIONS_MAX 10             /* GitHub shows no more of a step */
#define GITHUB_SUMMARY_MAX_BYTES (256u << 10) /* a step has 1 MiB, which others may share */

/* `::error file=...,line=...,title=...::` lines; nothing for a drill that passed. `workspace` is
 * cut off the scenario's path if it lies there; NULL = the path stays. */
void github_add_annotations(struct buf *out, const struct report *report, const char *workspace);
/* At most GITHUB_SUMMARY_MAX_BYTES: rows that find no room are counted. */
void github_add_summary(struct buf *out, const struct report *report);

/* Inside GitHub Actions (GITHUB_ACTIONS is "true") prints the annotations on stdout and appends the
 * summary to the file that GITHUB_STEP_SUMMARY names; elsewhere nothing. That it could not be
 * written is a warning: it changes no verdict. */
void github_report(const struct report *report);

#endif
