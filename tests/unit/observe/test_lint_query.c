#include "observe/lint_query.h"

#include "lint_world.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Of one expression; `found` is its fault or warning, NULL if it is to have none. */
struct row {
    const char *expr, *found;
};

static void expect(const struct row *row, const struct faults *faults, const char *what)
{
    if (row->found == NULL) {
        cr_expect_eq(faults->count, 0, "%s: %s %s", row->expr, what,
                     faults->count > 0 ? faults->list[0].text : "");
        return;
    }
    cr_expect_eq(faults->count, 1, "%s: %zu %s", row->expr, faults->count, what);
    if (faults->count > 0) {
        cr_expect_not_null(strstr(faults->list[0].text, row->found), "%s: %s", row->expr,
                           faults->list[0].text);
    }
}

static void judge(const struct row *row, bool warnings)
{
    struct lint_world world;
    struct lint_node *node = NULL;
    struct lint_place place = {"file", 1, "/expr", ""};
    json_t *values = json_pack("{s:s, s:s}", "job", "recommender", "window", "30m");
    lint_world_init(&world, NULL);
    world.lint.ten_scrapes = true;
    lint_query(&world.lint, &place, row->expr, values, &node);
    expect(row, warnings ? &world.warnings : &world.faults, warnings ? "warnings" : "faults");
    lint_node_free(node);
    json_decref(values);
    lint_world_deinit(&world);
}

Test(lint_query, faults_of_expressions)
{
    static const struct row rows[] = {
        {"recommendation_lists_total{job=~\"$job\"}", NULL},
        {"sum by (recommender) (rate(user_rating_count{job=~\"${job:regex}\"}[$__rate_interval]))",
         NULL},
        {"increase(recommendation_lists_total[$window])", NULL},
        {"increase(recommendation_lists_total[$__range])", NULL},
        {"rate(recommendation_lists_total[$__interval])", "[$__interval]"},
        {"avg_over_time(model_version[$__interval])", "[$__interval]"},
        {"rate(recommendation_lists_total[29s])", "less than two scrapes of 15s"},
        {"rate(recommendation_lists_total[30s])", "shorter than ten scrapes (2m30s)"},
        {"max_over_time(model_version[29s])", "shorter than ten scrapes"},
        {"rate(recommendation_lists_total[2m30s])", NULL},
        {"model_version{instance=\"a\",job!=\"b\"}", NULL},
        {"model_version{nothing=\"a\"}", "model_version has no label nothing"},
        {"http_requests_total{status=\"5xx\"}", NULL}, /* none so far */
        {"user_rating_bucket{le=\"1.0\"}", "takes 1.0 in one of its spellings only"},
        {"user_rating_bucket{le=\"1\"}", "takes 1.0 in one of its spellings only"},
        {"user_rating_bucket{le=~\"1([.]0)?\"}", NULL},
        {"user_rating_bucket{le=~\"1|1.0|2|2.0\"}", NULL},
        {"user_rating_bucket{le=\"+Inf\"}", NULL},
        {"user_rating_bucket{le=~\"7([.]0)?\"}", "has no le=~"},
        {"user_rating_count{recommender=\"bass\"}", "has no recommender=\"bass\" (there are base)"},
        {"user_rating_count{recommender=~\"ba.*\"}", NULL},
        {"user_rating_count{recommender!=\"bass\"}", NULL},
        {"user_rating_count{recommender=~\"$job\"}", NULL},
        {"sum by (recommender) (recommendation_lists_total)", "no series there has the label"},
        {"histogram_quantile(0.5, user_rating_count)", "without the label le"},
        {"rate(model_version[5m])", "which is a gauge"},
        {"delta(recommendation_lists_total[5m])", "which is a counter"},
        {"deriv(user_rating_count[5m])", "which is a counter"},
        {"delta(model_version[5m])", NULL},
        {"absent(recommendation_list_total)", "unknown metric recommendation_list_total"},
        {"$job + 1", NULL}, /* a metric of the reader's choice */
        {"model_version == $threshold", "unknown variable $threshold"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        judge(&rows[i], false);
    }
}

Test(lint_query, a_division_by_what_may_be_0_is_warned_of)
{
    static const struct row rows[] = {
        {"model_version / recommendation_lists_total", "is NaN when nothing happens"},
        {"sum(model_version) / sum(recommendation_lists_total)", "division by sum(...)"},
        {"model_version / (recommendation_lists_total > 0)", NULL},
        {"model_version / (recommendation_lists_total != 0)", NULL},
        {"model_version / (recommendation_lists_total >= 0)", "is NaN"},
        {"model_version / (recommendation_lists_total > bool 0)", "is NaN"},
        {"model_version / (recommendation_lists_total > 0 or vector(1))", NULL},
        {"model_version / (recommendation_lists_total or vector(1))", "is NaN"},
        {"model_version / recommendation_lists_total and recommendation_lists_total > 0", NULL},
        {"model_version / user_rating_count and recommendation_lists_total > 0", "is NaN"},
        {"model_version / clamp_min(recommendation_lists_total, 1)", NULL},
        {"model_version / clamp_min(recommendation_lists_total, 0)", "is NaN"},
        {"model_version / 2", NULL},
        {"model_version / 0", "is NaN"},
        {"24 / recommendation_lists_total", NULL}, /* infinite, not NaN */
        {"model_version / (1 + recommendation_lists_total)", NULL},
        {"model_version / objective:rated:min", NULL},
        {"model_version / (2 * objective:rated:min)", NULL},
        {"model_version / time()", NULL},
        {"model_version / recommendation_lists_total > 0.5", NULL},
        {"job:rated:ratio15m * model_version / job:lists:increase15m", NULL},
        {"model_version / job:lists:increase15m", "is NaN"},
        {"job:rated:ratio15m - model_version / sqrt(job:lists:increase15m)", NULL},
        {"sum(model_version / (recommendation_lists_total > 0)) / 2", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        judge(&rows[i], true);
    }
}

struct asked {
    char list[512];
};

static bool only_lists(void *context, const char *selector)
{
    struct asked *asked = context;
    size_t len = strlen(asked->list);
    (void)snprintf(asked->list + len, sizeof asked->list - len, "%s ", selector);
    return strstr(selector, "lists") != NULL;
}

Test(lint_query, data_are_asked_for_what_the_expression_cannot_do_without)
{
    static const struct {
        const char *expr, *asked;
        size_t faults;
    } rows[] = {
        {"recommendation_lists_total{job=~\"$job\"}", "recommendation_lists_total ", 0},
        {"recommendation_lists_total{instance=\"a\\\"b\",job=~\"$job\"}",
         "recommendation_lists_total{instance=\"a\\\"b\"} ", 0},
        {"model_version{job!=\"a\"}", "model_version{job!=\"a\"} ", 1},
        {"model_version or recommendation_lists_total", "", 0},
        {"recommendation_lists_total unless model_version", "recommendation_lists_total ", 0},
        {"absent(model_version)", "", 0},
        {"ALERTS{alertname=\"A\"}", "", 0},
        {"unknown_total", "", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lint_world world;
        struct lint_node *node = NULL;
        struct asked asked = {""};
        struct lint_place place = {"file", 1, "/expr", ""};
        json_t *values = json_pack("{s:s}", "job", "recommender");
        lint_world_init(&world, NULL);
        world.lint.matched = only_lists;
        world.lint.context = &asked;
        lint_query(&world.lint, &place, rows[i].expr, values, &node);
        cr_expect_str_eq(asked.list, rows[i].asked, "%s: %s", rows[i].expr, asked.list);
        cr_expect_eq(world.faults.count, rows[i].faults, "%s", rows[i].expr);
        lint_node_free(node);
        json_decref(values);
        lint_world_deinit(&world);
    }
}

Test(lint_query, the_same_is_said_once)
{
    struct lint_world world;
    struct lint_node *node = NULL;
    struct lint_place place = {"file", 1, "/expr", "who: "};
    lint_world_init(&world, NULL);
    lint_query(&world.lint, &place, "lost + lost + lost2", NULL, &node);
    cr_assert_eq(world.faults.count, 2);
    cr_expect_str_eq(world.faults.list[0].text,
                     "who: unknown metric lost: no target exposes it, no rule records it");
    lint_node_free(node);
    lint_world_deinit(&world);
}

Test(lint_query, a_metric_of_another_job_is_not_there)
{
    static const struct row rows[] = {
        {"open_fds{job=\"a\"}", NULL},
        {"open_fds{job=~\"a|b\"}", NULL},
        {"open_fds{job=~\"$job\"}", NULL},
        {"open_fds{job=\"b\"}", "open_fds has no job=\"b\" (there are a)"},
        {"open_fds{job=~\"$other\"}", "open_fds has no job=~\"b\""},
        {"open_fds{job!=\"a\"}", NULL},
        {"sum by (job) (open_fds)", NULL},
    };
    static const char text[] = "open_fds 1\n";
    json_t *values = json_pack("{s:s, s:s}", "job", "a", "other", "b");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lint_place place = {"file", 1, "/expr", ""};
        struct metrics_snapshot *snapshot = NULL;
        struct lint_node *node = NULL;
        struct faults faults;
        struct lint lint = {
            .series = lint_series_new(), .scrape_ns = 1, .faults = &faults, .warnings = &faults};
        faults_init(&faults);
        cr_assert_eq(metrics_parse("text", text, strlen(text), &snapshot, NULL), ERR_OK);
        lint_series_expose((struct lint_series *)(uintptr_t)lint.series, "a", snapshot);
        lint_query(&lint, &place, rows[i].expr, values, &node);
        expect(&rows[i], &faults, "faults");
        lint_node_free(node);
        metrics_snapshot_free(snapshot);
        lint_series_free((struct lint_series *)(uintptr_t)lint.series);
        faults_deinit(&faults);
    }
    json_decref(values);
}
