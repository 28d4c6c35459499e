/* One job of Prometheus's scrape_configs. Any thread. */
#ifndef DRILL_SCRAPE_JOB_H
#define DRILL_SCRAPE_JOB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define SCRAPE_JOB_TARGET "recommender" /* what rules and dashboards call the target */

/* A new reference. `metrics_url`: scheme://address with a path (default /metrics) and a query;
 * `relabel`: metric_relabel_configs, borrowed, or NULL. */
json_t *scrape_job(const char *name, const char *metrics_url, const json_t *relabel);
/* The address of a job's target for messages: a path of its own and a query may hold a secret.
 * False if they were left away. */
bool scrape_job_shown(const char *url, char *out, size_t size);

#endif
