#include "base/option.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>

static const struct option_row rows[] = {
    {"seed", OPTION_INT, "N", "1", 0, 1e6, "Seed of all random draws."},
    {"rate", OPTION_REAL, "STEPS_PER_S", NULL, 0.1, 1000, "Steps a second."},
    {"duration", OPTION_DURATION, "TIME", "30s", 1, 3600, "How long to play."},
    {"out", OPTION_TEXT, "DIR", NULL, 0, 0, "Where results go."},
    {"offset", OPTION_INT, "N", "-3", 0, 0, "Any whole number."},
    {"strict", OPTION_FLAG, NULL, NULL, 0, 0, "Stop at the first bad row."},
    {0},
};

#define ARGUMENTS_MAX 16

/* Splits a line at its blanks into static words: options borrow them. */
static enum err parse_line(const char *line, int min, int max, struct options **out)
{
    static char text[256];
    static char *argv[ARGUMENTS_MAX];
    int argc = 0;
    snprintf(text, sizeof text, "cmd %s", line);
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        cr_assert_lt(argc, ARGUMENTS_MAX);
        argv[argc++] = word;
    }
    return options_parse(rows, argc, argv, min, max, out);
}

Test(option, defaults_hold_and_the_unset_are_unset)
{
    struct options *options = NULL;
    cr_assert_eq(parse_line("", 0, 0, &options), ERR_OK);
    cr_expect_eq(options_int(options, "seed"), 1);
    cr_expect_eq(options_int(options, "offset"), -3);
    cr_expect_eq(options_duration_ns(options, "duration"), INT64_C(30000000000));
    cr_expect_null(options_text(options, "out"));
    cr_expect_null(options_text(options, "rate"));
    cr_expect_not(options_flag(options, "strict"));
    cr_expect_not(options_is_set(options, "seed"));
    cr_expect_not(options_help_asked(options));
    cr_expect_eq(options_positional_count(options), 0);
    options_free(options);
}

Test(option, both_spellings_are_read)
{
    static const char *const lines[] = {
        "--seed 7 --rate 2.5 --duration 2m30s --out /tmp/x --offset -9 --strict a.yml",
        "a.yml --seed=7 --rate=2.5 --duration=2m30s --out=/tmp/x --offset=-9 --strict",
    };
    for (int i = 0; i < 2; i++) {
        struct options *options = NULL;
        cr_assert_eq(parse_line(lines[i], 1, 1, &options), ERR_OK);
        cr_expect_eq(options_int(options, "seed"), 7);
        cr_expect_eq(options_real(options, "rate"), 2.5);
        cr_expect_eq(options_duration_ns(options, "duration"), INT64_C(150000000000));
        cr_expect_str_eq(options_text(options, "out"), "/tmp/x");
        cr_expect_eq(options_int(options, "offset"), -9);
        cr_expect(options_flag(options, "strict"));
        cr_expect(options_is_set(options, "seed"));
        cr_expect_str_eq(options_positional(options, 0), "a.yml");
        options_free(options);
    }
}

Test(option, values_may_be_empty_or_hold_an_equals_sign)
{
    struct options *options = NULL;
    cr_assert_eq(parse_line("--out=a=b", 0, 0, &options), ERR_OK);
    cr_expect_str_eq(options_text(options, "out"), "a=b");
    options_free(options);
    cr_assert_eq(parse_line("--out=", 0, 0, &options), ERR_OK);
    cr_expect_str_eq(options_text(options, "out"), "");
    options_free(options);
}

Test(option, two_dashes_end_the_options_and_one_is_a_positional)
{
    struct options *options = NULL;
    cr_assert_eq(parse_line("- -- --seed", 0, 2, &options), ERR_OK);
    cr_expect_eq(options_positional_count(options), 2);
    cr_expect_str_eq(options_positional(options, 0), "-");
    cr_expect_str_eq(options_positional(options, 1), "--seed");
    cr_expect_eq(options_int(options, "seed"), 1);
    options_free(options);
}

Test(option, help_outweighs_faults)
{
    struct options *options = NULL;
    cr_assert_eq(parse_line("--nonsense --seed x --help", 1, 1, &options), ERR_OK);
    cr_expect(options_help_asked(options));
    options_free(options);
}

static const struct {
    const char *line, *message;
} faulty[] = {
    {"--seed x a", "--seed: 'x' is not a whole number\n"},
    {"--seed 1.5 a", "--seed: '1.5' is not a whole number\n"},
    {"--seed -1 a", "--seed: '-1' is out of bounds (0 to 1000000)\n"},
    {"--rate fast a", "--rate: 'fast' is not a number\n"},
    {"--rate 0 a", "--rate: '0' is out of bounds (0.1 to 1000)\n"},
    {"--rate nan a", "--rate: 'nan' is not a number\n"},
    {"--duration 30 a", "--duration: '30' is not a duration such as 250ms, 90s or 2m30s\n"},
    {"--duration 500ms a", "--duration: '500ms' is out of bounds (1s to 1h)\n"},
    {"--duration 2h a", "--duration: '2h' is out of bounds (1s to 1h)\n"},
    {"--strict=yes a", "--strict: takes no value\n"},
    {"a --out", "--out: needs a value (DIR)\n"},
    {"a --out --strict", "--out: needs a value (DIR)\n"},
    {"--seed 1 --seed 2 a", "--seed: given more than once\n"},
    {"--strict --strict a", "--strict: given more than once\n"},
    {"--sede 3 a", "--sede: no such option; did you mean --seed?\n"},
    {"--durration=3s a", "--durration=3s: no such option; did you mean --duration?\n"},
    {"--zzzzzzzz a", "--zzzzzzzz: no such option\n"},
    {"-s a", "-s: no such option\n"},
    {"--se a", "--se: no such option\n"},
    {"", "1 argument is missing\n"},
    {"a b", "b: unexpected argument (1 is read)\n"},
    {"--rate x --seed y",
     "--rate: 'x' is not a number\n--seed: 'y' is not a whole number\n1 argument is missing\n"},
};

#define FAULTY (sizeof faulty / sizeof faulty[0])

Test(option, all_faults_are_named, .init = cr_redirect_stderr)
{
    char wanted[4096] = "";
    size_t used = 0;
    for (size_t i = 0; i < FAULTY; i++) {
        struct options *options = NULL;
        fprintf(stderr, "[%s]\n", faulty[i].line);
        cr_expect_eq(parse_line(faulty[i].line, 1, 1, &options), ERR_USAGE, "%s", faulty[i].line);
        cr_expect_null(options);
        used += (size_t)snprintf(wanted + used, sizeof wanted - used, "[%s]\n%s", faulty[i].line,
                                 faulty[i].message);
    }
    fflush(stderr);
    cr_assert_stderr_eq_str(wanted);
}

Test(option, help_shows_units_bounds_and_defaults_in_columns, .init = cr_redirect_stdout)
{
    options_print_help(rows, "cmd FILE [options]", "Plays a file.");
    fflush(stdout);
    cr_assert_stdout_eq_str(
        "usage: driftdrill cmd FILE [options]\n"
        "\n"
        "Plays a file.\n"
        "\n"
        "  --seed N            Seed of all random draws. (0 to 1000000; default 1)\n"
        "  --rate STEPS_PER_S  Steps a second. (0.1 to 1000)\n"
        "  --duration TIME     How long to play. (1s to 1h; default 30s)\n"
        "  --out DIR           Where results go.\n"
        "  --offset N          Any whole number. (default -3)\n"
        "  --strict            Stop at the first bad row.\n"
        "  --help              Print this text.\n");
}

Test(option, a_bound_on_one_side_only_is_said_so, .init = cr_redirect_stdout)
{
    static const struct option_row one_sided[] = {
        {"users", OPTION_INT, "N", "20000", 1, 1e15, "People."},
        {0},
    };
    options_print_help(one_sided, "cmd", "Plays.");
    fflush(stdout);
    cr_assert_stdout_eq_str("usage: driftdrill cmd\n\nPlays.\n\n"
                            "  --users N  People. (at least 1; default 20000)\n"
                            "  --help     Print this text.\n");
}

Test(option, a_command_may_have_no_options)
{
    char *argv[] = {"cmd", "x", NULL};
    struct options *options = NULL;
    cr_assert_eq(options_parse(NULL, 2, argv, 0, 1, &options), ERR_OK);
    cr_expect_str_eq(options_positional(options, 0), "x");
    options_free(options);
    options_free(NULL);
}
