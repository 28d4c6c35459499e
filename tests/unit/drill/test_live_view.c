#include "drill/live_view.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct scenario made = {.name = "made-up",
                               .time_scale = 60,
                               .phase_count = 3,
                               .phase = {{"warm-up", 0, 20 * CLOCK_NS_PER_S},
                                         {"drift", 20 * CLOCK_NS_PER_S, 40 * CLOCK_NS_PER_S},
                                         {"recovery", 60 * CLOCK_NS_PER_S, 40 * CLOCK_NS_PER_S}},
                               .end_ns = 100 * CLOCK_NS_PER_S,
                               .drift = {.count = 1,
                                         .injection = {{.kind = DRIFT_CHOICE_ROTATION,
                                                        .onset_ns = 20 * CLOCK_NS_PER_S,
                                                        .end_ns = INT64_MAX,
                                                        .size = 180}}}};

/* 100 lists a second; 30 of them convert, from 20 s on 10; an alert is pending from 30 s on and
 * fires from 35 to 80 s. */
static void play_to(struct live_view *view, int seconds)
{
    struct live_now now = {0};
    for (int s = 1; s <= seconds; s++) {
        struct live_watched watched;
        int rated = s <= 20 ? 30 : 10;
        now.drill_ns = s * CLOCK_NS_PER_S;
        now.live.lists += 100;
        now.live.rated += rated;
        now.live.converted += rated;
        now.live.reciprocal_rank += rated / 2.0;
        now.live.stars += rated * 4.0;
        live_watched_init(&watched);
        live_watched_add(&watched, "job:recommendation_conversion:ratio15m", "", "", 0.299);
        live_watched_add(&watched, "objective:recommendation_conversion:min", "", "", 0.235);
        if (s >= 30 && s <= 80) {
            live_watched_add(&watched, "ALERTS", "ConversionLow", s < 35 ? "pending" : "firing", 1);
        }
        now.watched = s == 50 ? NULL : &watched; /* once it did not answer */
        live_view_take(view, &now);
    }
}

static const char *frame(struct live_view *view, int columns, int rows, struct buf *out, int *lines)
{
    buf_init(out, 1u << 18);
    *lines = live_view_draw(view, columns, rows, out);
    cr_assert(!out->failed);
    return out->data;
}

/* Characters, without escape sequences, of the widest line; counts the lines. */
static int widest(const char *text, int *lines)
{
    int wide = 0, here = 0;
    *lines = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\033') {
            c += strcspn(c, "m");
        } else if (*c == '\n') {
            wide = here > wide ? here : wide;
            here = 0;
            (*lines)++;
        } else {
            here += ((unsigned char)*c & 0xc0) != 0x80;
        }
    }
    cr_expect_eq(here, 0, "whole lines only");
    return wide;
}

Test(live_view, a_frame_fits_the_terminal_at_every_size)
{
    const int sizes[][2] = {{72, 16}, {80, 24}, {120, 40}, {300, 100}};
    for (int unicode = 0; unicode < 2; unicode++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct live_view *view = live_view_new(&made, unicode == 1, unicode == 1);
            for (int seconds = 0; seconds <= 120; seconds += 40) { /* also beyond the end */
                struct buf out;
                int lines, counted;
                play_to(view, seconds);
                const char *text = frame(view, sizes[i][0], sizes[i][1], &out, &lines);
                int wide = widest(text, &counted);
                cr_expect_eq(lines, counted);
                cr_expect(lines < sizes[i][1], "%d lines of %d", lines, sizes[i][1]);
                cr_expect(wide < sizes[i][0], "%d columns of %d", wide, sizes[i][0]);
                buf_deinit(&out);
            }
            live_view_free(view);
        }
    }
}

Test(live_view, a_frame_says_what_is_going_on)
{
    struct live_view *view = live_view_new(&made, false, false);
    struct buf out;
    int lines;
    static const char *const wanted[] = {"made-up: drift, 20 s left   110 requests/s   0 errors",
                                         "|warm-up",
                                         "|drift",
                                         "|recovery",
                                         "40 of 100 s",
                                         "100 % injected",
                                         "  0.100", /* the truth of the last 15 s */
                                         "  0.299   objective 0.235", /* as recorded */
                                         "  0.050",                   /* reciprocal rank per list */
                                         "  4.000",
                                         "FIRING since 35 s"};
    play_to(view, 40);
    const char *text = frame(view, 110, 40, &out, &lines);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        cr_expect_not_null(strstr(text, wanted[i]), "'%s' is not in\n%s", wanted[i], text);
    }
    for (const char *c = text; *c != '\0'; c++) {
        cr_assert(*c == '\n' || (*c >= ' ' && *c < 127), "byte %d without colours and blocks", *c);
    }
    buf_deinit(&out);
    live_view_free(view);
}

Test(live_view, an_alert_that_resolved_keeps_its_row)
{
    struct live_view *view = live_view_new(&made, false, false);
    struct buf out;
    int lines;
    play_to(view, 95);
    const char *row = strstr(frame(view, 122, 40, &out, &lines), "ConversionLow");
    cr_assert_not_null(row);
    cr_expect_not_null(strstr(row, "quiet since 81 s"), "%s", row);
    cr_expect_not_null(strstr(row, "...~~~###"), "%s", row);
    cr_expect_not_null(strstr(row, "###....."), "%s", row);
    buf_deinit(&out);
    live_view_free(view);
}

Test(live_view, long_names_keep_both_ends)
{
    struct live_view *view = live_view_new(&made, false, false);
    struct live_watched watched;
    struct live_now now = {.drill_ns = CLOCK_NS_PER_S, .watched = &watched};
    struct buf out;
    int lines;
    live_watched_init(&watched);
    live_watched_add(&watched, "ALERTS", "RecommendationConversionLow", "pending", 1);
    live_watched_add(&watched, "ALERTS", "RecommendationConversionCusum", "firing", 1);
    live_watched_add(&watched, "job:recommendation_conversion:ratio15m", "", "", 0.2);
    live_watched_add(&watched, "objective:recommendation_conversion:min", "", "", 0.235);
    live_view_take(view, &now);
    const char *text = frame(view, 80, 30, &out, &lines);
    cr_expect_not_null(strstr(text, "Recommend..versionLow "), "%s", text);
    cr_expect_not_null(strstr(text, "Recommend..rsionCusum "), "%s", text);
    cr_expect_not_null(strstr(text, "0.200 < objective 0.235"), "without colour, too: %s", text);
    buf_deinit(&out);
    text = frame(view, 120, 30, &out, &lines);
    cr_expect_not_null(strstr(text, "RecommendationConversionCusum "), "%s", text);
    buf_deinit(&out);
    live_view_free(view);
}

Test(live_view, more_alerts_than_lines_are_counted)
{
    struct live_view *view = live_view_new(&made, false, false);
    struct live_watched watched;
    struct live_now now = {.drill_ns = CLOCK_NS_PER_S, .watched = &watched};
    struct buf out;
    int lines;
    live_watched_init(&watched);
    for (int i = 0; i < LIVE_ALERTS_MAX + 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "Alert%d", i);
        live_watched_add(&watched, "ALERTS", name, "firing", 1);
    }
    live_view_take(view, &now);
    const char *text = frame(view, 100, 20, &out, &lines);
    cr_expect_eq(lines, 19);
    cr_expect_not_null(strstr(text, "and 40 more alerts"), "%s", text);
    buf_deinit(&out);
    live_view_free(view);
}

Test(live_view, names_from_rules_cannot_control_the_terminal)
{
    struct live_view *view = live_view_new(&made, true, false);
    struct live_watched watched;
    struct live_now now = {.drill_ns = CLOCK_NS_PER_S, .watched = &watched};
    struct buf out;
    int lines;
    live_watched_init(&watched);
    live_watched_add(&watched, "ALERTS", "\033[2J\n\x07\xff", "pending", 1);
    live_view_take(view, &now);
    const char *text = frame(view, 100, 30, &out, &lines);
    cr_expect_null(strpbrk(text, "\033\x07\xff"));
    cr_expect_not_null(strstr(text, "?[2J???"));
    buf_deinit(&out);
    live_view_free(view);
}

Test(live_view, blocks_need_utf8_and_colour_can_be_refused)
{
    cr_expect(live_view_locale_is_utf8(NULL, NULL, "en_GB.UTF-8"));
    cr_expect(live_view_locale_is_utf8("", "C.utf8", "C"));
    cr_expect_not(live_view_locale_is_utf8("C", "en_GB.UTF-8", "en_GB.UTF-8"), "LC_ALL decides");
    cr_expect_not(live_view_locale_is_utf8(NULL, NULL, NULL));
    cr_expect(live_view_may_colour(NULL, "xterm"));
    cr_expect(live_view_may_colour("", "xterm"), "set, but empty, is not set");
    cr_expect_not(live_view_may_colour("1", "xterm"));
    cr_expect_not(live_view_may_colour(NULL, "dumb"));
    cr_expect_not(live_view_may_colour(NULL, NULL));
}

Test(live_view, one_query_asks_for_all_that_is_filed)
{
    struct live_watched watched;
    static const char *const series[] = {"job:recommendation_conversion:ratio15m",
                                         "job:recommendation_reciprocal_rank:ratio15m",
                                         "job:user_rating:mean15m"};
    live_watched_init(&watched);
    for (int i = 0; i < LIVE_QUANTITIES; i++) {
        cr_expect(isnan(watched.recorded[i]));
        cr_expect_not_null(strstr(live_view_query(), series[i]));
        live_watched_add(&watched, series[i], "", "", i + 1);
        cr_expect_eq(watched.recorded[i], i + 1);
    }
    live_watched_add(&watched, "something_else", "X", "firing", 1);
    cr_expect_eq(watched.count, 0);
}
