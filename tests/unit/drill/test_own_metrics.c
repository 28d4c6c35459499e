#include "drill/own_metrics.h"

#include "base/clock.h"
#include "base/http.h"
#include "base/metrics.h"
#include "small_world.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct scenario scenario;

static bool page_has(const struct own_metrics_now *now, const char *line)
{
    struct own_metrics_config config;
    struct buf out;
    own_metrics_describe(&scenario, 7, 12.5, &config);
    buf_init(&out, 1 << 20);
    own_metrics_write(&config, now, &out);
    buf_text(&out, "");
    cr_assert_not(out.failed);
    bool has = memmem(out.data, out.len, line, strlen(line)) != NULL;
    buf_deinit(&out);
    return has;
}

Test(own_metrics, an_injection_of_every_kind_is_on_the_page_by_its_name)
{
    const struct own_metrics_now now = {.playing = true, .schedule_ns = 500}, before = {0};
    int kinds = DRIFT_SLOW_RATERS + 1;
    scenario.drift.count = kinds;
    cr_assert_leq(kinds, DRIFT_INJECTIONS_MAX);
    for (int i = 0; i < kinds; i++) {
        scenario.drift.injection[i] = (struct drift_injection){
            .kind = (enum drift_kind)i, .onset_ns = 1000 * (i % 2), .end_ns = INT64_MAX};
    }
    for (int i = 0; i < kinds; i++) {
        char line[128];
        int len = snprintf(line, sizeof line,
                           "driftdrill_injection_intensity{injection=\"%d\",kind=\"%s\"} %d\n", i,
                           drift_kind_name((enum drift_kind)i), 1 - i % 2);
        cr_expect(page_has(&now, line), "%s", line);
        line[len - 2] = '0';
        cr_expect(page_has(&before, line), "nothing is in force before it plays: %s", line);
    }
}

Test(own_metrics, without_injections_and_phases_there_is_no_family_of_them)
{
    const struct own_metrics_now now = {.playing = true, .schedule_ns = 500};
    scenario = (struct scenario){0};
    cr_expect(page_has(&now, "driftdrill_info{version="));
    cr_expect_not(page_has(&now, "driftdrill_injection_intensity"));
    cr_expect_not(page_has(&now, "driftdrill_phase"));
}

Test(own_metrics, failures_are_told_by_kind_and_those_turned_away_apart)
{
    struct own_metrics_now now = {.playing = true};
    scenario = (struct scenario){0};
    now.live.failure_by[ENGINE_GET][EXCHANGE_TIMEOUT] = 3;
    now.live.failure_by[ENGINE_POST][EXCHANGE_ANSWERED] = 4;
    now.live.shed_by[ENGINE_POST] = 5;
    now.live.retried = 6;
    static const char *const lines[] = {
        "driftdrill_failures_total{endpoint=\"list\",kind=\"timeout\"} 3\n",
        "driftdrill_failures_total{endpoint=\"list\",kind=\"dns\"} 0\n",
        "driftdrill_failures_total{endpoint=\"rating\",kind=\"answered\"} 4\n",
        "driftdrill_turned_away_total{endpoint=\"list\"} 0\n",
        "driftdrill_turned_away_total{endpoint=\"rating\"} 5\n",
        "driftdrill_repeated_total 6\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        cr_expect(page_has(&now, lines[i]), "%s", lines[i]);
    }
}

Test(own_metrics, exactly_one_phase_is_played_and_none_before_the_drill)
{
    struct own_metrics_now now = {.playing = true, .schedule_ns = 250};
    scenario = (struct scenario){.phase_count = 3,
                                 .phase = {{.name = "warm-up"},
                                           {.name = "control", .start_ns = 100},
                                           {.name = "drift", .start_ns = 300}}};
    cr_expect(page_has(&now, "driftdrill_phase{phase=\"warm-up\"} 0\n"));
    cr_expect(page_has(&now, "driftdrill_phase{phase=\"control\"} 1\n"));
    cr_expect(page_has(&now, "driftdrill_phase{phase=\"drift\"} 0\n"));
    now.playing = false;
    cr_expect(page_has(&now, "driftdrill_phase{phase=\"control\"} 0\n"));
}

Test(own_metrics, the_generator_is_fit_until_one_request_in_a_hundred_is_late)
{
    struct engine_live live = {.steps = 1000};
    cr_expect(own_metrics_fit(&(struct engine_live){0}), "nothing was late yet");
    live.schedule_lag.count[0] = 990;
    live.schedule_lag.count[ENGINE_LIVE_BOUNDS] = 10;
    cr_expect(own_metrics_fit(&live));
    live.schedule_lag.count[8] = 2; /* to .25 s */
    cr_expect_not(own_metrics_fit(&live), "lag");
    live.schedule_lag.count[7] = 200; /* to .1 s: not late */
    cr_expect(own_metrics_fit(&live));
    live.steps_late = 11;
    cr_expect_not(own_metrics_fit(&live), "no connection was free");
}

static double asked(const struct own_metrics *metrics, const char *family,
                    const struct metrics_label *label)
{
    char url[128];
    bool found = false;
    struct http *http = http_new();
    struct http_reply reply;
    struct metrics_snapshot *page = NULL;
    struct error error = {0};
    snprintf(url, sizeof url, "%s/metrics", own_metrics_url(metrics));
    buf_init(&reply.body, 1 << 20);
    cr_assert_eq(http_get(http, url, 5000, &reply, &error), ERR_OK, "%s", error.text);
    cr_assert_eq(metrics_parse("page", reply.body.data, reply.body.len, &page, &error), ERR_OK,
                 "%s", error.text);
    double value = metrics_sum(page, family, label, label == NULL ? 0 : 1, &found);
    cr_assert(found, "%s", family);
    metrics_snapshot_free(page);
    buf_deinit(&reply.body);
    http_free(http);
    return value;
}

Test(own_metrics, a_server_without_an_engine_tells_of_the_process_and_of_retrainings)
{
    struct own_metrics *metrics = NULL;
    struct own_metrics_config config;
    struct error error = {0};
    const struct metrics_label alert = {"cause", "alert"};
    scenario = (struct scenario){.phase_count = 1, .phase = {{.name = "warm-up"}}};
    own_metrics_describe(&scenario, 1, 400, &config);
    cr_assert_eq(own_metrics_start(&config, "127.0.0.1:0", &metrics, &error), ERR_OK, "%s",
                 error.text);
    own_metrics_detach(metrics); /* nothing was attached: no loop ended */
    own_metrics_retrained(metrics, OWN_METRICS_ALERT);
    own_metrics_retrained(metrics, OWN_METRICS_ALERT);
    own_metrics_retrained(metrics, OWN_METRICS_SCHEDULE);
    cr_expect_eq(asked(metrics, "driftdrill_retrains_total", &alert), 2);
    cr_expect_eq(asked(metrics, "driftdrill_retrains_total", NULL), 3);
    cr_expect_eq(asked(metrics, "driftdrill_loops_total", NULL), 0);
    cr_expect_eq(asked(metrics, "driftdrill_generator_fit", NULL), 1);
    cr_expect_eq(asked(metrics, "driftdrill_requested_steps_per_second", NULL), 400);
    cr_expect_eq(asked(metrics, "driftdrill_phase", NULL), 0);
    cr_expect_gt(asked(metrics, "process_resident_memory_bytes", NULL), 1e6);
    cr_expect_gt(asked(metrics, "process_start_time_seconds", NULL), 1.6e9);
    own_metrics_stop(metrics);
}

static void never(void *context, const struct fake_request *request, struct fake_answer *answer)
{
    atomic_bool *over = context;
    (void)request;
    (void)answer;
    while (!atomic_load(over)) {
        sched_yield();
    }
}

/* The engine's own clock stands still at its first request; the page goes by the real one. */
Test(own_metrics, after_a_change_of_rate_rate_and_phase_are_those_of_the_schedule)
{
    static struct small_world world;
    atomic_bool over = false;
    struct own_metrics *metrics = NULL;
    struct own_metrics_config config;
    struct engine *engine = NULL;
    struct engine_result result;
    struct error error = {0};
    const struct metrics_label late = {"phase", "late"};
    scenario = (struct scenario){
        .phase_count = 2,
        .phase = {{.name = "early"}, {.name = "late", .start_ns = 3600 * SMALL_WORLD_SECOND}}};
    small_world_init(&world);
    world.script.answer = never;
    world.script.context = &over;
    fake_transport_use(&world.script);
    own_metrics_describe(&scenario, 1, 400, &config);
    cr_assert_eq(own_metrics_start(&config, "127.0.0.1:0", &metrics, &error), ERR_OK);
    cr_assert_eq(engine_start(&world.plan, &engine, &error), ERR_OK, "%s", error.text);
    /* Ten minutes have passed, of which the last nine count a hundredfold. */
    own_metrics_attach(metrics, engine, clock_mono_ns() - 600 * SMALL_WORLD_SECOND);
    cr_expect_eq(asked(metrics, "driftdrill_requested_steps_per_second", NULL), 400);
    cr_expect_eq(asked(metrics, "driftdrill_phase", &late), 0);
    cr_assert(engine_set_rate_factor(engine, 100, 60 * SMALL_WORLD_SECOND));
    cr_expect_eq(asked(metrics, "driftdrill_requested_steps_per_second", NULL), 40000);
    cr_expect_eq(asked(metrics, "driftdrill_phase", &late), 1);
    atomic_store(&over, true);
    engine_stop(engine);
    own_metrics_detach(metrics);
    cr_expect_eq(asked(metrics, "driftdrill_requested_steps_per_second", NULL), 400);
    engine_join(engine, &result);
    own_metrics_stop(metrics);
    engine_result_deinit(&result);
    small_world_deinit(&world);
}
