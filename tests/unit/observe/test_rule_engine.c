#include "observe/rule_engine.h"

#include "base/error.h"
#include "base/fileio.h"
#include "invalid.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SECOND_MS 1000

static void read_invalid(const char *path, char *message, size_t size)
{
    struct rule_engine *engine = NULL;
    struct error error = {.code = ERR_OK};
    enum err code = rule_engine_load(&path, 1, &engine, &error);
    if (code != ERR_OK) {
        cr_expect_eq(code, ERR_INPUT);
        cr_expect_str_eq(error.where, path);
        (void)snprintf(message, size, "%d: %s", error.line, error.text);
    }
    rule_engine_free(engine);
}

Test(rule_engine, what_is_outside_the_subset_is_refused_with_line_and_reason)
{
    cr_expect_eq(invalid_each("rule_engine", read_invalid), 0);
}

static struct rule_engine *load(const char *text)
{
    char path[64];
    struct rule_engine *engine = NULL;
    struct error error = {.code = ERR_OK};
    const char *const paths[] = {path};
    (void)snprintf(path, sizeof path, "/tmp/driftdrill-engine-%d.yml", (int)getpid());
    cr_assert_eq(file_write(path, text, strlen(text), NULL), ERR_OK);
    cr_assert_eq(rule_engine_load(paths, 1, &engine, &error), ERR_OK, "%d: %s", error.line,
                 error.text);
    (void)unlink(path);
    return engine;
}

static int series(struct rule_engine *engine, const char *text)
{
    struct error error = {.code = ERR_OK};
    int id = rule_engine_series(engine, text, &error);
    cr_assert_geq(id, 0, "%s", error.text);
    return id;
}

static const char watched[] = "groups:\n"
                              "  - name: g\n"
                              "    interval: 10s\n"
                              "    labels: {team: a, place: group}\n"
                              "    rules:\n"
                              "      - record: x:twice\n"
                              "        expr: 2 * x\n"
                              "      - alert: High\n"
                              "        expr: x:twice > 10\n"
                              "        for: 20s\n"
                              "        keep_firing_for: 30s\n"
                              "        labels: {severity: page, place: rule}\n"
                              "  - name: sums\n"
                              "    interval: 10s\n"
                              "    rules:\n"
                              "      - record: x:sum\n"
                              "        expr: (x:sum or x * 0) + x\n";

static void step(struct rule_engine *engine, int id, int64_t t_s, double value)
{
    rule_engine_sample(engine, id, t_s * SECOND_MS, value);
    rule_engine_evaluate(engine, t_s * SECOND_MS);
}

Test(rule_engine, an_alert_waits_fires_keeps_firing_and_ends)
{
    static const struct {
        int64_t t_s;
        double x;
        enum rule_state state;
    } rows[] = {
        {0, 1, RULE_INACTIVE},  {10, 6, RULE_PENDING},   {20, 6, RULE_PENDING},
        {30, 6, RULE_FIRING},   {40, 1, RULE_FIRING},    {50, 6, RULE_FIRING},
        {60, 1, RULE_FIRING},   {80, 1, RULE_FIRING},    {90, 1, RULE_INACTIVE},
        {100, 6, RULE_PENDING}, {110, 1, RULE_INACTIVE},
    };
    struct rule_engine *engine = load(watched);
    struct rule_alert alert;
    int x = series(engine, "x{job=\"a\"}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        step(engine, x, rows[i].t_s, rows[i].x);
        cr_expect_eq(rule_engine_alert(engine, "High"), rows[i].state, "at %d s", (int)rows[i].t_s);
        cr_expect_eq(rule_engine_value(engine, "x:twice"), 2 * rows[i].x);
    }
    cr_assert_eq(rule_engine_alert_count(engine), 1);
    rule_engine_alert_at(engine, 0, &alert);
    cr_expect_str_eq(alert.name, "High");
    cr_expect_str_eq(alert.group, "g");
    cr_expect_str_eq(alert.severity, "page");
    cr_expect_eq(alert.episodes, 1);
    cr_expect_eq(alert.pendings, 2);
    cr_expect_eq(alert.fired_ms, 30 * SECOND_MS);
    cr_expect_eq(alert.firing_evaluations, 5);
    rule_engine_free(engine);
}

Test(rule_engine, alerts_carry_the_labels_of_element_group_and_rule)
{
    struct rule_engine *engine = load(watched);
    struct rule_element *element;
    size_t count;
    int x = series(engine, "x{job=\"a\",place=\"series\"}");
    step(engine, x, 0, 6);
    cr_assert_eq(rule_engine_query(engine, "ALERTS", 0, &element, &count, NULL), ERR_OK);
    cr_assert_eq(count, 1);
    cr_expect_str_eq(element[0].labels,
                     "ALERTS{alertname=\"High\",alertstate=\"pending\",job=\"a\",place=\"rule\","
                     "severity=\"page\",team=\"a\"}");
    rule_elements_free(element, count);
    rule_engine_free(engine);
}

Test(rule_engine, a_rule_may_read_what_it_recorded_before)
{
    struct rule_engine *engine = load(watched);
    int x = series(engine, "x");
    double sum = 0;
    for (int i = 0; i < 50; i++) {
        step(engine, x, 10 * i, i);
        sum += i;
        cr_expect_eq(rule_engine_value(engine, "x:sum"), sum);
    }
    rule_engine_free(engine);
}

Test(rule_engine, an_instant_value_ends_with_its_marker_or_after_the_lookback)
{
    struct rule_engine *engine = load(watched);
    int x = series(engine, "x");
    rule_engine_lookback(engine, 60 * SECOND_MS);
    step(engine, x, 0, 1);
    rule_engine_evaluate(engine, 50 * SECOND_MS);
    cr_expect_eq(rule_engine_value(engine, "x:twice"), 2);
    rule_engine_evaluate(engine, 60 * SECOND_MS);
    cr_expect(isnan(rule_engine_value(engine, "x:twice")), "Prometheus 3 leaves the edge out");
    step(engine, x, 70, 3);
    cr_expect_eq(rule_engine_value(engine, "x:twice"), 6);
    rule_engine_stale(engine, x, 75 * SECOND_MS);
    rule_engine_evaluate(engine, 80 * SECOND_MS);
    cr_expect(isnan(rule_engine_value(engine, "x:twice")));
    rule_engine_free(engine);
}

Test(rule_engine, a_group_is_evaluated_when_its_interval_has_passed)
{
    struct rule_engine *engine = load(watched);
    int x = series(engine, "x");
    cr_expect_eq(rule_engine_interval_ms(engine), 10 * SECOND_MS);
    step(engine, x, 0, 1);
    step(engine, x, 9, 2);
    cr_expect_eq(rule_engine_value(engine, "x:twice"), 2, "nothing was due");
    step(engine, x, 10, 3);
    cr_expect_eq(rule_engine_value(engine, "x:twice"), 6);
    rule_engine_free(engine);
}

Test(rule_engine, a_rule_that_fails_keeps_its_state_and_is_counted)
{
    struct rule_engine *engine = load("groups:\n"
                                      "  - name: g\n"
                                      "    interval: 10s\n"
                                      "    rules:\n"
                                      "      - {alert: Many, expr: x * on () y > 1}\n");
    const char *why;
    int x = series(engine, "x{a=\"1\"}");
    step(engine, series(engine, "y"), 0, 2);
    rule_engine_sample(engine, x, 5 * SECOND_MS, 3);
    rule_engine_evaluate(engine, 10 * SECOND_MS);
    cr_expect_eq(rule_engine_alert(engine, "Many"), RULE_FIRING);
    cr_expect_eq(rule_engine_failures(engine, &why), 0);
    step(engine, series(engine, "x{a=\"2\"}"), 20, 0);
    cr_expect_eq(rule_engine_failures(engine, &why), 1, "two of x for one y");
    cr_expect_not_null(strstr(why, "multiple matches"), "%s", why);
    cr_expect_eq(rule_engine_alert(engine, "Many"), RULE_FIRING);
    step(engine, series(engine, "y{b=\"2\"}"), 30, 3);
    cr_expect_eq(rule_engine_failures(engine, &why), 2);
    cr_expect_not_null(strstr(why, "many-to-many"), "%s", why);
    cr_expect_eq(rule_engine_alert(engine, "Many"), RULE_FIRING);
    rule_engine_free(engine);
}

Test(rule_engine, a_clone_has_the_rules_and_series_but_a_life_of_its_own)
{
    struct rule_engine *engine = load(watched);
    int x = series(engine, "x{job=\"a\"}");
    step(engine, x, 0, 6);
    step(engine, x, 30, 6);
    struct rule_engine *clone = rule_engine_clone(engine);
    cr_expect_eq(series(clone, "x{job=\"a\"}"), x);
    cr_expect_eq(rule_engine_alert(clone, "High"), RULE_INACTIVE);
    step(clone, x, 0, 1);
    cr_expect_eq(rule_engine_value(clone, "x:twice"), 2);
    cr_expect_eq(rule_engine_value(engine, "x:twice"), 12);
    rule_engine_free(clone);
    rule_engine_reset(engine);
    cr_expect_eq(rule_engine_alert(engine, "High"), RULE_INACTIVE);
    step(engine, x, 0, 2);
    cr_expect_eq(rule_engine_value(engine, "x:sum"), 2, "nothing is left of what was summed");
    rule_engine_free(engine);
}

/* Records read themselves and each other; only what no rule and nobody else writes is missing. */
Test(rule_engine, an_alert_that_rests_on_what_nobody_feeds_says_so)
{
    static const char *const missing[] = {"",
                                          "absent_total{status=~\"4..\",job=\"a\"}",
                                          "x{job!=\"b\",le=\"2\"}",
                                          "",
                                          "{__name__=~\"z.*\"}",
                                          "absent_total{status=~\"4..\",job=\"a\"}"};
    static const char *const quantities[] = {"conversion", "", "", "", "", ""};
    struct rule_engine *engine =
        load("groups:\n"
             "  - name: g\n"
             "    rules:\n"
             "      - {record: x:sum, expr: x:sum + x:other}\n"
             "      - {record: x:other, expr: sum(x) or x:sum}\n"
             "      - record: y:sum\n"
             "        expr: x:sum + sum(absent_total{status=~\"4..\", job=\"a\"})\n"
             "      - alert: A\n"
             "        expr: x:sum{anything=\"1\"} > 1\n"
             "        annotations: {quantity: conversion}\n"
             "      - {alert: B, expr: x > 1 or y:sum}\n"
             "      - {alert: C, expr: '-x{job!=\"b\",le=\"2\"}'}\n"
             "      - {alert: D, expr: 'ALERTS{alertname=\"A\"} and ALERTS_FOR_STATE'}\n"
             "      - {alert: E, expr: 'x * {__name__=~\"z.*\"}'}\n"
             "      - {alert: F, expr: vector(2) > on () max(y:sum)}\n");
    (void)series(engine, "x{job=\"a\"}");
    (void)series(engine, "absent_total{job=\"a\",status=\"500\"}");
    cr_assert_eq(rule_engine_alert_count(engine), 6);
    for (size_t a = 0; a < 6; a++) {
        char text[128];
        struct rule_alert alert;
        rule_engine_alert_at(engine, a, &alert);
        bool fed = rule_engine_is_fed(engine, a, text, sizeof text);
        cr_expect_eq(fed, *missing[a] == '\0', "%s", alert.name);
        cr_expect_str_eq(text, missing[a], "%s", alert.name);
        cr_expect_str_eq(alert.quantity, quantities[a], "%s", alert.name);
    }
    (void)series(engine, "absent_total{job=\"a\",status=\"404\"}");
    char cut[8];
    cr_expect(rule_engine_is_fed(engine, 1, cut, sizeof cut));
    cr_expect_not(rule_engine_is_fed(engine, 2, cut, sizeof cut));
    cr_expect_str_eq(cut, "x{job!=");
    rule_engine_free(engine);
}

Test(rule_engine, only_a_series_is_a_series)
{
    static const char *const rows[] = {
        "x{a=~\"b\"}",        "x[5m]", "x + 1",        "sum(x)", "x offset 5m",
        "x{a=\"b\",a=\"c\"}", "",      "x{a=\"b\"} y", "1"};
    struct rule_engine *engine = load(watched);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {.code = ERR_OK};
        cr_expect_eq(rule_engine_series(engine, rows[i], &error), -1, "%s", rows[i]);
        cr_expect_eq(error.code, ERR_INPUT, "%s", rows[i]);
    }
    rule_engine_free(engine);
}
