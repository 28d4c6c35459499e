#include "drill/report_tracks.h"

#include "base/clock.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

Test(report_tracks, a_record_ends_with_its_window)
{
    static const struct {
        const char *record;
        int64_t seconds;
    } rows[] = {{"job:recommendation_conversion:ratio15m", 900},
                {"job:recommendation_lists_settled:increase7m30s", 450},
                {"job:user_rating:mean3m", 180},
                {"job:x:ratio1h", 3600},
                {"job:recommendation_conversion:cusum", 0},
                {"objective:user_rating_mean:min", 0},
                {"job:x:p99", 0},
                {"", 0},
                {"15m", 900},
                {"job:x:shards", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(report_tracks_window(rows[i].record), rows[i].seconds * CLOCK_NS_PER_S,
                     "'%s': %lld", rows[i].record, (long long)report_tracks_window(rows[i].record));
    }
}

/* A minute of 100 lists a second, 30 of them converted, and from 30 s on 10. */
static struct ledger *make_ledger(void)
{
    const int64_t start = 0;
    struct ledger *ledger = ledger_new(60 * CLOCK_NS_PER_S, &start, 1);
    for (int64_t second = 0; second < 60; second++) {
        struct ledger_counts counts = {.lists = 100};
        for (int i = 0; i < (second < 30 ? 30 : 10); i++) {
            ledger_count_rating(&counts, 2, 8);
        }
        ledger_note(ledger, second * CLOCK_NS_PER_S, second * CLOCK_NS_PER_S, &counts);
    }
    return ledger;
}

Test(report_tracks, what_was_judged_is_drawn_beside_the_truth_over_the_same_window)
{
    static struct scenario scenario = {.time_scale = 60, .expectation_count = 1};
    struct prometheus_point recorded[] = {{10, 0.31}, {20, 0.3}, {50, 0.1}};
    struct rules_alert rule = {.name = "ConversionLow", .quantity = "conversion"};
    struct evidence_alert alert = {.rule = &rule, .objective = 0.235};
    static struct evidence evidence;
    evidence.alert_count = 1;
    evidence.alert = &alert;
    evidence.record[0] = (struct prometheus_series){.count = 3, .point = recorded};
    scenario.expectation[0] = (struct scenario_expectation){
        .kind = SCENARIO_AGREES, .quantity = SCENARIO_CONVERSION, .window_ns = 10 * CLOCK_NS_PER_S};
    snprintf(scenario.expectation[0].record, sizeof scenario.expectation[0].record, "a:b:ratio10m");
    struct ledger *ledger = make_ledger();
    const struct report_tracks_request request = {
        .scenario = &scenario, .evidence = &evidence, .ledger = ledger, .end_s = 60};
    struct report_tracks tracks;
    report_tracks_collect(&request, &tracks);
    cr_assert_eq(tracks.count, 1);
    const struct report_track *track = report_tracks_find(&tracks, SCENARIO_CONVERSION);
    cr_assert_not_null(track);
    cr_expect_null(report_tracks_find(&tracks, SCENARIO_MEAN_RATING));
    cr_expect_str_eq(track->record, "a:b:ratio10m");
    cr_expect_eq(track->objective, 0.235);
    cr_expect_eq(track->recorded_count, 3);
    cr_expect_eq(track->recorded[2].value, 0.1);
    for (size_t i = 0; i < track->truth_count; i++) {
        double at_s = track->truth[i].time_s;
        double wanted = at_s <= 30 ? 0.3 : at_s >= 41 ? 0.1 : NAN;
        cr_expect(at_s >= 10 && at_s <= 60);
        cr_expect(isnan(wanted) || fabs(track->truth[i].value - wanted) < 0.021, "%g s: %g", at_s,
                  track->truth[i].value);
    }
    cr_expect_gt(track->truth_count, 100);
    report_tracks_deinit(&tracks);
    ledger_free(ledger);
}

Test(report_tracks, without_prometheus_an_alerts_quantity_still_has_its_truth)
{
    static struct scenario scenario = {.time_scale = 60};
    struct rules_alert rule = {.name = "MeanRatingLow",
                               .quantity = "mean_rating",
                               .recovered = "job:user_rating:mean3m",
                               .window_ns = 900 * CLOCK_NS_PER_S};
    struct evidence_alert alert = {.rule = &rule, .objective = NAN};
    static struct evidence evidence;
    evidence.alert_count = 1;
    evidence.alert = &alert;
    struct ledger *ledger = make_ledger();
    const struct report_tracks_request request = {
        .scenario = &scenario, .evidence = &evidence, .ledger = ledger, .end_s = 60};
    struct report_tracks tracks;
    report_tracks_collect(&request, &tracks);
    cr_assert_eq(tracks.count, 1);
    cr_expect_eq(tracks.track[0].quantity, SCENARIO_MEAN_RATING);
    cr_expect_eq(tracks.track[0].window_ns, 15 * CLOCK_NS_PER_S);
    cr_expect_eq(tracks.track[0].recorded_count, 0);
    cr_expect_float_eq(tracks.track[0].truth[100].value, 4, 1e-9);
    report_tracks_deinit(&tracks);
    ledger_free(ledger);
}
