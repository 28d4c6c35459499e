#include "population/drift.h"

#include <criterion/criterion.h>

#define S INT64_C(1000000000)

Test(drift, intensity_follows_the_shape)
{
    const struct drift_injection sudden = {
        .shape = DRIFT_SUDDEN, .onset_ns = 10 * S, .end_ns = INT64_MAX};
    const struct drift_injection linear = {
        .shape = DRIFT_LINEAR, .onset_ns = 10 * S, .ramp_ns = 4 * S, .end_ns = 20 * S};
    const struct drift_injection rampless = {
        .shape = DRIFT_LINEAR, .onset_ns = 10 * S, .ramp_ns = 0, .end_ns = INT64_MAX};
    const struct {
        const char *name;
        const struct drift_injection *injection;
        int64_t at_ns;
        double wanted;
    } rows[] = {
        {"sudden before", &sudden, 10 * S - 1, 0}, {"sudden at onset", &sudden, 10 * S, 1},
        {"sudden after", &sudden, 1000 * S, 1},    {"linear before", &linear, 9 * S, 0},
        {"linear at onset", &linear, 10 * S, 0},   {"linear quarter", &linear, 11 * S, .25},
        {"linear done", &linear, 14 * S, 1},       {"linear lasting", &linear, 20 * S - 1, 1},
        {"linear ended", &linear, 20 * S, 0},      {"no ramp is sudden", &rampless, 10 * S, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_float_eq(drift_intensity(rows[i].injection, rows[i].at_ns), rows[i].wanted, 1e-12,
                           "%s", rows[i].name);
    }
}

Test(drift, completed_is_complete_at_any_time)
{
    struct drift drift = {
        .count = 2,
        .injection =
            {{.shape = DRIFT_LINEAR,
              .onset_ns = 10 * S,
              .ramp_ns = 5 * S,
              .end_ns = 30 * S,
              .size = 40},
             {.kind = DRIFT_CUT_POINTS, .onset_ns = 90 * S, .end_ns = 91 * S, .size = -.4}},
    };
    struct drift completed = drift_completed(&drift);
    cr_assert_eq(completed.count, 2);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(drift_intensity(&completed.injection[i], 0), 1);
        cr_expect_eq(drift_intensity(&completed.injection[i], 1000 * S), 1);
        cr_expect_eq(completed.injection[i].size, drift.injection[i].size);
        cr_expect_eq(completed.injection[i].kind, drift.injection[i].kind);
    }
}

#define FOREVER INT64_MAX

Test(drift, each_shape_is_as_far_as_it_should_be)
{
    static const struct drift_injection linear = {
        .shape = DRIFT_LINEAR, .onset_ns = 10 * S, .ramp_ns = 10 * S, .end_ns = 40 * S};
    static const struct drift_injection gradual = {
        .shape = DRIFT_GRADUAL, .onset_ns = 10 * S, .ramp_ns = 10 * S, .end_ns = 40 * S};
    static const struct drift_injection recurring = {.shape = DRIFT_RECURRING,
                                                     .onset_ns = 10 * S,
                                                     .period_ns = 10 * S,
                                                     .on_ns = 3 * S,
                                                     .end_ns = FOREVER};
    static const struct drift_injection blip = {
        .shape = DRIFT_BLIP, .onset_ns = 10 * S, .on_ns = 3 * S, .end_ns = FOREVER};
    static const struct {
        const char *name;
        const struct drift_injection *injection;
        int64_t at_ns;
        double wanted;
    } rows[] = {
        {"linear, before", &linear, 10 * S - 1, 0},
        {"linear, half", &linear, 15 * S, .5},
        {"linear, done", &linear, 30 * S, 1},
        {"linear, over", &linear, 40 * S, 0},
        {"gradual, before", &gradual, 10 * S - 1, 0},
        {"gradual, begun", &gradual, 10 * S, .0179862},
        {"gradual, quarter", &gradual, 12 * S + S / 2, .1192029},
        {"gradual, half", &gradual, 15 * S, .5},
        {"gradual, nearly", &gradual, 20 * S - 1, .9820138},
        {"gradual, done", &gradual, 20 * S, 1},
        {"recurring, on", &recurring, 12 * S, 1},
        {"recurring, off", &recurring, 13 * S, 0},
        {"recurring, on again", &recurring, 30 * S, 1},
        {"recurring, off again", &recurring, 39 * S, 0},
        {"blip, on", &blip, 13 * S - 1, 1},
        {"blip, off", &blip, 13 * S, 0},
        {"blip, not again", &blip, 30 * S, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_float_eq(drift_intensity(rows[i].injection, rows[i].at_ns), rows[i].wanted, 1e-6,
                           "%s", rows[i].name);
    }
    cr_expect_eq(drift_intensity_at(&gradual, 15 * S, .49), 1);
    cr_expect_eq(drift_intensity_at(&gradual, 15 * S, .51), 0);
    cr_expect_float_eq(drift_intensity_at(&linear, 15 * S, .51), .5, 1e-12);
}

/* Against the intensity at every moment. */
Test(drift, it_is_active_where_it_is_ever_on)
{
    static const struct drift_injection rows[] = {
        {.shape = DRIFT_SUDDEN, .onset_ns = 10, .end_ns = 20},
        {.shape = DRIFT_RECURRING, .onset_ns = 10, .period_ns = 9, .on_ns = 2, .end_ns = 35},
        {.shape = DRIFT_BLIP, .onset_ns = 10, .on_ns = 3, .end_ns = FOREVER},
        {.shape = DRIFT_BLIP, .onset_ns = 10, .on_ns = 30, .end_ns = 15},
        {.shape = DRIFT_GRADUAL, .onset_ns = 10, .ramp_ns = 5, .end_ns = 20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int64_t from = 0; from < 50; from++) {
            bool on = false;
            for (int64_t to = from; to < 50; to++) {
                cr_expect_eq(drift_active(&rows[i], from, to), on, "row %zu: %d to %d", i,
                             (int)from, (int)to);
                on = on || drift_intensity(&rows[i], to) > 0;
            }
        }
    }
}

Test(drift, every_kind_has_a_name_of_its_own)
{
    for (int kind = 0; kind <= DRIFT_SLOW_RATERS; kind++) {
        const char *name = drift_kind_name((enum drift_kind)kind);
        cr_expect_eq(drift_kind_named(name), kind, "%s", name);
        cr_expect_eq(drift_of_people((enum drift_kind)kind), kind <= DRIFT_REMOVED_FILMS, "%s",
                     name);
    }
    cr_expect_eq(drift_kind_named("taste"), -1);
}
