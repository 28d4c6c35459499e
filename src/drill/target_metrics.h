/* The metrics of a target by our names, as its description gives them. Main thread. */
#ifndef DRILL_TARGET_METRICS_H
#define DRILL_TARGET_METRICS_H

#include "base/error.h"
#include "drill/metric_map.h"
#include "load/target.h"

/* What says nothing because people do not tell the target enough is left out. *out NULL, and
 * ERR_OK, if it has no metrics. ERR_INPUT, with the name, if something is given for a name that is
 * none of ours, or is no selector. */
enum err target_metrics_map(const struct target *target, struct metric_map **out,
                            struct error *error) __attribute__((warn_unused_result));

#endif
