/*
 * What a target calls the metrics of docs/METRICS.md. Rules, dashboards and the comparison of
 * counts know our names alone: Prometheus renames on the way in (metric_relabel_configs), and what
 * the drill reads itself is renamed here, by the same table. One of the target's series can stand
 * for one of our metrics only, the first in the order of the table. Constant after making.
 */
#ifndef DRILL_METRIC_MAP_H
#define DRILL_METRIC_MAP_H

#include "base/error.h"
#include "base/metrics.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct metric_map;

/* The metrics of docs/METRICS.md as they stand in an exposition ("user_rating_bucket"), ended by
 * NULL. Those of the process are not among them: they are what they are in every program. */
extern const char *const metric_map_ours[];
bool metric_map_is_ours(const char *name);
/* The same, or a family with such a part: "user_rating". */
bool metric_map_knows(const char *name);

/* What a target calls a metric or the family it belongs to, NULL if it has neither. */
typedef const char *metric_map_find(const void *context, const char *ours);

/* The answers of `find` are copied. One that is no selector `name{label="value",...}` is ERR_INPUT.
 */
enum err metric_map_new(metric_map_find *find, const void *context, struct metric_map **out,
                        struct error *error) __attribute__((warn_unused_result));
void metric_map_free(struct metric_map *map); /* accepts NULL */

/* What people tell the target. Of a metric that says nothing without it, all below is as if the
 * target had none, but for Prometheus: others may tell the target more. */
struct metric_map_told {
    bool ratings;
    bool lists;  /* which list a rating answers */
    bool places; /* where in it the film stood */
};
void metric_map_leave_out(struct metric_map *map, const struct metric_map_told *told);

/* Every name of ours is the target's own, and no metric is left out. */
bool metric_map_is_plain(const struct metric_map *map);
/* Does the target have the metric? "user_rating" asks for the whole histogram's count. */
bool metric_map_has(const struct metric_map *map, const char *ours);
/* Why it has not; `map` may be NULL. */
void metric_map_explain(const struct metric_map *map, const char *ours, char *out, size_t size);
/* The exposition in our names. What is nobody's keeps its name, unless it has one of ours. */
enum err metric_map_rename(const struct metric_map *map, const struct metrics_snapshot *theirs,
                           struct metrics_snapshot **out, struct error *error)
    __attribute__((warn_unused_result));
/* metric_relabel_configs of Prometheus that do the same, a new reference; NULL if names are ours.
 */
json_t *metric_map_relabel(const struct metric_map *map);

#endif
