#include "drill/rule_names.h"

#include "base/fileio.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char rules[] = "groups:\n"
                            "  - name: drift\n"
                            "    rules:\n"
                            "      - {record: job:conversion:ratio, expr: vector(1)}\n"
                            "      - {alert: ConversionLow, expr: vector(1),"
                            " annotations: {quantity: conversion}}\n"
                            "  - name: sums\n"
                            "    rules:\n"
                            "      - {record: job:lists:sum, expr: vector(1)}\n"
                            "  - name: path\n"
                            "    rules:\n"
                            "      - {alert: Watchdog, expr: vector(1)}\n";

/* Checks one expectation against a rule file; the first fault's text goes to `text`. */
static enum err check_in(bool decoy, const char *rule_text,
                         const struct scenario_expectation *expectation, char *text, size_t size,
                         int *line)
{
    char path[64];
    const char *paths[] = {path};
    static struct scenario scenario;
    struct faults faults;
    snprintf(path, sizeof path, "/tmp/driftdrill-names-%d.yml", (int)getpid());
    cr_assert_eq(file_write(path, rule_text, strlen(rule_text), NULL), ERR_OK);
    scenario = (struct scenario){.path = "s.yml", .decoy = decoy, .expectation_count = 1};
    scenario.expectation[0] = *expectation;
    faults_init(&faults);
    enum err code = rule_names_check(paths, 1, &scenario, &faults, NULL);
    snprintf(text, size, "%s", faults.count > 0 ? faults.list[0].text : "");
    *line = faults.count > 0 ? faults.list[0].line : 0;
    cr_expect_eq(code == ERR_OK, faults.count == 0);
    faults_deinit(&faults);
    unlink(path);
    return code;
}

static enum err check(const char *rule_text, const struct scenario_expectation *expectation,
                      char *text, size_t size, int *line)
{
    return check_in(false, rule_text, expectation, text, size, line);
}

Test(rule_names, what_a_rule_file_defines_is_known)
{
    static const struct scenario_expectation known[] = {
        {.kind = SCENARIO_FIRES, .alert = "ConversionLow"},
        {.kind = SCENARIO_SILENT, .group = "drift"},
        {.kind = SCENARIO_AGREES, .record = "job:conversion:ratio"},
        {.kind = SCENARIO_AGREES, .record = "job:lists:sum{job=\"recommender\"}"},
        {.kind = SCENARIO_RECONCILES},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char text[320];
        int line;
        cr_expect_eq(check(rules, &known[i], text, sizeof text, &line), ERR_OK, "%zu: %s", i, text);
    }
}

Test(rule_names, what_no_rule_file_defines_is_refused_with_its_line)
{
    static const struct {
        struct scenario_expectation expectation;
        const char *wanted;
    } rows[] = {
        {{.kind = SCENARIO_FIRES, .alert = "ConversionLo", .line = 7}, "the alert 'ConversionLo'"},
        {{.kind = SCENARIO_SILENT, .alert = "job:lists:sum", .line = 8}, "the alert"},
        {{.kind = SCENARIO_SILENT, .group = "sums", .line = 9}, "the group 'sums'"},
        {{.kind = SCENARIO_AGREES, .record = "job:lists", .line = 10}, "the record 'job:lists'"},
        {{.kind = SCENARIO_AGREES, .record = "ConversionLow", .line = 11}, "the record"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[320];
        int line;
        cr_expect_eq(check(rules, &rows[i].expectation, text, sizeof text, &line), ERR_INPUT);
        cr_expect_not_null(strstr(text, rows[i].wanted), "%zu: %s", i, text);
        cr_expect_eq(line, rows[i].expectation.line);
    }
}

Test(rule_names, rules_without_a_watchdog_are_refused)
{
    struct scenario_expectation any = {.kind = SCENARIO_RECONCILES};
    char text[320];
    int line;
    cr_expect_eq(check("groups: []\n", &any, text, sizeof text, &line), ERR_INPUT);
    cr_expect_not_null(strstr(text, "'Watchdog'"), "%s", text);
}

Test(rule_names, shapes_that_are_no_rules_define_nothing)
{
    static const char *const texts[] = {"", "groups: 3\n", "- a\n", "groups: [{rules: {a: b}}]\n",
                                        "groups: [{name: 3, rules: [{alert: Watchdog}, 5]}]\n"};
    struct scenario_expectation any = {.kind = SCENARIO_FIRES, .alert = "ConversionLow"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[320];
        int line;
        cr_expect_eq(check(texts[i], &any, text, sizeof text, &line), ERR_INPUT, "%zu", i);
    }
}

Test(rule_names, a_file_that_is_not_yaml_is_named)
{
    const char *paths[] = {"tests/data/invalid/yaml/no-such-file.yml"};
    static struct scenario scenario;
    struct error error = {0};
    struct faults faults;
    faults_init(&faults);
    cr_expect_neq(rule_names_check(paths, 1, &scenario, &faults, &error), ERR_OK);
    cr_expect_not_null(strstr(error.where, "no-such-file"));
    cr_expect_eq(faults.count, 0, "nothing is known about the names");
    faults_deinit(&faults);
}

/* The same of a scenario that calls itself a decoy, or of an alert that watches nothing. */
Test(rule_names, what_an_alert_watches_decides_what_may_be_expected_of_it)
{
    static const struct {
        bool decoy;
        enum scenario_expect kind;
        const char *alert, *wanted; /* "" = no fault */
    } rows[] = {
        {true, SCENARIO_SILENT, "ConversionLow", ""},
        {true, SCENARIO_FIRES, "Watchdog", ""},
        {true, SCENARIO_FIRES, "ConversionLow", "in a decoy no drift alert may be expected"},
        {true, SCENARIO_RESOLVES, "ConversionLow", "in a decoy no drift alert may be expected"},
        {false, SCENARIO_FIRES, "ConversionLow", ""},
        {false, SCENARIO_DELAY_FLOOR, "ConversionLow", ""},
        {false, SCENARIO_DELAY_FLOOR, "Watchdog", "wants an alert that watches a quantity"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scenario_expectation expectation = {.kind = rows[i].kind, .line = 5};
        char text[320];
        int line;
        snprintf(expectation.alert, sizeof expectation.alert, "%s", rows[i].alert);
        enum err code = check_in(rows[i].decoy, rules, &expectation, text, sizeof text, &line);
        cr_expect_eq(code == ERR_OK, rows[i].wanted[0] == '\0', "%zu: %s", i, text);
        cr_expect_not_null(strstr(text, rows[i].wanted), "%zu: %s", i, text);
    }
}
