#include "drill/svg_panel_int.h"

#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_HEIGHT 34 /* of one row of Grafana's grid */
#define GAP 8
#define TITLE_HEIGHT 26
#define HEADER_HEIGHT 34
#define ROWS_MAX 400 /* of the grid; a file may say anything */

/* ---- colours and states ---- */

static enum svg_state state_of_hue(double red, double green, double blue)
{
    double most = fmax(red, fmax(green, blue)), least = fmin(red, fmin(green, blue));
    double spread = most - least;
    if (spread < 0.15 * most || most <= 0) {
        return SVG_STATE_PLAIN;
    }
    double hue = most == red     ? fmod((green - blue) / spread + 6, 6)
                 : most == green ? 2 + (blue - red) / spread
                                 : 4 + (red - green) / spread;
    double degrees = hue * 60;
    return degrees < 20 || degrees >= 330 ? SVG_STATE_PAST
           : degrees < 70                 ? SVG_STATE_NEAR
           : degrees < 260                ? SVG_STATE_OK
                                          : SVG_STATE_PLAIN;
}

static bool hex_colour(const char *text, double rgb[3])
{
    unsigned value[6] = {0};
    size_t digits = 0;
    if (text[0] != '#') {
        return false;
    }
    for (const char *c = text + 1; isxdigit((unsigned char)*c); c++, digits++) {
        if (digits < 6) {
            char digit[2] = {*c, '\0'};
            value[digits] = (unsigned)strtoul(digit, NULL, 16);
        }
    }
    bool is_short = digits == 3 || digits == 4;
    if (text[1 + digits] != '\0' || !(is_short || digits == 6 || digits == 8)) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        rgb[i] = is_short ? value[i] * 17.0 : value[2 * i] * 16.0 + value[2 * i + 1];
    }
    return true;
}

static bool rgb_colour(const char *text, double rgb[3])
{
    const char *at = strchr(text, '(');
    if (!text_starts(text, "rgb") || at == NULL) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        char *end = NULL;
        rgb[i] = strtod(at + 1, &end);
        if (end == at + 1 || !isfinite(rgb[i])) {
            return false;
        }
        at = end;
    }
    return true;
}

enum svg_state svg_panel_state(const char *colour)
{
    static const struct {
        const char *name;
        enum svg_state state;
    } names[] = {{"green", SVG_STATE_OK},
                 {"blue", SVG_STATE_OK},
                 {"yellow", SVG_STATE_NEAR},
                 {"orange", SVG_STATE_NEAR},
                 {"red", SVG_STATE_PAST}};
    double rgb[3];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *dash = strrchr(colour, '-');
        if (strcmp(dash == NULL ? colour : dash + 1, names[i].name) == 0) {
            return names[i].state;
        }
    }
    return hex_colour(colour, rgb) || rgb_colour(colour, rgb) ? state_of_hue(rgb[0], rgb[1], rgb[2])
                                                              : SVG_STATE_PLAIN;
}

const char *svg_panel_state_text(enum svg_state state)
{
    static const char *const texts[] = {"", "fine", "near the limit", "past the limit"};
    return texts[state];
}

const char *svg_state_class(enum svg_state state)
{
    static const char *const classes[] = {"mute", "ok", "near", "past"};
    return classes[state];
}

const char *svg_state_soft(enum svg_state state)
{
    static const char *const classes[] = {"soft", "ok-soft", "near-soft", "past-soft"};
    return classes[state];
}

const char *svg_state_line(enum svg_state state)
{
    static const char *const classes[] = {"plain-line", "ok-line", "near-line", "past-line"};
    return classes[state];
}

void svg_state_mark(struct buf *out, enum svg_state state, double x, double y, double radius)
{
    static const enum svg_symbol symbols[] = {SVG_BAR, SVG_CIRCLE, SVG_TRIANGLE, SVG_CROSS};
    if (state != SVG_STATE_PLAIN) {
        svg_symbol(out, symbols[state], svg_state_class(state), x, y, radius);
    }
}

double svg_panel_bound(const struct dashboard_panel *panel, size_t step, double min, double max)
{
    double value = panel->thresholds.step[step].value;
    return panel->thresholds.percent ? min + (max - min) * value / 100 : value;
}

/* ---- one panel ---- */

static void draw_content(const struct panel_figure *figure)
{
    switch (figure->entry->panel->type) {
    case DASHBOARD_TIMESERIES:
    case DASHBOARD_BARCHART:
        svg_panel_timeseries(figure);
        break;
    case DASHBOARD_STAT:
        svg_panel_stat(figure);
        break;
    case DASHBOARD_GAUGE:
        svg_panel_gauge(figure);
        break;
    case DASHBOARD_BARGAUGE:
        svg_panel_bargauge(figure);
        break;
    case DASHBOARD_HEATMAP:
        svg_panel_heatmap(figure);
        break;
    case DASHBOARD_STATE_TIMELINE:
    case DASHBOARD_STATUS_HISTORY:
        svg_panel_states(figure);
        break;
    default:
        svg_panel_list(figure);
        break;
    }
}

static void draw_nothing(const struct panel_figure *figure, const char *text)
{
    const struct svg_box *box = &figure->box;
    svg_text_fit(figure->out, "mid dim", box->x + box->w / 2, box->y + box->h / 2 + 4, 12,
                 box->w - 16, text);
}

static void draw_title(const struct panel_figure *figure, const struct svg_box *frame)
{
    static const char *const ways[] = {"", "lower is worse", "higher is worse"};
    const struct dashboard_panel *panel = figure->entry->panel;
    const char *way = ways[panel->worse];
    double hint = way[0] == '\0' ? 0 : svg_text_width(way, 11) + 12;
    double title = svg_text_width(panel->title, 12) * 1.1;
    bool room = title + hint < frame->w - 20;
    svg_text_fit(figure->out, "bold", frame->x + 10, frame->y + 18, 13,
                 frame->w - 20 - (room ? hint : 0), panel->title);
    if (room && hint > 0) {
        svg_text(figure->out, "dim small end", frame->x + frame->w - 10, frame->y + 18, way);
    }
}

static void draw_panel(struct panel_figure *figure, const struct svg_box *frame)
{
    const struct panel_entry *entry = figure->entry;
    svg_group(figure->out, NULL, entry->panel->description);
    svg_rect(figure->out, "panel", frame);
    draw_title(figure, frame);
    figure->box = (struct svg_box){frame->x + 8, frame->y + TITLE_HEIGHT, frame->w - 16,
                                   frame->h - TITLE_HEIGHT - 6};
    if (!entry->ok) {
        char text[200];
        snprintf(text, sizeof text, "not evaluated: %s", entry->why);
        draw_nothing(figure, text);
    } else if (!entry->view.has_data) {
        const char *text = entry->view.text_no_data;
        draw_nothing(figure, text[0] == '\0' ? "No data" : text);
    } else {
        draw_content(figure);
    }
    svg_group_end(figure->out);
}

/* ---- the grid ---- */

static struct svg_rows rows_of(const struct dashboard_panel *panel)
{
    int y = panel->y < 0 ? 0 : panel->y > ROWS_MAX ? ROWS_MAX : panel->y;
    int h = panel->h < 3 ? 3 : panel->h > 40 ? 40 : panel->h;
    return (struct svg_rows){y, y + h};
}

static struct svg_box frame_of(const struct dashboard_panel *panel, int first_row, double top)
{
    const double column = (SVG_DASHBOARD_WIDTH - GAP) / (double)SVG_PANEL_COLUMNS;
    const struct svg_rows rows = rows_of(panel);
    int x = panel->x < 0 ? 0 : panel->x > 23 ? 23 : panel->x;
    int w = panel->w < 1 ? 1 : panel->w > 24 - x ? 24 - x : panel->w;
    return (struct svg_box){GAP + x * column, top + (rows.from - first_row) * UNIT_HEIGHT,
                            w * column - GAP, (rows.to - rows.from) * UNIT_HEIGHT - GAP};
}

static int last_row(const struct dashboard *dashboard, const struct panel_book *book)
{
    int last = 1;
    for (size_t i = 0; i < book->count; i++) {
        if (book->entry[i].dashboard == dashboard) {
            int to = rows_of(book->entry[i].panel).to;
            last = to > last ? to : last;
        }
    }
    return last;
}

static bool is_between_panels(const struct dashboard *dashboard, const struct panel_book *book,
                              int row)
{
    for (size_t i = 0; i < book->count; i++) {
        const struct svg_rows rows = rows_of(book->entry[i].panel);
        if (book->entry[i].dashboard == dashboard && rows.from < row && row < rows.to) {
            return false;
        }
    }
    return true;
}

size_t svg_dashboard_bands(const struct dashboard *dashboard, const struct panel_book *book,
                           int most, struct svg_rows out[SVG_ROWS_MAX])
{
    int from = 0, end = last_row(dashboard, book);
    size_t count = 0;
    while (from < end && count < SVG_ROWS_MAX) {
        int to = end;
        bool found = false;
        for (int row = from + 1; row < end && (row - from <= most || !found); row++) {
            if (is_between_panels(dashboard, book, row)) {
                to = row;
                found = true;
            }
        }
        to = end - from <= most || count + 1 == SVG_ROWS_MAX ? end : to;
        out[count++] = (struct svg_rows){from, to};
        from = to;
    }
    return count;
}

static void draw_rows(struct buf *out, const char *id, const struct dashboard *dashboard,
                      const struct panel_book *book, const struct scenario *scenario,
                      struct svg_rows rows, double top)
{
    for (size_t i = 0; i < book->count; i++) {
        const struct panel_entry *entry = &book->entry[i];
        int row = rows_of(entry->panel).from;
        if (entry->dashboard == dashboard && row >= rows.from && row < rows.to) {
            struct panel_figure figure = {
                .out = out, .id = id, .entry = entry, .book = book, .scenario = scenario};
            struct svg_box frame = frame_of(entry->panel, rows.from, top);
            draw_panel(&figure, &frame);
        }
    }
}

static void begin(struct buf *out, const char *id, bool alone, const char *title, double height)
{
    svg_begin(out, &(struct svg_head){
                       .id = id,
                       .title = title,
                       .desc = "Panels over the whole drill, drawn as Grafana lays them out. The "
                               "report's table of panels holds their values.",
                       .width = SVG_DASHBOARD_WIDTH,
                       .height = height,
                       .alone = alone});
}

void svg_dashboard_band(struct buf *out, const char *id, const struct dashboard *dashboard,
                        const struct panel_book *book, const struct scenario *scenario,
                        struct svg_rows rows)
{
    begin(out, id, false, dashboard->title, (rows.to - rows.from) * UNIT_HEIGHT);
    draw_rows(out, id, dashboard, book, scenario, rows, 0);
    svg_end(out);
}

void svg_dashboard(struct buf *out, const char *id, bool alone, const struct dashboard *dashboard,
                   const struct panel_book *book, const struct scenario *scenario)
{
    struct svg_rows all = {0, last_row(dashboard, book)};
    char title[256], range[64];
    snprintf(title, sizeof title, "Dashboard %s, drill %s", dashboard->title, scenario->name);
    snprintf(range, sizeof range, "0 to %.0f s; single values as at the end", book->end_s);
    begin(out, id, alone, title, HEADER_HEIGHT + all.to * UNIT_HEIGHT);
    svg_text_fit(out, "bold", GAP + 2, 22, 13, SVG_DASHBOARD_WIDTH / 2.0, title);
    svg_text(out, "dim small end", SVG_DASHBOARD_WIDTH - GAP - 2, 22, range);
    draw_rows(out, id, dashboard, book, scenario, all, HEADER_HEIGHT);
    svg_end(out);
}
