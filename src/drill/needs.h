/*
 * What alerts, recorded series and queries need of a target, by the rules alone: followed through
 * recording rules down to the metrics of docs/METRICS.md. Series that are not the target's (`up` of
 * other jobs, the drill's own) are taken to be there. Main thread.
 */
#ifndef DRILL_NEEDS_H
#define DRILL_NEEDS_H

#include "base/error.h"
#include "drill/metric_map.h"

#include <stdbool.h>
#include <stddef.h>

struct needs;

/* `map` is borrowed; NULL: the target has no metrics at all. A rule whose expression cannot be read
 * needs nothing; Prometheus will say what it thinks of it. */
enum err needs_new(const char *const *rules, size_t count, const struct metric_map *map,
                   struct needs **out, struct error *error) __attribute__((warn_unused_result));
void needs_free(struct needs *needs); /* accepts NULL */

/* True if the alert can fire and be silent for what it means to. Otherwise `missing` is the first
 * metric that it lacks. An alert, or series, that no rule defines is true. */
bool needs_met_by_alert(struct needs *needs, const char *alert, char *missing, size_t size);
bool needs_met_by_series(struct needs *needs, const char *series, char *missing, size_t size);
/* The same of an expression, in which variables of Grafana may stand. */
bool needs_met_by_query(struct needs *needs, const char *query, char *missing, size_t size);

/* Of a group: at least one of its alerts, those of severity `none` left out. NULL: of any group. */
bool needs_met_by_group(struct needs *needs, const char *group, char *missing, size_t size);

/* Alerts in the order of the rules; NULL behind the last. `group` may be NULL. */
const char *needs_alert_at(const struct needs *needs, size_t index, const char **group);

#endif
