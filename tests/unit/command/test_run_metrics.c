#include "command/run_metrics.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(run_metrics, an_injection_of_every_kind_is_on_the_page_by_its_name)
{
    static struct run_settings settings;
    static const struct engine_live live;
    struct buf out;
    int kinds = DRIFT_SLOW_RATERS + 1;
    settings.scenario.drift.count = kinds;
    cr_assert_leq(kinds, DRIFT_INJECTIONS_MAX);
    for (int i = 0; i < kinds; i++) {
        settings.scenario.drift.injection[i] = (struct drift_injection){
            .kind = (enum drift_kind)i, .onset_ns = 1000 * (i % 2), .end_ns = INT64_MAX};
    }
    buf_init(&out, 1 << 20);
    run_metrics_write(&out, &settings, &live, 500);
    buf_text(&out, "");
    cr_assert_not(out.failed);
    for (int i = 0; i < kinds; i++) {
        char line[128];
        (void)snprintf(line, sizeof line,
                       "driftdrill_injection_intensity{injection=\"%d\",kind=\"%s\"} %d\n", i,
                       drift_kind_name((enum drift_kind)i), 1 - i % 2);
        cr_expect_not_null(memmem(out.data, out.len, line, strlen(line)), "%s", line);
    }
    buf_deinit(&out);
}

Test(run_metrics, without_injections_there_is_no_family_of_them)
{
    static const struct run_settings settings;
    static const struct engine_live live;
    static const char family[] = "driftdrill_injection_intensity";
    struct buf out;
    buf_init(&out, 1 << 20);
    run_metrics_write(&out, &settings, &live, 500);
    cr_assert_gt(out.len, 0);
    cr_expect_null(memmem(out.data, out.len, family, strlen(family)));
    buf_deinit(&out);
}
