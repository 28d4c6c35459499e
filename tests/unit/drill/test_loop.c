#include "drill/loop.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define S CLOCK_NS_PER_S

/* 20 s at rest, 40 s of drift, retraining due at 60 s, recovery from 70 s to 130 s. */
static struct scenario make_scenario(void)
{
    struct scenario scenario = {
        .time_scale = 60,
        .phase_count = 4,
        .phase = {{.name = "rest", .start_ns = 0, .duration_ns = 20 * S},
                  {.name = "drift", .start_ns = 20 * S, .duration_ns = 40 * S},
                  {.name = "retrain", .start_ns = 60 * S, .duration_ns = 10 * S, .retrains = true},
                  {.name = "recovery",
                   .start_ns = 70 * S,
                   .duration_ns = 60 * S,
                   .end_when_settled = true}},
        .end_ns = 130 * S,
        .drift = {.count = 1,
                  .injection = {{.kind = DRIFT_CHOICE_ROTATION,
                                 .shape = DRIFT_SUDDEN,
                                 .onset_ns = 20 * S,
                                 .end_ns = INT64_MAX}}}};
    return scenario;
}

static struct loop_config make_config(const struct scenario *scenario)
{
    return (struct loop_config){.scenario = scenario, .on_alert = true, .cooldown_ns = 100 * S};
}

Test(loop, without_an_alert_the_schedule_retrains_and_the_loop_ends_when_it_is_due)
{
    struct scenario scenario = make_scenario();
    struct loop_config config = make_config(&scenario);
    struct loop loop;
    loop_begin(&loop, &config, NULL, 1000 * S);
    cr_expect_eq(loop_turn(&loop, 1059 * S, 0), LOOP_PLAY);
    cr_expect_eq(loop_turn(&loop, 1060 * S, 0), LOOP_RETRAIN);
    cr_expect_eq(loop.cause, LOOP_SCHEDULE);
    cr_expect_eq(loop_turn(&loop, 1061 * S, 0), LOOP_PLAY, "asked once");
    cr_expect_eq(loop_turn(&loop, 1129 * S, 0), LOOP_PLAY, "not settled: never trained");
    cr_expect_eq(loop_turn(&loop, 1130 * S, 0), LOOP_OVER);
}

Test(loop, an_alert_brings_retraining_forward_and_skips_what_is_left_of_the_drift)
{
    struct scenario scenario = make_scenario();
    struct loop_config config = make_config(&scenario);
    struct loop loop;
    loop_begin(&loop, &config, NULL, 1000 * S);
    cr_expect_eq(loop_turn(&loop, 1010 * S, 1), LOOP_PLAY, "nothing has changed yet");
    cr_expect_eq(loop_turn(&loop, 1030 * S, 1), LOOP_RETRAIN);
    cr_expect_eq(loop.cause, LOOP_ALERT);
    cr_expect_eq(loop_drill_ns(&loop, 1030 * S), 60 * S);
    cr_expect_eq(loop_turn(&loop, 1031 * S, 1), LOOP_PLAY, "it is under way");
    loop_trained(&loop);
    /* Drill time 70 s, where the last phase begins, is 1040 s; quiet for 15 s from 1045 s on. */
    cr_expect_eq(loop_turn(&loop, 1044 * S, 1), LOOP_PLAY);
    cr_expect_eq(loop_turn(&loop, 1045 * S, 0), LOOP_PLAY);
    cr_expect_eq(loop_turn(&loop, 1059 * S, 0), LOOP_PLAY);
    cr_expect_eq(loop_turn(&loop, 1060 * S, 0), LOOP_OVER);
}

Test(loop, an_alert_that_comes_back_asks_again_only_after_the_cooldown)
{
    struct scenario scenario = make_scenario();
    scenario.phase[3].duration_ns = 600 * S;
    scenario.end_ns = 670 * S;
    struct loop_config config = make_config(&scenario);
    struct loop loop, next;
    loop_begin(&loop, &config, NULL, 1000 * S);
    cr_expect_eq(loop_turn(&loop, 1030 * S, 1), LOOP_RETRAIN);
    loop_trained(&loop);
    cr_expect_eq(loop_turn(&loop, 1129 * S, 1), LOOP_PLAY);
    cr_expect_eq(loop_turn(&loop, 1130 * S, 1), LOOP_RETRAIN);
    cr_expect_eq(loop_drill_ns(&loop, 1130 * S), 160 * S, "nothing is skipped twice");
    loop_trained(&loop);
    loop_begin(&next, &config, &loop, 1150 * S);
    cr_expect_eq(loop_turn(&next, 1180 * S, 1), LOOP_PLAY, "the cooldown outlives the loop");
    cr_expect_eq(loop_turn(&next, 1210 * S, 0), LOOP_RETRAIN, "the schedule knows none");
    cr_expect_eq(next.cause, LOOP_SCHEDULE);
}

Test(loop, without_leave_alerts_change_nothing)
{
    struct scenario scenario = make_scenario();
    struct loop_config config = make_config(&scenario);
    struct loop loop;
    config.on_alert = false;
    loop_begin(&loop, &config, NULL, 0);
    cr_expect_eq(loop_turn(&loop, 30 * S, 1), LOOP_PLAY);
    cr_expect_eq(loop_turn(&loop, 60 * S, 1), LOOP_RETRAIN);
    cr_expect_eq(loop.cause, LOOP_SCHEDULE);
}

static struct webhook_notice notice(const char *alert, const char *fingerprint, bool resolved,
                                    int64_t at_ns)
{
    struct webhook_notice out = {.received_mono_ns = at_ns, .resolved = resolved};
    snprintf(out.alert, sizeof out.alert, "%s", alert);
    snprintf(out.severity, sizeof out.severity, "%s",
             strcmp(alert, "Watchdog") == 0 ? "none" : "ticket");
    snprintf(out.fingerprint, sizeof out.fingerprint, "%s", fingerprint);
    return out;
}

Test(loop, alerts_fire_by_the_last_notice_of_each)
{
    struct scenario scenario = make_scenario();
    const struct webhook_notice notices[] = {
        notice("Watchdog", "w", false, 1), notice("Low", "a", false, 2),
        notice("Low", "b", false, 3),      notice("Other", "c", false, 4),
        notice("Low", "a", true, 5),
    };
    static const struct {
        size_t count;
        bool expects_low;
        int firing;
    } rows[] = {{1, false, 0}, {2, false, 1}, {4, false, 3}, {5, false, 2},
                {5, true, 1},  {4, true, 2},  {0, true, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        scenario.expectation_count = rows[i].expects_low;
        scenario.expectation[0] = (struct scenario_expectation){.kind = SCENARIO_FIRES};
        snprintf(scenario.expectation[0].alert, sizeof scenario.expectation[0].alert, "Low");
        cr_expect_eq(loop_firing(&scenario, notices, rows[i].count), rows[i].firing, "row %zu", i);
    }
}

Test(loop, an_alert_that_goes_on_firing_counts_in_the_next_loop)
{
    struct scenario scenario = make_scenario();
    struct loop_config config = make_config(&scenario);
    const struct webhook_notice before = notice("Low", "a", false, 1030 * S);
    struct loop loop, next;
    loop_begin(&loop, &config, NULL, 1000 * S);
    cr_expect_eq(loop_turn(&loop, 1130 * S, 1), LOOP_RETRAIN);
    loop_begin(&next, &config, &loop, 2000 * S);
    int firing = loop_firing(&scenario, &before, 1);
    cr_expect_eq(loop_turn(&next, 2010 * S, firing), LOOP_PLAY, "nothing has changed yet");
    cr_expect_eq(loop_turn(&next, 2020 * S, firing), LOOP_RETRAIN);
    cr_expect_eq(next.cause, LOOP_ALERT);
    loop_trained(&next);
    cr_expect_eq(loop_turn(&next, 2075 * S, firing), LOOP_PLAY, "not settled: it still fires");
}

Test(loop, everybody_is_in_one_part_with_two_lists_a_person)
{
    cr_expect_eq(loop_parts(20000, 12, 600 * S), 5);
    cr_expect_eq(loop_parts(20000, 400, 600 * S), 1, "too few people for one loop");
    cr_expect_eq(loop_parts(3, 0.001, S), 3, "no part is empty");
}

Test(loop, people_who_have_changed_change_back)
{
    struct scenario scenario = make_scenario();
    scenario.drift.count = 2;
    scenario.drift.injection[1] = (struct drift_injection){.kind = DRIFT_CUT_POINTS,
                                                           .shape = DRIFT_BLIP,
                                                           .onset_ns = 20 * S,
                                                           .on_ns = S,
                                                           .end_ns = 40 * S};
    struct drift back = loop_drift_back(&scenario.drift);
    cr_expect_eq(drift_intensity(&back.injection[0], 0), 1);
    cr_expect_eq(drift_intensity(&back.injection[0], 20 * S - 1), 1);
    cr_expect_eq(drift_intensity(&back.injection[0], 20 * S), 0);
    cr_expect_eq(drift_intensity(&back.injection[0], 1000 * S), 0);
    cr_expect_eq(back.injection[1].onset_ns, 20 * S, "what passes by itself comes as before");
}

/* What run --loop builds on. */
Test(loop, the_demo_retrains_by_schedule_at_last_and_may_end_when_settled)
{
    struct scenario scenario;
    struct faults faults;
    faults_init(&faults);
    cr_assert_eq(scenario_read("scenarios/demo/loop.yml", &scenario, &faults, NULL), ERR_OK);
    faults_deinit(&faults);
    int retrains = 0, fires = 0;
    for (int i = 0; i < scenario.phase_count; i++) {
        retrains += scenario.phase[i].retrains;
    }
    for (int i = 0; i < scenario.expectation_count; i++) {
        fires += scenario.expectation[i].kind == SCENARIO_FIRES;
    }
    cr_expect_eq(retrains, 1);
    cr_expect_gt(fires, 0);
    cr_expect(scenario.phase[scenario.phase_count - 1].end_when_settled);
    cr_expect_geq(15 * 60 / scenario.time_scale, 60, "a window of rules lasts a minute");
    cr_expect_gt(loop_parts(scenario.people, scenario.lists_per_s, scenario.end_ns), 2);
    drift_deinit(&scenario.drift);
}
