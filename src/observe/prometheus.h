/* Client of the Prometheus HTTP API. Times are Unix seconds. One thread a client. */
#ifndef OBSERVE_PROMETHEUS_H
#define OBSERVE_PROMETHEUS_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct prometheus;

struct prometheus_point {
    double time_s, value;
};

struct prometheus_series {
    json_t *labels; /* object; owned by the matrix */
    size_t count;
    struct prometheus_point *point; /* rising time */
};

struct prometheus_matrix { /* also holds vectors (one point each) */
    size_t count;
    struct prometheus_series *series;
};

struct prometheus *prometheus_new(const char *base_url);
void prometheus_free(struct prometheus *prometheus);
bool prometheus_ready(struct prometheus *prometheus); /* GET /-/ready is 200 */

/* Faults of the expression (bad_data, execution) are ERR_INPUT, of the server ERR_NETWORK or
 * ERR_TIMEOUT, each with Prometheus's own text. *out is empty after an error. */

/* Instant query: an instant vector, or the raw samples if the expression is a range selector. */
enum err prometheus_query(struct prometheus *prometheus, const char *expr, double time_s,
                          struct prometheus_matrix *out, struct error *error);
enum err prometheus_query_range(struct prometheus *prometheus, const char *expr, double from_s,
                                double to_s, double step_s, struct prometheus_matrix *out,
                                struct error *error);
/* Single value of an expression yielding one series; *found false when it yields none. */
enum err prometheus_value(struct prometheus *prometheus, const char *expr, double time_s,
                          double *value, bool *found, struct error *error);
/* GET /api/v1/rules, the whole document, {"status":...,"data":{"groups":[...]}} (new reference). */
enum err prometheus_rules(struct prometheus *prometheus, json_t **out, struct error *error);
/* Sum over the series of one of Prometheus's own metrics, as GET /metrics has them at this moment.
 */
enum err prometheus_own_sum(struct prometheus *prometheus, const char *metric, double *sum,
                            bool *found, struct error *error);
/* Reads the body of one answer of the query API (what the queries above do with theirs); `where`
 * labels errors. Scalars become one series without labels; native histograms are refused. */
enum err prometheus_read_answer(const char *where, long http_status, const char *text, size_t len,
                                struct prometheus_matrix *out, struct error *error);
void prometheus_matrix_deinit(struct prometheus_matrix *matrix);
const char *prometheus_label(const struct prometheus_series *series, const char *name); /* or "" */

#endif
