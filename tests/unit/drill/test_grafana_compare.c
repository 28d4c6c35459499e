#include "drill/grafana_compare.h"

#include "base/clock.h"
#include "base/httpd.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- views ---- */

struct world { /* a view of one series with two samples */
    struct panel_view view;
    struct panel_series series;
    struct prometheus_point point[2];
};

static void fill(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->point[0] = (struct prometheus_point){.time_s = 1, .value = .5};
    world->point[1] = (struct prometheus_point){.time_s = 2, .value = .25};
    world->series = (struct panel_series){.legend = "base",
                                          .ref = "A",
                                          .labels = json_pack("{s:s}", "recommender", "base"),
                                          .count = 2,
                                          .point = world->point,
                                          .has_value = true,
                                          .reduced = .25,
                                          .text = "25 %",
                                          .colour = "red"};
    world->view = (struct panel_view){.series_count = 1, .series = &world->series};
}

static void other_value(struct world *world)
{
    world->point[1].value = .26;
}
static void hardly_another_value(struct world *world)
{
    world->point[1].value = .25 * (1 + 1e-12);
}
static void other_time(struct world *world)
{
    world->point[0].time_s = 1.5;
}
static void fewer_samples(struct world *world)
{
    world->series.count = 1;
}
static void other_colour(struct world *world)
{
    snprintf(world->series.colour, sizeof world->series.colour, "green");
}
static void other_labels(struct world *world)
{
    json_object_set_new(world->series.labels, "recommender", json_string("other"));
}
static void no_series(struct world *world)
{
    world->view.series_count = 0;
}
static void no_number(struct world *world)
{
    world->point[1].value = (double)NAN;
}
static void nothing(struct world *world)
{
    (void)world;
}

Test(grafana_compare, views_are_compared_by_what_a_reader_sees)
{
    static const struct {
        void (*change)(struct world *);
        size_t count;
        const char *text;
    } rows[] = {
        {nothing, 0, ""},
        {hardly_another_value, 0, ""},
        {other_value, 1, "'base' is 0.26 at 2.000, wanted 0.25 at 2.000"},
        {other_time, 1, "'base' is 0.5 at 1.500, wanted 0.5 at 1.000"},
        {fewer_samples, 1, "'base' has 1 samples, wanted 2"},
        {other_colour, 1, "'base' shows 25 % in green, wanted 25 % in red"},
        {no_number, 1, "'base' is nan at 2.000, wanted 0.25 at 2.000"},
        {no_series, 1, "has no series 'base'"},
        {other_labels, 2, "has no series 'base'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world ours, theirs;
        struct grafana_findings findings = {0};
        fill(&ours);
        fill(&theirs);
        rows[i].change(&theirs);
        grafana_compare_views("main/Conversion", &ours.view, &theirs.view, &findings);
        cr_expect_eq(findings.count, rows[i].count, "row %zu: %zu", i, findings.count);
        cr_expect_str_eq(findings.finding[0].text, rows[i].text, "row %zu: %s", i,
                         findings.finding[0].text);
        json_decref(ours.series.labels);
        json_decref(theirs.series.labels);
    }
}

Test(grafana_compare, not_a_number_is_alike_on_both_sides)
{
    struct world ours, theirs;
    struct grafana_findings findings = {0};
    fill(&ours);
    fill(&theirs);
    no_number(&ours);
    no_number(&theirs);
    grafana_compare_views("main/Conversion", &ours.view, &theirs.view, &findings);
    cr_expect_eq(findings.count, 0);
    json_decref(ours.series.labels);
    json_decref(theirs.series.labels);
}

/* ---- a panel, asked of a server ---- */

static const char board[] =
    "{\"uid\":\"main\",\"title\":\"Main\",\"templating\":{\"list\":[{\"type\":\"custom\",\"name\":"
    "\"job\",\"query\":\"recommender\",\"current\":{\"text\":\"recommender\",\"value\":"
    "\"recommender\"},\"options\":[]}]},\"panels\":[{\"id\":1,\"type\":\"timeseries\",\"title\":"
    "\"Lists\",\"gridPos\":{\"x\":0,\"y\":0,\"w\":12,\"h\":8},\"fieldConfig\":{\"defaults\":{"
    "\"unit\":\"short\",\"thresholds\":{\"mode\":\"absolute\",\"steps\":[{\"color\":\"green\","
    "\"value\":null},{\"color\":\"red\",\"value\":0.8}]}},\"overrides\":[]},\"options\":{},"
    "\"targets\":[{\"refId\":\"A\",\"expr\":\"rate(lists_total{job=\\\"$job\\\"}"
    "[$__rate_interval])\",\"legendFormat\":\"lists\"}]}]}";

struct server { /* stands for Grafana */
    char sent[512];
    const char *executed; /* NULL = as is right */
    const char *step;
};

static void handler(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    struct server *server = context;
    json_t *body = json_loads(request->body, 0, NULL);
    const json_t *query = json_array_get(json_object_get(body, "queries"), 0);
    snprintf(server->sent, sizeof server->sent, "%s %lld %lld %s %s",
             json_string_value(json_object_get(query, "expr")),
             (long long)json_integer_value(json_object_get(query, "intervalMs")),
             (long long)json_integer_value(json_object_get(query, "maxDataPoints")),
             json_string_value(json_object_get(body, "from")),
             json_string_value(json_object_get(body, "to")));
    json_decref(body);
    buf_printf(&reply->body,
               "{\"results\":{\"A\":{\"status\":200,\"frames\":[{\"schema\":{\"meta\":{"
               "\"executedQueryString\":\"Expr: %s\\nStep: %s\"},\"fields\":[{\"name\":\"Time\","
               "\"type\":\"time\"},{\"name\":\"Value\",\"type\":\"number\",\"labels\":{}}]},"
               "\"data\":{\"values\":[[60000,61000],[0.5,1]]}}]}}}",
               server->executed != NULL ? server->executed
                                        : "rate(lists_total{job=\\\"recommender\\\"}[1s])",
               server->step);
}

/* Prometheus, for the evaluation that is compared with. */
static enum err ask(void *context, const char *expr, bool instant, double from_s, double to_s,
                    double step_s, struct prometheus_matrix *out, struct error *error)
{
    static const char answer[] = "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\","
                                 "\"result\":[{\"metric\":{},\"values\":[[60,\"0.5\"],[61,\"1\"]]}]"
                                 "}}";
    (void)instant;
    (void)from_s;
    (void)to_s;
    (void)step_s;
    snprintf(context, 128, "%s", expr);
    return prometheus_read_answer("prometheus", 200, answer, strlen(answer), out, error);
}

struct setting {
    struct server server;
    struct httpd *httpd;
    struct dashboard dashboard;
    struct panel_request request;
    struct panel_view view;
    char asked[128];
};

static void begin(struct setting *setting)
{
    static const struct httpd_config config = {.listen = "127.0.0.1:0",
                                               .threads = 1,
                                               .body_max_bytes = 1 << 16,
                                               .reply_max_bytes = 1 << 16,
                                               .connections_max = 8};
    struct faults faults;
    struct error error = {0};
    memset(setting, 0, sizeof *setting);
    setting->server.step = "250ms";
    faults_init(&faults);
    cr_assert_eq(httpd_start(&setting->httpd, &config, handler, &setting->server, &error), ERR_OK);
    cr_assert_eq(
        dashboard_read_text("board", board, strlen(board), &setting->dashboard, &faults, &error),
        ERR_OK, "%s", faults.count > 0 ? faults.list[0].text : error.text);
    faults_deinit(&faults);
    setting->request = (struct panel_request){.from_ms = 10000,
                                              .to_ms = 70000,
                                              .width_px = 600,
                                              .datasource_ms = 250,
                                              .query = ask,
                                              .context = setting->asked};
    cr_assert_eq(panel_evaluate(&setting->dashboard, &setting->dashboard.panel[0],
                                &setting->request, &setting->view, &error),
                 ERR_OK, "%s", error.text);
}

static void compare(struct setting *setting, struct grafana_findings *findings)
{
    struct grafana *grafana = grafana_new(httpd_url(setting->httpd), NULL);
    const struct grafana_compare at = {.grafana = grafana,
                                       .datasource_uid = "prometheus",
                                       .dashboard = &setting->dashboard,
                                       .panel = &setting->dashboard.panel[0],
                                       .name = "main/Lists",
                                       .request = &setting->request,
                                       .view = &setting->view};
    *findings = (struct grafana_findings){0};
    grafana_compare_panel(&at, findings);
    grafana_free(grafana);
}

static void end(struct setting *setting)
{
    panel_view_deinit(&setting->view);
    dashboard_deinit(&setting->dashboard);
    httpd_stop(setting->httpd);
}

Test(grafana_compare, grafana_puts_in_what_is_its_own)
{
    struct setting setting;
    struct grafana_findings findings;
    begin(&setting);
    compare(&setting, &findings);
    cr_expect_eq(findings.compared, 1);
    cr_expect_eq(findings.count, 0, "%s", findings.finding[0].text);
    cr_expect_str_eq(findings.unasked, "");
    cr_expect_str_eq(setting.asked, "rate(lists_total{job=\"recommender\"}[1s])");
    cr_expect_str_eq(
        setting.server.sent,
        "rate(lists_total{job=\"recommender\"}[$__rate_interval]) 250 600 10000 70000");
    end(&setting);
}

Test(grafana_compare, another_step_or_query_is_told)
{
    struct setting setting;
    struct grafana_findings findings;
    begin(&setting);
    setting.server.step = "1s";
    compare(&setting, &findings);
    cr_assert_eq(findings.count, 1);
    cr_expect_str_eq(findings.finding[0].text, "step 1000 ms, wanted 250 ms");
    setting.server.step = "250ms";
    setting.server.executed = "rate(lists_total[2s])";
    compare(&setting, &findings);
    cr_assert_eq(findings.count, 1);
    cr_expect_str_eq(findings.finding[0].text, "asked 'rate(lists_total[2s])', wanted "
                                               "'rate(lists_total{job=\"recommender\"}[1s])'");
    end(&setting);
}

Test(grafana_compare, a_grafana_that_is_gone_was_not_asked)
{
    struct setting setting;
    struct grafana_findings findings = {0};
    begin(&setting);
    struct grafana *grafana = grafana_new("http://127.0.0.1:1", NULL);
    const struct grafana_compare at = {.grafana = grafana,
                                       .datasource_uid = "prometheus",
                                       .dashboard = &setting.dashboard,
                                       .panel = &setting.dashboard.panel[0],
                                       .name = "main/Lists",
                                       .request = &setting.request,
                                       .view = &setting.view};
    grafana_compare_panel(&at, &findings);
    cr_expect_eq(findings.count, 0);
    cr_expect_neq(findings.unasked[0], '\0');
    grafana_free(grafana);
    end(&setting);
}
