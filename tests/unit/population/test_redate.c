#include "population/redate.h"

#include <criterion/criterion.h>

#define BEGIN INT64_C(1000000)
#define END (BEGIN + 90 * REDATE_DAY_S)

static void expect_inside_and_rising(const int64_t *time_s, int32_t count, const char *name)
{
    for (int32_t k = 0; k < count; k++) {
        cr_expect(time_s[k] >= BEGIN && time_s[k] <= END, "%s: time %d", name, k);
        cr_expect(k == 0 || time_s[k] >= time_s[k - 1], "%s: order %d", name, k);
    }
}

Test(redate, a_short_history_is_shifted_whole)
{
    const int64_t history[] = {500, 507, 507, 4000, 90000};
    int64_t moved[5];
    for (uint64_t owner = 0; owner < 50; owner++) {
        struct rng rng = rng_stream(1, owner, 1);
        redate_history(history, 5, BEGIN, END, &rng, moved);
        expect_inside_and_rising(moved, 5, "short");
        for (int k = 1; k < 5; k++) {
            cr_expect_eq(moved[k] - moved[k - 1], history[k] - history[k - 1]);
        }
    }
}

Test(redate, years_are_compressed_between_sessions_only)
{
    /* Three sessions, years apart; within them gaps of up to half an hour. */
    const int64_t year = 365 * REDATE_DAY_S;
    const int64_t history[] = {0, 10, 1810, year, year + 60, 9 * year, 9 * year + 1};
    int64_t moved[7];
    for (uint64_t owner = 0; owner < 50; owner++) {
        struct rng rng = rng_stream(1, owner, 2);
        redate_history(history, 7, BEGIN, END, &rng, moved);
        expect_inside_and_rising(moved, 7, "years");
        cr_expect_eq(moved[1] - moved[0], 10);
        cr_expect_eq(moved[2] - moved[1], 1800);
        cr_expect_eq(moved[4] - moved[3], 60);
        cr_expect_eq(moved[6] - moved[5], 1);
        int64_t first = moved[3] - moved[2], second = moved[5] - moved[4];
        cr_expect_gt(first, REDATE_SESSION_GAP_S);
        cr_expect_gt(second, 3 * first);
        cr_expect_geq(moved[6] - moved[0], 7 * REDATE_DAY_S);
        cr_expect_leq(moved[6] - moved[0], 23 * REDATE_DAY_S);
    }
}

Test(redate, sessions_begin_at_their_hour_of_the_day)
{
    enum { COUNT = 40 };
    int64_t history[COUNT], moved[COUNT];
    for (int k = 0; k < COUNT; k++) {
        /* Sixty days apart, between four and eight in the evening. */
        history[k] = 60 * REDATE_DAY_S * k + 16 * 3600 + k * 997 % (4 * 3600);
    }
    for (uint64_t owner = 0; owner < 50; owner++) {
        struct rng rng = rng_stream(1, owner, 6);
        redate_history(history, COUNT, BEGIN, END, &rng, moved);
        expect_inside_and_rising(moved, COUNT, "evenings");
        for (int k = 0; k < COUNT; k++) {
            int64_t hour = (moved[k] - BEGIN) % REDATE_DAY_S / 3600;
            /* Days fall together, and a session waits for the one before: never for long. */
            cr_expect(hour >= 16 && hour < 23, "hour %d", (int)hour);
            cr_expect(k == 0 || moved[k] - moved[k - 1] > REDATE_SESSION_GAP_S);
        }
    }
}

Test(redate, more_sessions_than_the_window_holds_still_fit)
{
    enum { COUNT = 6000 };
    static int64_t history[COUNT], moved[COUNT];
    for (int k = 0; k < COUNT; k++) {
        history[k] = (int64_t)k * REDATE_DAY_S;
    }
    struct rng rng = rng_stream(1, 1, 3);
    redate_history(history, COUNT, BEGIN, END, &rng, moved);
    expect_inside_and_rising(moved, COUNT, "many sessions");
}

Test(redate, invented_sessions_lie_in_the_window)
{
    int64_t times[400];
    for (uint64_t owner = 0; owner < 50; owner++) {
        struct rng rng = rng_stream(1, owner, 4);
        int32_t count = (int32_t)(owner * 8);
        redate_sessions(count, BEGIN, END, &rng, times);
        expect_inside_and_rising(times, count, "sessions");
    }
}

Test(redate, an_empty_history_is_fine)
{
    struct rng rng = rng_stream(1, 1, 5);
    redate_history(NULL, 0, BEGIN, END, &rng, NULL);
    redate_sessions(0, BEGIN, END, &rng, NULL);
}
