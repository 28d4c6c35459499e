#include "observe/dashboard.h"

#include "base/fileio.h"
#include "base/mem.h"
#include "base/text.h"
#include "invalid.h"
#include "observe/units.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MINUTE INT64_C(60000)

static const char example[] =
    "{\"uid\": \"u\", \"title\": \"T\", \"tags\": [\"a\", \"b\"], \"schemaVersion\": 39,\n"
    " \"time\": {\"from\": \"now-3h\", \"to\": \"now\"},\n"
    " \"links\": [{\"type\": \"link\", \"title\": \"Next\", \"url\": \"/d/next\", \"keepTime\": "
    "true}],\n"
    " \"templating\": {\"list\": [{\"name\": \"job\", \"type\": \"query\", \"multi\": true,\n"
    "   \"query\": {\"query\": \"label_values(up, job)\"}, \"allValue\": \".+\",\n"
    "   \"current\": {\"text\": [\"r\"], \"value\": [\"r\", \"s\"]},\n"
    "   \"options\": [{\"text\": \"All\", \"value\": \"$__all\"}, {\"text\": \"r\", \"value\": "
    "\"r\"}]}]},\n"
    " \"annotations\": {\"list\": [{\"name\": \"alerts\", \"expr\": \"ALERTS\", \"step\": "
    "\"30s\"}]},\n"
    " \"panels\": [\n"
    "  {\"type\": \"row\", \"title\": \"Above\", \"collapsed\": false, \"panels\": []},\n"
    "  {\"id\": 7, \"type\": \"gauge\", \"title\": \"Conversion\",\n"
    "   \"description\": \"How many take it. Lower is worse.\",\n"
    "   \"gridPos\": {\"x\": 6, \"y\": 1, \"w\": 12, \"h\": 8}, \"interval\": \"30s\", "
    "\"maxDataPoints\": 200,\n"
    "   \"timeFrom\": \"1h\",\n"
    "   \"targets\": [\n"
    "    {\"refId\": \"A\",\n"
    "     \"expr\": \"ratio\", \"legendFormat\": \"{{job}}\", \"instant\": true, \"range\": "
    "false},\n"
    "    {\"refId\": \"B\", \"expr\": \"x[5m]\", \"interval\": \"$__rate_interval\", \"hide\": "
    "true}],\n"
    "   \"fieldConfig\": {\"defaults\": {\"unit\": \"percentunit\", \"min\": 0, \"decimals\": 1,\n"
    "     \"noValue\": \"none\", \"color\": {\"mode\": \"thresholds\"}, \"links\": [{\"title\": "
    "\"m\", \"url\": \"/d/m\"}],\n"
    "     \"custom\": {\"thresholdsStyle\": {\"mode\": \"line\"}},\n"
    "     \"thresholds\": {\"mode\": \"absolute\", \"steps\": [{\"color\": \"red\", \"value\": "
    "0},\n"
    "       {\"color\": \"green\", \"value\": 0.25}]}},\n"
    "    \"overrides\": [{\"matcher\": {\"id\": \"byRegexp\", \"options\": \"/^lim/\"},\n"
    "      \"properties\": [{\"id\": \"unit\", \"value\": \"s\"}, {\"id\": \"max\", \"value\": "
    "9},\n"
    "       {\"id\": \"thresholds\", \"value\": {\"mode\": \"percentage\", \"steps\": [{\"color\": "
    "\"blue\", \"value\": null}]}}]},\n"
    "     {\"matcher\": {\"id\": \"byFrameRefID\", \"options\": \"B\"},\n"
    "      \"properties\": [{\"id\": \"color\", \"value\": {\"mode\": \"fixed\", \"fixedColor\": "
    "\"purple\"}}]}]},\n"
    "   \"options\": {\"reduceOptions\": {\"calcs\": [\"mean\"]}}},\n"
    "  {\"type\": \"row\", \"title\": \"Closed\", \"collapsed\": true, \"panels\": [\n"
    "   {\"id\": 8, \"type\": \"heatmap\", \"title\": \"Latency\", \"description\": \"Higher is "
    "worse.\",\n"
    "    \"targets\": [{\"expr\": \"b\", \"format\": \"heatmap\"}]},\n"
    "   {\"id\": 9, \"type\": \"my-own-panel\", \"title\": \"Own\"}]}]}\n";

static void read_example(struct dashboard *out)
{
    struct faults faults;
    struct error error = {.code = ERR_OK};
    faults_init(&faults);
    enum err code =
        dashboard_read_text("example", example, sizeof example - 1, out, &faults, &error);
    faults_print(&faults);
    cr_assert_eq(code, ERR_OK, "%s", error.text);
    faults_deinit(&faults);
}

Test(dashboard, panels_are_read_with_their_lines)
{
    struct dashboard d;
    read_example(&d);
    cr_assert_eq(d.panel_count, 3);
    const struct dashboard_panel *p = dashboard_panel_find(&d, "Conversion");
    cr_assert_not_null(p);
    cr_expect_eq(p->id, 7);
    cr_expect_eq(p->line, 11);
    cr_expect_eq(p->type, DASHBOARD_GAUGE);
    cr_expect_eq(p->worse, DASHBOARD_LOWER);
    cr_expect_str_eq(p->row, "Above");
    cr_expect_eq(p->x * 1000 + p->y * 100 + p->w * 10 + p->h, 6000 + 100 + 120 + 8);
    cr_expect_eq(p->interval_ms, 30000);
    cr_expect_eq(p->max_data_points, 200);
    cr_expect_eq(p->time_from_ms, 60 * MINUTE);
    cr_expect_str_eq(p->calc, "mean");
    cr_expect_str_eq(p->unit, "percentunit");
    cr_expect_str_eq(p->no_value, "none");
    cr_expect_str_eq(p->thresholds_style, "line");
    cr_expect(p->min == 0 && isnan(p->max) && p->decimals == 1);
    cr_assert_eq(p->thresholds.count, 2);
    cr_expect(p->thresholds.step[0].value == -INFINITY && p->thresholds.step[1].value == 0.25);
    cr_assert_eq(p->target_count, 2);
    cr_expect(p->target[0].instant && !p->target[0].range && !p->target[0].hide);
    cr_expect_eq(p->target[0].line, 16);
    cr_expect_eq(p->target[0].expr_line, 17);
    cr_expect(p->target[1].range && p->target[1].hide && p->target[1].min_step_is_rate);
    p = dashboard_panel_find(&d, "Latency");
    cr_assert_not_null(p);
    cr_expect_eq(p->worse, DASHBOARD_HIGHER);
    cr_expect_str_eq(p->row, "Closed");
    cr_expect_str_eq(p->target[0].format, "heatmap");
    cr_expect_str_eq(p->calc, "lastNotNull");
    cr_expect_eq(dashboard_panel_find(&d, "Own")->type, DASHBOARD_OTHER);
    cr_expect_null(dashboard_panel_find(&d, "Above"));
    dashboard_deinit(&d);
}

Test(dashboard, what_stands_around_the_panels_is_read)
{
    struct dashboard d;
    read_example(&d);
    cr_expect_str_eq(d.uid, "u");
    cr_expect_eq(d.range_ms, 180 * MINUTE);
    cr_expect_eq(d.tag_count, 2);
    const struct dashboard_variable *v = dashboard_variable_find(&d, "job");
    cr_assert_not_null(v);
    cr_expect(v->multi && !v->include_all && v->line == 4);
    cr_expect_str_eq(v->query, "label_values(up, job)");
    cr_expect_str_eq(v->all_value, ".+");
    cr_expect_eq(v->current_count, 2);
    cr_expect_eq(v->option_count, 1);
    cr_assert_eq(d.link_count, 2);
    cr_expect(d.link[0].panel == NULL && d.link[0].keep_time && !d.link[0].include_vars);
    cr_expect_str_eq(d.link[1].url, "/d/m");
    cr_expect_str_eq(d.link[1].panel->title, "Conversion");
    cr_assert_eq(d.annotation_count, 1);
    cr_expect_eq(d.annotation[0].step_ms, 30000);
    dashboard_deinit(&d);
}

Test(dashboard, overrides_change_the_field_of_the_series_they_match)
{
    struct dashboard d;
    struct dashboard_field field;
    read_example(&d);
    const struct dashboard_panel *p = dashboard_panel_find(&d, "Conversion");
    dashboard_field_for(p, "limit", "A", &field);
    cr_expect_str_eq(field.unit, "s");
    cr_expect(field.max == 9 && field.min == 0);
    cr_expect(field.thresholds.percent && field.thresholds.count == 1);
    cr_expect_str_eq(field.colour_mode, "thresholds");
    dashboard_field_deinit(&field);
    dashboard_field_for(p, "the limit", "B", &field);
    cr_expect_str_eq(field.unit, "percentunit");
    cr_expect_eq(field.thresholds.count, 2);
    cr_expect_str_eq(field.fixed_colour, "purple");
    dashboard_field_deinit(&field);
    dashboard_deinit(&d);
}

Test(dashboard, overrides_name_series_as_grafana_reads_patterns)
{
    static const struct {
        const char *id, *options, *name, *ref;
        bool taken;
    } rows[] = {
        {"byRegexp", "a", "a", "A", true},
        {"byRegexp", "a", "ab", "A", false},
        {"byRegexp", "a|b", "ax", "A", true},
        {"byRegexp", "a|b", "xb", "A", true},
        {"byRegexp", "a|b", "xa", "A", false},
        {"byRegexp", "/b/", "abc", "A", true},
        {"byRegexp", "/B/", "abc", "A", false},
        {"byRegexp", "/B/i", "abc", "A", true},
        {"byRegexp", "/B/gi", "abc", "A", true},
        {"byRegexp", "/^p\\d+$/", "p95", "A", true},
        {"byRegexp", "/^\\d+$/", "p95", "A", false},
        {"byRegexp", "/a\\/b/", "a/b", "A", true},
        {"byRegexp", "/[/]/", "a/b", "A", true},
        {"byFrameRefID", "A", "x", "A", true},
        {"byFrameRefID", "A|B", "x", "B", true},
        {"byFrameRefID", "AA|B", "x", "A", false},
        {"byFrameRefID", "/^(A|B)$/", "x", "B", true},
        {"byFrameRefID", "/C/", "x", "B", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct dashboard_panel panel = {.field.decimals = -1};
        struct dashboard_field field;
        json_t *json = json_pack("{s:{s:[{s:{s:s, s:s}, s:[{s:s, s:s}]}]}}", "fieldConfig",
                                 "overrides", "matcher", "id", rows[i].id, "options",
                                 rows[i].options, "properties", "id", "unit", "value", "s");
        panel.json = json;
        dashboard_field_for(&panel, rows[i].name, rows[i].ref, &field);
        cr_expect_eq(strcmp(field.unit, "s") == 0, rows[i].taken, "%s %s of %s", rows[i].id,
                     rows[i].options, rows[i].name);
        dashboard_field_deinit(&field);
        json_decref(json);
    }
}

static void read_invalid(const char *path, char *message, size_t size)
{
    struct dashboard d;
    struct faults faults;
    struct error error = {.code = ERR_OK};
    size_t len = 0;
    faults_init(&faults);
    if (dashboard_read(path, &d, &faults, &error) == ERR_OK) {
        dashboard_deinit(&d);
    }
    message[0] = '\0';
    for (size_t i = 0; i < faults.count && len < size; i++) {
        int wrote = snprintf(message + len, size - len, "%s%d: %s: %s", i > 0 ? "\n" : "",
                             faults.list[i].line, faults.list[i].path, faults.list[i].text);
        len += wrote > 0 ? (size_t)wrote : 0;
    }
    faults_deinit(&faults);
}

Test(dashboard, all_faults_are_told_with_line_and_place)
{
    cr_expect_eq(invalid_each("dashboard_file", read_invalid), 0);
}

Test(dashboard, surrogates_that_yaml_refuses_are_read_without_lines)
{
    static const char text[] = "{\"uid\": \"u\", \"title\": \"\\ud83d\\ude80\", \"panels\": []}";
    struct dashboard d;
    struct faults faults;
    faults_init(&faults);
    cr_assert_eq(dashboard_read_text("x", text, sizeof text - 1, &d, &faults, NULL), ERR_OK);
    cr_expect_str_eq(d.title, "\xf0\x9f\x9a\x80");
    dashboard_deinit(&d);
    faults_deinit(&faults);
}

/* Renders text and reads it back; NULL and the faults if it is refused. */
static json_t *render(const char *text, int64_t scale, int64_t min_range_ns, struct faults *faults)
{
    char in[64];
    char out[64];
    struct error error = {.code = ERR_OK};
    (void)snprintf(in, sizeof in, "/tmp/dashboard-in-%ld.json", (long)getpid());
    (void)snprintf(out, sizeof out, "/tmp/dashboard-out-%ld.json", (long)getpid());
    cr_assert_eq(file_write(in, text, strlen(text), &error), ERR_OK);
    enum err code = dashboard_render(in, scale, min_range_ns, out, faults, &error);
    json_t *root = code == ERR_OK ? json_load_file(out, 0, NULL) : NULL;
    cr_expect_eq(file_exists(out), code == ERR_OK);
    (void)unlink(in);
    (void)unlink(out);
    return root;
}

static const char *expr_of(const json_t *root, size_t panel, size_t target)
{
    const json_t *p = json_array_get(json_object_get(root, "panels"), panel);
    return json_string_value(
        json_object_get(json_array_get(json_object_get(p, "targets"), target), "expr"));
}

Test(dashboard, rendering_divides_durations_and_leaves_variables)
{
    static const struct {
        const char *expr, *rendered;
    } rows[] = {
        {"rate(x[15m])", "rate(x[15s])"},
        {"rate(x[$__rate_interval])", "rate(x[$__rate_interval])"},
        {"rate(x[${__rate_interval}]) offset 1h", "rate(x[${__rate_interval}]) offset 1m"},
        {"x[$__range:1m]", "x[$__range:1s]"},
        {"x[30m:$__interval]", "x[30s:$__interval]"},
        {"x[[[w]]] offset $o", "x[[[w]]] offset $o"},
        {"sum(x{job=~\"$job|[5m]\", $filter}) by ($by)",
         "sum(x{job=~\"$job|[5m]\", $filter}) by ($by)"},
        {"topk($n, ${metric}_total[1h])", "topk($n, ${metric}_total[1m])"},
        {"$__rate_interval_ms + $a offset 1h", "$__rate_interval_ms + $a offset 1m"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct faults faults;
        faults_init(&faults);
        json_t *input = json_pack("{s:s, s:s, s:[{s:s, s:[{s:s}]}]}", "uid", "u", "title", "t",
                                  "panels", "type", "stat", "targets", "expr", rows[i].expr);
        char *text = json_dumps(input, 0);
        json_t *root = render(text, 60, 0, &faults);
        cr_expect(root != NULL, "%s: %s", rows[i].expr,
                  faults.count > 0 ? faults.list[0].text : "");
        if (root != NULL) {
            cr_expect_str_eq(expr_of(root, 0, 0), rows[i].rendered, "%s", expr_of(root, 0, 0));
        }
        json_decref(root);
        json_decref(input);
        free(text);
        faults_deinit(&faults);
    }
}

Test(dashboard, rendering_divides_everything_that_is_time)
{
    static const char text[] =
        "{\"uid\": \"u\", \"title\": \"t\", \"refresh\": \"30s\", \"limit\": 0.2294,\n"
        " \"time\": {\"from\": \"now-6h\", \"to\": \"now\"},\n"
        " \"annotations\": {\"list\": [{\"expr\": \"ALERTS offset 5m\", \"step\": \"30s\"}]},\n"
        " \"templating\": {\"list\": [{\"name\": \"w\", \"type\": \"interval\", \"query\": "
        "\"1m,auto,1h\",\n"
        "   \"current\": {\"text\": \"1h\", \"value\": \"1h\"}, \"options\": [{\"text\": \"1m\", "
        "\"value\": \"1m\"}]},\n"
        "  {\"name\": \"c\", \"type\": \"custom\", \"query\": \"5m,1h\"}]},\n"
        " \"panels\": [{\"type\": \"row\", \"panels\": [\n"
        "  {\"type\": \"stat\", \"interval\": \">15s\", \"timeFrom\": \"1d\", \"timeShift\": "
        "\"1h\",\n"
        "   \"targets\": [{\"expr\": \"x[1h]\", \"interval\": \"1m\"}, {\"expr\": \"y\", "
        "\"interval\": \"$__rate_interval\"}]}]}]}";
    struct faults faults;
    faults_init(&faults);
    json_t *root = render(text, 60, 0, &faults);
    faults_print(&faults);
    cr_assert_not_null(root);
    json_t *wanted = json_loads(text, 0, NULL);
    json_t *panel = json_array_get(
        json_object_get(json_array_get(json_object_get(wanted, "panels"), 0), "panels"), 0);
    json_t *target = json_array_get(json_object_get(panel, "targets"), 0);
    json_t *annotation =
        json_array_get(json_object_get(json_object_get(wanted, "annotations"), "list"), 0);
    json_t *variable =
        json_array_get(json_object_get(json_object_get(wanted, "templating"), "list"), 0);
    json_object_set_new(json_object_get(wanted, "time"), "from", json_string("now-6m"));
    json_object_set_new(panel, "interval", json_string(">250ms"));
    json_object_set_new(panel, "timeFrom", json_string("24m"));
    json_object_set_new(panel, "timeShift", json_string("1m"));
    json_object_set_new(target, "expr", json_string("x[1m]"));
    json_object_set_new(target, "interval", json_string("1s"));
    json_object_set_new(annotation, "expr", json_string("ALERTS offset 5s"));
    json_object_set_new(annotation, "step", json_string("500ms"));
    json_object_set_new(variable, "query", json_string("1s,auto,1m"));
    json_object_set_new(variable, "current", json_pack("{s:s, s:s}", "text", "1m", "value", "1m"));
    json_object_set_new(variable, "options",
                        json_pack("[{s:s, s:s}]", "text", "1s", "value", "1s"));
    json_object_set_new(wanted, "refresh", json_string("5s"));
    json_object_set_new(wanted, "title", json_string("t (time x 60)"));
    json_object_set_new(wanted, "description",
                        json_string("A drill: time runs 60 times as fast as the texts here say."));
    char *got = json_dumps(root, JSON_SORT_KEYS);
    char *should = json_dumps(wanted, JSON_SORT_KEYS);
    cr_expect_str_eq(got, should);
    free(got);
    free(should);
    json_decref(wanted);
    json_decref(root);
    faults_deinit(&faults);
}

Test(dashboard, rendering_refuses_what_cannot_be_divided)
{
    static const char text[] = "{\"uid\": \"u\", \"title\": \"t\",\n"
                               " \"panels\": [{\"type\": \"stat\",\n"
                               "  \"interval\": \"1s\",\n"
                               "  \"targets\": [\n"
                               "   {\"expr\": \"rate(x[30s])\"},\n"
                               "   {\"expr\": \"rate(x[5m)\"},\n"
                               "   {\"expr\": \"x offset 7s\"}]}]}";
    static const struct {
        int line;
        const char *text;
    } rows[] = {{3, "1s divided by 7 is not a whole number of milliseconds"},
                {5, "range 30s is shorter than 2m30s (ten scrapes)"},
                {6, "expected ], got )"},
                {0, NULL}};
    struct faults faults;
    faults_init(&faults);
    cr_expect_null(render(text, 7, INT64_C(150000000000), &faults));
    cr_expect_eq(faults.count, 3);
    for (size_t i = 0; rows[i].text != NULL && i < faults.count; i++) {
        cr_expect_eq(faults.list[i].line, rows[i].line);
        cr_expect_str_eq(faults.list[i].text, rows[i].text);
    }
    faults_deinit(&faults);
}

Test(dashboard, shipped_dashboards_are_read_and_rendered_without_fault)
{
    char **paths;
    size_t count;
    struct error error = {.code = ERR_OK};
    cr_assert_eq(file_glob("grafana/dashboards/*.json", &paths, &count, &error), ERR_OK);
    cr_assert(count >= 4, "%zu dashboards", count);
    for (size_t i = 0; i < count; i++) {
        struct dashboard d;
        struct faults faults;
        faults_init(&faults);
        enum err code = dashboard_read(paths[i], &d, &faults, &error);
        faults_print(&faults);
        cr_assert_eq(code, ERR_OK, "%s", paths[i]);
        for (size_t p = 0; p < d.panel_count; p++) {
            cr_expect(d.panel[p].line > 1, "%s", d.panel[p].title);
            cr_expect(units_known(d.panel[p].unit), "%s: unit %s", d.panel[p].title,
                      d.panel[p].unit);
        }
        dashboard_deinit(&d);
        cr_expect_eq(dashboard_render(paths[i], 60, INT64_C(150000000000), "/tmp/rendered.json",
                                      &faults, &error),
                     ERR_OK);
        faults_print(&faults);
        faults_deinit(&faults);
    }
    file_glob_free(paths, count);
    (void)unlink("/tmp/rendered.json");
}
