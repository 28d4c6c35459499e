/*
 * Client of Grafana's HTTP API, as far as a drill asks it what it shows: health, dashboards, alert
 * rules as provisioned, and queries, which Grafana sends on to Prometheus with a step that it
 * chooses itself. Everything is read, nothing is changed. One thread a client.
 */
#ifndef OBSERVE_GRAFANA_H
#define OBSERVE_GRAFANA_H

#include "base/error.h"
#include "observe/prometheus.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grafana;

/* token: of a service account, sent as bearer; NULL = none. */
struct grafana *grafana_new(const char *base_url, const char *token);
void grafana_free(struct grafana *grafana); /* accepts NULL */

/* GET /api/health; ERR_NETWORK if its database is not "ok". */
enum err grafana_health(struct grafana *grafana, char *version, size_t size, struct error *error)
    __attribute__((warn_unused_result));
/* GET /api/dashboards/uid/UID: the dashboard's own JSON (new reference). *provisioned: it came from
 * a file. ERR_INPUT if there is none with that uid. */
enum err grafana_dashboard(struct grafana *grafana, const char *uid, json_t **out,
                           bool *provisioned, struct error *error)
    __attribute__((warn_unused_result));
/* GET /api/v1/provisioning/alert-rules: an array (new reference). ERR_USAGE if the user may not. */
enum err grafana_alert_rules(struct grafana *grafana, json_t **out, struct error *error)
    __attribute__((warn_unused_result));

/* What the browser sends for one target of a panel. Variables of the dashboard must be put in
 * already; $__interval, $__rate_interval and $__range are Grafana's to put in. Neither instant nor
 * range = range. */
struct grafana_question {
    const char *expr, *legend, *format; /* "time_series", "table", "heatmap" */
    const char *min_step;               /* as in the target's "interval"; "" = none */
    const char *datasource_uid;
    bool instant, range;
    int64_t from_ms, to_ms, interval_ms, max_data_points;
};

struct grafana_answer {
    char *executed;  /* the expression that Prometheus got; heap */
    int64_t step_ms; /* 0 if it was not told */
    struct prometheus_matrix matrix;
};

/* POST /api/ds/query with one query. Faults of the query are ERR_INPUT with Grafana's text. *out
 * needs grafana_answer_deinit after ERR_OK only. */
enum err grafana_query(struct grafana *grafana, const struct grafana_question *question,
                       struct grafana_answer *out, struct error *error)
    __attribute__((warn_unused_result));
/* Reads the body of an answer to a query with refId "A"; `where` labels errors. Missing values are
 * left out of a series, so that an instant is there or not, as in an answer of Prometheus; NaN and
 * infinities, which Grafana lists apart, are values. A frame without fields is no series. */
enum err grafana_read_answer(const char *where, long http_status, const char *text, size_t len,
                             struct grafana_answer *out, struct error *error)
    __attribute__((warn_unused_result));
void grafana_answer_deinit(struct grafana_answer *answer);

/* Go's spelling of a duration, "250ms", "1m15s", "1.5s"; false for anything else. */
bool grafana_read_step(const char *text, int64_t *out_ms);

#endif
