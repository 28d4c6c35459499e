#include "drill/evidence.h"

#include "base/clock.h"
#include "base/http.h"
#include "base/httpd.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * A database that knows one alert: pending from 70 s, firing from 72 s, resolved at 90 s of a drill
 * that began at 1000. What it answers depends on a word in the question.
 */
#define ORIGIN_S 1000.0

struct answers {
    double objective, recovered, samples, up; /* NaN = no such series */
    const char *shares;                       /* vector elements */
    const char *rules;                        /* of one group; NULL = none */
    double failures;                          /* evaluations that failed */
    double other_margin; /* of a second element from its objective; 0 = there is none */
    const char *objective_name;
    const char *notices; /* see notify; NULL = none comes */
    double fired_margin; /* of the element that has fired; 0 = unknown */
};

static void add_samples(struct buf *out, double from, double to)
{
    for (double s = from; s < to; s += 0.5) {
        buf_printf(out, "%s[%.3f,\"1\"]", s > from ? "," : "", ORIGIN_S + s);
    }
}

static void add_series(struct buf *out, double from, double to)
{
    buf_text(out, "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":[");
    add_samples(out, from, to);
    buf_text(out, "]}]}");
}

static void add_value(struct buf *out, double value)
{
    buf_text(out, "{\"resultType\":\"vector\",\"result\":[");
    if (!isnan(value)) {
        buf_printf(out, "{\"metric\":{},\"value\":[1,\"%g\"]}", value);
    }
    buf_text(out, "]}");
}

static void add_values(struct buf *out, double value, double other)
{
    buf_text(out, "{\"resultType\":\"vector\",\"result\":[");
    if (!isnan(value)) {
        buf_printf(out, "{\"metric\":{\"a\":\"1\"},\"value\":[1,\"%g\"]}", value);
    }
    if (other != 0) {
        buf_printf(out, ",{\"metric\":{\"a\":\"2\"},\"value\":[1,\"%g\"]}", other);
    }
    buf_text(out, "]}");
}

static void answer(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    const struct answers *answers = context;
    const char *q = request->body;
    struct buf *out = &reply->body;
    if (strcmp(request->path, "/metrics") == 0) {
        buf_printf(out, "prometheus_rule_evaluation_failures_total{rule_group=\"a\"} %g\n",
                   answers->failures);
        return;
    }
    buf_text(out, "{\"status\":\"success\",\"data\":");
    if (strcmp(request->path, "/api/v1/rules") == 0) {
        buf_printf(out, "{\"groups\":[{\"rules\":[]},{\"rules\":[%s]}]}",
                   answers->rules != NULL ? answers->rules : "");
    } else if (strstr(q, "the_recovered") != NULL && strstr(q, "ALERTS") != NULL &&
               answers->fired_margin != 0) {
        add_value(out, answers->fired_margin);
    } else if (strstr(q, "the_recovered") != NULL && strstr(q, "ALERTS") != NULL) {
        add_value(out, NAN);
    } else if (strstr(q, "the_samples") != NULL && strstr(q, "min") == NULL) {
        add_values(out, answers->samples, answers->samples); /* of two sources */
    } else if (strstr(q, "the_samples") != NULL) {
        add_value(out, answers->samples);
    } else if (strstr(q, "pending") != NULL) {
        add_series(out, 70, 72);
    } else if (strstr(q, "firing") != NULL) {
        add_series(out, 72, 90);
    } else if (strstr(q, "heartbeat") != NULL) {
        add_series(out, 0, 120);
    } else if (strstr(q, "user_rating_share") != NULL) {
        buf_printf(out, "{\"resultType\":\"vector\",\"result\":[%s]}", answers->shares);
    } else if (strstr(q, "min%28up") != NULL || strstr(q, "min(up") != NULL) {
        add_value(out, answers->up);
    } else if (strstr(q, "up%7B") != NULL || strstr(q, "up{") != NULL) {
        add_series(out, 0, 120);
    } else if (strstr(q, "the_recovered") != NULL) {
        add_values(out, answers->recovered - answers->objective, answers->other_margin);
    } else {
        add_value(out, answers->objective);
    }
    buf_text(out, "}");
}

/* Sends what Alertmanager would, element by element: a text of letters, upper case for firing,
 * lower case for resolved. */
static void notify(struct webhook *webhook, const char *letters)
{
    struct http *http = http_new();
    for (const char *at = letters != NULL ? letters : ""; *at != '\0'; at++) {
        struct http_reply reply = {0};
        char body[512];
        buf_init(&reply.body, 4096);
        bool fires = isupper((unsigned char)*at) != 0;
        int len = snprintf(body, sizeof body,
                           "{\"version\":\"4\",\"alerts\":[{\"status\":\"%s\",\"labels\":"
                           "{\"alertname\":\"Watched\",\"severity\":\"ticket\"},\"startsAt\":"
                           "\"2026-01-01T00:00:00Z\",\"endsAt\":\"2026-01-01T00:00:00Z\","
                           "\"fingerprint\":\"%c\"}]}",
                           fires ? "firing" : "resolved", tolower((unsigned char)*at));
        cr_assert_eq(http_post(http, webhook_url(webhook), "application/json", body, (size_t)len,
                               5000, &reply, NULL),
                     ERR_OK);
        buf_deinit(&reply.body);
    }
    http_free(http);
}

static void collect(struct answers *answers, const char *quantity, struct evidence *out)
{
    char log[64];
    struct httpd *httpd;
    struct webhook *webhook;
    struct error error = {0};
    struct rules_alert rule = {.name = "Watched",
                               .group = "drift",
                               .objective = "the_objective",
                               .recovered = "the_recovered",
                               .samples = "the_samples"};
    const struct rules rules = {.alert_count = 1, .alert = &rule};
    const struct scenario scenario = {.time_scale = 60};
    const struct httpd_config config = {.listen = "127.0.0.1:0",
                                        .threads = 1,
                                        .body_max_bytes = 1u << 16,
                                        .reply_max_bytes = 1u << 20,
                                        .connections_max = 4};
    snprintf(rule.quantity, sizeof rule.quantity, "%s", quantity);
    if (answers->objective_name != NULL) {
        snprintf(rule.objective, sizeof rule.objective, "%s", answers->objective_name);
    }
    snprintf(log, sizeof log, "/tmp/driftdrill-evidence-%d.jsonl", (int)getpid());
    cr_assert_eq(httpd_start(&httpd, &config, answer, answers, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(webhook_start(log, &webhook, &error), ERR_OK, "%s", error.text);
    notify(webhook, answers->notices);
    struct prometheus *prometheus = prometheus_new(httpd_url(httpd));
    cr_assert_eq(
        evidence_collect(prometheus, &rules, webhook, &scenario, ORIGIN_S, 120, out, &error),
        ERR_OK, "%s", error.text);
    prometheus_free(prometheus);
    webhook_stop(webhook);
    httpd_stop(httpd);
    unlink(log);
}

Test(evidence, moments_are_drill_time)
{
    struct answers answers = {0.23, 0.3, 500, 1, "", NULL, 0, 0, NULL, NULL, 0};
    struct evidence evidence;
    collect(&answers, "conversion", &evidence);
    cr_assert_eq(evidence.alert_count, 1);
    const struct evidence_alert *alert = &evidence.alert[0];
    cr_assert_eq(alert->count, 1);
    cr_expect_float_eq(alert->episode[0].pending_s, 70, 1e-6);
    cr_expect_float_eq(alert->episode[0].firing_s, 72, 1e-6);
    cr_expect_float_eq(alert->episode[0].resolved_s, 90, 1e-6);
    cr_expect_eq(alert->objective, 0.23);
    cr_expect(isnan(alert->episode[0].notified_s));
    cr_expect_eq(evidence.scrapes.count, 240);
    for (int i = 0; i < EVIDENCE_WHOLE_STARS; i++) {
        cr_expect_eq(evidence.rating_share[i], 0, "no record, no share");
    }
    evidence_deinit(&evidence);
}

Test(evidence, a_recovery_is_on_the_right_side_of_the_objective)
{
    static const struct {
        const char *what, *quantity;
        double objective, recovered, samples, up;
        enum evidence_resolve resolve;
        double other;
        const char *name;
        double fired; /* margin of the element that has fired; 0 = unknown */
    } rows[] = {
        {"back above", "conversion", 0.23, 0.3, 500, 1, EVIDENCE_RECOVERED, 0, NULL, 0},
        {"still below", "conversion", 0.23, 0.2, 500, 1, EVIDENCE_VANISHED, 0, NULL, 0},
        {"no series", "conversion", 0.23, (double)NAN, 500, 1, EVIDENCE_VANISHED, 0, NULL, 0},
        {"few samples", "conversion", 0.23, 0.3, 49, 1, EVIDENCE_VANISHED, 0, NULL, 0},
        {"target down", "conversion", 0.23, 0.3, 500, 0, EVIDENCE_VANISHED, 0, NULL, 0},
        {"an index back below", "rating_psi", 0.1, 0.02, 500, 1, EVIDENCE_RECOVERED, 0, NULL, 0},
        {"an index still above", "rating_psi", 0.1, 0.2, 500, 1, EVIDENCE_VANISHED, 0, NULL, 0},
        {"an index without a series", "rating_psi", 0.1, (double)NAN, 500, 1, EVIDENCE_VANISHED, 0,
         NULL, 0},
        {"of two elements both back", "", 0.23, 0.3, 500, 1, EVIDENCE_RECOVERED, 0.01, NULL, 0},
        {"of two elements one back", "", 0.23, 0.3, 500, 1, EVIDENCE_VANISHED, -0.01, NULL, 0},
        {"back below the most", "", 4.7, 4.2, 500, 1, EVIDENCE_RECOVERED, 0, "the_objective:max",
         0},
        {"above the most", "", 4.7, 4.8, 500, 1, EVIDENCE_VANISHED, 0, "the_objective:max", 0},
        {"the element that fired is back", "", 0.23, 0.3, 500, 1, EVIDENCE_RECOVERED, -0.01, NULL,
         0.1},
        {"the element that fired is not", "", 0.23, 0.3, 500, 1, EVIDENCE_VANISHED, 0, NULL, -0.1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answers answers = {rows[i].objective,
                                  rows[i].recovered,
                                  rows[i].samples,
                                  rows[i].up,
                                  "",
                                  NULL,
                                  0,
                                  rows[i].other,
                                  rows[i].name,
                                  NULL,
                                  rows[i].fired};
        struct evidence evidence;
        collect(&answers, rows[i].quantity, &evidence);
        cr_expect_eq(evidence.alert[0].episode[0].resolve, rows[i].resolve, "%s", rows[i].what);
        evidence_deinit(&evidence);
    }
}

Test(evidence, an_alert_of_several_elements_is_notified_as_one)
{
    static const struct {
        const char *came;
        size_t kept;
        bool resolved[3];
    } rows[] = {
        {"Aa", 2, {false, true}},     {"ABab", 2, {false, true}}, {"AaBb", 4, {false, true, false}},
        {"ABCbac", 2, {false, true}}, {"AB", 1, {false}},         {"ABa", 1, {false}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answers answers = {0.23, 0.3, 500, 1, "", NULL, 0, 0, NULL, rows[i].came, 0};
        struct evidence evidence;
        collect(&answers, "conversion", &evidence);
        cr_expect_eq(evidence.notice_count, rows[i].kept, "%s: %zu", rows[i].came,
                     evidence.notice_count);
        for (size_t n = 0; n < 3 && n < evidence.notice_count; n++) {
            cr_expect_eq(evidence.notice[n].resolved, rows[i].resolved[n], "%s, %zu", rows[i].came,
                         n);
        }
        evidence_deinit(&evidence);
    }
}

Test(evidence, reference_shares_are_found_by_their_stars)
{
    static const double wanted[EVIDENCE_WHOLE_STARS] = {0.05, 0.1, 0.25, 0.4, 0.2};
    struct answers answers = {
        0.1,
        0.02,
        500,
        1,
        "{\"metric\":{\"__name__\":\"objective:user_rating_share\",\"stars\":\"4\"},"
        "\"value\":[1,\"0.4\"]},"
        "{\"metric\":{\"stars\":\"1\"},\"value\":[1,\"0.05\"]},"
        "{\"metric\":{\"stars\":\"2\"},\"value\":[1,\"0.1\"]},"
        "{\"metric\":{\"le\":\"3.0\"},\"value\":[1,\"0.25\"]},"
        "{\"metric\":{\"stars\":\"5\"},\"value\":[1,\"0.2\"]},"
        "{\"metric\":{\"stars\":\"6\"},\"value\":[1,\"0.9\"]},"
        "{\"metric\":{\"stars\":\"1.5\"},\"value\":[1,\"0.9\"]},"
        "{\"metric\":{\"stars\":\"\"},\"value\":[1,\"0.9\"]},"
        "{\"metric\":{},\"value\":[1,\"0.9\"]}",
        NULL,
        0,
        0,
        NULL,
        NULL,
        0};
    struct evidence evidence;
    collect(&answers, "rating_psi", &evidence);
    for (int i = 0; i < EVIDENCE_WHOLE_STARS; i++) {
        cr_expect_eq(evidence.rating_share[i], wanted[i], "%d stars: %g", i + 1,
                     evidence.rating_share[i]);
    }
    evidence_deinit(&evidence);
}

Test(evidence, rules_that_failed_are_named)
{
    struct answers answers = {
        .objective = 0.23,
        .shares = "",
        .rules = "{\"name\":\"Fine\",\"health\":\"ok\"},{\"name\":\"New\",\"health\":\"unknown\"},"
                 "{\"name\":\"Broken\",\"health\":\"err\",\"lastError\":\"many-to-many\"}",
        .failures = 7};
    struct evidence evidence;
    collect(&answers, "conversion", &evidence);
    cr_assert_eq(evidence.rule_error_count, 1);
    cr_expect_str_eq(evidence.rule_error[0].rule, "Broken");
    cr_expect_str_eq(evidence.rule_error[0].text, "many-to-many");
    cr_expect_eq(evidence.evaluation_failures, 7);
    cr_expect(evidence.complete);
    evidence_deinit(&evidence);
}

Test(evidence, what_was_over_before_the_drill_is_forgotten)
{
    struct evidence_episode episodes[] = {{.firing_s = -30, .resolved_s = -10},
                                          {.firing_s = -5, .resolved_s = 5},
                                          {.firing_s = -3, .resolved_s = (double)NAN},
                                          {.firing_s = 7, .resolved_s = 9}};
    struct evidence_alert alert = {.count = 4, .episode = episodes};
    struct evidence_notice notices[] = {
        {.received_s = -20, .alert = "Low", .severity = "ticket"},
        {.received_s = -20, .alert = "Watchdog", .severity = "none"},
        {.received_s = 8, .alert = "Low", .severity = "ticket"}};
    struct evidence evidence = {
        .alert_count = 1, .alert = &alert, .notice_count = 3, .notice = notices};
    evidence_forget(&evidence, 0);
    cr_assert_eq(alert.count, 3);
    cr_expect_float_eq(alert.episode[0].firing_s, -5, 1e-9);
    cr_expect_float_eq(alert.episode[1].firing_s, -3, 1e-9);
    cr_expect_float_eq(alert.episode[2].firing_s, 7, 1e-9);
    cr_assert_eq(evidence.notice_count, 2);
    cr_expect_str_eq(evidence.notice[0].alert, "Watchdog");
    cr_expect_float_eq(evidence.notice[1].received_s, 8, 1e-9);
}
