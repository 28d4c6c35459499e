#include "drill/disturbances.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define S CLOCK_NS_PER_S

/* Scrapes every .25 s, evaluations every .5 s of drill time. */
static struct scenario with(enum scenario_disturb kind, int64_t at_ns, int64_t lasts_ns)
{
    struct scenario scenario = {
        .time_scale = 60, .scrape_ns = 15 * S, .evaluation_ns = 30 * S, .disturbance_count = 1};
    scenario.disturbance[0] =
        (struct scenario_disturbance){.kind = kind, .at_ns = at_ns, .lasts_ns = lasts_ns};
    return scenario;
}

Test(disturbances, a_gap_belongs_to_a_declared_disturbance_or_to_nobody)
{
    static const struct {
        const char *name;
        double from_s, to_s;
        bool declared;
    } rows[] = {
        {"the stall itself", 30, 33, true},
        {"from the last sample before it", 29.5, 33.2, true},
        {"until things are regular again", 30.1, 37.9, true},
        {"longer than a stall explains", 30, 45, false},
        {"it began before", 27, 33, false},
        {"all before", 28.5, 29.4, false},
        {"all after", 50, 53, false},
    };
    struct scenario scenario = with(SCENARIO_STALL_PROMETHEUS, 30 * S, 3 * S);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        cr_expect(scenario_disturbed(&scenario, WATCHED_SCRAPES, rows[r].from_s, rows[r].to_s) ==
                      rows[r].declared,
                  "%s", rows[r].name);
    }
    scenario.disturbance_count = 0;
    cr_expect(!scenario_disturbed(&scenario, WATCHED_SCRAPES, 30, 33), "nothing is declared");
}

Test(disturbances, each_kind_explains_gaps_of_what_it_stops_and_of_nothing_else)
{
    static const struct {
        const char *name;
        enum scenario_disturb kind;
        const char *fault;
        bool scrapes, evaluations;
    } rows[] = {
        {"stall", SCENARIO_STALL_PROMETHEUS, "", true, true},
        {"restart", SCENARIO_RESTART_TARGET, "", true, false},
        {"garbage", SCENARIO_TARGET_FAULT, "{\"kind\":\"scrape-garbage\"}", true, false},
        {"delay", SCENARIO_TARGET_FAULT, "{\"kind\":\"scrape-delay\",\"delay_s\":1}", true, false},
        {"stalled /metrics", SCENARIO_TARGET_FAULT,
         "{\"kind\":\"stall\",\"handlers\":[\"/ratings/\",\"/metrics\"]}", true, false},
        {"errors of /metrics", SCENARIO_TARGET_FAULT,
         "{\"kind\":\"errors\",\"handlers\":[\"/metrics\"]}", true, false},
        {"late /metrics", SCENARIO_TARGET_FAULT,
         "{\"kind\":\"latency\",\"handlers\":[\"/metrics\"]}", true, false},
        {"stall of all but /metrics", SCENARIO_TARGET_FAULT, "{\"kind\":\"stall\"}", false, false},
        {"errors of ratings", SCENARIO_TARGET_FAULT,
         "{\"kind\":\"errors\",\"handlers\":[\"/ratings/\"]}", false, false},
        {"latency", SCENARIO_TARGET_FAULT, "{\"kind\":\"latency\"}", false, false},
        {"hidden series", SCENARIO_TARGET_FAULT, "{\"kind\":\"hidden-series\"}", false, false},
        {"stale model", SCENARIO_TARGET_FAULT, "{\"kind\":\"stale-model\"}", false, false},
        {"broken source", SCENARIO_TARGET_FAULT, "{\"kind\":\"broken-source\",\"source\":\"base\"}",
         false, false},
        {"failed training", SCENARIO_FAILED_RETRAIN, "", false, false},
        {"dropped ratings", SCENARIO_TARGET_FAULT, "{\"kind\":\"dropped-ratings\"}", false, false},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct scenario scenario = with(rows[r].kind, 30 * S, 45 * S);
        snprintf(scenario.disturbance[0].fault, sizeof scenario.disturbance[0].fault, "%s",
                 rows[r].fault);
        cr_expect_eq(scenario_disturbed(&scenario, WATCHED_SCRAPES, 40, 60), rows[r].scrapes, "%s",
                     rows[r].name);
        cr_expect_eq(scenario_disturbed(&scenario, WATCHED_EVALUATIONS, 40, 60),
                     rows[r].evaluations, "%s", rows[r].name);
        bool process =
            rows[r].kind == SCENARIO_STALL_PROMETHEUS || rows[r].kind == SCENARIO_RESTART_TARGET;
        cr_expect_eq(scenario_disturbed(&scenario, WATCHED_SCRAPES, 70, 79), process,
                     "%s: only a process has to come back", rows[r].name);
    }
}

Test(disturbances, the_longest_gap_is_the_longest_that_nobody_declared)
{
    struct prometheus_point points[] = {{1, 1}, {2, 1}, {4.5, 1}, {29.9, 1}, {33.1, 1}, {34, 1}};
    struct prometheus_series series = {.count = 6, .point = points};
    struct scenario stalled = with(SCENARIO_STALL_PROMETHEUS, 30 * S, 3 * S), quiet = stalled;
    quiet.disturbance_count = 0;
    cr_expect_float_eq(scenario_longest_gap(&stalled, WATCHED_EVALUATIONS, &series, 29, 36), 0.9,
                       1e-9);
    cr_expect_float_eq(scenario_longest_gap(&stalled, WATCHED_EVALUATIONS, &series, 29, 50), 16,
                       1e-9);
    cr_expect_float_eq(scenario_longest_gap(&quiet, WATCHED_EVALUATIONS, &series, 29, 36), 3.2,
                       1e-9);
    cr_expect_float_eq(scenario_longest_gap(&stalled, WATCHED_EVALUATIONS, &series, 0, 5), 2.5,
                       1e-9);
    cr_expect_float_eq(scenario_longest_gap(&quiet, WATCHED_EVALUATIONS, &series, 10, 20), 10,
                       1e-9);
}

Test(disturbances, a_scenario_tells_what_its_target_must_be_able_to)
{
    struct scenario restart = with(SCENARIO_RESTART_TARGET, 0, 0);
    struct scenario fault = with(SCENARIO_TARGET_FAULT, 0, S);
    cr_expect(scenario_restarts(&restart) && !scenario_breaks(&restart));
    cr_expect(!scenario_restarts(&fault) && scenario_breaks(&fault));
    struct scenario training = with(SCENARIO_FAILED_RETRAIN, 0, 0);
    cr_expect(!scenario_restarts(&training) && !scenario_breaks(&training));
}

Test(disturbances, what_cannot_be_done_is_told)
{
    struct error error = {0};
    struct scenario scenario = with(SCENARIO_RESTART_TARGET, 5 * S, S);
    struct disturbances_config config = {.scenario = &scenario, .target_url = "http://127.0.0.1:1"};
    struct disturbances disturbances;
    disturbances_init(&disturbances, &config);
    cr_expect(disturbances_move(&disturbances, 4 * S, &error) == ERR_OK, "nothing is due");
    cr_expect(disturbances_move(&disturbances, 5 * S, &error) == ERR_INVALID);
    cr_expect(error.text[0] != '\0');
}

Test(disturbances, a_stall_without_a_stack_only_takes_its_time)
{
    struct error error = {0};
    struct scenario scenario = with(SCENARIO_STALL_PROMETHEUS, 5 * S, S);
    struct disturbances_config config = {.scenario = &scenario, .target_url = "http://127.0.0.1:1"};
    struct disturbances disturbances;
    disturbances_init(&disturbances, &config);
    cr_expect(disturbances_move(&disturbances, 5 * S, &error) == ERR_OK);
    cr_expect(disturbances.state[0] == DISTURBANCE_ON);
    cr_expect(disturbances_move(&disturbances, 6 * S, &error) == ERR_OK);
    cr_expect(disturbances.state[0] == DISTURBANCE_OVER);
    cr_expect(disturbances_finish(&disturbances, 7 * S, 0, &error) == ERR_OK);
}
