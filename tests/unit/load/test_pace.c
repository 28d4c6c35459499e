#include "load/pace.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define S INT64_C(1000000000)

static void change(struct pace *pace, double factor, int64_t at_ns)
{
    pace->change[pace->count] = pace_next_change(pace->change, pace->count, factor, at_ns);
    pace->count++;
}

Test(pace, without_a_change_both_times_are_the_same)
{
    struct pace pace = {0};
    static const int64_t at_ns[] = {0, 1, 17 * S + 3, INT64_C(1) << 60};
    for (size_t i = 0; i < sizeof at_ns / sizeof at_ns[0]; i++) {
        cr_expect_eq(pace_drill_ns(&pace, at_ns[i]), at_ns[i]);
        cr_expect_eq(pace_schedule_ns(&pace, at_ns[i]), at_ns[i]);
    }
    cr_expect_eq(pace_factor(&pace), 1);
}

Test(pace, each_piece_runs_at_its_own_speed)
{
    struct pace pace = {0};
    change(&pace, 2, 10 * S);
    change(&pace, 0, 20 * S); /* at 30 s of the schedule */
    change(&pace, 0.5, 50 * S);
    static const struct {
        int64_t drill_s, schedule_s;
    } rows[] = {{0, 0}, {10, 10}, {15, 20}, {20, 30}, {52, 31}, {70, 40}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(pace_drill_ns(&pace, rows[i].schedule_s * S), rows[i].drill_s * S, "row %zu",
                     i);
        cr_expect_eq(pace_schedule_ns(&pace, rows[i].drill_s * S), rows[i].schedule_s * S,
                     "row %zu", i);
    }
    cr_expect_eq(pace_schedule_ns(&pace, 35 * S), 30 * S, "it stands still");
    cr_expect_eq(pace_factor(&pace), 0.5);
}

Test(pace, a_schedule_that_stands_still_never_reaches_the_rest)
{
    struct pace pace = {0};
    change(&pace, 0, 10 * S);
    cr_expect_eq(pace_drill_ns(&pace, 10 * S), 10 * S);
    cr_expect_eq(pace_drill_ns(&pace, 10 * S + 1), PACE_NEVER);
    cr_expect_eq(pace_schedule_ns(&pace, 1000 * S), 10 * S);
    change(&pace, 1, 100 * S);
    cr_expect_eq(pace_drill_ns(&pace, 11 * S), 101 * S);
}

Test(pace, changes_neither_go_back_nor_out_of_range)
{
    struct pace pace = {0};
    change(&pace, 2, 10 * S);
    change(&pace, 1e9, 5 * S);
    cr_expect_eq(pace.change[1].at_ns, 10 * S);
    cr_expect_eq(pace.change[1].schedule_ns, 10 * S);
    cr_expect_eq(pace.change[1].factor, PACE_FACTOR_MAX);
    change(&pace, -1, 11 * S);
    cr_expect_eq(pace.change[2].factor, 0);
    change(&pace, NAN, 11 * S);
    cr_expect_eq(pace.change[3].factor, 0);
    change(&pace, 1, INT64_MIN);
    cr_expect_eq(pace.change[4].at_ns, 11 * S);
}

/* Back and forth is the identity up to a nanosecond a piece, and nothing overtakes. */
Test(pace, the_two_directions_agree_and_keep_the_order)
{
    struct pace pace = {0};
    change(&pace, 1.1, 3 * S + 7);
    change(&pace, 0.37, 9 * S + 1);
    change(&pace, 13.7, 20 * S);
    change(&pace, 1, 21 * S);
    int64_t before_ns = -1;
    for (int64_t at_ns = 0; at_ns < 60 * S; at_ns += 12345677) {
        int64_t drill_ns = pace_drill_ns(&pace, at_ns);
        cr_assert_geq(drill_ns, before_ns);
        cr_assert_leq(llabs(pace_schedule_ns(&pace, drill_ns) - at_ns), 20, "at %lld",
                      (long long)at_ns);
        before_ns = drill_ns;
    }
}
