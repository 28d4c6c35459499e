/*
 * Are the dashboards and alert rules of a Grafana those shipped? Everything that a shipped file
 * says must be there, alike; what Grafana adds (ids, versions, defaults) does not count. Main
 * thread only.
 */
#ifndef DRILL_GRAFANA_FILES_H
#define DRILL_GRAFANA_FILES_H

#include "base/error.h"
#include "drill/grafana_findings.h"
#include "observe/dashboard.h"
#include "observe/grafana.h"

#include <jansson.h>

/* Adds a finding for the first difference of each dashboard, and for one that was not provisioned.
 * `dashboards` as rendered for the drill. */
void grafana_files_dashboards(struct grafana *grafana, const struct dashboard *dashboards,
                              size_t count, struct grafana_findings *out);

/* `wanted`: a file of provisioning/alerting as rendered, or NULL if at this time scale Grafana
 * cannot hold its groups; `production`: the same as shipped, whose rules must then not be there. */
void grafana_files_rules(struct grafana *grafana, const json_t *wanted, const json_t *production,
                         struct grafana_findings *out);

/* The place ("/panels/3/targets/0/expr") of the first thing that `wanted` says and `found` says
 * otherwise or not at all; false if there is none. What Grafana numbers itself is left out at the
 * top: id, version, iteration, schemaVersion. */
bool grafana_files_differ(const json_t *wanted, const json_t *found, char *place, size_t size);

#endif
