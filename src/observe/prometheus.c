/*
 * An answer is read whole through jansson and checked as strictly as the API documents it: labels
 * are strings, samples are [time, "value"], times rise. A verdict rests on these numbers, so an
 * answer that differs (a proxy's page, another server) is an error and not an empty result. Queries
 * run after a phase or once a status line, not in a hot path.
 */
#include "observe/prometheus.h"

#include "base/http.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A range query over a drill is some megabytes; the bound keeps a wrong URL from eating memory. */
enum { QUERY_TIMEOUT_MS = 30000, READY_TIMEOUT_MS = 1000, ANSWER_MAX_BYTES = 64 << 20 };

struct prometheus {
    struct http *http;
    char url[256]; /* without a final '/' */
    struct http_reply reply;
};

struct prometheus *prometheus_new(const char *base_url)
{
    struct prometheus *prometheus = mem_zalloc(1, sizeof(*prometheus));
    prometheus->http = http_new();
    text_copy(prometheus->url, sizeof(prometheus->url), base_url);
    size_t len = strlen(prometheus->url);
    while (len > 0 && prometheus->url[len - 1] == '/') {
        prometheus->url[--len] = '\0';
    }
    buf_init(&prometheus->reply.body, ANSWER_MAX_BYTES);
    return prometheus;
}

void prometheus_free(struct prometheus *prometheus)
{
    if (prometheus == NULL) {
        return;
    }
    buf_deinit(&prometheus->reply.body);
    http_free(prometheus->http);
    mem_free(prometheus);
}

bool prometheus_ready(struct prometheus *prometheus)
{
    char url[300];
    snprintf(url, sizeof(url), "%s/-/ready", prometheus->url);
    return http_get(prometheus->http, url, READY_TIMEOUT_MS, &prometheus->reply, NULL) == ERR_OK &&
           prometheus->reply.status == 200;
}

static enum err malformed(const char *where, const char *what, struct error *error)
{
    return error_set(error, ERR_NETWORK, where, 0, "unreadable answer: %s", what);
}

/* Sample values are strings, because JSON has no NaN and no infinity. */
static bool read_value(const char *text, double *out)
{
    if (text_to_f64(text, out)) {
        return true;
    }
    if (strcmp(text, "NaN") == 0) {
        *out = (double)NAN;
    } else if (strcmp(text, "+Inf") == 0 || strcmp(text, "Inf") == 0) {
        *out = (double)INFINITY;
    } else if (strcmp(text, "-Inf") == 0) {
        *out = -(double)INFINITY;
    } else {
        return false;
    }
    return true;
}

/* [time, "value"] */
static bool read_point(const json_t *pair, struct prometheus_point *out)
{
    const json_t *time = json_array_get(pair, 0), *value = json_array_get(pair, 1);
    if (json_array_size(pair) != 2 || !json_is_number(time) || !json_is_string(value)) {
        return false;
    }
    out->time_s = json_number_value(time);
    return read_value(json_string_value(value), &out->value);
}

static enum err read_points(const char *where, const json_t *pairs, struct prometheus_series *out,
                            struct error *error)
{
    size_t count = json_array_size(pairs);
    if (count == 0) {
        return malformed(where, "a series without samples", error);
    }
    out->point = mem_try_resize(NULL, count * sizeof(*out->point));
    if (out->point == NULL) {
        return error_set(error, ERR_MEMORY, where, 0, "no memory for %zu samples", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_point(json_array_get(pairs, i), &out->point[i])) {
            return malformed(where, "a sample is not [time, \"value\"]", error);
        }
        if (i > 0 && !(out->point[i].time_s > out->point[i - 1].time_s)) {
            return malformed(where, "the times of a series do not rise", error);
        }
        out->count = i + 1;
    }
    return ERR_OK;
}

static bool labels_are_texts(json_t *labels)
{
    const char *name;
    json_t *value;
    json_object_foreach(labels, name, value)
    {
        if (!json_is_string(value)) {
            return false;
        }
    }
    return json_is_object(labels);
}

/* {"metric":{...},"value":[t,"v"]} or {"metric":{...},"values":[[t,"v"],...]} */
static enum err read_series(const char *where, const json_t *element, bool many,
                            struct prometheus_series *out, struct error *error)
{
    json_t *labels = json_object_get(element, "metric");
    json_t *samples = json_object_get(element, many ? "values" : "value");
    if (!labels_are_texts(labels)) {
        return malformed(where, "a series without labels", error);
    }
    if (json_object_get(element, many ? "histograms" : "histogram") != NULL) {
        return error_set(error, ERR_INPUT, where, 0,
                         "the expression yields native histograms; numbers were expected");
    }
    if (!json_is_array(samples)) {
        return malformed(where, "a series without samples", error);
    }
    out->labels = json_incref(labels);
    if (many) {
        return read_points(where, samples, out, error);
    }
    json_t *one = json_pack("[O]", samples);
    if (one == NULL) {
        return error_set(error, ERR_MEMORY, where, 0, "no memory for a sample");
    }
    enum err code = read_points(where, one, out, error);
    json_decref(one);
    return code;
}

static enum err read_list(const char *where, const json_t *list, bool many,
                          struct prometheus_matrix *out, struct error *error)
{
    size_t count = json_array_size(list);
    if (!json_is_array(list)) {
        return malformed(where, "no list of series", error);
    }
    if (count == 0) {
        return ERR_OK;
    }
    out->series = mem_try_resize(NULL, count * sizeof(*out->series));
    if (out->series == NULL) {
        return error_set(error, ERR_MEMORY, where, 0, "no memory for %zu series", count);
    }
    for (size_t i = 0; i < count; i++) {
        out->series[i] = (struct prometheus_series){.count = 0};
        out->count = i + 1;
        enum err code = read_series(where, json_array_get(list, i), many, &out->series[i], error);
        if (code != ERR_OK) {
            return code;
        }
    }
    return ERR_OK;
}

/* A scalar is read as a vector of one series without labels. */
static enum err read_scalar(const char *where, json_t *pair, struct prometheus_matrix *out,
                            struct error *error)
{
    json_t *list = json_pack("[{s:{},s:O?}]", "metric", "value", pair);
    if (list == NULL) {
        return error_set(error, ERR_MEMORY, where, 0, "no memory for a sample");
    }
    enum err code = read_list(where, list, false, out, error);
    json_decref(list);
    return code;
}

static enum err read_data(const char *where, const json_t *data, struct prometheus_matrix *out,
                          struct error *error)
{
    const char *type = json_string_value(json_object_get(data, "resultType"));
    json_t *result = json_object_get(data, "result");
    if (type == NULL) {
        return malformed(where, "no resultType", error);
    }
    if (strcmp(type, "vector") == 0) {
        return read_list(where, result, false, out, error);
    }
    if (strcmp(type, "matrix") == 0) {
        return read_list(where, result, true, out, error);
    }
    if (strcmp(type, "scalar") == 0) {
        return read_scalar(where, result, out, error);
    }
    return error_set(error, ERR_INPUT, where, 0,
                     "the expression yields a %s; numbers were expected", type);
}

/* bad_data and execution (a many-to-many match, say) are the expression's own faults: asking again
 * will not help. The rest is the server's. */
static enum err report_failure(const char *where, const json_t *root, struct error *error)
{
    const char *type = json_string_value(json_object_get(root, "errorType"));
    const char *text = json_string_value(json_object_get(root, "error"));
    if (type == NULL || text == NULL) {
        return malformed(where, "neither success nor an error with its text", error);
    }
    enum err code = ERR_NETWORK;
    if (strcmp(type, "bad_data") == 0 || strcmp(type, "execution") == 0) {
        code = ERR_INPUT;
    } else if (strcmp(type, "timeout") == 0 || strcmp(type, "canceled") == 0) {
        code = ERR_TIMEOUT;
    }
    return error_set(error, code, where, 0, "%s: %s", type, text);
}

/* A server that is no Prometheus, or a proxy before it, answers in plain text. */
static enum err report_other(const char *where, long http_status, const char *text, size_t len,
                             const json_error_t *fault, struct error *error)
{
    if (http_status == 200) {
        return error_set(error, ERR_NETWORK, where, 0, "unreadable answer: %s at byte %d",
                         fault->text, fault->position);
    }
    const char *line_end = memchr(text, '\n', len);
    int line_len = (int)(line_end != NULL ? line_end - text : (ptrdiff_t)len);
    return error_set(error, ERR_NETWORK, where, 0, "HTTP %ld: %.*s", http_status, line_len, text);
}

/* *out is the document of an answer whose status says success. */
static enum err open_answer(const char *where, long http_status, const char *text, size_t len,
                            size_t flags, json_t **out, struct error *error)
{
    json_error_t fault;
    json_t *root = json_loadb(text, len, flags, &fault);
    if (root == NULL) {
        return report_other(where, http_status, text, len, &fault, error);
    }
    const char *status = json_string_value(json_object_get(root, "status"));
    if (status != NULL && strcmp(status, "success") == 0) {
        *out = root;
        return ERR_OK;
    }
    enum err code = report_failure(where, root, error);
    json_decref(root);
    return code;
}

enum err prometheus_read_answer(const char *where, long http_status, const char *text, size_t len,
                                struct prometheus_matrix *out, struct error *error)
{
    *out = (struct prometheus_matrix){.count = 0};
    json_t *root = NULL;
    /* Times that happen to be whole seconds come without a point. */
    enum err code =
        open_answer(where, http_status, text, len, JSON_DECODE_INT_AS_REAL, &root, error);
    if (code != ERR_OK) {
        return code;
    }
    code = read_data(where, json_object_get(root, "data"), out, error);
    json_decref(root);
    if (code != ERR_OK) {
        prometheus_matrix_deinit(out);
    }
    return code;
}

void prometheus_matrix_deinit(struct prometheus_matrix *matrix)
{
    for (size_t i = 0; i < matrix->count; i++) {
        json_decref(matrix->series[i].labels);
        mem_free(matrix->series[i].point);
    }
    mem_free(matrix->series);
    *matrix = (struct prometheus_matrix){.count = 0};
}

const char *prometheus_label(const struct prometheus_series *series, const char *name)
{
    const char *value = json_string_value(json_object_get(series->labels, name));
    return value != NULL ? value : "";
}

/* POST, because an expression may be longer than a server takes in a URL. */
static enum err ask(struct prometheus *prometheus, const char *path, const char *expr,
                    const char *times, struct prometheus_matrix *out, struct error *error)
{
    *out = (struct prometheus_matrix){.count = 0};
    char url[300];
    snprintf(url, sizeof(url), "%s%s", prometheus->url, path);
    char *escaped = http_escape(expr);
    struct buf form;
    buf_init(&form, ANSWER_MAX_BYTES);
    buf_printf(&form, "query=%s&%s", escaped, times);
    mem_free(escaped);
    if (form.failed) {
        buf_deinit(&form);
        return error_set(error, ERR_MEMORY, url, 0, "the query is too long");
    }
    struct http_reply *reply = &prometheus->reply;
    enum err code = http_post(prometheus->http, url, "application/x-www-form-urlencoded", form.data,
                              form.len, QUERY_TIMEOUT_MS, reply, error);
    buf_deinit(&form);
    if (code != ERR_OK) {
        return code;
    }
    return prometheus_read_answer(url, reply->status, reply->body.len > 0 ? reply->body.data : "",
                                  reply->body.len, out, error);
}

enum err prometheus_query(struct prometheus *prometheus, const char *expr, double time_s,
                          struct prometheus_matrix *out, struct error *error)
{
    char times[64];
    snprintf(times, sizeof(times), "time=%.3f", time_s);
    return ask(prometheus, "/api/v1/query", expr, times, out, error);
}

enum err prometheus_query_range(struct prometheus *prometheus, const char *expr, double from_s,
                                double to_s, double step_s, struct prometheus_matrix *out,
                                struct error *error)
{
    char times[160];
    snprintf(times, sizeof(times), "start=%.3f&end=%.3f&step=%.3f", from_s, to_s, step_s);
    return ask(prometheus, "/api/v1/query_range", expr, times, out, error);
}

enum err prometheus_value(struct prometheus *prometheus, const char *expr, double time_s,
                          double *value, bool *found, struct error *error)
{
    struct prometheus_matrix matrix;
    *found = false;
    enum err code = prometheus_query(prometheus, expr, time_s, &matrix, error);
    if (code != ERR_OK) {
        return code;
    }
    if (matrix.count > 1) {
        code = error_set(error, ERR_INPUT, prometheus->url, 0, "%.200s yields %zu series, not one",
                         expr, matrix.count);
    }
    *found = matrix.count == 1;
    if (*found) {
        *value = matrix.series[0].point[matrix.series[0].count - 1].value;
    }
    prometheus_matrix_deinit(&matrix);
    return code;
}

enum err prometheus_rules(struct prometheus *prometheus, json_t **out, struct error *error)
{
    char url[300];
    struct http_reply *reply = &prometheus->reply;
    snprintf(url, sizeof(url), "%s/api/v1/rules", prometheus->url);
    enum err code = http_get(prometheus->http, url, QUERY_TIMEOUT_MS, reply, error);
    if (code != ERR_OK) {
        return code;
    }
    return open_answer(url, reply->status, reply->body.len > 0 ? reply->body.data : "",
                       reply->body.len, 0, out, error);
}

enum err prometheus_own_sum(struct prometheus *prometheus, const char *metric, double *sum,
                            bool *found, struct error *error)
{
    char url[300];
    struct http_reply *reply = &prometheus->reply;
    struct metrics_snapshot *snapshot = NULL;
    snprintf(url, sizeof(url), "%s/metrics", prometheus->url);
    enum err code = http_get(prometheus->http, url, QUERY_TIMEOUT_MS, reply, error);
    if (code == ERR_OK && reply->status != 200) {
        code = error_set(error, ERR_NETWORK, url, 0, "HTTP %ld", reply->status);
    }
    if (code == ERR_OK) {
        code = metrics_parse(url, reply->body.len > 0 ? reply->body.data : "", reply->body.len,
                             &snapshot, error);
    }
    if (code == ERR_OK) {
        *sum = metrics_sum(snapshot, metric, NULL, 0, found);
        metrics_snapshot_free(snapshot);
    }
    return code;
}
