#include "base/option.h"
#include "command/command.h"
#include "command/run_settings.h"

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
    struct run_settings settings;
    struct error error = {0};
    cr_expect_eq(read_line(1, none, &settings, &error), ERR_USAGE);
    cr_expect_str_eq(error.where, "--target");
    error = (struct error){0};
    cr_expect_eq(read_line(3, bad, &settings, &error), ERR_USAGE);
    cr_expect(strstr(error.text, "http://HOST:PORT") != NULL, "%s", error.text);
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

Test(run_settings, a_missing_scenario_is_told, .init = cr_redirect_stderr)
{
    char *argv[] = {"run", "--target", "http://t", "--scenario", "scenarios/none.yml"};
    struct run_settings settings;
    struct error error = {0};
    cr_expect_neq(read_line(5, argv, &settings, &error), ERR_OK);
}
