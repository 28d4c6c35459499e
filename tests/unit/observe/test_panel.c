#include "observe/panel.h"

#include "base/mem.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FROM INT64_C(1695513607123)
#define MINUTE INT64_C(60000)
#define CALLS_MAX 8

/* Answers every query from its rows and keeps what was asked. */
struct fake_series {
    const char *labels; /* JSON */
    size_t count;
    double value[6];
};

struct fake {
    size_t calls;
    struct {
        char expr[512];
        bool instant;
        double from_s, to_s, step_s;
    } call[CALLS_MAX];
    struct fake_series series[6];
    bool fails;
};

static enum err fake_query(void *context, const char *expr, bool instant, double from_s,
                           double to_s, double step_s, struct prometheus_matrix *out,
                           struct error *error)
{
    struct fake *fake = context;
    cr_assert(fake->calls < CALLS_MAX);
    (void)text_copy(fake->call[fake->calls].expr, sizeof fake->call[0].expr, expr);
    fake->call[fake->calls].instant = instant;
    fake->call[fake->calls].from_s = from_s;
    fake->call[fake->calls].to_s = to_s;
    fake->call[fake->calls++].step_s = step_s;
    *out = (struct prometheus_matrix){.count = 0};
    if (fake->fails) {
        return error_set(error, ERR_INPUT, "fake", 0, "bad expression");
    }
    size_t count = 0;
    while (count < 6 && fake->series[count].labels != NULL) {
        count++;
    }
    out->series = mem_zalloc(count + 1, sizeof *out->series);
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        const struct fake_series *from = &fake->series[i];
        struct prometheus_series *to = &out->series[i];
        to->labels = json_loads(from->labels, 0, NULL);
        to->count = instant ? 1 : from->count;
        to->point = mem_zalloc(to->count + 1, sizeof *to->point);
        for (size_t j = 0; j < to->count; j++) {
            to->point[j].time_s = instant ? to_s : from_s + (double)j * step_s;
            to->point[j].value = from->value[instant ? from->count - 1 : j];
        }
    }
    return ERR_OK;
}

/* A dashboard of one panel: `panel` and `variables` are JSON without their outer brackets. */
static void read_one(const char *panel, const char *variables, struct dashboard *out)
{
    char text[4096];
    struct faults faults;
    struct error error = {.code = ERR_OK};
    faults_init(&faults);
    int len = snprintf(text, sizeof text,
                       "{\"uid\": \"u\", \"title\": \"t\", \"templating\": {\"list\": [%s]}, "
                       "\"panels\": [{%s}]}",
                       variables, panel);
    enum err code = dashboard_read_text("test", text, (size_t)len, out, &faults, &error);
    faults_print(&faults);
    cr_assert_eq(code, ERR_OK, "%s", text);
    faults_deinit(&faults);
}

static enum err evaluate(const struct dashboard *dashboard, struct fake *fake,
                         const struct panel_variable *variable, size_t variable_count,
                         struct panel_view *out, struct error *error)
{
    struct panel_request request = {.from_ms = FROM,
                                    .to_ms = FROM + 15 * MINUTE,
                                    .width_px = 600,
                                    .datasource_ms = 15000,
                                    .variable = variable,
                                    .variable_count = variable_count,
                                    .query = fake_query,
                                    .context = fake};
    return panel_evaluate(dashboard, &dashboard->panel[0], &request, out, error);
}

/* One panel evaluated with the fake's answers. */
static void show(const char *panel, const char *variables, struct fake *fake,
                 struct dashboard *dashboard, struct panel_view *view)
{
    struct error error = {.code = ERR_OK};
    read_one(panel, variables, dashboard);
    enum err code = evaluate(dashboard, fake, NULL, 0, view, &error);
    cr_assert_eq(code, ERR_OK, "%s", error.text);
}

Test(panel, variables_are_put_in_as_grafana_puts_them_in)
{
    static const char single[] =
        "{\"name\": \"v\", \"type\": \"query\", \"current\": {\"value\": \"a.b\"}}";
    static const char multi[] =
        "{\"name\": \"v\", \"type\": \"query\", \"multi\": true, \"includeAll\": true, "
        "\"current\": {\"value\": [\"a.b\", \"c/d\"]}}";
    static const char one[] = "{\"name\": \"v\", \"type\": \"query\", \"multi\": true, "
                              "\"current\": {\"value\": [\"a.b\"]}}";
    static const char all[] =
        "{\"name\": \"v\", \"type\": \"query\", \"includeAll\": true, \"allValue\": \".+\", "
        "\"current\": {\"value\": \"$__all\"}}";
    static const char options[] =
        "{\"name\": \"v\", \"type\": \"custom\", \"includeAll\": true, \"current\": {\"value\": "
        "[\"$__all\"]}, "
        "\"options\": [{\"value\": \"$__all\"}, {\"value\": \"x\"}, {\"value\": \"y\"}]}";
    static const char constant[] = "{\"name\": \"v\", \"type\": \"constant\", \"query\": \"k\"}";
    static const struct {
        const char *variables, *expr, *asked;
    } rows[] = {
        {single, "x{a='$v'}", "x{a='a.b'}"},
        {single, "x{a='${v}', b='[[v]]', c='$v_x'}", "x{a='a.b', b='a.b', c='$v_x'}"},
        {single, "${v:regex}", "a\\.b"},
        {single, "${other} $other $1 $ ${v", "${other} $other $1 $ ${v"},
        {multi, "x{a=~'$v'}", "x{a=~'(a\\\\.b|c/d)'}"},
        {multi, "${v:regex} [[v:pipe]]", "(a\\.b|c\\/d) a.b|c/d"},
        {multi, "${v:csv} ${v:glob} ${v:raw}", "a.b,c/d {a.b,c/d} a.b,c/d"},
        {multi, "${v:doublequote} ${v:singlequote} ${v:percentencode}",
         "\"a.b\",\"c/d\" 'a.b','c/d' a.b,c%2Fd"},
        {one, "x{a=~'$v'}", "x{a=~'a\\\\.b'}"},
        {all, "x{a=~'$v'} ${v:regex}", "x{a=~'.+'} .+"},
        {options, "x{a=~'$v'}", "x{a=~'(x|y)'}"},
        {constant, "$v", "k"},
        {single, "$__from ${__to} ${__from:date:seconds}",
         "1695513607123 1695514507123 1695513607"},
        {single, "x[$__interval] $__interval_ms ${__interval}", "x[15s] 15000 15s"},
        {single, "x[$__rate_interval] $__rate_interval_ms", "x[1m0s] 60000"},
        {single, "x[$__range] $__range_s $__range_ms ${__range}", "x[900s] 900 900000 900s"},
        {single, "$__interval_seconds", "15s_seconds"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char panel[512];
        struct dashboard d;
        struct interval_plan plan;
        struct error error = {.code = ERR_OK};
        const struct panel_request request = {
            .from_ms = FROM, .to_ms = FROM + 15 * MINUTE, .width_px = 600, .query = fake_query};
        json_t *expr = json_string(rows[i].expr);
        char *quoted = json_dumps(expr, JSON_ENCODE_ANY);
        (void)snprintf(panel, sizeof panel, "\"type\": \"stat\", \"targets\": [{\"expr\": %s}]",
                       quoted);
        read_one(panel, rows[i].variables, &d);
        char *asked = panel_expand(&d, &d.panel[0], &d.panel[0].target[0], &request, &plan, &error);
        cr_expect(asked != NULL && strcmp(asked, rows[i].asked) == 0, "%s: %s %s", rows[i].expr,
                  asked, error.text);
        mem_free(asked);
        free(quoted);
        json_decref(expr);
        dashboard_deinit(&d);
    }
}

Test(panel, a_request_may_choose_the_values_of_variables)
{
    static const struct panel_variable chosen[] = {{"v", "x"}, {"v", "y"}, {"w", "z"}};
    struct fake fake = {.calls = 0};
    struct dashboard d;
    struct panel_view view;
    struct error error = {.code = ERR_OK};
    read_one("\"type\": \"stat\", \"targets\": [{\"expr\": \"a{v=~'$v', w='$w'}\"}]",
             "{\"name\": \"v\", \"multi\": true, \"current\": {\"value\": \"old\"}}", &d);
    cr_assert_eq(evaluate(&d, &fake, chosen, 3, &view, &error), ERR_OK);
    cr_expect_str_eq(fake.call[0].expr, "a{v=~'(x|y)', w='z'}");
    panel_view_deinit(&view);
    dashboard_deinit(&d);
}

Test(panel, all_values_of_a_label_are_asked_for)
{
    struct fake fake = {.series = {{"{\"job\": \"a\"}", 1, {1}}, {"{\"job\": \"b\"}", 1, {1}}}};
    struct dashboard d;
    struct panel_view view;
    show("\"type\": \"stat\", \"targets\": [{\"expr\": \"up{job=~'$job'}\"}]",
         "{\"name\": \"job\", \"type\": \"query\", \"includeAll\": true, "
         "\"query\": \"label_values(up{x=\\\"1\\\"}, job)\", \"current\": {\"value\": \"$__all\"}}",
         &fake, &d, &view);
    cr_expect_eq(fake.calls, 2);
    cr_expect_str_eq(fake.call[0].expr, "count by (job) (last_over_time(up{x=\"1\"}[901s]))");
    cr_expect_str_eq(fake.call[1].expr, "up{job=~'(a|b)'}");
    panel_view_deinit(&view);
    dashboard_deinit(&d);
}

Test(panel, instant_targets_are_asked_at_the_end_and_ranges_on_the_grid)
{
    struct fake fake = {.series = {{"{}", 1, {1}}}};
    struct dashboard d;
    struct panel_view view;
    show("\"type\": \"timeseries\", \"targets\": [{\"refId\": \"A\", \"expr\": \"a\"}, "
         "{\"refId\": \"B\", \"expr\": \"b\", \"instant\": true}, "
         "{\"refId\": \"C\", \"expr\": \"c\", \"hide\": true}, "
         "{\"refId\": \"D\", \"expr\": \"d\", \"instant\": true, \"range\": true, \"interval\": "
         "\"1m\"}]",
         "", &fake, &d, &view);
    cr_assert_eq(fake.calls, 4);
    cr_expect_not(fake.call[0].instant);
    cr_expect_eq(fake.call[0].from_s, 1695513600.0);
    cr_expect_eq(fake.call[0].to_s, 1695514500.0);
    cr_expect_eq(fake.call[0].step_s, 15.0);
    cr_expect(fake.call[1].instant && fake.call[1].to_s == 1695514507.123);
    cr_expect_eq(fake.call[2].step_s, 60.0);
    cr_expect(!fake.call[2].instant && fake.call[3].instant);
    cr_expect_eq(view.plan.step_ms, 15000);
    cr_assert_eq(view.series_count, 4);
    cr_expect_str_eq(view.series[1].ref, "B");
    cr_expect_str_eq(view.series[3].ref, "D");
    panel_view_deinit(&view);
    dashboard_deinit(&d);
}

Test(panel, relative_time_and_shift_move_the_range)
{
    struct fake fake = {.calls = 0};
    struct dashboard d;
    struct panel_view view;
    show("\"type\": \"stat\", \"timeFrom\": \"5m\", \"timeShift\": \"1h\", "
         "\"targets\": [{\"expr\": \"a[$__range]\", \"instant\": true}]",
         "", &fake, &d, &view);
    cr_expect_str_eq(fake.call[0].expr, "a[300s]");
    cr_expect_eq(fake.call[0].to_s, 1695514507.123 - 3600);
    cr_expect_not(view.has_data);
    cr_expect_str_eq(view.text_no_data, "No data");
    panel_view_deinit(&view);
    dashboard_deinit(&d);
}

Test(panel, a_stat_is_reduced_named_written_and_coloured)
{
    struct fake fake = {.series = {{"{\"job\": \"low\"}", 3, {0.5, 0.3, 0.1}},
                                   {"{\"job\": \"high\"}", 3, {0.1, 0.3, 0.5}},
                                   {"{\"job\": \"idle\"}", 2, {NAN, NAN}},
                                   {"{\"job\": \"was\"}", 2, {0.25, NAN}}}};
    static const struct {
        const char *legend, *text, *colour;
        int step;
    } rows[] = {{"low job", "10.0%", "red", 0},
                {"high job", "50.0%", "green", 1},
                {"idle job", "unknown", "red", 0},
                {"was job", "25.0%", "green", 1}};
    struct dashboard d;
    struct panel_view view;
    show("\"type\": \"gauge\", \"targets\": [{\"refId\": \"A\", \"expr\": \"a\", \"legendFormat\": "
         "\"{{job}} job\"}], "
         "\"options\": {\"reduceOptions\": {\"calcs\": [\"lastNotNull\"]}}, \"fieldConfig\": "
         "{\"defaults\": "
         "{\"unit\": \"percentunit\", \"decimals\": 1, \"noValue\": \"unknown\", \"thresholds\": "
         "{\"mode\": \"absolute\", "
         "\"steps\": [{\"color\": \"red\", \"value\": null}, {\"color\": \"green\", \"value\": "
         "0.25}]}}}",
         "", &fake, &d, &view);
    cr_assert_eq(view.series_count, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_str_eq(view.series[i].legend, rows[i].legend);
        cr_expect_str_eq(view.series[i].text, rows[i].text, "%s", view.series[i].text);
        cr_expect_str_eq(view.series[i].colour, rows[i].colour);
        cr_expect_eq(view.series[i].step, rows[i].step);
    }
    cr_expect(view.has_data && !view.series[2].has_value && view.series[3].has_value);
    cr_expect(view.series[0].min == 0.1 && view.series[0].max == 0.5);
    cr_expect_str_eq(view.text_no_data, "unknown");
    panel_view_deinit(&view);
    dashboard_deinit(&d);
}

Test(panel, lines_have_a_colour_of_their_own_and_that_of_their_band)
{
    struct fake fake = {.series = {{"{\"a\": \"1\"}", 2, {1, 5}}, {"{\"a\": \"2\"}", 2, {5, 1}}}};
    struct dashboard d;
    struct panel_view view;
    show("\"type\": \"timeseries\", \"targets\": [{\"refId\": \"A\", \"expr\": \"x\", "
         "\"legendFormat\": \"__auto\"}], "
         "\"fieldConfig\": {\"defaults\": {\"color\": {\"mode\": \"palette-classic\"}, "
         "\"thresholds\": {\"mode\": \"absolute\", "
         "\"steps\": [{\"color\": \"blue\", \"value\": null}, {\"color\": \"red\", \"value\": "
         "4}]}}, \"overrides\": ["
         "{\"matcher\": {\"id\": \"byName\", \"options\": \"2\"}, \"properties\": [{\"id\": "
         "\"color\", "
         "\"value\": {\"mode\": \"fixed\", \"fixedColor\": \"purple\"}}, {\"id\": \"displayName\", "
         "\"value\": \"${__field.labels.a}: ${__series.name}\"}]}]}",
         "", &fake, &d, &view);
    cr_expect_str_eq(view.series[0].legend, "1");
    cr_expect_str_eq(view.series[0].colour, "red");
    cr_expect_str_eq(view.series[0].line_colour, "green");
    cr_expect_str_eq(view.series[1].legend, "2: 2");
    cr_expect_str_eq(view.series[1].colour, "blue");
    cr_expect_str_eq(view.series[1].line_colour, "purple");
    panel_view_deinit(&view);
    dashboard_deinit(&d);
}

Test(panel, mappings_give_text_and_colour)
{
    struct fake fake = {.series = {{"{\"a\": \"1\"}", 1, {0}},
                                   {"{\"a\": \"2\"}", 1, {1}},
                                   {"{\"a\": \"3\"}", 1, {2}}}};
    struct dashboard d;
    struct panel_view view;
    show("\"type\": \"state-timeline\", \"targets\": [{\"expr\": \"x\"}], \"fieldConfig\": "
         "{\"defaults\": "
         "{\"mappings\": [{\"type\": \"value\", \"options\": {\"0\": {\"text\": \"down\", "
         "\"color\": \"orange\"}, "
         "\"1\": {\"text\": \"up\"}}}], \"thresholds\": {\"mode\": \"absolute\", \"steps\": "
         "[{\"color\": \"blue\", \"value\": null}]}}}",
         "", &fake, &d, &view);
    cr_expect_str_eq(view.series[0].text, "down");
    cr_expect_str_eq(view.series[0].colour, "orange");
    cr_expect_str_eq(view.series[1].text, "up");
    cr_expect_str_eq(view.series[1].colour, "blue");
    cr_expect_str_eq(view.series[2].text, "2");
    panel_view_deinit(&view);
    dashboard_deinit(&d);
}

Test(panel, thresholds_in_percent_follow_the_scale_of_all_series)
{
    struct fake fake = {
        .series = {{"{\"a\": \"1\"}", 2, {0, 79}}, {"{\"a\": \"2\"}", 2, {100, 80}}}};
    struct dashboard d;
    struct panel_view view;
    show("\"type\": \"stat\", \"targets\": [{\"expr\": \"x\"}], \"fieldConfig\": {\"defaults\": "
         "{\"thresholds\": "
         "{\"mode\": \"percentage\", \"steps\": [{\"color\": \"blue\", \"value\": null}, "
         "{\"color\": \"red\", \"value\": 80}]}}}",
         "", &fake, &d, &view);
    cr_expect_str_eq(view.series[0].colour, "blue");
    cr_expect_str_eq(view.series[1].colour, "red");
    panel_view_deinit(&view);
    dashboard_deinit(&d);
}

/* The table of Grafana's own comment in result_transformer.ts, and a bucket that lacks a sample. */
Test(panel, heatmaps_are_de_cumulated_by_index_in_order_of_le)
{
    struct fake fake = {.series = {{"{\"le\": \"+Inf\"}", 3, {20, 20, 40}},
                                   {"{\"le\": \"20\"}", 3, {20, 10, 30}},
                                   {"{\"le\": \"10\"}", 2, {10, 10}},
                                   {"{\"le\": \"5.0\"}", 3, {10, 1e-10, NAN}}}};
    static const struct {
        const char *legend;
        double bound, value[3];
    } rows[] = {{"5.0", 5, {10, 1e-10, NAN}},
                {"10", 10, {0, 10 - 1e-10, 0}},
                {"20", 20, {10, 0, 30}},
                {"+Inf", INFINITY, {0, 10, 10}}};
    struct dashboard d;
    struct panel_view view;
    show("\"type\": \"heatmap\", \"targets\": [{\"expr\": \"x\", \"format\": \"heatmap\", "
         "\"legendFormat\": \"{{le}}\"}]",
         "", &fake, &d, &view);
    cr_assert_eq(view.series_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct panel_series *s = &view.series[i];
        cr_expect_str_eq(s->legend, rows[i].legend);
        cr_expect_eq(s->bound, rows[i].bound);
        for (size_t j = 0; j < s->count; j++) {
            double value = s->point[j].value;
            cr_expect(value == rows[i].value[j] || (isnan(value) && isnan(rows[i].value[j])),
                      "%s[%zu]: %g", s->legend, j, value);
        }
    }
    panel_view_deinit(&view);
    dashboard_deinit(&d);
}

Test(panel, series_are_named_by_format_labels_or_expression)
{
    static const struct {
        const char *format, *labels, *name;
    } rows[] = {
        {"", "{\"__name__\": \"up\", \"job\": \"a\"}", "up{job=\"a\"}"},
        {"", "{\"b\": \"2\", \"a\": \"1\\\"\"}", "{a=\"1\\\"\", b=\"2\"}"},
        {"", "{\"__name__\": \"up\"}", "up"},
        {"", "{}", "1 + 1"},
        {"__auto", "{}", "1 + 1"},
        {"__auto", "{\"job\": \"a\"}", "a"},
        {"{{ job }}/{{none}}!", "{\"job\": \"a\"}", "a/!"},
        {"{job} {{}} {{", "{\"job\": \"a\"}", "{job} {{}} {{"},
        {"$v", "{}", "put in"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char panel[256];
        struct fake fake = {.series = {{rows[i].labels, 1, {1}}}};
        struct dashboard d;
        struct panel_view view;
        (void)snprintf(
            panel, sizeof panel,
            "\"type\": \"stat\", \"targets\": [{\"expr\": \"1 + 1\", \"legendFormat\": \"%s\"}]",
            rows[i].format);
        show(panel, "{\"name\": \"v\", \"type\": \"constant\", \"query\": \"put in\"}", &fake, &d,
             &view);
        cr_expect_str_eq(view.series[0].legend, rows[i].name, "%s", view.series[0].legend);
        panel_view_deinit(&view);
        dashboard_deinit(&d);
    }
}

Test(panel, min_step_may_be_a_variable)
{
    struct fake fake = {.calls = 0};
    struct dashboard d;
    struct panel_view view;
    struct error error = {.code = ERR_OK};
    const struct panel_variable often = {"w", "often"};
    show("\"type\": \"stat\", \"interval\": \"$w\", \"targets\": [{\"expr\": \"x\", \"interval\": "
         "\"${w}\"}]",
         "{\"name\": \"w\", \"type\": \"interval\", \"current\": {\"value\": \"2m\"}}", &fake, &d,
         &view);
    cr_expect_eq(fake.call[0].step_s, 120.0);
    cr_expect_eq(view.plan.interval_ms, 120000);
    panel_view_deinit(&view);
    cr_expect_eq(evaluate(&d, &fake, &often, 1, &view, &error), ERR_INPUT);
    cr_expect_str_eq(error.text, "panel : expected a duration such as 30s, got often");
    dashboard_deinit(&d);
}

Test(panel, what_prometheus_refuses_is_told)
{
    struct fake fake = {.fails = true};
    struct dashboard d;
    struct panel_view view;
    struct error error = {.code = ERR_OK};
    read_one("\"type\": \"stat\", \"targets\": [{\"expr\": \"x\"}]", "", &d);
    cr_expect_eq(evaluate(&d, &fake, NULL, 0, &view, &error), ERR_INPUT);
    cr_expect_str_eq(error.text, "bad expression");
    cr_expect_null(view.series);
    dashboard_deinit(&d);
}
