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
