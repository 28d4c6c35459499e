/* driftdrill check, from arguments to result. */
#include "base/fileio.h"
#include "base/httpd.h"
#include "base/text.h"
#include "command/command.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INVALID "tests/data/invalid/scenarios/"
#define SHIPPED "scenarios/taste-shift.yml"

static void redirect(void)
{
    cr_redirect_stdout();
    cr_redirect_stderr();
}

struct result {
    enum err code;
    struct error error;
    char out[8192], faults[16384];
};

static void read_all(FILE *file, char *out, size_t size)
{
    clearerr(file);
    size_t got = fread(out, 1, size - 1, file);
    out[got] = '\0';
}

/* Arguments end with NULL. */
static void check(struct result *result, ...)
{
    char *argv[16] = {(char *)"check"};
    int argc = 1;
    struct options *options = NULL;
    va_list arguments;
    va_start(arguments, result);
    for (char *next; (next = va_arg(arguments, char *)) != NULL; argc++) {
        argv[argc] = next;
    }
    va_end(arguments);
    memset(result, 0, sizeof *result);
    const struct command *command = &command_check;
    cr_assert_eq(options_parse(command->options, argc, argv, command->positionals_min,
                               command->positionals_max, &options),
                 ERR_OK);
    result->code = command->run(options, &result->error);
    (void)fflush(stdout);
    (void)fflush(stderr);
    read_all(cr_get_redirected_stdout(), result->out, sizeof result->out);
    read_all(cr_get_redirected_stderr(), result->faults, sizeof result->faults);
    options_free(options);
}

static void expect_fault(const struct result *result, const char *text)
{
    cr_expect(strstr(result->faults, text) != NULL, "'%s' is not in\n%s", text, result->faults);
}

static void write_text(const char *folder, const char *name, const char *text, char path[PATH_MAX])
{
    cr_assert(text_join_path(path, PATH_MAX, folder, name));
    cr_assert_eq(file_write(path, text, strlen(text), NULL), ERR_OK);
}

Test(check, all_shipped_scenarios_rules_and_dashboards_are_good, .init = redirect)
{
    struct result result;
    check(&result, NULL);
    cr_expect_eq(result.code, ERR_OK, "%s", result.faults);
    cr_expect_str_empty(result.faults);
    static const char *const files[] = {
        "/scenarios/taste-shift.yml\n",       "/scenarios/harsher-ratings.yml\n",
        "/prometheus/rules/drift.yml\n",      "/prometheus/rules/infrastructure.yml\n",
        "/prometheus/rules/objectives.yml\n", "/prometheus/objectives/synthetic.yml\n",
        "/grafana/dashboards/main.json\n",    "/grafana/dashboards/model.json\n"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        cr_expect(strstr(result.out, files[i]) != NULL, "%s is not in\n%s", files[i], result.out);
    }
}

Test(check, faults_of_all_files_come_at_once_each_with_its_place, .init = redirect)
{
    struct result result;
    check(&result, INVALID "everything-wrong.yml", SHIPPED, INVALID "nothing.yml",
          "no-such-file.yml", NULL);
    cr_expect_eq(result.code, ERR_INPUT);
    cr_expect_eq(err_exit_status(result.code), 2);
    expect_fault(&result, INVALID "everything-wrong.yml:3: /people: ");
    expect_fault(&result, INVALID "everything-wrong.yml:21: /expectations/5: ");
    expect_fault(&result, INVALID "nothing.yml:1: 'phases' is missing\n");
    expect_fault(&result, "no-such-file.yml: cannot open");
    cr_expect(strstr(result.error.text, " in 3 of 8 files") != NULL, "%s", result.error.text);
    cr_expect(strstr(result.out, "good    scenario  " SHIPPED "\n") != NULL, "%s", result.out);
}

/* The place of a name is the expectation's own, though one before it could not be read. */
Test(check, names_that_no_rule_defines_are_told_beside_other_faults, .init = redirect)
{
    struct result result;
    char folder[] = "/tmp/driftdrill-check-test-XXXXXX", path[PATH_MAX];
    cr_assert_not_null(mkdtemp(folder));
    write_text(folder, "s.yml",
               "name: s\ntraffic: {lists_per_s: 0}\nphases: [{name: a, duration: 1h}]\n"
               "expectations:\n  - {hopes: much}\n  - {silent: Nobody, phases: all}\n"
               "  - {silent_group: nowhere, phases: all}\n"
               "  - {agrees: 'no:record{a=\"b\"}', with: conversion, window: 15m, phases: all}\n",
               path);
    check(&result, path, NULL);
    cr_expect_eq(result.code, ERR_INPUT);
    expect_fault(&result, ":2: /traffic/lists_per_s: ");
    expect_fault(&result, ":5: /expectations/0: expected a mapping with one of fires");
    expect_fault(&result, ":6: /expectations/1: no rule file defines the alert 'Nobody'\n");
    expect_fault(&result, ":7: /expectations/2: no rule file defines the group 'nowhere'\n");
    expect_fault(&result, ":8: /expectations/3: no rule file defines the record 'no:record{");
    cr_expect_str_eq(result.error.text, "5 faults in 1 of 5 files");
    cr_expect_eq(file_remove_tree(folder, NULL), ERR_OK);
}

/* What an alert needs besides its expression. */
#define SAID                                                                                       \
    "labels: {severity: none}, annotations: {summary: s, description: d, runbook_url: "            \
    "'https://r/'}"
#define RULES                                                                                      \
    "groups:\n  - name: g\n    rules:\n      - {alert: Watchdog, expr: vector(1), " SAID "}\n"     \
    "      - {record: r, expr: 'sum(rate(x_total[15m]))'}\n"
#define SCENARIO(expectation)                                                                      \
    "name: s\ntime_scale: 60\ntraffic: {lists_per_s: 1}\nphases: [{name: a, duration: 1h}]\n"      \
    "expectations: [" expectation "]\n"

Test(check, scenarios_are_held_against_the_rules_that_are_named, .init = redirect)
{
    struct result result;
    char folder[] = "/tmp/driftdrill-check-test-XXXXXX", glob[PATH_MAX];
    char scenario[PATH_MAX], rules[PATH_MAX];
    cr_assert_not_null(mkdtemp(folder));
    write_text(folder, "s.yml", SCENARIO("{silent_group: g, phases: all}"), scenario);
    write_text(folder, "rules.yml", RULES, rules);
    cr_assert(text_join_path(glob, sizeof glob, folder, "r*.yml"));
    check(&result, scenario, NULL);
    cr_expect_eq(result.code, ERR_INPUT, "the shipped rules have no group g");
    check(&result, scenario, "--rules", glob, NULL);
    cr_expect_eq(result.code, ERR_OK, "%s", result.faults);
    check(&result, rules, scenario, NULL);
    cr_expect_eq(result.code, ERR_OK, "%s", result.faults);
    check(&result, rules, NULL);
    cr_expect_eq(result.code, ERR_OK, "%s", result.faults);
    check(&result, scenario, "--rules", "/nowhere/*.yml", NULL);
    cr_expect_eq(err_exit_status(result.code), 2);
    cr_expect_eq(file_remove_tree(folder, NULL), ERR_OK);
}

Test(check, rules_are_judged_at_the_pace_of_every_scenario_and_told_once, .init = redirect)
{
    struct result result;
    char folder[] = "/tmp/driftdrill-check-test-XXXXXX";
    char one[PATH_MAX], other[PATH_MAX], rules[PATH_MAX];
    cr_assert_not_null(mkdtemp(folder));
    write_text(folder, "one.yml", SCENARIO("{silent: Watchdog, phases: all}"), one);
    write_text(folder, "other.yml", SCENARIO("{silent: Watchdog, phases: all}"), other);
    write_text(folder, "rules.yml",
               RULES "      - {record: s, expr: 'sum(rate(x_total[2m]))'}\n"
                     "      - {alert: A, expr: vector(1), for: 100ms, " SAID "}\n",
               rules);
    check(&result, one, other, rules, NULL);
    cr_expect_eq(result.code, ERR_FAILED);
    expect_fault(&result, "rules.yml:6: /groups/0/rules/2/expr: range 2m is shorter than");
    expect_fault(&result, "rules.yml:7: /groups/0/rules/3/for: ");
    cr_expect_str_eq(result.error.text, "2 faults in 1 of 3 files");
    check(&result, rules, NULL);
    cr_expect_str_eq(result.error.text, "1 fault in 1 of 1 files", "100ms stands in production");
    cr_expect_eq(file_remove_tree(folder, NULL), ERR_OK);
}

Test(check, names_are_not_missed_in_a_rule_file_that_cannot_be_read, .init = redirect)
{
    struct result result;
    char folder[] = "/tmp/driftdrill-check-test-XXXXXX";
    char scenario[PATH_MAX], rules[PATH_MAX];
    cr_assert_not_null(mkdtemp(folder));
    write_text(folder, "s.yml", SCENARIO("{silent: A, phases: all}"), scenario);
    write_text(folder, "rules.yml", "groups:\n  - name: [\n", rules);
    check(&result, scenario, "--rules", rules, NULL);
    cr_expect_eq(result.code, ERR_INPUT);
    expect_fault(&result, "rules.yml:3: not YAML: ");
    cr_expect(strstr(result.faults, "no rule file defines") == NULL, "%s", result.faults);
    cr_expect_str_eq(result.error.text, "1 fault in 1 of 2 files");
    cr_expect_eq(file_remove_tree(folder, NULL), ERR_OK);
}

Test(check, objectives_stand_in_for_those_among_the_rules, .init = redirect)
{
    struct result result;
    check(&result, SHIPPED, "--objectives", "prometheus/objectives/synthetic.yml", NULL);
    cr_expect_eq(result.code, ERR_OK, "%s", result.faults);
    cr_expect(strstr(result.out, "rules/objectives.yml") == NULL, "%s", result.out);
    cr_expect(strstr(result.out, "objectives/synthetic.yml") != NULL, "%s", result.out);
    check(&result, SHIPPED, "--objectives", "prometheus/rules/drift.yml", NULL);
    cr_expect_eq(result.code, ERR_INPUT);
    expect_fault(&result, "drift.yml:1: expected objectives, whose head says");
}

#define PLANTED "tests/data/invalid/lint_"
#define METRICS "tests/data/lint/recommender.txt"
#define SOUND "tests/data/lint/rules.yml"

Test(check, what_is_wrong_with_rules_or_dashboards_alone_has_its_own_status, .init = redirect)
{
    static const struct {
        const char *file, *fault;
    } rows[] = {
        {PLANTED "rules/metrics.yml", ":5: /groups/0/rules/0/expr: job:requests:rate5m: unknown"},
        {PLANTED "dashboard/queries.json", ":62: /panels/0/targets/0/expr: panel \"Renamed\": "},
        {PLANTED "dashboard/not_json.json", ":3: not JSON: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct result result;
        check(&result, rows[i].file, SOUND, "--metrics", METRICS, NULL);
        cr_expect_eq(result.code, ERR_FAILED, "%s", rows[i].file);
        cr_expect_eq(err_exit_status(result.code), 1);
        expect_fault(&result, rows[i].fault);
    }
}

Test(check, a_scenario_or_file_that_no_drill_can_use_counts_more, .init = redirect)
{
    struct result result;
    check(&result, PLANTED "rules/metrics.yml", INVALID "nothing.yml", NULL);
    cr_expect_eq(result.code, ERR_INPUT);
    check(&result, PLANTED "dashboard/queries.json", "no-such-board.json", NULL);
    cr_expect_eq(result.code, ERR_INPUT);
    check(&result, SHIPPED, "--dashboards", "/nowhere/*.json", NULL);
    cr_expect_eq(err_exit_status(result.code), 2);
    check(&result, SOUND, "--metrics", "no-such-exposition.txt", NULL);
    cr_expect_eq(err_exit_status(result.code), 2);
    check(&result, SOUND, "--metrics", "README.md", NULL);
    cr_expect_eq(err_exit_status(result.code), 2);
}

Test(check, warnings_are_told_and_change_nothing, .init = redirect)
{
    struct result result;
    char folder[] = "/tmp/driftdrill-check-test-XXXXXX", rules[PATH_MAX];
    cr_assert_not_null(mkdtemp(folder));
    write_text(folder, "rules.yml",
               RULES "      - {record: s, expr: 'sum(x_total) / sum(y_total)'}\n", rules);
    check(&result, rules, NULL);
    cr_expect_eq(result.code, ERR_OK);
    expect_fault(&result, "rules.yml:6: /groups/0/rules/2/expr: warning: s: the division by sum");
    cr_expect_eq(file_remove_tree(folder, NULL), ERR_OK);
}

Test(check, sound_rules_and_dashboards_have_no_finding, .init = redirect)
{
    struct result result;
    check(&result, "tests/data/lint/board.json", SOUND, "--metrics", METRICS, NULL);
    cr_expect_eq(result.code, ERR_OK, "%s", result.faults);
    cr_expect(strstr(result.out, "good    dashboard tests/data/lint/board.json\n") != NULL, "%s",
              result.out);
    check(&result, SOUND, "--dashboards", "tests/data/lint/*.json", "--metrics", METRICS, NULL);
    cr_expect_eq(result.code, ERR_OK, "%s", result.faults);
}

static void answer_list(void *context, const struct httpd_request *request,
                        struct httpd_reply *reply)
{
    (void)context;
    bool asked = strcmp(request->query, "user_id=7&n=10") == 0;
    reply->status = asked ? 200 : 404;
    buf_text(&reply->body, "{\"recommendations\":[{\"movie_id\":318,\"score\":0.5,"
                           "\"recommender\":\"base\"}],\"request_id\":\"r-1\"}");
}

Test(check, a_target_is_described_and_probed, .init = redirect)
{
    struct result result;
    struct httpd *httpd = NULL;
    struct httpd_config config = {.listen = "127.0.0.1:0",
                                  .threads = 1,
                                  .body_max_bytes = 4096,
                                  .reply_max_bytes = 4096,
                                  .connections_max = 4};
    cr_assert_eq(httpd_start(&httpd, &config, answer_list, NULL, NULL), ERR_OK);
    char *url = (char *)(uintptr_t)httpd_url(httpd);
    check(&result, "--target", url, NULL);
    cr_expect_eq(result.code, ERR_OK, "%s", result.error.text);
    cr_expect_null(strstr(result.out, "status"), "nothing is asked without --probe");
    check(&result, "--target", url, "--probe", "--user", "7", NULL);
    cr_expect_eq(result.code, ERR_OK, "%s", result.error.text);
    cr_expect(strstr(result.out, " 1. film 318  score 0.5  source base") != NULL, "%s", result.out);
    cr_expect(strstr(result.out, "r-1") != NULL, "%s", result.out);
    check(&result, "--target", url, "--probe", NULL);
    cr_expect_eq(err_exit_status(result.code), 3, "user 1 is unknown there");
    cr_expect(strstr(result.error.text, "404") != NULL, "%s", result.error.text);
    httpd_stop(httpd);
}

Test(check, a_target_file_that_is_none_tells_its_faults, .init = redirect)
{
    struct result result;
    check(&result, "--target", "tests/data/invalid/targets/unknown_hole.yml", NULL);
    cr_expect_eq(result.code, ERR_INPUT);
    expect_fault(&result, "unknown_hole.yml:3: /list/url: unknown hole {count}");
    static const char misspelt[] = "address: http://h\nlist: {url: '/{user}', films: ''}\n"
                                   "metrics: {names: {user_ratings: stars}}\n",
                      formula[] = "address: http://h\nlist: {url: '/{user}', films: ''}\n"
                                  "metrics: {names: {user_rating: 'sum(stars)'}}\n";
    char path[] = "/tmp/driftdrill-check-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    (void)close(fd);
    cr_assert_eq(file_write(path, misspelt, strlen(misspelt), NULL), ERR_OK);
    check(&result, "--target", path, NULL);
    cr_expect_eq(result.code, ERR_INPUT);
    cr_expect_not_null(strstr(result.error.text, "user_ratings: expected the name of a metric"),
                       "%s", result.error.text);
    cr_assert_eq(file_write(path, formula, strlen(formula), NULL), ERR_OK);
    check(&result, "--target", path, NULL);
    cr_expect_eq(result.code, ERR_INPUT);
    cr_expect_not_null(strstr(result.error.text, "sum(stars)"), "%s", result.error.text);
    (void)unlink(path);
    check(&result, "--target", "no-such-target.yml", NULL);
    cr_expect_eq(err_exit_status(result.code), 2);
    check(&result, "--target", "http://127.0.0.1:1", SHIPPED, NULL);
    cr_expect_eq(result.code, ERR_USAGE);
    check(&result, "--probe", NULL);
    cr_expect_eq(result.code, ERR_USAGE);
}
