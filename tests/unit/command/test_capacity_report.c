#include "base/buf.h"
#include "base/fileio.h"
#include "base/mem.h"
#include "command/capacity_report.h"
#include "command/capacity_report_int.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HOSTILE "http://t/<b>&\"'"

struct fixture {
    struct capacity_config config;
    struct capacity_result result;
    struct capacity_report report;
};

static struct capacity_level open_level(enum capacity_stage stage, double rate,
                                        enum sequential_verdict verdict, double share)
{
    struct capacity_level level = {
        .stage = stage,
        .plan = {.kind = CAPACITY_OPEN, .rate_per_s = rate, .seed = UINT64_MAX},
        .runs = 2,
        .played_s = 20,
        .verdict = verdict,
        .valid = true,
        .sum = {.offered_per_s = rate,
                .achieved_per_s = rate - 1,
                .p50_s = 0.002,
                .p90_s = 0.01,
                .p99_s = 0.01 + rate * 1e-5,
                .errors_share = 0.0005,
                .hit_rate = 0.41,
                .hit_rate_expected = 0.42,
                .fallback_share = rate > 1500 ? 0.2 : 0.01,
                .lists = 1000}};
    level.objective[0] = (struct sequential_state){.verdict = verdict,
                                                   .good = 9900,
                                                   .bad = 100,
                                                   .share = share,
                                                   .low = share / 2,
                                                   .high = share * 2,
                                                   .design_effect = 3,
                                                   .effective = 3333};
    level.objective[1] = (struct sequential_state){
        .verdict = verdict, .good = 10000, .share = 0, .high = 0.0002, .design_effect = 1};
    return level;
}

static void fixture_init(struct fixture *fixture)
{
    struct faults faults;
    struct capacity_level levels[] = {
        open_level(CAPACITY_BRACKET, 1000, SEQUENTIAL_PASS, 0.001),
        open_level(CAPACITY_BRACKET, 2000, SEQUENTIAL_FAIL, 0.1),
        open_level(CAPACITY_BISECT, 1414, SEQUENTIAL_UNDECIDED, 0.01),
        open_level(CAPACITY_SOAK, 1000, SEQUENTIAL_PASS, 0.001),
        {.stage = CAPACITY_LADDER,
         .plan = {.kind = CAPACITY_CLOSED, .users = 4},
         .runs = 1,
         .valid = true,
         .sum = {.achieved_per_s = 900,
                 .hit_rate = NAN,
                 .hit_rate_expected = NAN,
                 .fallback_share = NAN}},
        {.stage = CAPACITY_BRACKET,
         .plan = {.kind = CAPACITY_OPEN, .rate_per_s = 4000},
         .invalid_runs = 3,
         .sum = {.why = "the generator was <busy>"}},
    };
    levels[2].grew = true;
    memset(fixture, 0, sizeof *fixture);
    capacity_config_init(&fixture->config);
    faults_init(&faults);
    cr_assert_eq(slo_read("p99<50ms,errors<0.1%", "", &fixture->config.slo, &faults), ERR_OK);
    faults_deinit(&faults);
    fixture->config.seed = 7;
    fixture->result =
        (struct capacity_result){.outcome = CAPACITY_WIDE,
                                 .low_per_s = 1000,
                                 .high_per_s = 2000,
                                 .estimate_per_s = 1400,
                                 .estimate_low_per_s = 1380,
                                 .estimate_high_per_s = 1420,
                                 .note = "rates in between stayed undecided",
                                 .confirmed = {.soak = SEQUENTIAL_PASS, .soak_per_s = 1000},
                                 .played_s = 123};
    fixture->result.level_count = sizeof levels / sizeof levels[0];
    fixture->result.level = mem_array(fixture->result.level_count, sizeof levels[0]);
    memcpy(fixture->result.level, levels, sizeof levels);
    usl_fit(NULL, 0, 1, &fixture->result.usl);
    fixture->result.has_usl = true;
    fixture->report = (struct capacity_report){.config = &fixture->config,
                                               .result = &fixture->result,
                                               .target = HOSTILE,
                                               .data_name = "made-up data",
                                               .data_fingerprint = 0xbeef,
                                               .people = 20000};
}

static void read_back(const char *path, struct buf *out)
{
    struct error error = {0};
    buf_init(out, 4u << 20);
    cr_assert_eq(file_read(path, out, &error), ERR_OK, "%s", error.text);
    unlink(path);
}

static double number_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    cr_assert(json_is_number(value), "%s is a number", name);
    return json_number_value(value);
}

Test(capacity_report, json_holds_the_answer_and_every_level)
{
    struct fixture fixture;
    struct error error = {0};
    struct buf text;
    char path[64];
    fixture_init(&fixture);
    fixture.config.want_per_s = 1200;
    (void)snprintf(path, sizeof path, "/tmp/capacity_report.%d.json", (int)getpid());
    cr_assert_eq(capacity_report_write_json(&fixture.report, path, &error), ERR_OK);
    read_back(path, &text);
    json_t *root = json_loads(text.data, 0, NULL);
    cr_assert_not_null(root);
    const json_t *capacity = json_object_get(root, "capacity");
    cr_expect_str_eq(json_string_value(json_object_get(root, "target")), HOSTILE);
    cr_expect_str_eq(json_string_value(json_object_get(capacity, "outcome")), "wide");
    cr_expect_float_eq(number_of(capacity, "low_per_s"), 1000, 0);
    cr_expect_float_eq(number_of(capacity, "estimate_high_per_s"), 1420, 0);
    cr_expect(json_is_null(json_object_get(capacity, "knee")));
    cr_expect_str_eq(
        json_string_value(json_object_get(json_object_get(capacity, "want"), "verdict")),
        "undecided");
    const json_t *levels = json_object_get(root, "levels");
    cr_assert_eq(json_array_size(levels), 6);
    const json_t *first = json_array_get(levels, 0);
    const json_t *objective = json_array_get(json_object_get(first, "objectives"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(objective, "objective")), "p99<50ms");
    cr_expect_float_eq(number_of(objective, "allowed"), 0.01, 1e-12);
    cr_expect_float_eq(number_of(objective, "bad"), 100, 0);
    cr_expect_str_eq(json_string_value(json_object_get(first, "seed")), "18446744073709551615");
    cr_expect_float_eq(number_of(json_object_get(first, "quality"), "hit_rate"), 0.41, 1e-9);
    const json_t *invalid = json_array_get(levels, 5);
    cr_expect(json_is_false(json_object_get(invalid, "valid")));
    cr_expect_str_eq(json_string_value(json_object_get(invalid, "why_invalid")),
                     "the generator was <busy>");
    cr_expect_null(json_object_get(invalid, "verdict"));
    const json_t *ladder = json_array_get(levels, 4);
    cr_expect_float_eq(number_of(ladder, "users"), 4, 0);
    cr_expect(json_is_null(json_object_get(json_object_get(ladder, "quality"), "hit_rate")));
    json_decref(root);
    buf_deinit(&text);
    capacity_result_deinit(&fixture.result);
}

Test(capacity_report, open_bounds_are_null_in_json)
{
    struct fixture fixture;
    struct error error = {0};
    struct buf text;
    char path[64];
    fixture_init(&fixture);
    fixture.result.outcome = CAPACITY_AT_LEAST;
    fixture.result.high_per_s = INFINITY;
    fixture.result.estimate_per_s = NAN;
    (void)snprintf(path, sizeof path, "/tmp/capacity_report.%d.open.json", (int)getpid());
    cr_assert_eq(capacity_report_write_json(&fixture.report, path, &error), ERR_OK);
    read_back(path, &text);
    json_t *root = json_loads(text.data, 0, NULL);
    const json_t *capacity = json_object_get(root, "capacity");
    cr_expect(json_is_null(json_object_get(capacity, "high_per_s")));
    cr_expect(json_is_null(json_object_get(capacity, "estimate_per_s")));
    cr_expect_null(json_object_get(capacity, "want"));
    json_decref(root);
    buf_deinit(&text);
    capacity_result_deinit(&fixture.result);
}

Test(capacity_report, the_page_shows_the_curve_and_escapes_what_is_hostile)
{
    struct fixture fixture;
    struct error error = {0};
    struct buf text;
    char path[64];
    fixture_init(&fixture);
    (void)snprintf(path, sizeof path, "/tmp/capacity_report.%d.html", (int)getpid());
    cr_assert_eq(capacity_report_write_html(&fixture.report, path, &error), ERR_OK);
    read_back(path, &text);
    static const char *const expected[] = {
        "http://t/&lt;b&gt;&amp;",
        "the generator was &lt;busy&gt;",
        "holds 1000 steps/s and fails at 2000, both shown by trials (95 % sure)",
        "a curve through them meets the limit at 1400 (1380 to 1420)",
        "p99&lt;50ms: 1.000 % (0.500 to 2.000); its queue grew",
        "rates in between stayed undecided",
        "Latency against rate",
        "What lists are worth against rate",
        "Throughput against people at once",
        "p99&lt;50ms: 0.100 % (0.050 to 0.200)",
        "1000/s held for 60 s: pass",
        "<title>bisect at 1414/s: undecided</title>",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        cr_expect_not_null(strstr(text.data, expected[i]), "%s", expected[i]);
    }
    cr_expect_null(strstr(text.data, "<b>"));
    cr_expect_null(strstr(text.data, "nan"));
    cr_expect_null(strstr(text.data, "<script"));
    cr_expect_null(strstr(text.data, "<li></li>"));
    buf_deinit(&text);
    capacity_result_deinit(&fixture.result);
}

Test(capacity_report, the_table_has_a_line_a_level_and_the_answer, .init = cr_redirect_stdout)
{
    struct fixture fixture;
    char text[8192];
    fixture_init(&fixture);
    fixture.config.want_per_s = 900;
    fixture.result.want = SEQUENTIAL_PASS;
    capacity_report_print(&fixture.report);
    (void)fflush(stdout);
    FILE *out = cr_get_redirected_stdout();
    size_t length = fread(text, 1, sizeof text - 1, out);
    text[length] = '\0';
    static const char *const expected[] = {
        "capacity of " HOSTILE,
        "ladder      4 at once",
        "bracket        4000/s  invalid 3 times: the generator was <busy>",
        "undecided p99<50ms: 1.000 % (0.500 to 2.000); its queue grew",
        "wanted 900/s: held",
        "within p99<50ms, errors<0.1% it holds 1000 steps/s and fails at 2000",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        cr_expect_not_null(strstr(text, expected[i]), "%s in\n%s", expected[i], text);
    }
    cr_expect_null(strstr(text, "nan"));
    capacity_result_deinit(&fixture.result);
}

/* The other one has fewer observations, so that its bound is further beyond its limit. */
Test(capacity_report, the_objective_that_failed_is_told_before_one_that_may)
{
    struct fixture fixture;
    fixture_init(&fixture);
    struct capacity_level *level = &fixture.result.level[1];
    level->objective[1].verdict = SEQUENTIAL_UNDECIDED;
    level->objective[1].high = 0.9;
    cr_expect_eq(capacity_tightest(&fixture.report, level), 0);
    level->objective[0].verdict = SEQUENTIAL_UNDECIDED;
    cr_expect_eq(capacity_tightest(&fixture.report, level), 1);
    capacity_result_deinit(&fixture.result);
}

Test(capacity_report, the_answer_names_what_was_shown_and_nothing_else)
{
    static const struct {
        enum capacity_outcome outcome;
        double high, estimate;
        const char *says, *not ;
    } rows[] = {
        {CAPACITY_FOUND, 1010, NAN, "holds 1000 steps/s and fails at 1010", "meets"},
        {CAPACITY_ESTIMATED, 2000, 1400, "fails at 2000, both shown by trials", "holds 1400"},
        {CAPACITY_WIDE, INFINITY, NAN, "holds 1000 steps/s (95 % sure); no rate failed", "inf"},
        {CAPACITY_AT_LEAST, INFINITY, NAN, "holds 1000 steps/s at least", "fails"},
        {CAPACITY_AT_MOST, 1, NAN, "does not hold even 1 steps/s", "1000"},
        {CAPACITY_UNKNOWN, 2000, NAN, "fails at 2000 steps/s; nothing is known", "does not hold"},
        {CAPACITY_UNKNOWN, INFINITY, NAN, "not shown to hold any rate", "inf"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        struct buf text;
        fixture_init(&fixture);
        buf_init(&text, 1024);
        fixture.result.outcome = rows[i].outcome;
        fixture.result.high_per_s = rows[i].high;
        fixture.result.estimate_per_s = rows[i].estimate;
        capacity_answer_text(&fixture.report, &text);
        cr_expect_not_null(strstr(text.data, rows[i].says), "row %zu: %s", i, text.data);
        cr_expect_null(strstr(text.data, rows[i].not ), "row %zu: %s", i, text.data);
        buf_deinit(&text);
        capacity_result_deinit(&fixture.result);
    }
}

Test(capacity_report, the_exit_follows_the_wanted_rate_or_the_outcome)
{
    static const struct {
        enum capacity_outcome outcome;
        bool limited, open;
        double want;
        enum sequential_verdict verdict;
        enum err code;
        const char *says;
    } rows[] = {
        {CAPACITY_FOUND, false, false, 0, SEQUENTIAL_UNDECIDED, ERR_OK, ""},
        {CAPACITY_ESTIMATED, false, false, 0, SEQUENTIAL_UNDECIDED, ERR_OK, ""},
        {CAPACITY_WIDE, false, false, 0, SEQUENTIAL_UNDECIDED, ERR_OK, ""},
        {CAPACITY_WIDE, false, true, 0, SEQUENTIAL_UNDECIDED, ERR_INVALID, "stayed undecided"},
        {CAPACITY_WIDE, false, true, 800, SEQUENTIAL_PASS, ERR_OK, ""},
        {CAPACITY_AT_LEAST, false, false, 0, SEQUENTIAL_UNDECIDED, ERR_OK, ""},
        {CAPACITY_AT_LEAST, true, false, 0, SEQUENTIAL_UNDECIDED, ERR_INVALID,
         "no capacity was found"},
        {CAPACITY_AT_MOST, false, false, 0, SEQUENTIAL_UNDECIDED, ERR_FAILED, "even 2000 steps/s"},
        {CAPACITY_UNKNOWN, false, false, 0, SEQUENTIAL_UNDECIDED, ERR_INVALID,
         "no capacity was found"},
        {CAPACITY_AT_LEAST, true, false, 800, SEQUENTIAL_PASS, ERR_OK, ""},
        {CAPACITY_FOUND, false, false, 3000, SEQUENTIAL_FAIL, ERR_FAILED,
         "does not hold 3000 steps/s"},
        {CAPACITY_WIDE, false, false, 1400, SEQUENTIAL_UNDECIDED, ERR_INVALID, "is not known"},
        {CAPACITY_WIDE, false, false, 1400, SEQUENTIAL_EVEN, ERR_INVALID, "is not known"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        struct error error = {0};
        fixture_init(&fixture);
        fixture.result.outcome = rows[i].outcome;
        fixture.result.generator_limited = rows[i].limited;
        fixture.result.high_per_s = rows[i].open ? INFINITY : fixture.result.high_per_s;
        fixture.result.want = rows[i].verdict;
        fixture.config.want_per_s = rows[i].want;
        cr_expect_eq(capacity_report_verdict(&fixture.report, &error), rows[i].code, "row %zu", i);
        cr_expect_not_null(strstr(error.text, rows[i].says), "row %zu: %s", i, error.text);
        capacity_result_deinit(&fixture.result);
    }
}
