#include "drill/svg_timeline.h"

#include "base/clock.h"
#include "drill/svg.h"

#include <math.h>
#include <stdio.h>

#define GUTTER 276
#define RIGHT 70
#define PLOT_WIDTH (SVG_TIMELINE_WIDTH - GUTTER - RIGHT)
#define ROW_HEIGHT 40
#define AXIS_HEIGHT 26
#define LEGEND_HEIGHT 48

/* Parts are told apart by their order and their letter, too. */
static const char *const letters[DELAY_PARTS] = {
    [DELAY_SAMPLING] = "s", [DELAY_SCRAPE] = "c", [DELAY_EVALUATION] = "e",
    [DELAY_WINDOW] = "w",   [DELAY_FOR] = "f",    [DELAY_NOTIFICATION] = "n"};

static const enum svg_symbol marks[FLOORS_VIEWS] = {SVG_DIAMOND, SVG_SQUARE, SVG_TRIANGLE};

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

static double longest(const struct delay_budgets *delays)
{
    double most = 1;
    for (int i = 0; i < delays->count; i++) {
        most = fmax(most, seconds(delays->budget[i].total_ns));
    }
    return most * 1.05;
}

static void draw_parts(struct buf *out, const struct svg_scale *scale, double y,
                       const struct delay_budget *budget)
{
    int64_t at_ns = 0;
    for (int p = 0; p < DELAY_PARTS; p++) {
        double from = svg_at(scale, seconds(at_ns));
        at_ns += budget->part_ns[p];
        struct svg_box box = {from, y + 6, svg_at(scale, seconds(at_ns)) - from, 16};
        char tip[96], class[32];
        if (budget->part_ns[p] <= 0) {
            continue;
        }
        snprintf(tip, sizeof tip, "%s %.2f s", delay_part_name(p), seconds(budget->part_ns[p]));
        snprintf(class, sizeof class, "wash s%d", p);
        svg_group(out, NULL, tip);
        svg_rect(out, class, &box);
        svg_rect(out, "frame", &box);
        if (box.w >= 12) {
            svg_text(out, "small mid", box.x + box.w / 2, y + 18, letters[p]);
        }
        svg_group_end(out);
    }
}

/* Filled: of this run; hollow: only to expect. */
static void draw_floors(struct buf *out, const struct svg_scale *scale, double y,
                        const struct floors_row *floors)
{
    for (int v = 0; floors != NULL && floors->exists && v < FLOORS_VIEWS; v++) {
        const struct floors_floor *floor = &floors->view[v];
        double at_s = isnan(floor->delay_s) ? floor->expected_s : floor->delay_s;
        char tip[96];
        if (!floor->exists || !isfinite(at_s) || at_s > scale->to) {
            continue;
        }
        snprintf(tip, sizeof tip, "floor by %s: %.2f s, %.2f s to expect", floors_view_name(v),
                 floor->delay_s, floor->expected_s);
        svg_group(out, NULL, tip);
        svg_symbol(out, marks[v], isnan(floor->delay_s) ? "hollow" : "plain mark",
                   svg_at(scale, at_s), y + 30, 5);
        svg_group_end(out);
    }
}

static void draw_row(struct buf *out, const struct svg_scale *scale, double y,
                     const struct delay_budget *budget)
{
    char text[32];
    svg_text_fit(out, "", 8, y + 18, 12, GUTTER - 16, budget->alert->rule->name);
    svg_line(out, "grid", GUTTER, y + ROW_HEIGHT - 1, GUTTER + PLOT_WIDTH, y + ROW_HEIGHT - 1);
    draw_parts(out, scale, y, budget);
    draw_floors(out, scale, y, budget->floors);
    snprintf(text, sizeof text, "%.1f s", seconds(budget->total_ns));
    svg_text(out, "num bold", svg_at(scale, seconds(budget->total_ns)) + 6, y + 18, text);
}

static void draw_axis(struct buf *out, const struct svg_scale *scale, double bottom)
{
    double tick[SVG_TICKS_MAX];
    int decimals;
    char text[32];
    size_t count = svg_ticks(0, scale->to, 10, tick, &decimals);
    for (size_t i = 0; i < count; i++) {
        double x = svg_at(scale, tick[i]);
        snprintf(text, sizeof text, "%.*f s", decimals, tick[i]);
        svg_line(out, "grid", x, 4, x, bottom);
        svg_text(out, "mid small num", x, bottom + 16, text);
    }
    svg_text(out, "end small dim", GUTTER - 24, bottom + 16, "after the onset");
}

static void draw_legend(struct buf *out, double y)
{
    double x = GUTTER;
    for (int p = 0; p < DELAY_PARTS; p++) {
        char class[32];
        struct svg_box box = {x, y, 16, 14};
        snprintf(class, sizeof class, "wash s%d", p);
        svg_rect(out, class, &box);
        svg_rect(out, "frame", &box);
        svg_text(out, "small mid", x + 8, y + 11, letters[p]);
        svg_text(out, "small", x + 22, y + 11, delay_part_name(p));
        x += 40 + svg_text_width(delay_part_name(p), 11);
    }
    x = GUTTER;
    for (int v = 0; v < FLOORS_VIEWS; v++) {
        char text[64];
        snprintf(text, sizeof text, "floor: %s", floors_view_name(v));
        svg_symbol(out, marks[v], "plain", x + 8, y + 29, 5);
        svg_text(out, "small", x + 22, y + 33, text);
        x += 40 + svg_text_width(text, 11);
    }
    svg_text(out, "small dim", x, y + 33, "(hollow: to expect, not reached in this run)");
}

void svg_delays(struct buf *out, const char *id, const struct report *report)
{
    const struct delay_budgets *delays = report->delays;
    if (delays == NULL || delays->count == 0) {
        return;
    }
    struct svg_scale scale = {0, longest(delays), GUTTER, PLOT_WIDTH};
    double bottom = 4 + delays->count * ROW_HEIGHT;
    svg_begin(out, &(struct svg_head){.id = id,
                                      .title = "Delays of alerts by their parts, and floors",
                                      .desc = "A bar for each alert that fired, from the onset to "
                                              "its notification, with marks for the quickest "
                                              "detectors. The table below holds the same.",
                                      .width = SVG_TIMELINE_WIDTH,
                                      .height = bottom + AXIS_HEIGHT + LEGEND_HEIGHT});
    draw_axis(out, &scale, bottom);
    for (int i = 0; i < delays->count; i++) {
        draw_row(out, &scale, 4 + i * ROW_HEIGHT, &delays->budget[i]);
    }
    draw_legend(out, bottom + AXIS_HEIGHT + 6);
    svg_end(out);
}
