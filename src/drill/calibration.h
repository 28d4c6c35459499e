/* What a control run measures: from the ledger all that it knows, from the target's own counters
 * the rest. Pure. */
#ifndef DRILL_CALIBRATION_H
#define DRILL_CALIBRATION_H

#include "base/metrics.h"
#include "drill/objectives.h"
#include "load/ledger.h"

/* Fills lists, ratings and all that is measured of `head`, of the people of phase `control`. What
 * only the target knows (predictions, who has a history) comes from how its counters grew over the
 * whole run, from `before` to `after` (NULL = unknown), and is NaN if it does not export them. */
void calibration_measure(const struct ledger *ledger, int control,
                         const struct metrics_snapshot *before,
                         const struct metrics_snapshot *after, struct objectives_head *head);

#endif
