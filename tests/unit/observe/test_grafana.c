/* Answers are written as the documentation of Grafana's HTTP API and of data frames has them. */
#include "observe/grafana.h"

#include "base/httpd.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static enum err read_text(long status, const char *text, struct grafana_answer *out,
                          struct error *error)
{
    char json[4096];
    snprintf(json, sizeof json, "%s", text);
    for (char *at = json; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    return grafana_read_answer("grafana", status, json, strlen(json), out, error);
}

#define META                                                                                       \
    "'meta':{'type':'timeseries-multi','executedQueryString':'Expr: rate(x[1m])\\nStep: 1s'}"
#define FIELDS(labels)                                                                             \
    "'fields':[{'name':'Time','type':'time','typeInfo':{'frame':'time.Time'},'config':{"           \
    "'interval':1000}},{'name':'Value','type':'number','typeInfo':{'frame':'float64'},'labels'"    \
    ":" labels ",'config':{'displayNameFromDS':'base'}}]"
#define FRAME(labels, data) "{'schema':{'refId':'A'," META "," FIELDS(labels) "},'data':{" data "}}"
#define RESULTS(frames) "{'results':{'A':{'status':200,'frames':[" frames "]}}}"

Test(grafana, frames_become_series)
{
    struct grafana_answer answer;
    struct error error = {0};
    cr_assert_eq(read_text(200,
                           RESULTS(FRAME("{'recommender':'base'}",
                                         "'values':[[1000,2000,3000],[0.5,"
                                         "null,0.25]]") "," FRAME("{}", "'values':[[1000],[7]]")),
                           &answer, &error),
                 ERR_OK, "%s", error.text);
    cr_expect_str_eq(answer.executed, "rate(x[1m])");
    cr_expect_eq(answer.step_ms, 1000);
    cr_assert_eq(answer.matrix.count, 2);
    const struct prometheus_series *series = &answer.matrix.series[0];
    cr_expect_str_eq(prometheus_label(series, "recommender"), "base");
    cr_assert_eq(series->count, 2, "a missing value is no sample");
    cr_expect_float_eq(series->point[0].time_s, 1, 1e-9);
    cr_expect_float_eq(series->point[1].time_s, 3, 1e-9);
    cr_expect_float_eq(series->point[1].value, .25, 1e-12);
    cr_expect_eq(answer.matrix.series[1].count, 1);
    grafana_answer_deinit(&answer);
}

Test(grafana, what_json_cannot_hold_is_listed_apart)
{
    struct grafana_answer answer;
    struct error error = {0};
    cr_assert_eq(
        read_text(200,
                  RESULTS(FRAME("{}", "'values':[[1000,2000,3000,4000],[null,null,null,1]],"
                                      "'entities':[null,{'NaN':[0],'Inf':[1],'NegInf':[2]}]")),
                  &answer, &error),
        ERR_OK, "%s", error.text);
    const struct prometheus_series *series = &answer.matrix.series[0];
    cr_assert_eq(series->count, 4);
    cr_expect(isnan(series->point[0].value));
    cr_expect(isinf(series->point[1].value) && series->point[1].value > 0);
    cr_expect(isinf(series->point[2].value) && series->point[2].value < 0);
    grafana_answer_deinit(&answer);
}

Test(grafana, no_data_is_one_frame_without_fields)
{
    struct grafana_answer answer;
    struct error error = {0};
    cr_assert_eq(
        read_text(200,
                  RESULTS("{'schema':{'refId':'A'," META ",'fields':[]},'data':{'values':[]}}"),
                  &answer, &error),
        ERR_OK, "%s", error.text);
    cr_expect_eq(answer.matrix.count, 0);
    cr_expect_eq(answer.step_ms, 1000, "its step is told all the same");
    grafana_answer_deinit(&answer);
}

Test(grafana, faults_have_grafanas_words)
{
    static const struct {
        const char *name;
        long status;
        const char *text;
        enum err code;
        const char *wanted;
    } rows[] = {
        {"a bad query", 400,
         "{'results':{'A':{'error':'bad_data: 1:3: parse error','status':400,'frames':[]}}}",
         ERR_INPUT, "bad_data: 1:3: parse error"},
        {"nobody may", 403, "{'message':'Permission denied'}", ERR_USAGE,
         "HTTP 403: Permission denied"},
        {"not logged in", 401, "{'message':'Unauthorized'}", ERR_USAGE, "HTTP 401: Unauthorized"},
        {"no such data source", 404, "{'message':'Data source not found'}", ERR_INPUT,
         "HTTP 404: Data source not found"},
        {"a proxy", 502, "<html>", ERR_NETWORK, "HTTP 502"},
        {"a page", 200, "<html>", ERR_NETWORK, "unreadable answer: not JSON"},
        {"another query", 200, "{'results':{'B':{'frames':[]}}}", ERR_NETWORK,
         "unreadable answer: no result of the query"},
        {"no frames", 200, "{'results':{'A':{'status':200}}}", ERR_NETWORK,
         "unreadable answer: no frames"},
        {"columns of different length", 200, RESULTS(FRAME("{}", "'values':[[1,2],[1]]")),
         ERR_NETWORK, "unreadable answer: columns of a frame differ in length"},
        {"no columns", 200, RESULTS(FRAME("{}", "'values':[]")), ERR_NETWORK,
         "unreadable answer: a frame without columns of times and numbers"},
        {"times that fall", 200, RESULTS(FRAME("{}", "'values':[[2,1],[1,1]]")), ERR_NETWORK,
         "unreadable answer: the times of a frame do not rise"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct grafana_answer answer;
        struct error error = {0};
        cr_expect_eq(read_text(rows[i].status, rows[i].text, &answer, &error), rows[i].code, "%s",
                     rows[i].name);
        cr_expect_str_eq(error.text, rows[i].wanted, "%s: %s", rows[i].name, error.text);
        cr_expect_eq(answer.matrix.count, 0, "%s", rows[i].name);
    }
}

Test(grafana, steps_are_spelt_as_go_does)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {{"1s", 1000},   {"250ms", 250}, {"1m0s", 60000},     {"1m15s", 75000},
                {"1.5s", 1500}, {"15s", 15000}, {"2h0m0s", 7200000}, {"1h0m30.25s", 3630250},
                {"500µs", -1},  {"", -1},       {"1", -1},           {"s", -1},
                {"1 s", -1},    {"-1s", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = -1;
        bool read = grafana_read_step(rows[i].text, &ms);
        cr_expect_eq(read, rows[i].ms >= 0, "%s", rows[i].text);
        cr_expect_eq(ms, rows[i].ms, "%s: %lld", rows[i].text, (long long)ms);
    }
}

Test(grafana, an_expression_may_hold_the_mark_of_the_step)
{
    struct grafana_answer answer;
    struct error error = {0};
    cr_assert_eq(
        read_text(200,
                  RESULTS("{'schema':{'meta':{'executedQueryString':'Expr: a\\nStep: 3s\\nor "
                          "b\\nStep: 250ms'},'fields':[]},'data':{'values':[]}}"),
                  &answer, &error),
        ERR_OK);
    cr_expect_str_eq(answer.executed, "a\nStep: 3s\nor b");
    cr_expect_eq(answer.step_ms, 250);
    grafana_answer_deinit(&answer);
}

/* ---- over HTTP ---- */

static void handler(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    char *asked = context;
    const char *answer = "{\"message\":\"Not found\"}";
    if (strcmp(request->path, "/api/health") == 0) {
        answer = "{\"commit\":\"x\",\"database\":\"ok\",\"version\":\"13.2.0\"}";
    } else if (httpd_header(request, "Authorization") == NULL ||
               strcmp(httpd_header(request, "Authorization"), "Bearer glsa_t") != 0) {
        answer = "{\"message\":\"Unauthorized\"}";
        reply->status = 401;
    } else if (strcmp(request->path, "/api/dashboards/uid/main") == 0) {
        answer = "{\"dashboard\":{\"uid\":\"main\"},\"meta\":{\"provisioned\":true}}";
    } else if (strcmp(request->path, "/api/v1/provisioning/alert-rules") == 0) {
        answer = "[{\"uid\":\"low\",\"title\":\"Low\"}]";
    } else if (strcmp(request->path, "/api/ds/query") == 0) {
        snprintf(asked, 2048, "%s", request->body);
        answer = "{\"results\":{\"A\":{\"status\":200,\"frames\":[]}}}";
    } else {
        reply->status = 404;
    }
    buf_text(&reply->body, answer);
}

Test(grafana, everything_is_asked_for_where_it_is)
{
    static char asked[2048];
    const struct httpd_config config = {.listen = "127.0.0.1:0",
                                        .threads = 1,
                                        .body_max_bytes = 1 << 16,
                                        .reply_max_bytes = 1 << 16,
                                        .connections_max = 8};
    struct httpd *httpd = NULL;
    struct error error = {0};
    cr_assert_eq(httpd_start(&httpd, &config, handler, asked, &error), ERR_OK);
    struct grafana *grafana = grafana_new(httpd_url(httpd), "glsa_t");
    char version[32];
    bool provisioned = false;
    json_t *document = NULL;
    cr_expect_eq(grafana_health(grafana, version, sizeof version, &error), ERR_OK);
    cr_expect_str_eq(version, "13.2.0");
    cr_expect_eq(grafana_dashboard(grafana, "main", &document, &provisioned, &error), ERR_OK);
    cr_expect(provisioned);
    json_decref(document);
    cr_expect_eq(grafana_dashboard(grafana, "other", &document, &provisioned, &error), ERR_INPUT);
    cr_expect_eq(grafana_alert_rules(grafana, &document, &error), ERR_OK);
    cr_expect_eq(json_array_size(document), 1);
    json_decref(document);

    struct grafana *stranger = grafana_new(httpd_url(httpd), NULL);
    cr_expect_eq(grafana_alert_rules(stranger, &document, &error), ERR_USAGE);
    grafana_free(stranger);

    const struct grafana_question question = {.expr = "rate(x[$__rate_interval])",
                                              .legend = "{{a}}",
                                              .format = "time_series",
                                              .min_step = "",
                                              .datasource_uid = "prometheus",
                                              .range = true,
                                              .from_ms = 1000,
                                              .to_ms = 61000,
                                              .interval_ms = 250,
                                              .max_data_points = 600};
    struct grafana_answer answer;
    cr_expect_eq(grafana_query(grafana, &question, &answer, &error), ERR_OK);
    grafana_answer_deinit(&answer);
    cr_expect_str_eq(
        asked,
        "{\"from\":\"1000\",\"to\":\"61000\",\"queries\":[{\"refId\":\"A\",\"datasource\":{"
        "\"type\":"
        "\"prometheus\",\"uid\":\"prometheus\"},\"expr\":\"rate(x[$__rate_interval])\",\"format\":"
        "\"time_series\",\"legendFormat\":\"{{a}}\",\"interval\":\"\",\"range\":true,\"instant\":"
        "false,\"intervalMs\":250,\"maxDataPoints\":600,\"utcOffsetSec\":0}]}");
    grafana_free(grafana);
    httpd_stop(httpd);
}
