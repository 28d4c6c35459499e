#include "base/buf.h"
#include "base/fileio.h"
#include "command/run_report.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define MS INT64_C(1000000)

struct fixture {
    struct run_settings settings;
    struct run_ways ways;
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
                                             .phase_count = 1},
                                .ways = {.transport = "auto"}};
    fixture->result.ledger = ledger_new(10 * SECOND, NULL, 0);
    fixture->result.schedule_lag = histogram_new(3600 * (uint64_t)SECOND);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        fixture->result.from_intended[e] = histogram_new(3600 * (uint64_t)SECOND);
        fixture->result.from_send[e] = histogram_new(3600 * (uint64_t)SECOND);
        for (int p = 0; p < ENGINE_PARTS; p++) {
            fixture->result.part[e][p] = histogram_new(3600 * (uint64_t)SECOND);
        }
    }
    fixture->result.threads = 2;
    fixture->outcome = (struct run_outcome){.settings = &fixture->settings,
                                            .ways = &fixture->ways,
                                            .result = &fixture->result,
                                            .data_name = "made-up data",
                                            .data_fingerprint = 0xbeef,
                                            .played_ns = 10 * SECOND,
                                            .cpu_s = 0.5};
}

static void record_times(struct histogram *histogram, int64_t ns, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        histogram_record(histogram, (uint64_t)ns);
    }
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
        {50, 1, 0, 0, false, "5.0 steps/s of 5.1 offered"},
        {10, 1, 0, 0, false, "1.0 steps/s of 1.1 offered"},
        {1000, 0, 9, 400, true, ""},
        {1000, 0, 12, 98, true, ""},
        {1000, 0, 12, 120, false, "one request in a hundred was sent 120 ms or more too late"},
        {0, 0, 0, 0, true, ""},
        {0, 5, 0, 0, false, "0.0 steps/s of 0.5 offered"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_init(&fixture);
        fixture.result.ledger->steps = rows[i].steps;
        fixture.result.ledger->steps_unsent = rows[i].unsent;
        /* Late for want of connections, which is no lag of the generator's own. */
        record_times(fixture.result.schedule_lag, rows[i].lag_ms * MS, rows[i].late_requests);
        record_times(fixture.result.schedule_lag, 20000, rows[i].steps - rows[i].late_requests);
        struct fitness fitness = run_report_fitness(&fixture.outcome);
        cr_expect_eq(fitness.fit, rows[i].on_time, "row %zu: %s", i, fitness.why);
        cr_expect(strstr(fitness.why, rows[i].part) != NULL, "row %zu: %s", i, fitness.why);
        engine_result_deinit(&fixture.result);
    }
}

/* Of 1000 lists `late` were sent so much too late by the generator itself. */
Test(run_report, a_lag_of_its_own_is_held_against_the_latency)
{
    static const struct {
        const char *name;
        int64_t late, lag_us, latency_us;
        bool fit, doubted;
    } rows[] = {
        {"a late one in two hundred", 5, 98000, 100000, true, false},
        {"nearly all of it", 20, 98000, 100000, false, false},
        {"more than half of it", 20, 11000, 21000, false, false},
        {"less than half of it", 20, 11000, 23000, true, true},
        {"a twentieth", 20, 5100, 100000, true, true},
        {"less than a twentieth", 20, 4900, 100000, true, false},
        {"all of it, but short", 20, 2000, 2100, true, true},
        {"too short to matter", 20, 990, 1000, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_init(&fixture);
        struct engine_result *result = &fixture.result;
        result->ledger->steps = 1000;
        struct histogram *const lags[] = {result->schedule_lag,
                                          result->part[ENGINE_GET][ENGINE_PART_LAG]};
        for (int h = 0; h < 2; h++) {
            record_times(lags[h], rows[i].lag_us * 1000, rows[i].late);
            record_times(lags[h], 20000, 1000 - rows[i].late);
        }
        record_times(result->from_intended[ENGINE_GET], rows[i].latency_us * 1000, 1000);
        struct fitness fitness = run_report_fitness(&fixture.outcome);
        cr_expect_eq(fitness.fit, rows[i].fit, "%s: %s", rows[i].name, fitness.why);
        cr_expect_eq(strstr(fitness.doubt, "own lag") != NULL, rows[i].doubted, "%s: %s",
                     rows[i].name, fitness.doubt);
        cr_expect(fitness.fit || strstr(fitness.why, "measured itself") != NULL, "%s: %s",
                  rows[i].name, fitness.why);
        engine_result_deinit(result);
    }
}

Test(run_report, unread_answers_and_unsent_requests_are_doubts)
{
    struct fixture fixture;
    fixture_init(&fixture);
    struct engine_result *result = &fixture.result;
    result->ledger->steps = 1000;
    record_times(result->part[ENGINE_GET][ENGINE_PART_LAG], 0, 1000);
    record_times(result->part[ENGINE_GET][ENGINE_PART_UNREAD], 3 * MS, 1000);
    record_times(result->from_send[ENGINE_GET], 100 * MS, 1000);
    result->unsent[ENGINE_POST] = 1;
    struct fitness fitness = run_report_fitness(&fixture.outcome);
    cr_expect_str_empty(fitness.doubt);
    result->unsent[ENGINE_POST] = 2;
    record_times(result->part[ENGINE_POST][ENGINE_PART_UNREAD], 6 * MS, 50);
    fitness = run_report_fitness(&fixture.outcome);
    cr_expect(fitness.fit);
    cr_expect(strstr(fitness.doubt, "unread (p99 at most 6.0 ms)") != NULL, "%s", fitness.doubt);
    cr_expect(strstr(fitness.doubt, "; 2 requests were due at the end") != NULL, "%s",
              fitness.doubt);
    engine_result_deinit(result);
}

Test(run_report, the_cause_is_what_most_waited_for)
{
    static const struct {
        const char *name;
        int64_t lag_ms, waited, wait_ms; /* `waited` of 1000 for wait_ms */
        int64_t unsent, unsent_late;
        bool connections;
    } rows[] = {
        {"one request waited", 150, 1, 500, 0, 0, false},
        {"many waited a little", 150, 900, 10, 0, 0, false},
        {"many waited for long", 1, 900, 150, 0, 0, true},
        {"of what was never sent, most waited", 150, 0, 0, 10, 6, true},
        {"of what was never sent, few waited", 1, 900, 150, 10, 4, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_init(&fixture);
        struct engine_result *result = &fixture.result;
        record_times(result->schedule_lag, 160 * MS, 1000);
        record_times(result->part[ENGINE_GET][ENGINE_PART_LAG], rows[i].lag_ms * MS, 1000);
        record_times(result->part[ENGINE_GET][ENGINE_PART_CONNECTION_WAIT], rows[i].wait_ms * MS,
                     rows[i].waited);
        result->late_starts = result->ledger->steps_late = rows[i].waited;
        result->unsent[ENGINE_GET] = rows[i].unsent;
        result->unsent_late = rows[i].unsent_late;
        struct fitness fitness = run_report_fitness(&fixture.outcome);
        cr_assert_not(fitness.fit, "%s", rows[i].name);
        cr_expect_eq(strstr(fitness.why, "--connections too small") != NULL, rows[i].connections,
                     "%s: %s", rows[i].name, fitness.why);
        cr_expect_eq(strstr(fitness.why, "more --threads") != NULL, !rows[i].connections, "%s: %s",
                     rows[i].name, fitness.why);
        engine_result_deinit(result);
    }
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

Test(run_report, ratings_and_the_requests_they_shared_are_told_apart, .init = cr_redirect_stdout)
{
    struct fixture fixture;
    char text[8192];
    fixture_init(&fixture);
    struct ledger_counts *counts = ledger_observed_at(fixture.result.ledger, SECOND);
    counts->post_sent = 70;
    counts->post_requests[2] = 18;
    counts->post_requests[5] = 2;
    json_t *root = written(&fixture.outcome);
    json_int_t requests = 0;
    cr_assert_eq(json_unpack(root, "{s:{s:I}}", "total", "post_requests", &requests), 0);
    cr_expect_eq(requests, 20);
    json_decref(root);
    run_report_print(&fixture.outcome);
    counts->post_requests[2] = 68; /* one each: nothing to tell */
    run_report_print(&fixture.outcome);
    (void)fflush(stdout);
    FILE *printed = cr_get_redirected_stdout();
    text[fread(text, 1, sizeof text - 1, printed)] = '\0';
    const char *line = strstr(text, "in requests              20   of 70 ratings sent\n");
    cr_assert_not_null(line, "%s", text);
    cr_expect_null(strstr(line + 1, "in requests"));
    engine_result_deinit(&fixture.result);
}

Test(run_report, json_tells_failures_changes_and_what_the_generator_did)
{
    struct fixture fixture;
    fixture_init(&fixture);
    fixture.result.failures[ENGINE_GET][EXCHANGE_TIMEOUT] = 3;
    fixture.result.failures[ENGINE_POST][EXCHANGE_DNS] = 4;
    fixture.result.shed[ENGINE_POST] = 5;
    fixture.result.unsent[ENGINE_POST] = 8;
    fixture.result.retried = 6;
    fixture.result.rate_changes = 1;
    fixture.result.rate_change[0] =
        (struct pace_change){.at_ns = 2 * SECOND, .schedule_ns = SECOND, .factor = 1.5};
    fixture.result.cpu_share_max = 0.25;
    fixture.result.late_starts = 7;
    histogram_record(fixture.result.part[ENGINE_POST][ENGINE_PART_BODY], 5000000);
    for (int i = 0; i < 70; i++) {
        histogram_record(fixture.result.part[ENGINE_GET][ENGINE_PART_LAG], 1000000);
    }
    fixture.outcome.stopped = true;
    json_t *root = written(&fixture.outcome);
    json_int_t timeouts, dns, shed, unsent, retried, late;
    double per_s, share, body, lag, late_share;
    int stopped, fit;
    cr_assert_eq(
        json_unpack(root,
                    "{s:b,s:{s:{s:I},s:{s:I,s:I,s:I},s:I},s:[{s:F}],s:{s:b,s:F,s:I,s:F,s:F},"
                    "s:{s:{s:{s:{s:F}}}}}",
                    "stopped", &stopped, "failures", "list", "timeout", &timeouts, "rating", "dns",
                    &dns, "shed", &shed, "unsent", &unsent, "retried", &retried, "rate_changes",
                    "steps_per_s", &per_s, "generator", "fit", &fit, "cpu_share_max", &share,
                    "late_starts", &late, "lag_p99_s", &lag, "late_share", &late_share, "latency",
                    "rating", "parts", "body", "p50_s", &body),
        0);
    cr_expect(timeouts == 3 && dns == 4 && shed == 5 && unsent == 8 && retried == 6 && late == 7);
    cr_expect_float_eq(per_s, 150, 1e-9);
    cr_expect_float_eq(share, 0.25, 1e-9);
    cr_expect_float_eq(body, 0.005, 1e-5);
    cr_expect_float_eq(lag, 0.001, 1e-5);
    cr_expect_float_eq(late_share, 0.1, 1e-9);
    cr_expect(stopped && fit);
    json_decref(root);
    engine_result_deinit(&fixture.result);
}

Test(run_report, a_busy_generator_is_the_limit_of_a_closed_loop_and_a_doubt_elsewhere)
{
    static const struct {
        int closed_users;
        double share;
        bool fit, doubted;
    } rows[] = {{0, 0.5, true, false}, {0, 0.85, true, true}, {0, 0.99, true, true},
                {8, 0.5, true, false}, {8, 0.85, true, true}, {8, 0.99, false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        fixture_init(&fixture);
        fixture.ways.closed_users = rows[i].closed_users;
        fixture.result.cpu_share_max = rows[i].share;
        struct fitness fitness = run_report_fitness(&fixture.outcome);
        cr_expect_eq(fitness.fit, rows[i].fit, "row %zu: %s", i, fitness.why);
        cr_expect_eq(fitness.doubt[0] != '\0', rows[i].doubted, "row %zu: %s", i, fitness.doubt);
        engine_result_deinit(&fixture.result);
    }
}

Test(run_report, lost_memory_makes_no_result)
{
    struct fixture fixture;
    fixture_init(&fixture);
    fixture.result.ledger->lost = 1;
    struct fitness fitness = run_report_fitness(&fixture.outcome);
    cr_expect_not(fitness.fit);
    cr_expect(strstr(fitness.why, "memory ran out") != NULL);
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
