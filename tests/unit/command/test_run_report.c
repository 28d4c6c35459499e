#include "base/buf.h"
#include "base/fileio.h"
#include "command/run_report.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)

struct fixture {
    struct run_settings settings;
    struct engine_result result;
    struct run_outcome outcome;
};

static void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){.settings = {.target = "http://t",
                                             .rate = 100,
                                             .duration_ns = 10 * SECOND,
                                             .people = 50,
                                             .seed = 9,
                                             .threads = 2,
                                             .connections = 4,
                                             .phase_count = 1}};
    fixture->result.ledger = ledger_new(10 * SECOND, NULL, 0);
    fixture->result.schedule_lag = histogram_new(3600 * (uint64_t)SECOND);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        fixture->result.from_intended[e] = histogram_new(3600 * (uint64_t)SECOND);
        fixture->result.from_send[e] = histogram_new(3600 * (uint64_t)SECOND);
    }
    fixture->outcome = (struct run_outcome){.settings = &fixture->settings,
                                            .result = &fixture->result,
                                            .data_name = "made-up data",
                                            .data_fingerprint = 0xbeef,
                                            .played_ns = 10 * SECOND,
                                            .cpu_s = 0.5};
}

Test(run_report, a_generator_is_late_by_unsent_steps_or_by_lag)
{
    static const struct {
        int64_t steps, unsent, late_requests, lag_ms; /* of late_requests in 1000 */
        bool on_time;
        const char *part;
    } rows[] = {
        {1000, 0, 0, 0, true, ""},
        {1000, 10, 0, 0, true, ""},
        {1000, 11, 0, 0, false, "100.0 steps/s of 101.1 offered"},
        {1000, 0, 9, 400, true, ""},
        {1000, 0, 12, 98, true, ""},
        {1000, 0, 12, 120, false, "one request in a hundred was sent 120 ms or more too late"},
        {0, 0, 0, 0, true, ""},
        {0, 5, 0, 0, false, "0.0 steps/s of 0.5 offered"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        char why[256] = "";
        fixture_init(&fixture);
        fixture.result.ledger->steps = rows[i].steps;
        fixture.result.ledger->steps_unsent = rows[i].unsent;
        for (int64_t n = 0; n < rows[i].steps; n++) {
            int64_t lag_ns = n < rows[i].late_requests ? rows[i].lag_ms * MS : 20000;
            histogram_record(fixture.result.schedule_lag, (uint64_t)lag_ns);
        }
        cr_expect_eq(run_report_on_time(&fixture.outcome, why, sizeof why), rows[i].on_time,
                     "row %zu: %s", i, why);
        cr_expect(strstr(why, rows[i].part) != NULL, "row %zu: %s", i, why);
        engine_result_deinit(&fixture.result);
    }
}

Test(run_report, starved_connections_are_named_as_the_cause)
{
    struct fixture fixture;
    char why[256];
    fixture_init(&fixture);
    fixture.result.ledger->steps_unsent = 5;
    cr_assert_not(run_report_on_time(&fixture.outcome, why, sizeof why));
    cr_expect(strstr(why, "more --threads") != NULL, "%s", why);
    fixture.result.ledger->steps_late = 1;
    cr_assert_not(run_report_on_time(&fixture.outcome, why, sizeof why));
    cr_expect(strstr(why, "--connections too small") != NULL, "%s", why);
    engine_result_deinit(&fixture.result);
}

static json_t *written(const struct run_outcome *outcome)
{
    char path[] = "/tmp/driftdrill-run-XXXXXX";
    struct buf text;
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(run_report_write(outcome, path, NULL), ERR_OK);
    buf_init(&text, 1 << 20);
    cr_assert_eq(file_read(path, &text, NULL), ERR_OK);
    json_t *root = json_loadb(text.data, text.len, 0, NULL);
    cr_assert_not_null(root);
    buf_deinit(&text);
    unlink(path);
    return root;
}

Test(run_report, json_holds_settings_counts_and_latencies)
{
    struct fixture fixture;
    fixture_init(&fixture);
    fixture.result.ledger->steps = 500;
    fixture.result.ledger->digest = 0x1234;
    ledger_observed_at(fixture.result.ledger, SECOND)->lists = 500;
    ledger_count_rating(ledger_observed_at(fixture.result.ledger, SECOND), 2, 8);
    histogram_record(fixture.result.from_send[ENGINE_GET], 2000000);
    json_t *root = written(&fixture.outcome);
    const char *data = NULL, *fingerprint = NULL, *digest = NULL;
    double achieved = 0, p50 = 0, conversion = 0;
    json_int_t seed = 0, lists = 0;
    json_t *scenario = NULL;
    cr_assert_eq(json_unpack(root, "{s:{s:I,s:s,s:s,s:o},s:s,s:F,s:{s:I,s:F},s:{s:{s:{s:F}}}}",
                             "settings", "seed", &seed, "data", &data, "data_fingerprint",
                             &fingerprint, "scenario", &scenario, "digest", &digest,
                             "achieved_steps_per_s", &achieved, "total", "lists", &lists,
                             "conversion", &conversion, "latency", "list", "from_send", "p50_s",
                             &p50),
                 0);
    cr_expect_eq(seed, 9);
    cr_expect_str_eq(data, "made-up data");
    cr_expect_str_eq(fingerprint, "000000000000beef");
    cr_expect_str_eq(digest, "0000000000001234");
    cr_expect(json_is_null(scenario));
    cr_expect_float_eq(achieved, 50, 1e-9);
    cr_expect_eq(lists, 500);
    cr_expect_float_eq(conversion, 1.0 / 500, 1e-12);
    cr_expect_float_eq(p50, 0.002, 1e-5);
    json_decref(root);
    engine_result_deinit(&fixture.result);
}

Test(run_report, what_never_happened_is_null)
{
    struct fixture fixture;
    fixture_init(&fixture);
    json_t *root = written(&fixture.outcome);
    const json_t *total = json_object_get(root, "total");
    cr_expect(json_is_null(json_object_get(total, "conversion")));
    cr_expect(json_is_null(json_object_get(total, "mean_rating")));
    json_decref(root);
    engine_result_deinit(&fixture.result);
}
