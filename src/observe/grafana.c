/*
 * An answer to a query is a list of data frames, a frame a series: a field of times in milliseconds
 * and one of numbers whose labels are the series', values in columns. JSON has neither NaN nor
 * infinity; they are null in the column and listed by index in `entities` beside it. What
 * Prometheus was asked stands in the frame's meta as text, "Expr: ...\nStep: 1s".
 */
#include "observe/grafana.h"

#include "base/http.h"
#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 30000, ANSWER_MAX_BYTES = 64 << 20 };

#define REF "A"

struct grafana {
    struct http *http;
    char url[256]; /* without a final '/' */
    struct http_reply reply;
};

struct grafana *grafana_new(const char *base_url, const char *token)
{
    struct grafana *grafana = mem_zalloc(1, sizeof *grafana);
    grafana->http = http_new();
    http_set_bearer(grafana->http, token);
    text_copy(grafana->url, sizeof grafana->url, base_url);
    for (size_t len = strlen(grafana->url); len > 0 && grafana->url[len - 1] == '/'; len--) {
        grafana->url[len - 1] = '\0';
    }
    buf_init(&grafana->reply.body, ANSWER_MAX_BYTES);
    return grafana;
}

void grafana_free(struct grafana *grafana)
{
    if (grafana == NULL) {
        return;
    }
    buf_deinit(&grafana->reply.body);
    http_free(grafana->http);
    mem_free(grafana);
}

/* ---- reading what is there ---- */

/* Its own words for a refusal: {"message": ...}. */
static enum err refused(const char *where, long status, const json_t *document, struct error *error)
{
    const char *text = json_string_value(json_object_get(document, "message"));
    enum err code = status == 401 || status == 403 ? ERR_USAGE
                    : status == 404                ? ERR_INPUT
                                                   : ERR_NETWORK;
    return error_set(error, code, where, 0, "HTTP %ld%s%.200s", status, text != NULL ? ": " : "",
                     text != NULL ? text : "");
}

static enum err get(struct grafana *grafana, const char *path, json_t **out, struct error *error)
{
    char url[512];
    struct http_reply *reply = &grafana->reply;
    snprintf(url, sizeof url, "%s%s", grafana->url, path);
    enum err code = http_get(grafana->http, url, TIMEOUT_MS, reply, error);
    if (code != ERR_OK) {
        return code;
    }
    json_t *document =
        json_loadb(reply->body.len > 0 ? reply->body.data : "", reply->body.len, 0, NULL);
    if (reply->status != 200) {
        code = refused(url, reply->status, document, error);
    } else if (document == NULL) {
        code = error_set(error, ERR_NETWORK, url, 0, "the answer is not JSON");
    }
    if (code != ERR_OK) {
        json_decref(document);
        return code;
    }
    *out = document;
    return ERR_OK;
}

enum err grafana_health(struct grafana *grafana, char *version, size_t size, struct error *error)
{
    json_t *health = NULL;
    enum err code = get(grafana, "/api/health", &health, error);
    if (code != ERR_OK) {
        return code;
    }
    const char *database = json_string_value(json_object_get(health, "database"));
    const char *text = json_string_value(json_object_get(health, "version"));
    text_copy(version, size, text != NULL ? text : "unknown"); /* hidden from anonymous users */
    if (database == NULL || strcmp(database, "ok") != 0) {
        code = error_set(error, ERR_NETWORK, grafana->url, 0, "its database is %s, not ok",
                         database != NULL ? database : "not told of");
    }
    json_decref(health);
    return code;
}

enum err grafana_dashboard(struct grafana *grafana, const char *uid, json_t **out,
                           bool *provisioned, struct error *error)
{
    char path[200];
    json_t *document = NULL;
    char *escaped = http_escape(uid);
    snprintf(path, sizeof path, "/api/dashboards/uid/%s", escaped);
    mem_free(escaped);
    enum err code = get(grafana, path, &document, error);
    if (code != ERR_OK) {
        return code;
    }
    json_t *dashboard = json_object_get(document, "dashboard");
    *provisioned = json_is_true(json_object_get(json_object_get(document, "meta"), "provisioned"));
    if (json_is_object(dashboard)) {
        *out = json_incref(dashboard);
    } else {
        code = error_set(error, ERR_NETWORK, grafana->url, 0, "%s holds no dashboard", path);
    }
    json_decref(document);
    return code;
}

enum err grafana_alert_rules(struct grafana *grafana, json_t **out, struct error *error)
{
    json_t *document = NULL;
    enum err code = get(grafana, "/api/v1/provisioning/alert-rules", &document, error);
    if (code == ERR_OK && !json_is_array(document)) {
        json_decref(document);
        return error_set(error, ERR_NETWORK, grafana->url, 0, "its alert rules are not a list");
    }
    *out = document;
    return code;
}

/* ---- an answer to a query ---- */

static enum err malformed(const char *where, const char *what, struct error *error)
{
    return error_set(error, ERR_NETWORK, where, 0, "unreadable answer: %s", what);
}

/* One "12.5ms" at *text, which moves behind it. */
static bool read_part(const char **text, double *ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"us", 1e-3}, {"ns", 1e-6}, {"h", 3600e3}, {"m", 60e3}, {"s", 1e3}};
    char *end;
    if (!isdigit((unsigned char)**text)) {
        return false;
    }
    double number = strtod(*text, &end);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (text_starts(end, units[i].unit)) {
            *ms += number * units[i].ms;
            *text = end + strlen(units[i].unit);
            return true;
        }
    }
    return false;
}

bool grafana_read_step(const char *text, int64_t *out_ms)
{
    double ms = 0;
    bool any = false;
    while (*text != '\0') {
        if (!read_part(&text, &ms)) {
            return false;
        }
        any = true;
    }
    if (any) {
        *out_ms = (int64_t)llround(ms);
    }
    return any;
}

/* "Expr: ...\nStep: 1s" */
static void take_executed(const json_t *schema, struct grafana_answer *out)
{
    static const char head[] = "Expr: ", tail[] = "\nStep: ";
    const char *text =
        json_string_value(json_object_get(json_object_get(schema, "meta"), "executedQueryString"));
    if (text == NULL || out->executed != NULL || !text_starts(text, head)) {
        return;
    }
    const char *from = text + strlen(head), *step = NULL;
    for (const char *at = strstr(from, tail); at != NULL; at = strstr(at + 1, tail)) {
        step = at;
    }
    size_t len = step != NULL ? (size_t)(step - from) : strlen(from);
    out->executed = mem_array(len + 1, 1);
    memcpy(out->executed, from, len);
    out->executed[len] = '\0';
    if (step != NULL && !grafana_read_step(step + strlen(tail), &out->step_ms)) {
        out->step_ms = 0;
    }
}

struct columns { /* of one frame */
    const json_t *times, *values;
    const json_t *nan, *inf, *minus_inf; /* indexes in `values`; NULL = none */
    json_t *labels;
};

static bool lists(const json_t *indexes, size_t index)
{
    size_t i;
    json_t *one;
    json_array_foreach(indexes, i, one)
    {
        if (json_integer_value(one) == (json_int_t)index) {
            return true;
        }
    }
    return false;
}

/* False if there is no value. */
static bool value_at(const struct columns *columns, size_t index, double *out)
{
    const json_t *value = json_array_get(columns->values, index);
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    if (lists(columns->nan, index)) {
        *out = (double)NAN;
    } else if (lists(columns->inf, index)) {
        *out = (double)INFINITY;
    } else if (lists(columns->minus_inf, index)) {
        *out = -(double)INFINITY;
    } else {
        return false;
    }
    return true;
}

/* Finds the fields by their types; false if the frame is none of a series. */
static bool find_columns(const json_t *frame, struct columns *out)
{
    const json_t *data = json_object_get(frame, "data");
    const json_t *columns = json_object_get(data, "values");
    const json_t *entities = json_object_get(data, "entities");
    size_t i;
    json_t *field;
    *out = (struct columns){0};
    json_array_foreach(json_object_get(json_object_get(frame, "schema"), "fields"), i, field)
    {
        const char *type = json_string_value(json_object_get(field, "type"));
        if (type != NULL && strcmp(type, "time") == 0 && out->times == NULL) {
            out->times = json_array_get(columns, i);
        } else if (type != NULL && strcmp(type, "number") == 0 && out->values == NULL) {
            const json_t *odd = json_array_get(entities, i);
            out->values = json_array_get(columns, i);
            out->labels = json_object_get(field, "labels");
            out->nan = json_object_get(odd, "NaN");
            out->inf = json_object_get(odd, "Inf");
            out->minus_inf = json_object_get(odd, "NegInf");
        }
    }
    return json_is_array(out->times) && json_is_array(out->values);
}

static enum err read_frame(const char *where, const json_t *frame, struct prometheus_matrix *out,
                           struct error *error)
{
    struct columns columns;
    if (json_array_size(json_object_get(json_object_get(frame, "schema"), "fields")) == 0) {
        return ERR_OK; /* no data */
    }
    if (!find_columns(frame, &columns)) {
        return malformed(where, "a frame without columns of times and numbers", error);
    }
    size_t count = json_array_size(columns.times);
    if (json_array_size(columns.values) != count) {
        return malformed(where, "columns of a frame differ in length", error);
    }
    struct prometheus_series *series = &out->series[out->count++];
    series->labels = json_is_object(columns.labels) ? json_incref(columns.labels) : json_object();
    series->point = mem_try_resize(NULL, (count > 0 ? count : 1) * sizeof *series->point);
    if (series->point == NULL) {
        return error_set(error, ERR_MEMORY, where, 0, "no memory for %zu samples", count);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *time = json_array_get(columns.times, i);
        struct prometheus_point *point = &series->point[series->count];
        point->time_s = json_number_value(time) / 1000;
        if (!json_is_number(time) || (series->count > 0 && !(point->time_s > point[-1].time_s))) {
            return malformed(where, "the times of a frame do not rise", error);
        }
        series->count += value_at(&columns, i, &point->value);
    }
    return ERR_OK;
}

static enum err read_frames(const char *where, const json_t *frames, struct grafana_answer *out,
                            struct error *error)
{
    size_t count = json_array_size(frames);
    enum err code = ERR_OK;
    if (!json_is_array(frames)) {
        return malformed(where, "no frames", error);
    }
    out->matrix.series = mem_try_resize(NULL, (count > 0 ? count : 1) * sizeof *out->matrix.series);
    if (out->matrix.series == NULL) {
        return error_set(error, ERR_MEMORY, where, 0, "no memory for %zu frames", count);
    }
    memset(out->matrix.series, 0, (count > 0 ? count : 1) * sizeof *out->matrix.series);
    for (size_t i = 0; i < count && code == ERR_OK; i++) {
        const json_t *frame = json_array_get(frames, i);
        take_executed(json_object_get(frame, "schema"), out);
        code = read_frame(where, frame, &out->matrix, error);
    }
    return code;
}

static enum err read_results(const char *where, long http_status, const json_t *document,
                             struct grafana_answer *out, struct error *error)
{
    const json_t *result = json_object_get(json_object_get(document, "results"), REF);
    const char *fault = json_string_value(json_object_get(result, "error"));
    if (fault != NULL) {
        return error_set(error, ERR_INPUT, where, 0, "%.300s", fault);
    }
    if (http_status != 200 || result == NULL) {
        return http_status != 200 ? refused(where, http_status, document, error)
                                  : malformed(where, "no result of the query", error);
    }
    return read_frames(where, json_object_get(result, "frames"), out, error);
}

enum err grafana_read_answer(const char *where, long http_status, const char *text, size_t len,
                             struct grafana_answer *out, struct error *error)
{
    json_t *document = json_loadb(text, len, 0, NULL);
    *out = (struct grafana_answer){0};
    if (document == NULL) {
        return http_status != 200 ? refused(where, http_status, NULL, error)
                                  : malformed(where, "not JSON", error);
    }
    enum err code = read_results(where, http_status, document, out, error);
    json_decref(document);
    if (code != ERR_OK) {
        grafana_answer_deinit(out);
    }
    return code;
}

void grafana_answer_deinit(struct grafana_answer *answer)
{
    mem_free(answer->executed);
    prometheus_matrix_deinit(&answer->matrix);
    *answer = (struct grafana_answer){0};
}

/* Times as texts: Grafana takes milliseconds or "now-5m" there. */
static json_t *question_json(const struct grafana_question *question)
{
    char from[32], to[32];
    snprintf(from, sizeof from, "%lld", (long long)question->from_ms);
    snprintf(to, sizeof to, "%lld", (long long)question->to_ms);
    json_t *query =
        json_pack("{s:s,s:{s:s,s:s},s:s,s:s,s:s,s:s,s:b,s:b,s:I,s:I,s:i}", "refId", REF,
                  "datasource", "type", "prometheus", "uid", question->datasource_uid, "expr",
                  question->expr, "format", question->format, "legendFormat", question->legend,
                  "interval", question->min_step, "range", question->range, "instant",
                  question->instant, "intervalMs", (json_int_t)question->interval_ms,
                  "maxDataPoints", (json_int_t)question->max_data_points, "utcOffsetSec", 0);
    return query == NULL ? NULL
                         : json_pack("{s:s,s:s,s:[o]}", "from", from, "to", to, "queries", query);
}

enum err grafana_query(struct grafana *grafana, const struct grafana_question *question,
                       struct grafana_answer *out, struct error *error)
{
    char url[300];
    struct http_reply *reply = &grafana->reply;
    json_t *body = question_json(question);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    snprintf(url, sizeof url, "%s/api/ds/query", grafana->url);
    *out = (struct grafana_answer){0};
    if (text == NULL) {
        return error_set(error, ERR_INPUT, url, 0, "an expression that is not UTF-8");
    }
    enum err code = http_post(grafana->http, url, "application/json", text, strlen(text),
                              TIMEOUT_MS, reply, error);
    free(text);
    if (code != ERR_OK) {
        return code;
    }
    return grafana_read_answer(url, reply->status, reply->body.len > 0 ? reply->body.data : "",
                               reply->body.len, out, error);
}
