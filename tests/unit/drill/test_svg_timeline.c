#include "drill/svg_timeline.h"

#include "made_report.h"
#include "xml_check.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text++) {
        count++;
    }
    return count;
}

Test(svg_timeline, a_drill_is_drawn_with_all_that_happened)
{
    struct made_report *made = made_report_new();
    struct buf out;
    char why[160];
    static const char *const wanted[] = {"warm-up",
                                         "recovery",
                                         "choice-rotation",
                                         "sudden, 180 degrees",
                                         "linear, -0.4 stars",
                                         "Prometheus stalled",
                                         "ConversionLow",
                                         "fired at 63.0 s",
                                         "pending only",
                                         "silent",
                                         "over 15m",
                                         "objective 0.235",
                                         "production time",
                                         ">1h<",
                                         "conversion"};
    buf_init(&out, 4u << 20);
    svg_timeline(&out, "t", true, &made->report);
    cr_assert(!out.failed);
    cr_expect(xml_check(out.data, why, sizeof why), "%s", why);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        cr_expect_not_null(strstr(out.data, wanted[i]), "'%s' is missing", wanted[i]);
    }
    /* Two alerts fired, two were pending; legends hold one of each more. */
    cr_expect_eq(count_of(out.data, "<rect class=\"past\""), 2 + 1);
    cr_expect_eq(count_of(out.data, "<rect fill=\"url(#t-hatch)\""), 2 + 1);
    buf_deinit(&out);
    made_report_free(made);
}

Test(svg_timeline, a_drill_in_which_nothing_happened_is_drawn_too)
{
    struct made_report *made = made_report_new();
    struct buf out;
    char why[160];
    made->scenario.drift.count = made->scenario.disturbance_count = 0;
    made->evidence.alert_count = 0;
    made->report.tracks = NULL;
    made->report.delays = NULL;
    made->play.retrained_s = NAN;
    made->play.end_s = 0;
    buf_init(&out, 1u << 20);
    svg_timeline(&out, "t", false, &made->report);
    cr_expect(xml_check(out.data, why, sizeof why), "%s", why);
    cr_expect_null(strstr(out.data, "Injected"));
    buf_reset(&out);
    svg_delays(&out, "d", &made->report);
    cr_expect_eq(out.len, 0);
    buf_deinit(&out);
    made_report_free(made);
}

Test(svg_timeline, delays_are_drawn_by_their_parts_with_floors)
{
    struct made_report *made = made_report_new();
    struct buf out;
    char why[160];
    buf_init(&out, 1u << 20);
    svg_delays(&out, "d", &made->report);
    cr_expect(xml_check(out.data, why, sizeof why), "%s", why);
    cr_expect_not_null(strstr(out.data, "13.6 s"));
    cr_expect_not_null(strstr(out.data, "<title>window 5.50 s</title>"));
    cr_expect_not_null(strstr(out.data, "floor by everything: 0.60 s, 0.40 s to expect"));
    cr_expect_null(strstr(out.data, "floor by ratings:"), "there is none");
    /* Six parts and five, for none lasted no time, and six in the legend. */
    cr_expect_eq(count_of(out.data, "<rect class=\"wash s"), 6 + 5 + 6);
    buf_deinit(&out);
    made_report_free(made);
}

Test(svg_timeline, an_alert_is_put_in_few_words)
{
    struct evidence_episode episodes[] = {{10, 12.5, 20, EVIDENCE_RECOVERED, 13, 21},
                                          {30, 31, NAN, EVIDENCE_NOT_RESOLVED, NAN, NAN}};
    struct rules_alert rule = {.severity = "ticket"};
    struct evidence_alert alert = {.rule = &rule, .count = 2, .episode = episodes};
    char text[64];
    svg_timeline_alert_text(&alert, true, text, sizeof text);
    cr_expect_str_eq(text, "fired 2 times");
    alert.count = 1;
    svg_timeline_alert_text(&alert, true, text, sizeof text);
    cr_expect_str_eq(text, "fired at 12.5 s");
    episodes[0].firing_s = NAN;
    svg_timeline_alert_text(&alert, true, text, sizeof text);
    cr_expect_str_eq(text, "pending only");
    alert.count = 0;
    svg_timeline_alert_text(&alert, true, text, sizeof text);
    cr_expect_str_eq(text, "silent");
    svg_timeline_alert_text(&alert, false, text, sizeof text);
    cr_expect_str_eq(text, "not known", "nobody could be asked");
    snprintf(rule.severity, sizeof rule.severity, "none");
    alert.count = 1;
    svg_timeline_alert_text(&alert, true, text, sizeof text);
    cr_expect_str_eq(text, "fires always");
}
