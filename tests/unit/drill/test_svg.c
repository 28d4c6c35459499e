#include "drill/svg.h"

#include "xml_check.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

Test(svg, ticks_are_round_and_inside)
{
    static const struct {
        double from, to;
        size_t most, count;
        double first, step;
        int decimals;
    } rows[] = {
        {0, 10, 6, 6, 0, 2, 0},    {0, 1, 5, 3, 0, 0.5, 1},       {0.13, 0.34, 5, 5, 0.15, 0.05, 2},
        {-1, 1, 5, 5, -1, 0.5, 1}, {1e6, 3e6, 5, 5, 1e6, 5e5, 0}, {0, 130, 12, 7, 0, 20, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double tick[SVG_TICKS_MAX];
        int decimals = -1;
        size_t count = svg_ticks(rows[i].from, rows[i].to, rows[i].most, tick, &decimals);
        cr_expect(count <= rows[i].most, "row %zu: %zu ticks", i, count);
        if (rows[i].count <= rows[i].most) {
            cr_expect(count > 0 &&
                          fabs(tick[0] - rows[i].first) < 1e-9 * fabs(rows[i].step) + 1e-12,
                      "row %zu begins at %g", i, count > 0 ? tick[0] : NAN);
            cr_expect(count < 2 || fabs(tick[1] - tick[0] - rows[i].step) < 1e-9 * rows[i].step,
                      "row %zu has steps of %g", i, count < 2 ? NAN : tick[1] - tick[0]);
            cr_expect_eq(decimals, rows[i].decimals, "row %zu has %d decimals", i, decimals);
        }
        for (size_t k = 0; k < count; k++) {
            cr_expect(tick[k] >= rows[i].from - 1e-9 && tick[k] <= rows[i].to * (1 + 1e-9) + 1e-9,
                      "row %zu: %g", i, tick[k]);
        }
    }
}

Test(svg, there_are_no_ticks_where_there_is_no_range)
{
    double tick[SVG_TICKS_MAX];
    int decimals;
    const double ranges[][2] = {{1, 1},   {2, 1},        {NAN, 1},
                                {0, NAN}, {0, INFINITY}, {-1.7e308, 1.7e308}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        cr_expect_eq(svg_ticks(ranges[i][0], ranges[i][1], 5, tick, &decimals), 0, "row %zu", i);
    }
    cr_expect_eq(svg_ticks(0, 1, 0, tick, &decimals), 0);
}

Test(svg, thinning_keeps_the_lowest_and_the_highest_of_each_stretch)
{
    struct svg_point point[1000];
    for (int i = 0; i < 1000; i++) {
        point[i] = (struct svg_point){i * 0.1, 50 + 10 * sin(i * 0.7)};
    }
    point[444].y = 999;
    point[555].y = -999;
    point[700] = point[701] = (struct svg_point){NAN, NAN};
    size_t count = svg_thin(point, 1000, 2);
    double low = INFINITY, high = -INFINITY, last = -INFINITY;
    size_t gaps = 0;
    cr_expect(count <= 2 * 50 + 4, "%zu points are left", count);
    for (size_t i = 0; i < count; i++) {
        if (isnan(point[i].y)) {
            gaps++;
            continue;
        }
        cr_expect(point[i].x >= last, "x does not fall");
        last = point[i].x;
        low = fmin(low, point[i].y);
        high = fmax(high, point[i].y);
    }
    cr_expect_eq(gaps, 1, "%zu gaps", gaps);
    cr_expect_eq(high, 999);
    cr_expect_eq(low, -999);
    cr_expect_eq(svg_thin(point, 0, 2), 0);
}

static const char *curve(struct buf *out, const struct svg_point *point, size_t count)
{
    buf_init(out, 4096);
    svg_curve(out, "c", point, count);
    return out->data;
}

Test(svg, a_curve_is_interrupted_by_gaps)
{
    static const struct svg_point points[] = {{0, 5}, {1, 5},     {2, 5},  {3, 7.26}, {NAN, NAN},
                                              {6, 1}, {NAN, NAN}, {8, -2}, {9.04, -2}};
    struct buf out;
    cr_expect_str_eq(curve(&out, points, 9),
                     "<path class=\"c\" d=\"M0 5h2l1 2.3M6 1h.1M8 -2h1\"/>\n");
    buf_deinit(&out);
    cr_expect_str_eq(curve(&out, points, 0), "<path class=\"c\" d=\"\"/>\n");
    buf_deinit(&out);
}

Test(svg, rounding_does_not_add_up_along_a_curve)
{
    struct svg_point point[200];
    struct buf out;
    for (int i = 0; i < 200; i++) {
        point[i] = (struct svg_point){i * 1.04, i * 1.04};
    }
    const char *at = strchr(strstr(curve(&out, point, 200), " d="), 'l');
    double x = 0, y = 0;
    for (; at != NULL; at = strchr(at + 1, 'l')) {
        double dx, dy;
        cr_assert_eq(sscanf(at, "l%lf %lf", &dx, &dy), 2);
        x += dx;
        y += dy;
    }
    cr_expect_float_eq(x, 199 * 1.04, 0.051, "ends at %g", x);
    cr_expect_float_eq(y, 199 * 1.04, 0.051);
    buf_deinit(&out);
}

Test(svg, numbers_are_short_and_never_anything_but_numbers)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0"},           {-0.04, "0"},         {1.25, "1.3"},
                {-3, "-3"},         {NAN, "0"},           {INFINITY, "0"},
                {1e300, "1000000"}, {-1e300, "-1000000"}, {99.96, "100"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out;
        buf_init(&out, 64);
        svg_add_number(&out, rows[i].value);
        cr_expect_str_eq(out.data, rows[i].text, "%g is written '%s'", rows[i].value, out.data);
        buf_deinit(&out);
    }
}

Test(svg, texts_are_cut_between_characters)
{
    char out[32];
    cr_expect_str_eq(svg_fit("short", 10, 100, out, sizeof out), "short");
    cr_expect_str_eq(svg_fit("a rather long text", 10, 40, out, sizeof out), "a rat\xe2\x80\xa6");
    cr_expect_str_eq(svg_fit("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 10, 20, out, sizeof out),
                     "\xc3\xa4\xc3\xa4\xe2\x80\xa6");
    cr_expect_str_eq(svg_fit("", 10, 40, out, sizeof out), "");
    cr_expect_str_eq(svg_fit("xyz", 10, 0, out, sizeof out), "\xe2\x80\xa6");
    char small[8]; /* what does not fit the buffer is cut, too, and never inside a character */
    cr_expect_str_eq(svg_fit("abcdefghijkl", 10, 1000, small, sizeof small), "abcd\xe2\x80\xa6");
    cr_expect_str_eq(svg_fit("abc\xf0\x9f\x98\x80xyz", 10, 1000, small, sizeof small),
                     "abc\xe2\x80\xa6");
}

Test(svg, hostile_texts_stay_texts)
{
    struct buf out;
    char why[160];
    const char *hostile = "\"/><script>x</script> & ]]> --> \x01\xff\xef\xbf\xbe";
    buf_init(&out, 1u << 16);
    svg_begin(&out, &(struct svg_head){.id = "x",
                                       .title = hostile,
                                       .desc = hostile,
                                       .width = 10,
                                       .height = NAN,
                                       .alone = true});
    svg_group(&out, NULL, hostile);
    svg_text(&out, "a", 1, 2, hostile);
    svg_text_fit(&out, "a", 1, 2, 10, 60, hostile);
    for (int i = 0; i < SVG_SYMBOLS; i++) {
        svg_symbol(&out, (enum svg_symbol)i, "m", i, i, 3);
    }
    svg_group_end(&out);
    svg_end(&out);
    cr_expect(!out.failed);
    cr_expect(xml_check(out.data, why, sizeof why), "%s", why);
    cr_expect_null(strstr(out.data, "<script"));
    buf_deinit(&out);
}

Test(svg, series_differ_in_more_than_colour)
{
    struct buf out;
    buf_init(&out, 1u << 16);
    svg_style(&out);
    for (size_t i = 0; i < SVG_SERIES; i++) {
        for (size_t k = 0; k < i; k++) {
            cr_expect_neq(svg_series_symbol(i), svg_series_symbol(k));
            cr_expect_str_neq(svg_series_class(i), svg_series_class(k));
        }
    }
    cr_expect_not_null(strstr(out.data, "prefers-color-scheme:dark"));
    cr_expect_not_null(strstr(out.data, "@media print"));
    cr_expect_not_null(strstr(out.data, ".curve.s1{fill:none;stroke:var(--c1);stroke-dasharray:7"));
    cr_expect_null(strpbrk(out.data, "<&"), "it stands inside XML as it is");
    buf_deinit(&out);
}
