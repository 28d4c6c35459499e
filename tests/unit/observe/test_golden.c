/*
 * What Grafana's own code answers (tests/golden/generate.mjs) against what ours does. JSON has no
 * NaN and no infinity: they are strings there.
 */
#include "base/text.h"
#include "observe/dashboard.h"
#include "observe/interval.h"
#include "observe/legend.h"
#include "observe/palette.h"
#include "observe/panel_int.h"
#include "observe/reduce.h"
#include "observe/threshold.h"
#include "observe/units.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_FAULTS 25

static json_t *load(const char *name)
{
    char path[128];
    json_error_t error;
    (void)snprintf(path, sizeof path, "tests/golden/%s.json", name);
    json_t *file = json_load_file(path, 0, &error);
    cr_assert_not_null(file, "%s: %s", path, error.text);
    cr_assert(json_array_size(json_object_get(file, "rows")) > 10, "%s has no rows", path);
    return file;
}

static double number(const json_t *value)
{
    return json_is_string(value) ? strtod(json_string_value(value), NULL)
                                 : json_number_value(value);
}

static double number_at(const json_t *row, const char *key)
{
    return number(json_object_get(row, key));
}

static const char *text_at(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-12 * fabs(b);
}

Test(golden, intervals_are_rounded_and_chosen_as_in_the_browser)
{
    size_t index;
    json_t *row;
    json_t *file = load("interval");
    json_array_foreach(json_object_get(file, "rows"), index, row)
    {
        int64_t wanted = (int64_t)number_at(row, "ms");
        if (json_object_get(row, "round") != NULL) {
            int64_t ms = (int64_t)number_at(row, "round");
            cr_expect_eq(interval_round_ms(ms), wanted, "row %zu: %ld rounds to %ld", index,
                         (long)ms, (long)interval_round_ms(ms));
            continue;
        }
        struct interval_plan plan;
        struct interval_request request = {.from_ms = 1695513600000,
                                           .to_ms =
                                               1695513600000 + (int64_t)number_at(row, "range_ms"),
                                           .max_data_points = (int64_t)number_at(row, "points")};
        cr_assert(interval_read_ms(text_at(row, "low"), &request.panel_min_ms));
        interval_plan(&request, &plan);
        cr_expect_eq(plan.interval_ms, wanted, "row %zu: %ld, not %ld", index,
                     (long)plan.interval_ms, (long)wanted);
    }
    json_decref(file);
}

Test(golden, the_active_threshold_is_the_last_one_reached)
{
    size_t index;
    size_t step_index;
    json_t *row;
    json_t *step;
    json_t *file = load("threshold");
    json_array_foreach(json_object_get(file, "rows"), index, row)
    {
        struct threshold_step steps[8];
        struct thresholds thresholds = {.step = steps};
        json_array_foreach(json_object_get(row, "steps"), step_index, step)
        {
            steps[thresholds.count++].value = number_at(step, "value");
        }
        int active = threshold_active(&thresholds, number_at(row, "value"), 0, 1);
        cr_expect_eq(active, (int)number_at(row, "step"), "row %zu: step %d", index, active);
    }
    json_decref(file);
}

Test(golden, series_are_reduced_as_in_the_browser)
{
    size_t index;
    size_t value_index;
    json_t *row;
    json_t *value;
    json_t *file = load("reduce");
    json_array_foreach(json_object_get(file, "rows"), index, row)
    {
        double values[64];
        bool missing[64];
        double out = 0;
        const char *nulls = text_at(row, "nulls");
        struct reduce_input input = {.value = values, .missing = missing};
        input.nulls = strcmp(nulls, "Ignore") == 0   ? REDUCE_NULL_IGNORE
                      : strcmp(nulls, "AsZero") == 0 ? REDUCE_NULL_AS_ZERO
                                                     : REDUCE_NULL_KEEP;
        json_array_foreach(json_object_get(row, "values"), value_index, value)
        {
            missing[input.count] = json_is_null(value);
            values[input.count++] = number(value);
        }
        const json_t *wanted = json_object_get(row, "result");
        cr_assert(reduce_known(text_at(row, "calc")), "%s", text_at(row, "calc"));
        bool found = reduce(text_at(row, "calc"), &input, &out);
        char *spelled = json_dumps(row, JSON_COMPACT);
        if (json_is_null(wanted)) {
            cr_expect(!found, "got %g: %s", out, spelled);
        } else {
            cr_expect((found || isnan(number(wanted))) && same(out, number(wanted)),
                      "got %g (%d): %s", out, found, spelled);
        }
        free(spelled);
    }
    json_decref(file);
}

Test(golden, numbers_are_written_with_their_units)
{
    size_t index;
    size_t faults = 0;
    json_t *row;
    json_t *file = load("units");
    json_array_foreach(json_object_get(file, "rows"), index, row)
    {
        struct units_value out;
        const char *unit = json_string_value(json_array_get(row, 0));
        const json_t *decimals = json_array_get(row, 2);
        units_format(
            unit, number(json_array_get(row, 1)),
            json_is_null(decimals) ? UNITS_DECIMALS_AUTO : (int)json_integer_value(decimals), &out);
        bool ok = strcmp(out.prefix, json_string_value(json_array_get(row, 3))) == 0 &&
                  strcmp(out.text, json_string_value(json_array_get(row, 4))) == 0 &&
                  strcmp(out.suffix, json_string_value(json_array_get(row, 5))) == 0;
        if (!ok && faults++ < SHOWN_FAULTS) {
            char *spelled = json_dumps(row, JSON_COMPACT);
            cr_expect(false, "got \"%s\" \"%s\" \"%s\": %s", out.prefix, out.text, out.suffix,
                      spelled);
            free(spelled);
        }
    }
    cr_expect_eq(faults, 0, "%zu of %zu rows differ", faults,
                 json_array_size(json_object_get(file, "rows")));
    json_decref(file);
}

/* The row's field as a panel of a dashboard file has it. */
static void read_panel(const json_t *config, struct dashboard *out)
{
    struct error error = {.code = ERR_OK};
    struct faults faults;
    faults_init(&faults);
    json_t *root = json_pack("{s:s, s:s, s:[{s:i, s:s, s:[{s:s, s:s}], s:{s:O}}]}", "uid", "u",
                             "title", "t", "panels", "id", 1, "type", "stat", "targets", "refId",
                             "A", "expr", "x", "fieldConfig", "defaults", (json_t *)config);
    char *text = json_dumps(root, 0);
    enum err code = dashboard_read_text("golden", text, strlen(text), out, &faults, &error);
    cr_assert_eq(code, ERR_OK, "%s", faults.count > 0 ? faults.list[0].text : error.text);
    free(text);
    json_decref(root);
    faults_deinit(&faults);
}

Test(golden, values_have_the_text_and_colour_of_the_display_processor)
{
    size_t index;
    json_t *row;
    json_t *file = load("display");
    json_array_foreach(json_object_get(file, "rows"), index, row)
    {
        struct dashboard dashboard;
        struct panel_display out;
        read_panel(json_object_get(row, "config"), &dashboard);
        const struct dashboard_panel *panel = &dashboard.panel[0];
        const json_t *range = json_object_get(row, "range");
        const json_t *value = json_object_get(row, "value");
        struct panel_scale scale = {number(json_array_get(range, 0)),
                                    number(json_array_get(range, 1))};
        scale.min = isnan(panel->min) ? scale.min : panel->min;
        scale.max = isnan(panel->max) ? scale.max : panel->max;
        panel_display(&panel->field, panel->type, &scale, !json_is_null(value), number(value),
                      (size_t)number_at(row, "index"), text_at(row, "name"), &out);
        char *spelled = json_dumps(row, JSON_COMPACT);
        cr_expect_str_eq(out.text, text_at(row, "text"), "got %s: %s", out.text, spelled);
        const char *colour = palette_hex(out.colour, false);
        cr_expect_str_eq(colour, text_at(row, "colour"), "got %s: %s", colour, spelled);
        free(spelled);
        dashboard_deinit(&dashboard);
    }
    json_decref(file);
}

Test(golden, colours_are_those_of_both_themes)
{
    size_t index;
    json_t *row;
    json_t *file = load("palette");
    json_array_foreach(json_object_get(file, "rows"), index, row)
    {
        const char *name = text_at(row, "name");
        if (json_object_get(row, "classic") != NULL) {
            cr_expect_str_eq(palette_classic((size_t)number_at(row, "classic")), name);
            continue;
        }
        cr_expect_str_eq(palette_hex(name, false), text_at(row, "dark"), "%s", name);
        cr_expect_str_eq(palette_hex(name, true), text_at(row, "light"), "%s", name);
    }
    json_decref(file);
}

Test(golden, series_without_a_legend_are_named_by_their_labels)
{
    size_t index;
    json_t *row;
    json_t *file = load("legend");
    json_array_foreach(json_object_get(file, "rows"), index, row)
    {
        const json_t *labels[4];
        char name[128];
        const json_t *sets = json_object_get(row, "labels");
        size_t count = json_array_size(sets);
        for (size_t i = 0; i < count; i++) {
            labels[i] = json_array_get(sets, i);
        }
        legend_auto(labels, count, (size_t)number_at(row, "index"), name, sizeof name);
        cr_expect_str_eq(name, text_at(row, "name"), "row %zu: %s", index, name);
    }
    json_decref(file);
}
