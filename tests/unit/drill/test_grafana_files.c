#include "drill/grafana_files.h"

#include "base/httpd.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static json_t *json_of(const char *text)
{
    char json[2048];
    json_error_t fault;
    snprintf(json, sizeof json, "%s", text);
    for (char *at = json; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
    }
    json_t *value = json_loads(json, JSON_DECODE_ANY, &fault);
    cr_assert_not_null(value, "%s: %s", fault.text, json);
    return value;
}

Test(grafana_files, what_a_file_says_must_be_there_alike)
{
    static const struct {
        const char *name, *wanted, *found, *place; /* NULL = alike */
    } rows[] = {
        {"the same", "{'a':1}", "{'a':1}", NULL},
        {"more is fine", "{'a':{'b':1}}", "{'a':{'b':1,'c':2},'d':3}", NULL},
        {"numbers as such", "{'a':1}", "{'a':1.0}", NULL},
        {"null is absent", "{'a':null}", "{}", NULL},
        {"Grafana's numbers", "{'id':null,'version':1,'schemaVersion':38}",
         "{'id':7,'version':3,'schemaVersion':41}", NULL},
        {"ids of panels are ours", "{'panels':[{'id':3}]}", "{'panels':[{'id':4}]}",
         "/panels/0/id"},
        {"another text", "{'panels':[{'x':1},{'expr':'a'}]}", "{'panels':[{'x':1},{'expr':'b'}]}",
         "/panels/1/expr"},
        {"missing", "{'a':{'b':1}}", "{'a':{}}", "/a/b"},
        {"a longer list", "{'a':[1]}", "{'a':[1,2]}", "/a"},
        {"a shorter list", "{'a':[1,2]}", "{'a':[1]}", "/a/1"},
        {"another type", "{'a':'1'}", "{'a':1}", "/a"},
        {"false is not null", "{'a':false}", "{'a':null}", "/a"},
        {"another number", "{'a':{'b':[0.1]}}", "{'a':{'b':[0.2]}}", "/a/b/0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char place[64];
        json_t *wanted = json_of(rows[i].wanted), *found = json_of(rows[i].found);
        bool differ = grafana_files_differ(wanted, found, place, sizeof place);
        cr_expect_eq(differ, rows[i].place != NULL, "%s", rows[i].name);
        cr_expect_str_eq(differ ? place : "", rows[i].place != NULL ? rows[i].place : "", "%s: %s",
                         rows[i].name, place);
        json_decref(wanted);
        json_decref(found);
    }
}

Test(grafana_files, a_deep_place_is_cut_and_nothing_else)
{
    char text[2048] = "", place[16];
    for (int i = 0; i < 200; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "{'k':");
    }
    snprintf(text + strlen(text), sizeof text - strlen(text), "1");
    for (int i = 0; i < 200; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "}");
    }
    json_t *wanted = json_of(text), *found = json_of("{'k':{}}");
    cr_expect(grafana_files_differ(wanted, found, place, sizeof place));
    cr_expect_str_eq(place, "/k/k");
    *strstr(text, "1") = '2';
    json_t *other = json_of(text);
    cr_expect(grafana_files_differ(wanted, other, place, sizeof place));
    cr_expect_eq(strlen(place), sizeof place - 1);
    json_decref(wanted);
    json_decref(found);
    json_decref(other);
}

/* ---- against a server ---- */

struct setting {
    struct httpd *httpd;
    struct grafana *grafana;
    struct grafana_findings findings;
    const char *answer_rules, *answer_dashboard; /* ' for " */
    int status;
};

static void handler(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    const struct setting *setting = context;
    bool rules = strcmp(request->path, "/api/v1/provisioning/alert-rules") == 0;
    const char *text = rules ? setting->answer_rules : setting->answer_dashboard;
    reply->status = setting->status;
    for (; *text != '\0'; text++) {
        buf_printf(&reply->body, "%c", *text == '\'' ? '"' : *text);
    }
}

static void begin(struct setting *setting)
{
    static const struct httpd_config config = {.listen = "127.0.0.1:0",
                                               .threads = 1,
                                               .body_max_bytes = 1 << 16,
                                               .reply_max_bytes = 1 << 16,
                                               .connections_max = 8};
    struct error error = {0};
    memset(setting, 0, sizeof *setting);
    setting->status = 200;
    cr_assert_eq(httpd_start(&setting->httpd, &config, handler, setting, &error), ERR_OK);
    setting->grafana = grafana_new(httpd_url(setting->httpd), NULL);
}

static void end(struct setting *setting)
{
    grafana_free(setting->grafana);
    httpd_stop(setting->httpd);
}

static const char file[] =
    "{'groups':[{'interval':'10s','rules':[{'uid':'low','title':'Low','condition':'C','for':'50s',"
    "'keepFiringFor':'1m','noDataState':'OK','data':[{'refId':'A','model':{'expr':'x < 1'}}]}]}]}";

#define RULE(title, wait, expr)                                                                    \
    "[{'uid':'other'},{'uid':'low','title':'" title "','condition':'C','for':'" wait               \
    "','keep_firing_for':'1m','noDataState':'OK','id':4,'data':[{'refId':'A','queryType':'',"      \
    "'model':{'expr':'" expr "','hide':false}}]}]"

Test(grafana_files, rules_are_compared_by_what_decides)
{
    static const struct {
        const char *answer, *finding; /* NULL = none */
    } rows[] = {
        {RULE("Low", "50s", "x < 1"), NULL},
        {"[]", "is not there"},
        {RULE("Low", "2m30s", "x < 1"), "for is '2m30s', wanted '50s'"},
        {RULE("High", "50s", "x < 1"), "title is 'High', wanted 'Low'"},
        {RULE("Low", "50s", "x < 2"), "differs from the shipped one at /data/0/model/expr"}};
    struct setting setting;
    begin(&setting);
    json_t *wanted = json_of(file);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(&setting.findings, 0, sizeof setting.findings);
        setting.answer_rules = rows[i].answer;
        grafana_files_rules(setting.grafana, wanted, wanted, &setting.findings);
        cr_expect_eq(setting.findings.compared, 1);
        cr_expect_eq(setting.findings.count, rows[i].finding != NULL, "%zu: %s", i,
                     setting.findings.finding[0].text);
        cr_expect_str_eq(setting.findings.finding[0].text,
                         rows[i].finding != NULL ? rows[i].finding : "");
        cr_expect_str_eq(setting.findings.unasked, "");
    }
    json_decref(wanted);
    end(&setting);
}

Test(grafana_files, rules_of_another_scale_must_not_be_there)
{
    struct setting setting;
    begin(&setting);
    json_t *production = json_of(file);
    setting.answer_rules = "[]";
    grafana_files_rules(setting.grafana, NULL, production, &setting.findings);
    cr_expect_eq(setting.findings.count, 0);
    setting.answer_rules = RULE("Low", "50s", "x < 1");
    grafana_files_rules(setting.grafana, NULL, production, &setting.findings);
    cr_expect_eq(setting.findings.count, 1);
    cr_expect_str_eq(setting.findings.finding[0].about, "low");
    json_decref(production);
    end(&setting);
}

Test(grafana_files, rules_that_may_not_be_read_are_no_difference)
{
    struct setting setting;
    begin(&setting);
    setting.status = 403;
    setting.answer_rules = "{'message':'no permission'}";
    json_t *wanted = json_of(file);
    grafana_files_rules(setting.grafana, wanted, wanted, &setting.findings);
    cr_expect_eq(setting.findings.count, 0);
    cr_expect_str_eq(setting.findings.unasked,
                     "HTTP 403: no permission (a user may be named in the address)");
    json_decref(wanted);
    end(&setting);
}

Test(grafana_files, dashboards_must_be_provisioned_and_alike)
{
    struct setting setting;
    begin(&setting);
    struct dashboard dashboard = {.uid = "main", .json = json_of("{'uid':'main','panels':[1]}")};
    setting.answer_dashboard =
        "{'dashboard':{'uid':'main','panels':[1]},'meta':{'provisioned':true}}";
    grafana_files_dashboards(setting.grafana, &dashboard, 1, &setting.findings);
    cr_expect_eq(setting.findings.count, 0);
    setting.answer_dashboard =
        "{'dashboard':{'uid':'main','panels':[2]},'meta':{'provisioned':false}}";
    grafana_files_dashboards(setting.grafana, &dashboard, 1, &setting.findings);
    cr_expect_eq(setting.findings.count, 2);
    cr_expect_str_eq(setting.findings.finding[0].text, "does not come from a file");
    cr_expect_str_eq(setting.findings.finding[1].text, "differs from the shipped one at /panels/0");
    json_decref(dashboard.json);
    end(&setting);
}

Test(grafana_files, all_differences_are_counted_and_some_kept)
{
    struct grafana_findings findings = {0};
    for (int i = 0; i < 2 * GRAFANA_FINDINGS_MAX; i++) {
        grafana_findings_add(&findings, "main", "number %d", i);
    }
    cr_expect_eq(findings.count, 2 * GRAFANA_FINDINGS_MAX);
    cr_expect_str_eq(findings.finding[GRAFANA_FINDINGS_MAX - 1].text, "number 39");
}
