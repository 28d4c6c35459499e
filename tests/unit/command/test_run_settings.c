#include "base/option.h"
#include "command/command.h"
#include "command/run_settings.h"
#include "command/run_ways.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static enum err read_line(int argc, char **argv, struct run_settings *out, struct error *error)
{
    struct options *options = NULL;
    cr_assert_eq(options_parse(command_run.options, argc, argv, 0, 0, &options), ERR_OK);
    enum err code = run_settings_read(options, out, error);
    options_free(options);
    return code;
}

Test(run_settings, options_and_defaults)
{
    char *argv[] = {"run",     "--target", "http://127.0.0.1:8000//", "--rate", "12.5",
                    "--think", "250ms"};
    struct run_settings settings;
    cr_assert_eq(read_line(7, argv, &settings, NULL), ERR_OK);
    cr_expect_str_eq(settings.target_text, "http://127.0.0.1:8000");
    cr_expect_float_eq(settings.rate, 12.5, 1e-12);
    cr_expect_eq(settings.duration_ns, 30 * SECOND);
    cr_expect_eq(settings.people, 20000);
    cr_expect_float_eq(settings.think_median_s, 0.25, 1e-12);
    cr_expect_eq(settings.timeout_ms, 5000);
    cr_expect_eq(settings.phase_count, 1);
    cr_expect_eq(settings.scenario.drift.count, 0);
}

Test(run_settings, a_target_is_needed_and_must_be_a_url)
{
    char *none[] = {"run"}, *bad[] = {"run", "--target", "127.0.0.1:8000"};
    char *secret[] = {"run", "--target", "http://me:s3cret@t:8000"};
    struct run_settings settings;
    struct error error = {0};
    cr_expect_eq(read_line(1, none, &settings, &error), ERR_USAGE);
    cr_expect_str_eq(error.where, "--target");
    error = (struct error){0};
    cr_expect_eq(read_line(3, bad, &settings, &error), ERR_USAGE);
    cr_expect(strstr(error.text, "http://HOST:PORT") != NULL, "%s", error.text);
    error = (struct error){0};
    cr_expect_eq(read_line(3, secret, &settings, &error), ERR_USAGE);
    cr_expect_str_eq(error.where, "--target");
    cr_expect(strstr(error.text, "s3cret") == NULL && strstr(error.text, "password") != NULL, "%s",
              error.text);
}

Test(run_settings, a_scenario_decides_what_the_command_line_leaves_open)
{
    char *argv[] = {"run",    "--target", "http://t",   "--scenario", "scenarios/taste-shift.yml",
                    "--rate", "7",        "--duration", "9s"};
    struct run_settings settings;
    struct scenario scenario;
    struct faults faults;
    faults_init(&faults);
    cr_assert_eq(scenario_read("scenarios/taste-shift.yml", &scenario, &faults, NULL), ERR_OK);
    faults_deinit(&faults);
    cr_assert_eq(read_line(9, argv, &settings, NULL), ERR_OK);
    cr_expect_float_eq(settings.rate, 7, 1e-12, "given");
    cr_expect_eq(settings.duration_ns, 9 * SECOND, "given");
    cr_expect_eq(settings.people, scenario.people);
    cr_expect_float_eq(settings.steps_per_visit, scenario.steps_per_visit, 1e-12);
    cr_expect_float_eq(settings.think_median_s, scenario.think_median_s, 1e-12);
    cr_expect_eq(settings.phase_count, scenario.phase_count);
    cr_expect_eq(settings.phase_start_ns[1], scenario.phase[1].start_ns);
    cr_expect_eq(settings.scenario.drift.count, scenario.drift.count);
    cr_expect_gt(settings.scenario.drift.count, 0);
}

Test(run_settings, a_loop_takes_no_control_socket)
{
    char *argv[] = {"run", "--target", "http://t", "--control", "/tmp/none", "--loop"};
    for (int argc = 5; argc <= 6; argc++) {
        struct options *options = NULL;
        struct run_ways ways;
        struct error error = {0};
        cr_assert_eq(options_parse(command_run.options, argc, argv, 0, 0, &options), ERR_OK);
        enum err code = run_ways_read(options, 30 * SECOND, &ways, &error);
        cr_expect_eq(code, argc == 6 ? ERR_USAGE : ERR_OK, "%d words", argc);
        cr_expect_str_eq(error.where, argc == 6 ? "--control" : "");
        options_free(options);
    }
}

Test(run_settings, every_thread_of_every_shard_needs_somebody)
{
    static const struct {
        int32_t people;
        unsigned threads, shards;
        enum err code;
    } rows[] = {{4, 4, 0, ERR_OK},    {4, 4, 1, ERR_OK},       {3, 4, 1, ERR_USAGE},
                {700, 8, 87, ERR_OK}, {700, 8, 88, ERR_USAGE}, {100, 256, 1, ERR_USAGE},
                {20000, 8, 2, ERR_OK}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(run_ways_divide(rows[i].people, rows[i].threads, rows[i].shards, NULL),
                     rows[i].code, "row %zu", i);
    }
}

Test(run_settings, a_missing_scenario_is_told, .init = cr_redirect_stderr)
{
    char *argv[] = {"run", "--target", "http://t", "--scenario", "scenarios/none.yml"};
    struct run_settings settings;
    struct error error = {0};
    cr_expect_neq(read_line(5, argv, &settings, &error), ERR_OK);
}

Test(run_settings, traffic_and_people_as_asked_for)
{
    char *argv[] = {
        "run", "--target", "http://t", "--arrivals",    "diurnal", "--day",
        "60s", "--people", "activity", "--start-hour",  "30",      "--newcomers",
        "500", "--joins",  "2.5",      "--leave-after", "4",       "--leave-probability",
        "0.5"};
    char *plain[] = {"run", "--target", "http://t"};
    struct run_settings settings;
    cr_assert_eq(read_line(sizeof argv / sizeof argv[0], argv, &settings, NULL), ERR_OK);
    cr_expect_eq(settings.wish.arrivals, TRAFFIC_DIURNAL);
    cr_expect_eq(settings.wish.day_ns, 60 * SECOND);
    cr_expect_eq(settings.wish.start_hour, 30);
    cr_expect(settings.wish.by_activity);
    cr_expect_eq(settings.newcomers, 500);
    cr_expect_float_eq(settings.wish.joins_per_s, 2.5, 1e-12);
    cr_expect_eq(settings.wish.leaving.after_steps, 4);
    cr_expect_float_eq(settings.wish.leaving.probability, .5, 1e-12);
    cr_assert_eq(read_line(3, plain, &settings, NULL), ERR_OK);
    cr_expect_eq(settings.wish.arrivals, TRAFFIC_POISSON);
    cr_expect_not(settings.wish.by_activity);
    cr_expect_eq(settings.wish.leaving.after_steps, 0, "nobody leaves");
    cr_expect_eq(settings.newcomers, 0);
}

Test(run_settings, traffic_that_cannot_be_is_told)
{
    static const struct {
        char *name, *value, *more, *of;
        const char *where, *part;
    } rows[] = {
        {"--arrivals", "often", "--seed", "1", "--arrivals",
         "poisson, constant, diurnal or replay"},
        {"--people", "nobody", "--seed", "1", "--people", "uniform or activity"},
        {"--visits", "v.csv", "--arrivals", "replay", "--visits", "no room"},
        {"--joins", "3", "--seed", "1", "--joins", "--newcomers"},
        {"--newcomers", "700", "--users", "700", "--newcomers", "somebody must have a past"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *argv[] = {"run",         "--target",   "http://t", rows[i].name,
                        rows[i].value, rows[i].more, rows[i].of};
        struct run_settings settings;
        struct error error = {0};
        cr_expect_eq(read_line(7, argv, &settings, &error), ERR_USAGE, "%s", rows[i].name);
        cr_expect_str_eq(error.where, rows[i].where);
        cr_expect(strstr(error.text, rows[i].part) != NULL, "%s: %s", rows[i].name, error.text);
    }
}

Test(run_settings, a_recorded_file_is_played_as_it_stands)
{
    char *argv[] = {"run",      "--target", "http://t", "--scenario", "scenarios/taste-shift.yml",
                    "--visits", "v.csv"};
    struct run_settings settings;
    cr_assert_eq(read_line(7, argv, &settings, NULL), ERR_OK);
    cr_expect_eq(settings.wish.arrivals, TRAFFIC_RECORDED);
    cr_expect_str_eq(settings.wish.file, "v.csv");
    cr_expect_float_eq(settings.wish.time_scale, 1, 1e-12);
}
