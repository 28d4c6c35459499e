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

Test(scenario, every_shipped_scenario_is_valid)
{
    char **paths;
    size_t count;
    cr_assert_eq(file_glob("scenarios/*.yml", &paths, &count, NULL), ERR_OK);
    cr_assert_geq(count, 2);
    for (size_t i = 0; i < count; i++) {
        struct scenario s = read_valid(paths[i]);
        cr_expect_gt(s.expectation_count, 0, "%s", paths[i]);
    }
    file_glob_free(paths, count);
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
