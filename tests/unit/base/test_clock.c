#include "base/clock.h"

#include <criterion/criterion.h>

Test(clock, wall_time_is_spelt_as_rfc_3339)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {INT64_C(1769846400000000000), "2026-01-31T08:00:00.000Z"},
        {INT64_C(1769846400123999999), "2026-01-31T08:00:00.123Z"},
        {INT64_C(1709210096007000000), "2024-02-29T12:34:56.007Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000000000, "1969-12-31T23:59:59.000Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[32];
        cr_expect_str_eq(clock_format_wall(rows[i].ns, text, sizeof text), rows[i].text);
    }
}

Test(clock, sleeping_never_ends_early)
{
    int64_t start = clock_mono_ns();
    clock_sleep_ns(2 * CLOCK_NS_PER_MS);
    cr_expect_geq(clock_mono_ns() - start, 2 * CLOCK_NS_PER_MS);
}

Test(clock, a_negative_sleep_and_none_return_at_once, .timeout = 10)
{
    clock_sleep_ns(-5);
    clock_sleep_ns(0);
}

Test(clock, wall_time_is_of_this_century)
{
    cr_assert_gt(clock_wall_ns(), INT64_C(1700000000) * CLOCK_NS_PER_S);
}
