/*
 * Expectations about panels. What a panel is asked is one of five things; the keys that only make
 * sense beside one of them are faults beside another, since an expectation that is not judged as
 * written is none.
 */
#include "drill/scenario_int.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MIN_PX 100
#define WIDTH_MAX_PX 4000
#define VALUE_MAX 1e15
#define STEADY_PERCENT 5
#define AGREES_PERCENT 5

const char *const scenario_panel_keys[] = {
    "panel", "shows", "colour", "moves", "by_at_least", "relative_to", "has_data",       "agrees",
    "phase", "after", "series", "range", "widths",      "ranges",      "steady_percent", NULL};

/* By enum scenario_panel_ask. */
static const char *const asks[] = {"shows", "colour", "moves", "has_data", "agrees", NULL};

/* By enum scenario_panel_way. */
static const char *const ways[] = {"worse", "better", "up", "down", "not", NULL};

static void name_it(struct scenario_expectation *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "main/Conversion is red in drift", which series and when being part of it. */
static void name_it(struct scenario_expectation *out, const char *format, ...)
{
    char series[160] = "";
    size_t used;
    va_list args;
    if (out->panel.series[0] != '\0') {
        snprintf(series, sizeof series, ", %s,", out->panel.series);
    }
    used =
        (size_t)snprintf(out->name, sizeof out->name, "panel %.80s%.60s ", out->panel.name, series);
    va_start(args, format);
    vsnprintf(out->name + used, sizeof out->name - used, format, args);
    va_end(args);
}

static void read_shows(const struct fields_at *at, struct scenario_expectation *out)
{
    static const char *const known[] = {"at_least", "at_most", NULL};
    struct fields_at bounds;
    out->least = -INFINITY;
    out->most = INFINITY;
    if (scenario_read_object(at, "shows", known, &bounds)) {
        scenario_read_bounds(&bounds, known, -VALUE_MAX, VALUE_MAX, out);
    }
}

static void read_agrees(const struct fields_at *at, const struct scenario *scenario,
                        struct scenario_expectation *out)
{
    static const char *const known[] = {"with", "window", "within_percent", NULL};
    struct fields_at truth;
    int quantity = 0;
    double percent = AGREES_PERCENT;
    if (!scenario_read_object(at, "agrees", known, &truth)) {
        return;
    }
    if (fields_choice(&truth, "with", FIELDS_REQUIRED, scenario_plain_quantities, &quantity)) {
        out->quantity = (enum scenario_quantity)(quantity + 1);
    }
    scenario_read_duration(&truth, "window", FIELDS_REQUIRED, CLOCK_NS_PER_S, scenario->time_scale,
                           &out->window_ns);
    fields_real(&truth, "within_percent", FIELDS_OPTIONAL, 0.1, 100, &percent);
    out->tolerance = percent / 100;
}

static void read_moves(const struct fields_at *at, const struct scenario *scenario,
                       struct scenario_expectation *out)
{
    int way = 0;
    fields_choice(at, "moves", FIELDS_REQUIRED, ways, &way);
    out->panel.way = (enum scenario_panel_way)way;
    bool by = fields_real(at, "by_at_least", FIELDS_OPTIONAL, 0, VALUE_MAX, &out->panel.by);
    if (out->panel.way == SCENARIO_PANEL_STAYS && !by && !fields_has(at, "by_at_least")) {
        fields_fault(at->fields, at->path,
                     "'moves: not' needs 'by_at_least': what would be a move");
    }
    out->rest_phase = scenario_read_phase_name(at, "relative_to", FIELDS_REQUIRED, scenario);
    if (out->rest_phase >= 0 && out->rest_phase == out->phase) {
        fields_fault(at->fields, at->path, "'relative_to': expected another phase than '%s'",
                     scenario->phase[out->phase].name);
    }
}

/* The keys of `moves` beside anything else. */
static void refuse_of_moves(const struct fields_at *at, enum scenario_panel_ask ask)
{
    static const char *const keys[] = {"by_at_least", "relative_to"};
    for (size_t i = 0; i < 2 && ask != SCENARIO_PANEL_MOVES; i++) {
        if (fields_has(at, keys[i])) {
            fields_fault(at->fields, at->path, "'%s' goes with 'moves'", keys[i]);
        }
    }
}

static void read_moment(const struct fields_at *at, const struct scenario *scenario,
                        struct scenario_expectation *out)
{
    out->panel.after_ns = -1;
    out->phase = scenario_read_phase_name(at, "phase", FIELDS_REQUIRED, scenario);
    scenario_read_duration(at, "after", FIELDS_OPTIONAL, CLOCK_NS_PER_S, scenario->time_scale,
                           &out->panel.after_ns);
    if (out->phase >= 0 && out->panel.after_ns > scenario->phase[out->phase].duration_ns) {
        fields_fault(at->fields, at->path, "'after' is longer than the phase '%s'",
                     scenario->phase[out->phase].name);
    }
    out->panel.range_ns = SCENARIO_PANEL_RANGE_NS / scenario->time_scale;
    scenario_read_duration(at, "range", FIELDS_OPTIONAL, CLOCK_NS_PER_S, scenario->time_scale,
                           &out->panel.range_ns);
}

static const json_t *read_list(const struct fields_at *at, const char *key, char *path, size_t size)
{
    const json_t *list = fields_array(at, key, FIELDS_OPTIONAL);
    fields_path(at, key, path, size);
    size_t count = json_array_size(list);
    if (list != NULL && (count == 0 || count > SCENARIO_PANEL_LOOKS_MAX)) {
        fields_fault(at->fields, path, "'%s': expected 1 to %d values", key,
                     SCENARIO_PANEL_LOOKS_MAX);
        return NULL;
    }
    return list;
}

static void read_widths(const struct fields_at *at, struct scenario_panel *out)
{
    char path[160];
    const json_t *list = read_list(at, "widths", path, sizeof path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t width = json_integer_value(json_array_get(list, i));
        if (width < WIDTH_MIN_PX || width > WIDTH_MAX_PX) {
            fields_fault(at->fields, path, "'widths': expected whole numbers from %d to %d",
                         WIDTH_MIN_PX, WIDTH_MAX_PX);
            return;
        }
        out->width_px[out->width_count++] = (int)width;
    }
}

static void read_ranges(const struct fields_at *at, int64_t time_scale, struct scenario_panel *out)
{
    char path[160];
    const json_t *list = read_list(at, "ranges", path, sizeof path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        int64_t ns = 0;
        if (text == NULL || !text_to_duration_ns(text, &ns) || ns < CLOCK_NS_PER_S) {
            fields_fault(at->fields, path,
                         "'ranges': expected durations such as 5m or 24h, of at least 1s");
            return;
        }
        if (ns % (time_scale * CLOCK_NS_PER_MS) != 0) {
            fields_fault(at->fields, path,
                         "'ranges': %s divided by %lld is no whole number of milliseconds", text,
                         (long long)time_scale);
            return;
        }
        out->ranges_ns[out->range_count++] = ns / time_scale;
    }
}

static void read_looks(const struct fields_at *at, const struct scenario *scenario,
                       struct scenario_panel *out)
{
    double percent = STEADY_PERCENT;
    read_widths(at, out);
    read_ranges(at, scenario->time_scale, out);
    fields_real(at, "steady_percent", FIELDS_OPTIONAL, 0.1, 100, &percent);
    out->steady = percent / 100;
    if (fields_has(at, "steady_percent") && !fields_has(at, "widths") &&
        !fields_has(at, "ranges")) {
        fields_fault(at->fields, at->path, "'steady_percent' goes with 'widths' or 'ranges'");
    }
}

/* False, with a fault, unless exactly one thing is asked. */
static bool read_ask(const struct fields_at *at, enum scenario_panel_ask *out)
{
    int found = 0;
    for (int i = 0; asks[i] != NULL; i++) {
        if (fields_has(at, asks[i])) {
            *out = (enum scenario_panel_ask)i;
            found++;
        }
    }
    if (found != 1) {
        fields_fault(at->fields, at->path,
                     "a panel is asked exactly one of shows, colour, moves, has_data, agrees");
    }
    return found == 1;
}

static void name_expectation(const struct scenario *scenario, struct scenario_expectation *out)
{
    const char *phase = out->phase < 0 ? "?" : scenario->phase[out->phase].name;
    switch (out->panel.ask) {
    case SCENARIO_PANEL_SHOWS:
        name_it(out, "shows what it should in %s", phase);
        break;
    case SCENARIO_PANEL_COLOUR:
        name_it(out, "is %s in %s", out->panel.colour, phase);
        break;
    case SCENARIO_PANEL_MOVES:
        name_it(out, "%s%s in %s against %s",
                out->panel.way == SCENARIO_PANEL_STAYS ? "does not move" : "moves ",
                out->panel.way == SCENARIO_PANEL_STAYS ? "" : ways[out->panel.way], phase,
                out->rest_phase < 0 ? "?" : scenario->phase[out->rest_phase].name);
        break;
    case SCENARIO_PANEL_HAS_DATA:
        name_it(out, "has %s in %s", out->panel.has_data ? "data" : "no data", phase);
        break;
    case SCENARIO_PANEL_AGREES:
        name_it(out, "agrees with the ledger in %s", phase);
        break;
    }
}

void scenario_read_panel(const struct fields_at *at, const struct scenario *scenario,
                         struct scenario_expectation *out)
{
    struct scenario_panel *panel = &out->panel;
    fields_text(at, "panel", FIELDS_REQUIRED, panel->name, sizeof panel->name);
    fields_text(at, "series", FIELDS_OPTIONAL, panel->series, sizeof panel->series);
    read_moment(at, scenario, out);
    read_looks(at, scenario, panel);
    if (!read_ask(at, &panel->ask)) {
        return;
    }
    refuse_of_moves(at, panel->ask);
    switch (panel->ask) {
    case SCENARIO_PANEL_SHOWS:
        read_shows(at, out);
        break;
    case SCENARIO_PANEL_COLOUR:
        fields_text(at, "colour", FIELDS_REQUIRED, panel->colour, sizeof panel->colour);
        break;
    case SCENARIO_PANEL_MOVES:
        read_moves(at, scenario, out);
        break;
    case SCENARIO_PANEL_HAS_DATA:
        fields_bool(at, "has_data", &panel->has_data);
        break;
    case SCENARIO_PANEL_AGREES:
        read_agrees(at, scenario, out);
        break;
    }
    name_expectation(scenario, out);
}
