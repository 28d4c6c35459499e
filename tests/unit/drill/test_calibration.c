#include "drill/calibration.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct metrics_snapshot *exposition(const char *text)
{
    struct metrics_snapshot *snapshot = NULL;
    cr_assert_eq(metrics_parse("test", text, strlen(text), &snapshot, NULL), ERR_OK);
    return snapshot;
}

/* Two phases, of which the second counts: lists of two sources, and one that showed nothing. */
static struct ledger *make_ledger(void)
{
    static const int64_t starts[] = {0, 1000};
    struct ledger *ledger = ledger_new(2000, starts, 2);
    static const char *const names[] = {"base", "empty", "popular"};
    for (int s = 0; s < 3; s++) {
        (void)snprintf(ledger->source[s], sizeof ledger->source[s], "%s", names[s]);
    }
    ledger->source_count = 3;
    ledger->nominal[0].lists = 999;
    struct ledger_counts *counts = &ledger->nominal[1];
    counts->lists = 100;
    ledger_count_rating(counts, 1, 8);
    ledger_count_rating(counts, 4, 5);
    ledger_count_rating(counts, 7, 6);
    counts->converted = 2;
    struct ledger_places *places = &ledger->places[1];
    places->items[0][0] = 100;
    places->items[0][3] = 60;
    places->items[2][6] = 40;
    places->rated[0][0][8 - 1] = 1;
    places->rated[0][3][5 - 1] = 1;
    places->rated[2][6][6 - 1] = 1;
    return ledger;
}

#define BEFORE                                                                                     \
    "user_rating_sum{recommender=\"base\"} 10\npredicted_rating_sum{recommender=\"base\"} 12\n"    \
    "predicted_rating_count{recommender=\"base\"} 3\n"                                             \
    "recommendation_lists_total 50\nrecommendation_lists_without_history_total 5\n"
#define AFTER                                                                                      \
    "user_rating_sum{recommender=\"base\"} 50\npredicted_rating_sum{recommender=\"base\"} 47\n"    \
    "predicted_rating_count{recommender=\"base\"} 13\n"                                            \
    "recommendation_lists_total 150\nrecommendation_lists_without_history_total 17\n"

Test(calibration, the_control_phase_is_measured)
{
    struct ledger *ledger = make_ledger();
    struct metrics_snapshot *before = exposition(BEFORE), *after = exposition(AFTER);
    struct objectives_head head = {.seed = 7};
    calibration_measure(ledger, 1, before, after, &head);
    cr_expect_eq(head.seed, 7, "what it does not measure stays");
    cr_expect_eq(head.lists, 100);
    cr_expect_eq(head.ratings, 3);
    cr_expect_float_eq(head.conversion, 0.02, 1e-12);
    cr_expect_float_eq(head.item_rank, 4, 1e-12);
    cr_expect_float_eq(head.rating_share[2], 2.0 / 3, 1e-12, "2.5 counts as 3");
    cr_expect_float_eq(head.rating_share[3], 1.0 / 3, 1e-12);
    cr_expect_float_eq(head.calibration_gap, 0.5, 1e-12);
    cr_expect_float_eq(head.without_history, 0.12, 1e-12);
    cr_assert_eq(head.source_count, 2, "a source without a film has no conversion");
    cr_expect_str_eq(head.source[0].name, "base");
    cr_expect_float_eq(head.source[0].conversion, 1.0 / 160, 1e-12, "2.5 stars do not convert");
    cr_expect_str_eq(head.source[1].name, "popular");
    cr_expect_float_eq(head.source[1].conversion, 1.0 / 40, 1e-12);
    metrics_snapshot_free(before);
    metrics_snapshot_free(after);
    ledger_free(ledger);
}

Test(calibration, counters_that_are_new_began_at_zero)
{
    struct ledger *ledger = make_ledger();
    struct metrics_snapshot *before = exposition("up 1\n"), *after = exposition(AFTER);
    struct objectives_head head = {0};
    calibration_measure(ledger, 1, before, after, &head);
    cr_expect_float_eq(head.calibration_gap, 3.0 / 13, 1e-12);
    metrics_snapshot_free(before);
    metrics_snapshot_free(after);
    ledger_free(ledger);
}

Test(calibration, what_nobody_exports_is_unknown)
{
    struct ledger *ledger = make_ledger();
    struct metrics_snapshot *after = exposition("recommendation_lists_total 150\n");
    struct objectives_head head = {0};
    ledger->sources_dropped = 1;
    calibration_measure(ledger, 1, NULL, after, &head);
    cr_expect(isnan(head.calibration_gap));
    cr_expect(isnan(head.without_history));
    cr_expect_eq(head.source_count, 0, "some had no room");
    calibration_measure(ledger, 1, NULL, NULL, &head);
    cr_expect(isnan(head.without_history));
    metrics_snapshot_free(after);
    ledger_free(ledger);
}
