#include "drill/scenario.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fileio.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scenario read_valid(const char *path)
{
    struct scenario scenario;
    struct faults faults;
    struct error error = {0};
    faults_init(&faults);
    enum err code = scenario_read(path, &scenario, &faults, &error);
    faults_print(&faults);
    cr_assert_eq(code, ERR_OK, "%s: %s", path, error.text);
    faults_deinit(&faults);
    return scenario;
}

Test(scenario, durations_are_divided_by_the_time_scale)
{
    struct scenario s = read_valid("scenarios/taste-shift.yml");
    cr_expect_eq(s.time_scale, 60);
    cr_expect_eq(s.phase[0].duration_ns, 20 * CLOCK_NS_PER_S);
    cr_expect_eq(s.phase[2].start_ns, 60 * CLOCK_NS_PER_S);
    cr_expect_eq(s.end_ns, 130 * CLOCK_NS_PER_S);
    cr_expect_float_eq(s.think_median_s, 0.2, 1e-9);
    cr_expect_eq(s.expectation[0].within_ns, 25 * CLOCK_NS_PER_S);
    cr_expect_float_eq(s.lists_per_s, 400, 1e-9, "rates are not divided");
    cr_expect_eq(s.scrape_ns, 15 * CLOCK_NS_PER_S, "rule rendering wants production time");
}

Test(scenario, an_injection_starts_with_its_phase)
{
    struct scenario s = read_valid("scenarios/taste-shift.yml");
    cr_assert_eq(s.drift.count, 1);
    cr_expect_eq(s.drift.injection[0].kind, DRIFT_CHOICE_ROTATION);
    cr_expect_eq(s.drift.injection[0].onset_ns, s.phase[2].start_ns);
    cr_expect_eq(s.drift.injection[0].end_ns, INT64_MAX);
    cr_expect_eq(s.drift.injection[0].towards, DRIFT_ANOTHER_PERSON);
}

Test(scenario, phases_are_found_by_time_and_name)
{
    struct scenario s = read_valid("scenarios/taste-shift.yml");
    cr_expect_eq(scenario_phase_index(&s, "drift"), 2);
    cr_expect_eq(scenario_phase_index(&s, "nowhere"), -1);
    cr_expect_eq(scenario_phase_at(&s, 0), 0);
    cr_expect_eq(scenario_phase_at(&s, 20 * CLOCK_NS_PER_S), 1);
    cr_expect_eq(scenario_phase_at(&s, 20 * CLOCK_NS_PER_S - 1), 0);
    cr_expect_eq(scenario_phase_at(&s, 1000 * CLOCK_NS_PER_S), 4);
}

Test(scenario, the_last_phase_lasts_as_long_as_any_window_judged_at_its_end)
{
    static const struct {
        const char *name;
        struct scenario_expectation wanted;
        int64_t window_ns;
    } rows[] = {
        {"level", {.kind = SCENARIO_LEVEL, .phase = 1, .window_ns = 7}, 7},
        {"moves", {.kind = SCENARIO_MOVES, .phase = 1, .window_ns = 7}, 7},
        {"agrees", {.kind = SCENARIO_AGREES, .phases = 2, .window_ns = 7}, 7},
        {"moves, earlier", {.kind = SCENARIO_MOVES, .phase = 0, .window_ns = 7}, 0},
        {"agrees, earlier", {.kind = SCENARIO_AGREES, .phases = 1, .window_ns = 7}, 0},
        {"no window", {.kind = SCENARIO_FIRES, .phase = 1, .window_ns = 7}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scenario scenario = {.phase_count = 2, .expectation_count = 1};
        scenario.expectation[0] = rows[i].wanted;
        cr_expect_eq(scenario_judged_window_ns(&scenario), rows[i].window_ns, "%s", rows[i].name);
    }
}

Test(scenario, every_shipped_scenario_is_valid)
{
    char **paths;
    size_t count;
    cr_assert_eq(file_glob("scenarios/*.yml", &paths, &count, NULL), ERR_OK);
    cr_assert_geq(count, 2);
    bool kinds[DRIFT_SLOW_RATERS + 1] = {false}, shapes[DRIFT_BLIP + 1] = {false};
    bool disturbances[SCENARIO_FAILED_RETRAIN + 1] = {false};
    int decoys = 0;
    for (size_t i = 0; i < count; i++) {
        struct scenario s = read_valid(paths[i]);
        char file[80];
        snprintf(file, sizeof file, "scenarios/%s.yml", s.name);
        cr_expect_str_eq(file, paths[i], "results are found by the name");
        cr_expect_gt(s.expectation_count, 0, "%s", paths[i]);
        decoys += s.decoy;
        for (int k = 0; k < s.drift.count; k++) {
            kinds[s.drift.injection[k].kind] = true;
            shapes[s.drift.injection[k].shape] = true;
        }
        for (int k = 0; k < s.disturbance_count; k++) {
            disturbances[s.disturbance[k].kind] = true;
        }
    }
    cr_expect_eq(decoys, 11);
    for (int i = 0; i <= DRIFT_SLOW_RATERS; i++) {
        cr_expect(kinds[i], "no scenario has %s", drift_kind_name((enum drift_kind)i));
        cr_expect(i > DRIFT_BLIP || shapes[i], "no scenario has shape %d", i);
        cr_expect(i > SCENARIO_FAILED_RETRAIN || disturbances[i], "nor disturbance %d", i);
    }
    file_glob_free(paths, count);
}

static struct scenario read_text(const char *parts)
{
    struct scenario scenario;
    struct faults faults;
    struct error error = {0};
    char text[2048];
    snprintf(text, sizeof text,
             "{name: n, time_scale: 60, newcomers: 100, phases: [{name: a, duration: 20m},"
             " {name: b, duration: 20m}], %s}",
             parts);
    faults_init(&faults);
    enum err code = scenario_read_text("dir/s.yml", text, strlen(text), &scenario, &faults, &error);
    faults_print(&faults);
    cr_assert_eq(code, ERR_OK, "%s: %s", parts, error.text);
    faults_deinit(&faults);
    return scenario;
}

#define CALM "traffic: {lists_per_s: 1}, expectations: [{silent: A, phases: all}]"

Test(scenario, each_way_to_give_a_size_has_its_unit)
{
    static const struct {
        const char *injection;
        enum drift_kind kind;
        enum drift_unit unit;
        double size;
    } rows[] = {
        {"kind: choice-rotation, degrees: 90, towards: swap-groups", DRIFT_CHOICE_ROTATION,
         DRIFT_BY_KIND, 90},
        {"kind: taste-rotation, stars: -0.1, towards: {genre: War}", DRIFT_TASTE_ROTATION,
         DRIFT_STARS, -0.1},
        {"kind: rating-shift, stars: -0.4", DRIFT_CUT_POINTS, DRIFT_STARS, -0.4},
        {"kind: rating-shift, nats: 0.2", DRIFT_CUT_POINTS, DRIFT_NATS, 0.2},
        {"kind: rating-spread, psi: 0.3, narrows: true", DRIFT_CUT_SPREAD, DRIFT_PSI, 0.3},
        {"kind: rating-spread, factor: 1.5", DRIFT_CUT_SPREAD, DRIFT_BY_KIND, 1.5},
        {"kind: genre-fashion, utility: -1, genre: Drama", DRIFT_GENRE_FASHION, DRIFT_BY_KIND, -1},
        {"kind: position-habit, power: 0.5", DRIFT_POSITION_HABIT, DRIFT_BY_KIND, 0.5},
        {"kind: new-films, share: 0.1", DRIFT_NEW_FILMS, DRIFT_BY_KIND, 0.1},
        {"kind: cold-start, share: 0.5", DRIFT_COLD_START, DRIFT_BY_KIND, 0.5},
        {"kind: slow-raters, factor: 4", DRIFT_SLOW_RATERS, DRIFT_BY_KIND, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char parts[512];
        snprintf(parts, sizeof parts, CALM ", injections: [{%s, starts: b}]", rows[i].injection);
        struct scenario s = read_text(parts);
        const struct drift_injection *injection = &s.drift.injection[0];
        cr_expect_eq(injection->kind, rows[i].kind, "%s", rows[i].injection);
        cr_expect_eq(injection->unit, rows[i].unit, "%s", rows[i].injection);
        cr_expect_float_eq(injection->size, rows[i].size, 1e-12, "%s", rows[i].injection);
        cr_expect_eq(injection->onset_ns, 20 * CLOCK_NS_PER_S);
    }
}

Test(scenario, shapes_and_cohorts_are_read)
{
    struct scenario s = read_text(
        CALM ", injections: ["
             "{kind: choice-rotation, degrees: 9, towards: {genre: Horror}, starts: a,"
             " shape: recurring, period: 10m, lasts: 4m, cohort: {genre: War, share: 0.2}},"
             "{kind: rating-spread, psi: 0.1, narrows: true, starts: a, shape: blip, lasts: 2m,"
             " cohort: {activity: [0.5, 0.9]}},"
             "{kind: bots, share: 0.1, gives: 3.5, starts: a, shape: gradual, ramp: 3m, ends: b},"
             "{kind: user-mix, share: 0.5, cohort: newcomers, starts: a}]");
    const struct drift_injection *i = s.drift.injection;
    cr_expect_eq(i[0].shape, DRIFT_RECURRING);
    cr_expect_eq(i[0].period_ns, 10 * CLOCK_NS_PER_S);
    cr_expect_eq(i[0].on_ns, 4 * CLOCK_NS_PER_S);
    cr_expect_eq(i[0].towards, DRIFT_GENRE);
    cr_expect_str_eq(i[0].genre, "Horror");
    cr_expect_eq(i[0].cohort.kind, DRIFT_GENRE_LOVERS);
    cr_expect_str_eq(i[0].cohort.genre, "War");
    cr_expect_float_eq(i[0].cohort.share, 0.2, 1e-12);
    cr_expect_eq(i[1].shape, DRIFT_BLIP);
    cr_expect(i[1].narrows);
    cr_expect_eq(i[1].cohort.kind, DRIFT_ACTIVITY_BAND);
    cr_expect_float_eq(i[1].cohort.from, 0.5, 1e-12);
    cr_expect_float_eq(i[1].cohort.to, 0.9, 1e-12);
    cr_expect_eq(i[2].shape, DRIFT_GRADUAL);
    cr_expect_eq(i[2].ramp_ns, 3 * CLOCK_NS_PER_S);
    cr_expect_eq(i[2].stars_given, 7);
    cr_expect_eq(i[2].end_ns, 20 * CLOCK_NS_PER_S);
    cr_expect_eq(i[3].cohort.kind, DRIFT_NEWCOMERS);
}

Test(scenario, traffic_and_behaviour_are_read)
{
    struct scenario s = read_text(
        "traffic: {lists_per_s: 1, arrivals: diurnal, people: activity, day: 60m, start_hour: 20,"
        " joins_per_s: 0.5, leaving: {after: 4}},"
        " behaviour: {examination: cascade, abandon_share: 0.1, rating_share: 0.7},"
        " expectations: [{counts: reconcile}]");
    cr_expect_eq(s.traffic.arrivals, SCENARIO_DIURNAL);
    cr_expect(s.traffic.by_activity);
    cr_expect_eq(s.traffic.day_ns, 60 * CLOCK_NS_PER_S);
    cr_expect_eq(s.traffic.start_hour, 20);
    cr_expect_float_eq(s.traffic.joins_per_s, 0.5, 1e-12, "rates are not divided");
    cr_expect_eq(s.traffic.leave_after, 4);
    cr_expect_float_eq(s.traffic.leave_probability, 1, 1e-12);
    cr_expect(s.behaviour.cascade);
    cr_expect_float_eq(s.behaviour.rating_share, 0.7, 1e-12);
    s = read_text("traffic: {lists_per_s: 1, arrivals: {file: visits.csv}},"
                  " expectations: [{counts: reconcile}]");
    cr_expect_eq(s.traffic.arrivals, SCENARIO_RECORDED);
    cr_expect_str_eq(s.traffic.file, "dir/visits.csv", "relative to the scenario");
    s = read_text("traffic: {lists_per_s: 1, arrivals: {file: /v.csv}},"
                  " expectations: [{counts: reconcile}]");
    cr_expect_str_eq(s.traffic.file, "/v.csv");
}

Test(scenario, disturbances_keep_the_body_of_their_fault)
{
    struct scenario s = read_text(
        CALM ", decoy: true, disturbances: [{kind: restart-target, starts: a, delay: 1m},"
             " {kind: target-fault, starts: b, lasts: 30s, fault: {kind: errors, status: 503}}]");
    cr_expect(s.decoy);
    cr_assert_eq(s.disturbance_count, 2);
    cr_expect_eq(s.disturbance[0].at_ns, CLOCK_NS_PER_S);
    cr_expect_eq(s.disturbance[0].lasts_ns, 0);
    cr_expect_eq(s.disturbance[1].at_ns, 20 * CLOCK_NS_PER_S);
    cr_expect_eq(s.disturbance[1].lasts_ns, CLOCK_NS_PER_S / 2);
    cr_expect_str_eq(s.disturbance[1].fault, "{\"kind\":\"errors\",\"status\":503}");
}

Test(scenario, a_delay_in_floors_is_an_expectation_of_its_own)
{
    struct scenario s = read_text(
        "traffic: {lists_per_s: 1}, expectations: ["
        "{fires: A, phase: b, within: 10m, within_floors: 2}, {unnotified_group: g, phases: [b]},"
        " {moves: mean_rating, phase: b, of: a, window: 5m, at_most: 0.1}]");
    const struct scenario_expectation *e = s.expectation;
    cr_assert_eq(s.expectation_count, 4);
    cr_expect_eq(e[0].kind, SCENARIO_FIRES);
    cr_expect_eq(e[1].kind, SCENARIO_DELAY_FLOOR);
    cr_expect_str_eq(e[1].alert, "A");
    cr_expect_eq(e[1].phase, 1);
    cr_expect_float_eq(e[1].floors, 2, 1e-12);
    cr_expect_eq(e[1].index, 0, "both are of the first entry");
    cr_expect_str_neq(e[0].name, e[1].name);
    cr_expect_eq(e[2].kind, SCENARIO_UNNOTIFIED);
    cr_expect_eq(e[2].index, 1);
    cr_expect_str_eq(e[2].group, "g");
    cr_expect_eq(e[2].phases, 2);
    cr_expect_eq(e[3].kind, SCENARIO_MOVES);
    cr_expect(isinf(e[3].least) && e[3].least < 0);
    cr_expect_float_eq(e[3].most, 0.1, 1e-12);
}

static bool has_fault(const struct faults *faults, int line, const char *text)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (strstr(faults->list[i].text, text) != NULL &&
            (line == 0 || faults->list[i].line == line)) {
            return true;
        }
    }
    return false;
}

/* Each line of NAME.expected is LINE|TEXT; LINE may be empty. All must be among the faults, and
 * there must be no others. */
static void check_invalid(const char *path)
{
    char expected_path[512];
    struct buf expected;
    struct scenario scenario;
    struct faults faults;
    size_t wanted = 0;
    faults_init(&faults);
    cr_expect_eq(scenario_read(path, &scenario, &faults, NULL), ERR_INPUT, "%s", path);
    snprintf(expected_path, sizeof expected_path, "%.*s.expected", (int)strlen(path) - 4, path);
    buf_init(&expected, 65536);
    cr_assert_eq(file_read(expected_path, &expected, NULL), ERR_OK, "%s", expected_path);
    char *rest = expected.data, *line;
    while ((line = strsep(&rest, "\n")) != NULL && line[0] != '\0') {
        char *bar = strchr(line, '|');
        cr_assert_not_null(bar);
        cr_expect(has_fault(&faults, (int)strtol(line, NULL, 10), bar + 1), "%s: no fault %s", path,
                  line);
        wanted++;
    }
    for (size_t i = 0; wanted != faults.count && i < faults.count; i++) {
        fprintf(stderr, "%s:%d %s\n", path, faults.list[i].line, faults.list[i].text);
    }
    cr_expect_eq(faults.count, wanted, "%s: %zu faults, %zu expected", path, faults.count, wanted);
    buf_deinit(&expected);
    faults_deinit(&faults);
}

Test(scenario, every_fault_of_a_bad_file_is_reported_with_its_line)
{
    char **paths;
    size_t count;
    cr_assert_eq(file_glob("tests/data/invalid/scenarios/*.yml", &paths, &count, NULL), ERR_OK);
    cr_assert_geq(count, 3);
    for (size_t i = 0; i < count; i++) {
        check_invalid(paths[i]);
    }
    file_glob_free(paths, count);
}

Test(scenario, a_scenario_without_injections_is_valid)
{
    struct buf text;
    buf_init(&text, 65536);
    cr_assert_eq(file_read("scenarios/taste-shift.yml", &text, NULL), ERR_OK);
    char *injections = strstr(text.data, "\ninjections:"),
         *end = strstr(text.data, "\nexpectations:");
    cr_assert(injections != NULL && end != NULL);
    char path[] = "/tmp/driftdrill-scenario-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    fwrite(text.data, 1, (size_t)(injections - text.data), file);
    fputs("\ninjections: []", file);
    fputs(end, file);
    fclose(file);
    struct scenario s = read_valid(path);
    cr_expect_eq(s.drift.count, 0);
    remove(path);
    buf_deinit(&text);
}

Test(scenario, the_error_of_the_truth_shrinks_with_the_sample)
{
    struct ledger_counts few = {.lists = 1000, .converted = 250};
    struct ledger_counts many = {.lists = 4000, .converted = 1000};
    double few_error = scenario_truth_error(SCENARIO_CONVERSION, &few);
    cr_expect_float_eq(scenario_truth(SCENARIO_CONVERSION, &few), 0.25, 1e-12);
    cr_expect_float_eq(few_error, sqrt(1.5 * 0.25 * 0.75 / 1000), 1e-12);
    cr_expect_float_eq(few_error / scenario_truth_error(SCENARIO_CONVERSION, &many), 2, 1e-9);
    struct ledger_counts rated = {.rated = 100,
                                  .stars = {[5] = 50, [9] = 50}}; /* half 3.0, half 5.0 */
    cr_expect_float_eq(scenario_truth(SCENARIO_MEAN_RATING, &rated), 4.0, 1e-12);
    cr_expect_float_eq(scenario_truth_error(SCENARIO_MEAN_RATING, &rated), sqrt(1.5 / 100), 1e-9);
    struct ledger_counts ranked = {.lists = 100}; /* 20 at rank 1, 20 at rank 2, 60 unrated */
    for (int i = 0; i < 40; i++) {
        ledger_count_rating(&ranked, i % 2 + 1, 8);
    }
    cr_expect_float_eq(scenario_truth(SCENARIO_RECIPROCAL_RANK, &ranked), 0.3, 1e-9);
    cr_expect_float_eq(scenario_truth_error(SCENARIO_RECIPROCAL_RANK, &ranked),
                       sqrt(1.5 * (0.25 - 0.09) / 100), 1e-9);
}
