/*
 * The monitoring stack's files at a time scale: rules, dashboards, Alertmanager's routes,
 * Prometheus's jobs and Grafana's provisioning, read in production durations and written with every
 * duration divided. A scale of 1 leaves their meaning as it is. Any thread; touches files only.
 */
#ifndef DRILL_RENDER_H
#define DRILL_RENDER_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ticks of Grafana's own alerting: a group of rules that wants to be evaluated at any other
 * moment stops Grafana from starting. */
#define RENDER_GRAFANA_TICK_NS INT64_C(10000000000)

struct render_config { /* borrowed; NULL where a default applies */
    const char *home;  /* holds prometheus/ and grafana/ */
    const char *const *rule_files;
    size_t rule_file_count;
    const char *prometheus_file;   /* NULL = home/prometheus/prometheus.yml */
    const char *alertmanager_file; /* NULL = home/prometheus/alertmanager.yml */
    const char *dashboards_glob;   /* NULL = home/grafana/dashboards/[a-z]*.json */
    const char *dashboards_path;   /* where Grafana will find them; NULL = as provisioned */
    const char *metrics_url;       /* of the target: its job is pointed there; NULL = it stays */
    const json_t *relabel;         /* metric_relabel_configs of that job; NULL = none */
    const char *webhook_url;       /* every receiver of alerts becomes this; NULL = they stay */
    int64_t time_scale;
    const char *folder; /* made if absent; what an earlier rendering left there is replaced, once
                         * everything is rendered */
};

struct render_report {
    size_t rules, alerts, dashboards, provisioning; /* files, alerts in them, files, files */
    size_t groups_left_out;                         /* of Grafana's own alerting: see the tick */
    int64_t scrape_ns, evaluation_ns;               /* production time, as prometheus.yml says */
};

/* Writes below config->folder:
 *   prometheus/prometheus.yml, prometheus/rules/, prometheus/flags (one option a line, for a scale
 *   above 1), alertmanager/alertmanager.yml, grafana/dashboards/, grafana/provisioning/
 * Faults of rules and dashboards are all collected; ERR_INPUT if there is any. ERR_USAGE if
 * something of these names lies there that no rendering has left (render_folder.h), or a file to
 * be read lies in it; nothing is changed then. */
enum err render_stack(const struct render_config *config, struct render_report *report,
                      struct faults *faults, struct error *error)
    __attribute__((warn_unused_result));

/* Alertmanager's routes with their waits divided, in whole milliseconds. With a webhook_url every
 * receiver becomes that webhook, whatever it is in production (mail, chat, pager); NULL leaves the
 * receivers alone. `production` is YAML; faults name it. */
enum err render_alertmanager(const char *production, int64_t time_scale, const char *webhook_url,
                             const char *path, struct error *error)
    __attribute__((warn_unused_result));

/* Prometheus's configuration with its intervals divided and its rules taken from rules/ beside it.
 * Timeouts are real time: not divided, but no longer than the interval.
 * Tells the production intervals of scrapes and evaluations (Prometheus's own 1m if unsaid). */
enum err render_prometheus(const char *production, int64_t time_scale, const char *path,
                           int64_t *scrape_ns, int64_t *evaluation_ns, struct error *error)
    __attribute__((warn_unused_result));
/* Points the job of the target in a file that was written so at this address, with these
 * metric_relabel_configs (NULL = none). ERR_INPUT if there is no such job. */
enum err render_prometheus_target(const char *path, const char *metrics_url, const json_t *relabel,
                                  struct error *error) __attribute__((warn_unused_result));
/* Options that only the command line can say: how far Prometheus looks back for a sample, divided,
 * and that alerts are sent again before a short drill is over. Empty for a scale of 1. */
enum err render_prometheus_flags(int64_t time_scale, const char *path, struct error *error)
    __attribute__((warn_unused_result));

struct render_provisioning { /* one file of Grafana's provisioning; borrowed */
    const char *production, *path;
    const char *dashboards_path; /* as above */
    int64_t time_scale, scrape_ns;
};

/* The smallest step of data sources, the folder of dashboards, and groups of Grafana's own alert
 * rules with everything they say in time. *left_out is raised by the groups that would fall off
 * Grafana's tick; a file with none left is not written (*written false). */
enum err render_provisioning(const struct render_provisioning *request, bool *written,
                             size_t *left_out, struct error *error)
    __attribute__((warn_unused_result));

#endif
