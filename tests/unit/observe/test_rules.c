#include "observe/rules.h"

#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/yaml.h"
#include "invalid.h"
#include "observe/promql.h"
#include "program.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS INT64_C(1000000000)
#define SCRAPE_NS (15 * SECOND_NS)
#define INTERVAL_NS (30 * SECOND_NS)
#define LEAST_NS (10 * SCRAPE_NS)

Test(rules, every_kind_of_duration_in_an_expression_is_divided)
{
    static const struct {
        const char *expr;
        int64_t scale;
        const char *compressed;
    } rows[] = {
        {"rate(x[15m])", 60, "rate(x[15s])"},
        {"rate(x[2m30s])", 60, "rate(x[2s500ms])"},
        {"rate(x[1h])", 60, "rate(x[1m])"},
        {"rate(x[1d])", 60, "rate(x[24m])"},
        {"rate(x[ 15m ])", 60, "rate(x[ 15s ])"},
        {"increase(x[7m30s] offset 7m30s)", 60, "increase(x[7s500ms] offset 7s500ms)"},
        {"x offset -5m", 60, "x offset -5s"},
        {"x offset 0s", 60, "x offset 0s"},
        {"max_over_time(rate(x[5m])[30m:1m])", 60, "max_over_time(rate(x[5s])[30s:1s])"},
        {"max_over_time(x[30m:])", 60, "max_over_time(x[30s:])"},
        {"x[15m] @ 1700000000 offset 3m", 60, "x[15s] @ 1700000000 offset 3s"},
        {"foo5m{a=\"[5m]\",b='x[5m]',c=`offset 5m`} > 300 # [5m]\n", 60,
         "foo5m{a=\"[5m]\",b='x[5m]',c=`offset 5m`} > 300 # [5m]\n"},
        {"sum by (offset) (x) > 5", 60, "sum by (offset) (x) > 5"},
        {"rate(x[90m])", 1, "rate(x[1h30m])"},
        {"1", 60, "1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {.code = ERR_OK};
        char *text = rules_compress_expr(rows[i].expr, rows[i].scale, LEAST_NS, &error);
        cr_assert_not_null(text, "%s: %s", rows[i].expr, error.text);
        cr_expect_str_eq(text, rows[i].compressed, "%s: %s", rows[i].expr, text);
        mem_free(text);
    }
}

static void read_invalid_expr(const char *path, char *message, size_t size)
{
    struct buf expr;
    struct error error = {.code = ERR_OK};
    buf_init(&expr, 65536);
    cr_assert_eq(file_read(path, &expr, NULL), ERR_OK);
    char *text = rules_compress_expr(expr.data, 60, LEAST_NS, &error);
    if (text == NULL) {
        cr_expect_eq(error.code, ERR_INPUT);
        (void)snprintf(message, size, "%d: %s", error.line, error.text);
    }
    mem_free(text);
    buf_deinit(&expr);
}

Test(rules, malformed_expressions_are_refused_with_line_and_reason)
{
    cr_expect_eq(invalid_each("promql", read_invalid_expr), 0);
}

/* A random expression whose durations are whole hours. */
static void random_expr(struct rng *rng, struct buf *out)
{
    static const char *const pieces[] = {"x",
                                         " + ",
                                         "rate(",
                                         ")",
                                         "foo5m",
                                         "{a=\"[5m] # \\\"\"}",
                                         "{b=`\\[5m]`}",
                                         " 1e-3 ",
                                         "# c[5m]\n",
                                         " @ 123",
                                         " and ",
                                         "offset ==",
                                         " {c='offset 5m'} ",
                                         "\n",
                                         "0x1d "};
    char duration[64];
    for (uint32_t left = 1 + rng_below(rng, 12); left > 0; left--) {
        int64_t ns = (int64_t)(1 + rng_below(rng, 200)) * 3600 * SECOND_NS;
        (void)text_from_duration_ns(ns, duration, sizeof duration);
        switch (rng_below(rng, 6)) {
        case 0:
            (void)buf_printf(out, "x[%s] ", duration);
            break;
        case 1:
            (void)buf_printf(out, "y [ %s : %s ] ", duration, duration);
            break;
        case 2:
            (void)buf_printf(out, "z[%s:] offset %s%s ", duration, rng_below(rng, 2) ? "-" : "",
                             duration);
            break;
        default:
            (void)buf_printf(out, "%s ", pieces[rng_below(rng, sizeof pieces / sizeof pieces[0])]);
        }
    }
}

/* Equal kinds, roles, words; durations of `one` are those of `other` times the factor. */
static bool same_tokens(const char *one, const char *other, int64_t factor)
{
    struct promql_token *a = NULL;
    struct promql_token *b = NULL;
    size_t a_count = 0;
    size_t b_count = 0;
    cr_assert_eq(promql_tokens(one, &a, &a_count, NULL), ERR_OK, "%s", one);
    cr_assert_eq(promql_tokens(other, &b, &b_count, NULL), ERR_OK, "%s", other);
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++) {
        same = a[i].kind == b[i].kind && a[i].role == b[i].role && a[i].line == b[i].line;
        if (same && a[i].role != PROMQL_PLAIN) {
            same = a[i].duration_ns == b[i].duration_ns * factor;
        } else if (same) {
            same = a[i].len == b[i].len && memcmp(a[i].text, b[i].text, a[i].len) == 0;
        }
    }
    mem_free(a);
    mem_free(b);
    return same;
}

Test(rules, compressing_by_one_changes_nothing_and_factors_multiply)
{
    static const int64_t factors[] = {1, 2, 3, 5, 10, 60};
    const size_t count = sizeof factors / sizeof factors[0];
    struct rng rng = rng_stream(5, 0, 0);
    for (int i = 0; i < 3000; i++) {
        struct buf expr;
        buf_init(&expr, 65536);
        random_expr(&rng, &expr);
        char *same = rules_compress_expr(expr.data, 1, 0, NULL);
        int64_t a = factors[rng_below(&rng, (uint32_t)count)];
        int64_t b = factors[rng_below(&rng, (uint32_t)count)];
        char *by_a = rules_compress_expr(expr.data, a, 0, NULL);
        char *by_both = rules_compress_expr(expr.data, a * b, 0, NULL);
        cr_assert(same != NULL && by_a != NULL && by_both != NULL, "%s", expr.data);
        char *by_a_then_b = rules_compress_expr(by_a, b, 0, NULL);
        cr_assert_not_null(by_a_then_b, "%s", by_a);
        cr_expect(same_tokens(expr.data, same, 1), "%s\n%s", expr.data, same);
        cr_expect_str_eq(by_a_then_b, by_both, "%lld, %lld: %s", (long long)a, (long long)b,
                         expr.data);
        cr_expect(same_tokens(expr.data, by_both, a * b), "%s\n%s", expr.data, by_both);
        mem_free(same);
        mem_free(by_a);
        mem_free(by_both);
        mem_free(by_a_then_b);
        buf_deinit(&expr);
    }
}

/* A folder of this test's own with rule files in in/ and room for rendered ones in out/. */
struct place {
    char folder[64], glob[128], out[128];
};

static void open_place(struct place *place)
{
    char path[] = "/tmp/driftdrill-rules-XXXXXX";
    char in[128];
    cr_assert_not_null(mkdtemp(path));
    (void)text_copy(place->folder, sizeof place->folder, path);
    (void)text_join_path(in, sizeof in, path, "in");
    (void)text_join_path(place->glob, sizeof place->glob, path, "in/*.yml");
    (void)text_join_path(place->out, sizeof place->out, path, "results/rules");
    cr_assert_eq(file_make_folders(in, NULL), ERR_OK);
}

static void close_place(struct place *place)
{
    cr_expect_eq(file_remove_tree(place->folder, NULL), ERR_OK);
}

static void add_file(const struct place *place, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/in/%s", place->folder, name);
    cr_assert_eq(file_write(path, text, strlen(text), NULL), ERR_OK);
}

static enum err render(const struct place *place, int64_t scale, struct rules *rules,
                       struct faults *faults, struct error *error)
{
    return rules_render(place->glob, scale, SCRAPE_NS, INTERVAL_NS, place->out, rules, faults,
                        error);
}

static const char drift_rules[] =
    "groups:\n"
    "  - name: drift\n"
    "    interval: 1m\n"
    "    query_offset: 1m\n"
    "    rules:\n"
    "      - record: lists:n15m\n"
    "        expr: sum by (job) (increase(recommendation_lists_total[15m]))\n"
    "        labels: {share: 1.50, on: yes, empty: , hex: 0x10}\n"
    "      - alert: ConversionLow\n"
    "        expr: |\n"
    "          (conversion:upper15m < scalar(objective:conversion)\n"
    "             and settled > 100) unless conversion:ratio3m >= 0.5\n"
    "        for: 2m30s\n"
    "        keep_firing_for: 3m\n"
    "        labels: {severity: page}\n"
    "        annotations:\n"
    "          quantity: conversion\n"
    "          objective: objective:conversion\n"
    "          recovered: conversion:ratio3m\n"
    "          samples: lists:n15m\n"
    "          window: 15m\n"
    "          summary: \"{{ $value }} is low: see [5m]\"\n";

static const char infra_rules[] = "groups:\n"
                                  "- name: infra\n"
                                  "  rules:\n"
                                  "  - {alert: TargetDown, expr: up == 0, for: 0}\n"
                                  "- {name: empty}\n";

Test(rules, rendered_files_are_compressed_and_otherwise_the_same)
{
    static const char wanted[] =
        "{\"groups\":[{\"name\":\"drift\",\"interval\":\"1s\",\"query_offset\":\"1s\",\"rules\":["
        "{\"record\":\"lists:n15m\","
        "\"expr\":\"sum by (job) (increase(recommendation_lists_total[15s]))\","
        "\"labels\":{\"share\":\"1.50\",\"on\":\"yes\",\"empty\":\"\",\"hex\":\"0x10\"}},"
        "{\"alert\":\"ConversionLow\","
        "\"expr\":\"(conversion:upper15m < scalar(objective:conversion)\\n"
        "   and settled > 100) unless conversion:ratio3m >= 0.5\\n\","
        "\"for\":\"2s500ms\",\"keep_firing_for\":\"3s\",\"labels\":{\"severity\":\"page\"},"
        "\"annotations\":{\"quantity\":\"conversion\",\"objective\":\"objective:conversion\","
        "\"recovered\":\"conversion:ratio3m\",\"samples\":\"lists:n15m\",\"window\":\"15m\","
        "\"summary\":\"{{ $value }} is low: see [5m]\"}},"
        "{\"record\":\"driftdrill:heartbeat\",\"expr\":\"vector(1)\","
        "\"labels\":{\"rule_group\":\"drift\"}}]}]}";
    struct place place;
    struct rules rules;
    struct faults faults;
    struct error error = {.code = ERR_OK};
    open_place(&place);
    add_file(&place, "drift.yml", drift_rules);
    faults_init(&faults);
    cr_assert_eq(render(&place, 60, &rules, &faults, &error), ERR_OK, "%s", error.text);
    cr_expect_eq(faults.count, 0);
    cr_assert_eq(rules.file_count, 1);
    json_t *value = NULL;
    cr_assert_eq(yaml_read_file(rules.rendered[0], &value, NULL, NULL), ERR_OK);
    char *text = json_dumps(value, JSON_COMPACT);
    cr_expect_str_eq(text, wanted, "%s", text);
    free(text);
    json_decref(value);
    rules_deinit(&rules);
    faults_deinit(&faults);
    close_place(&place);
}

Test(rules, alerts_are_known_in_production_time)
{
    struct place place;
    struct rules rules;
    struct faults faults;
    struct error error = {.code = ERR_OK};
    open_place(&place);
    add_file(&place, "drift.yml", drift_rules);
    add_file(&place, "infra.yml", infra_rules);
    faults_init(&faults);
    cr_assert_eq(render(&place, 60, &rules, &faults, &error), ERR_OK, "%s", error.text);
    cr_expect_eq(rules.file_count, 2);
    cr_expect_eq(rules.alert_count, 2);
    const struct rules_alert *alert = rules_find(&rules, "ConversionLow");
    cr_assert_not_null(alert);
    cr_expect_str_eq(alert->group, "drift");
    cr_expect_str_eq(alert->quantity, "conversion");
    cr_expect_str_eq(alert->objective, "objective:conversion");
    cr_expect_str_eq(alert->recovered, "conversion:ratio3m");
    cr_expect_str_eq(alert->samples, "lists:n15m");
    cr_expect_str_eq(alert->severity, "page");
    cr_expect_eq(alert->window_ns, 900 * SECOND_NS);
    cr_expect_eq(alert->for_ns, 150 * SECOND_NS);
    cr_expect_eq(alert->interval_ns, 60 * SECOND_NS);
    alert = rules_find(&rules, "TargetDown");
    cr_assert_not_null(alert);
    cr_expect_str_eq(alert->quantity, "");
    cr_expect_str_eq(alert->severity, "");
    cr_expect_eq(alert->window_ns, 0);
    cr_expect_eq(alert->for_ns, 0);
    cr_expect_eq(alert->interval_ns, INTERVAL_NS);
    cr_expect_null(rules_find(&rules, "Conversion"));
    rules_deinit(&rules);
    faults_deinit(&faults);
    close_place(&place);
}

Test(rules, a_group_without_interval_gets_the_default_and_a_heartbeat)
{
    struct place place;
    struct rules rules;
    struct faults faults;
    open_place(&place);
    add_file(&place, "infra.yml", infra_rules);
    faults_init(&faults);
    cr_assert_eq(render(&place, 60, &rules, &faults, NULL), ERR_OK);
    json_t *value = NULL;
    cr_assert_eq(yaml_read_file(rules.rendered[0], &value, NULL, NULL), ERR_OK);
    const json_t *groups = json_object_get(value, "groups");
    for (size_t i = 0; i < 2; i++) {
        const json_t *group = json_array_get(groups, i);
        const json_t *list = json_object_get(group, "rules");
        const json_t *last = json_array_get(list, json_array_size(list) - 1);
        cr_expect_str_eq(json_string_value(json_object_get(group, "interval")), "500ms");
        cr_expect_str_eq(json_string_value(json_object_get(last, "record")),
                         "driftdrill:heartbeat");
        cr_expect_str_eq(
            json_string_value(json_object_get(json_object_get(last, "labels"), "rule_group")),
            i == 0 ? "infra" : "empty");
    }
    json_decref(value);
    rules_deinit(&rules);
    faults_deinit(&faults);
    close_place(&place);
}

Test(rules, promtool_accepts_rendered_files)
{
    static const int64_t scales[] = {1, 30, 60};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        struct place place;
        struct rules rules;
        struct faults faults;
        char log[256];
        struct buf text;
        open_place(&place);
        /* Debian's promtool does not know query_offset yet. */
        char drift[sizeof drift_rules];
        (void)text_copy(drift, sizeof drift, drift_rules);
        memcpy(strstr(drift, "query_offset"), "limit: 10 # ", 12);
        add_file(&place, "drift.yml", drift);
        add_file(&place, "infra.yml", infra_rules);
        faults_init(&faults);
        cr_assert_eq(render(&place, scales[i], &rules, &faults, NULL), ERR_OK);
        (void)text_join_path(log, sizeof log, place.folder, "log");
        const char *const argv[] = {"promtool",        "check",           "rules",
                                    rules.rendered[0], rules.rendered[1], NULL};
        int status = program_run(argv, log);
        buf_init(&text, 65536);
        (void)file_read(log, &text, NULL);
        cr_expect_eq(status, 0, "promtool: %s", text.len > 0 ? text.data : "");
        buf_deinit(&text);
        rules_deinit(&rules);
        faults_deinit(&faults);
        close_place(&place);
    }
}

Test(rules, a_pattern_without_files_is_named)
{
    struct rules rules;
    struct faults faults;
    struct error error = {.code = ERR_OK};
    faults_init(&faults);
    cr_expect_eq(rules_render("tests/data/absent/*.yml", 60, SCRAPE_NS, INTERVAL_NS, "/nowhere",
                              &rules, &faults, &error),
                 ERR_INPUT);
    cr_expect_str_eq(error.where, "tests/data/absent/*.yml");
    cr_expect_str_eq(error.text, "matches no rule file");
    faults_deinit(&faults);
}

Test(rules, names_must_be_unique_over_all_files_and_nothing_is_written)
{
    struct place place;
    struct rules rules;
    struct faults faults;
    struct error error = {.code = ERR_OK};
    char first[256];
    open_place(&place);
    add_file(&place, "a.yml", infra_rules);
    add_file(&place, "b.yml", infra_rules);
    add_file(&place, "c.yml", "groups: [");
    faults_init(&faults);
    cr_expect_eq(render(&place, 60, &rules, &faults, &error), ERR_INPUT);
    cr_expect_str_eq(error.text, "4 faults in the rule files");
    cr_assert_eq(faults.count, 4);
    (void)snprintf(first, sizeof first, "alert \"TargetDown\" is in %s/in/a.yml:4 already",
                   place.folder);
    cr_expect_str_eq(faults.list[1].text, first, "%s", faults.list[1].text);
    cr_expect_eq(faults.list[1].line, 4);
    cr_expect(text_ends(faults.list[1].where, "/in/b.yml"));
    cr_expect_str_eq(faults.list[1].path, "/groups/0/rules/0/alert");
    cr_expect(text_ends(faults.list[3].where, "/in/c.yml"));
    cr_expect_not(file_exists(place.out));
    faults_deinit(&faults);
    close_place(&place);
}

Test(rules, files_of_one_name_in_two_folders_are_refused)
{
    struct place place;
    struct rules rules;
    struct faults faults;
    char folder[256];
    char pattern[256];
    open_place(&place);
    (void)text_join_path(folder, sizeof folder, place.folder, "in/more");
    (void)text_join_path(pattern, sizeof pattern, place.folder, "in/*/rules.yml");
    cr_assert_eq(file_make_folders(folder, NULL), ERR_OK);
    (void)text_join_path(folder, sizeof folder, place.folder, "in/less");
    cr_assert_eq(file_make_folders(folder, NULL), ERR_OK);
    add_file(&place, "more/rules.yml", "groups: []");
    add_file(&place, "less/rules.yml", "groups: []");
    faults_init(&faults);
    cr_expect_eq(
        rules_render(pattern, 60, SCRAPE_NS, INTERVAL_NS, place.out, &rules, &faults, NULL),
        ERR_INPUT);
    cr_expect_eq(faults.count, 1);
    faults_deinit(&faults);
    close_place(&place);
}

Test(rules, files_may_be_named_one_by_one_and_be_none)
{
    struct place place;
    struct rules rules;
    struct faults faults;
    char path[256];
    const char *const paths[] = {path};
    open_place(&place);
    add_file(&place, "drift.yml", drift_rules);
    add_file(&place, "infra.yml", infra_rules);
    (void)text_join_path(path, sizeof path, place.folder, "in/infra.yml");
    faults_init(&faults);
    for (size_t count = 0; count < 2; count++) {
        cr_assert_eq(rules_render_files(paths, count, 60, SCRAPE_NS, INTERVAL_NS, place.out, &rules,
                                        &faults, NULL),
                     ERR_OK);
        cr_expect_eq(rules.file_count, count);
        cr_expect_eq(rules.alert_count, count);
        rules_deinit(&rules);
    }
    faults_deinit(&faults);
    close_place(&place);
}

/* Faults as "line path: text" lines; the file's own path is shown as FILE. */
static void read_invalid_rules(const char *path, char *message, size_t size)
{
    struct rules rules;
    struct faults faults;
    size_t used = 0;
    faults_init(&faults);
    if (rules_render(path, 60, SCRAPE_NS, INTERVAL_NS, "/nonexistent/rules", &rules, &faults,
                     NULL) == ERR_OK) {
        rules_deinit(&rules);
    }
    for (size_t i = 0; i < faults.count && used < size; i++) {
        const struct fault *fault = &faults.list[i];
        const char *own = strstr(fault->text, path);
        int before = own != NULL ? (int)(own - fault->text) : (int)strlen(fault->text);
        cr_expect_str_eq(fault->where, path);
        used +=
            (size_t)snprintf(message + used, size - used, "%s%d%s%s: %.*s%s%s", i > 0 ? "\n" : "",
                             fault->line, *fault->path ? " " : "", fault->path, before, fault->text,
                             own != NULL ? "FILE" : "", own != NULL ? own + strlen(path) : "");
    }
    faults_deinit(&faults);
}

Test(rules, faulty_files_are_refused_with_every_place_and_reason)
{
    cr_expect_eq(invalid_each("rules", read_invalid_rules), 0);
}
