#include "drill/svg_panel.h"

#include "made_report.h"
#include "xml_check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(svg_panel, a_colour_tells_a_state)
{
    static const struct {
        const char *colour;
        enum svg_state state;
    } rows[] = {{"green", SVG_STATE_OK},
                {"semi-dark-blue", SVG_STATE_OK},
                {"yellow", SVG_STATE_NEAR},
                {"dark-orange", SVG_STATE_NEAR},
                {"super-light-red", SVG_STATE_PAST},
                {"purple", SVG_STATE_PLAIN},
                {"text", SVG_STATE_PLAIN},
                {"", SVG_STATE_PLAIN},
                {"#F2495C", SVG_STATE_PAST},
                {"#73BF69", SVG_STATE_OK},
                {"#EAB839", SVG_STATE_NEAR},
                {"#5794F2", SVG_STATE_OK},
                {"#f00", SVG_STATE_PAST},
                {"#8e8e8e", SVG_STATE_PLAIN},
                {"#ff000080", SVG_STATE_PAST},
                {"#ff00", SVG_STATE_NEAR},
                {"#12", SVG_STATE_PLAIN},
                {"#gggggg", SVG_STATE_PLAIN},
                {"rgb(200, 30, 20)", SVG_STATE_PAST},
                {"rgba(10,120,220,.5)", SVG_STATE_OK},
                {"rgb(x", SVG_STATE_PLAIN},
                {"#0000000000", SVG_STATE_PLAIN}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(svg_panel_state(rows[i].colour), rows[i].state, "'%s' is %d", rows[i].colour,
                     svg_panel_state(rows[i].colour));
    }
}

static char *draw(struct made_report *made, bool alone, struct buf *out)
{
    buf_init(out, 4u << 20);
    svg_dashboard(out, "d", alone, &made->dashboard, &made->book, &made->scenario);
    cr_assert(!out->failed);
    return out->data;
}

Test(svg_panel, a_dashboard_of_all_types_is_well_formed_and_says_what_panels_show)
{
    struct made_report *made = made_report_new();
    struct buf out;
    char why[160];
    const char *text = draw(made, true, &out);
    static const char *const wanted[] = {"xmlns=\"http://www.w3.org/2000/svg\"",
                                         "Conversion over time",
                                         "lower is worse",
                                         "measured",
                                         ">35%<",
                                         "512 MiB",
                                         "Duration distribution",
                                         "class=\"heat8\"",
                                         "ConversionLow",
                                         "no data",
                                         "not evaluated",
                                         "&lt;/title&gt;&lt;script",
                                         "+11",
                                         "warm-up",
                                         "url(#d-hatch)"};
    cr_expect(xml_check(text, why, sizeof why), "%s", why);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        cr_expect_not_null(strstr(text, wanted[i]), "'%s' is missing", wanted[i]);
    }
    cr_expect_null(strstr(text, "<script"));
    cr_expect_null(strstr(text, "nan"), "%.60s", strstr(text, "nan"));
    cr_expect_null(strstr(text, "inf\""));
    buf_deinit(&out);
    made_report_free(made);
}

Test(svg_panel, a_picture_stays_small_however_many_points_there_are)
{
    struct made_report *made = made_report_new();
    struct buf few, many;
    struct panel_series *series = &made->entry[0].view.series[0];
    draw(made, false, &few);
    enum { POINTS = 100000 };
    struct prometheus_point *former = series->point;
    static struct prometheus_point point[POINTS];
    for (int i = 0; i < POINTS; i++) {
        point[i] = (struct prometheus_point){former[0].time_s + MADE_END_S * i / POINTS,
                                             0.2 + 0.1 * (i % 7) / 7};
    }
    series->point = point;
    series->count = POINTS;
    draw(made, false, &many);
    cr_expect(many.len < few.len + 20000, "%zu bytes instead of %zu", many.len, few.len);
    series->point = former;
    buf_deinit(&few);
    buf_deinit(&many);
    made_report_free(made);
}

Test(svg_panel, values_of_phases_lose_their_unit_before_their_digits)
{
    struct made_report *made = made_report_new();
    struct buf out;
    snprintf(made->shown[1][0].text, sizeof made->shown[1][0].text, "505.3 req/s");
    made->panel[3].w = 5;
    draw(made, false, &out);
    cr_expect_not_null(strstr(out.data, ">505.3</text>"));
    cr_expect_not_null(strstr(out.data, ">505.3 req/s</text>"), "the wide panel has room");
    buf_deinit(&out);
    made_report_free(made);
}

Test(svg_panel, what_is_past_the_limit_has_a_symbol_beside_its_colour)
{
    struct made_report *made = made_report_new();
    struct buf fine, past;
    draw(made, false, &fine);
    snprintf(made->entry[3].view.series[0].colour, 32, "red");
    draw(made, false, &past);
    size_t crosses[2] = {0, 0};
    const char *const texts[] = {fine.data, past.data};
    for (int t = 0; t < 2; t++) {
        for (const char *at = texts[t]; (at = strstr(at, "<polygon class=\"past\"")) != NULL;
             at++) {
            crosses[t]++;
        }
    }
    cr_expect_eq(crosses[1], crosses[0] + 1, "%zu crosses, then %zu", crosses[0], crosses[1]);
    buf_deinit(&fine);
    buf_deinit(&past);
    made_report_free(made);
}

/* Panels at these rows: [0,3) [0,6) [6,14) [14,22) [22,52). */
static size_t bands(int most, struct svg_rows out[SVG_ROWS_MAX])
{
    static const int rows[][2] = {{0, 3}, {0, 6}, {6, 8}, {14, 8}, {22, 30}};
    struct made_report *made = made_report_new();
    for (int i = 0; i < MADE_PANELS; i++) {
        int row = i < 5 ? i : 4;
        made->panel[i].y = rows[row][0];
        made->panel[i].h = rows[row][1];
    }
    size_t count = svg_dashboard_bands(&made->dashboard, &made->book, most, out);
    made_report_free(made);
    return count;
}

Test(svg_panel, bands_cut_through_no_panel)
{
    static const struct {
        int most;
        size_t count;
        int to[5];
    } rows[] = {{20, 3, {14, 22, 52}},
                {14, 3, {14, 22, 52}},
                {8, 4, {6, 14, 22, 52}},
                {100, 1, {52}},
                {1, 4, {6, 14, 22, 52}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct svg_rows band[SVG_ROWS_MAX];
        size_t count = bands(rows[i].most, band);
        int from = 0;
        cr_expect_eq(count, rows[i].count, "row %zu: %zu bands", i, count);
        for (size_t b = 0; b < count && b < rows[i].count; b++) {
            cr_expect_eq(band[b].from, from);
            cr_expect_eq(band[b].to, rows[i].to[b], "row %zu, band %zu ends at %d", i, b,
                         band[b].to);
            from = band[b].to;
        }
    }
}
