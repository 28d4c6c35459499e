/*
 * The pictures of a search: latency, what lists are worth, and the ladder. Latencies span decades,
 * so their axis is logarithmic; a rate's verdict is told by its symbol, never by colour alone.
 */
#include "command/capacity_report_int.h"

#include "base/mem.h"
#include "drill/svg.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WIDTH 1000
#define LEFT 90
#define RIGHT 30
#define TOP 34
#define PLOT_HEIGHT 250
#define FOOT 44
#define LEGEND_STEP 170
#define CURVE_POINTS 120
#define DECADES_FINE 2.5 /* up to so many there is room for more than powers of ten */
#define NAME_WIDTH 50

struct plot {
    const char *id, *title, *desc, *across, *up;
    struct svg_scale x, y;
    bool log_y;
};

/* ---- axes ---- */

static double at_y(const struct plot *plot, double value)
{
    return svg_at(&plot->y, plot->log_y ? log10(value) : value);
}

static void draw_across(struct buf *out, const struct plot *plot)
{
    double tick[SVG_TICKS_MAX];
    int decimals;
    char text[32];
    size_t count = svg_ticks(plot->x.from, plot->x.to, 10, tick, &decimals);
    for (size_t i = 0; i < count; i++) {
        double x = svg_at(&plot->x, tick[i]);
        (void)snprintf(text, sizeof text, "%.*f", decimals, tick[i]);
        svg_line(out, "grid", x, TOP, x, TOP + PLOT_HEIGHT);
        svg_text(out, "mid small num", x, TOP + PLOT_HEIGHT + 16, text);
    }
    svg_text(out, "end small dim", WIDTH - RIGHT, TOP + PLOT_HEIGHT + 40, plot->across);
}

static void draw_tick_up(struct buf *out, const struct plot *plot, double value, const char *text)
{
    double y = at_y(plot, value);
    svg_line(out, "grid", LEFT, y, WIDTH - RIGHT, y);
    svg_text(out, "end small num", LEFT - 8, y + 4, text);
}

/* 1, 2 and 5 times the powers of ten, or these alone if there are many. */
static void draw_decades(struct buf *out, const struct plot *plot)
{
    static const double steps[] = {1, 2, 5};
    size_t most = plot->y.to - plot->y.from > DECADES_FINE ? 1 : 3;
    char text[32];
    for (double decade = floor(plot->y.from); decade <= plot->y.to; decade++) {
        for (size_t i = 0; i < most; i++) {
            double value = steps[i] * pow(10, decade);
            if (log10(value) >= plot->y.from && log10(value) <= plot->y.to) {
                (void)snprintf(text, sizeof text, "%.4g", value);
                draw_tick_up(out, plot, value, text);
            }
        }
    }
}

static void draw_up(struct buf *out, const struct plot *plot)
{
    double tick[SVG_TICKS_MAX];
    int decimals;
    char text[32];
    svg_text(out, "small dim", 8, TOP - 12, plot->up);
    if (plot->log_y) {
        draw_decades(out, plot);
        return;
    }
    size_t count = svg_ticks(plot->y.from, plot->y.to, 6, tick, &decimals);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(text, sizeof text, "%.*f", decimals, tick[i]);
        draw_tick_up(out, plot, tick[i], text);
    }
}

static void begin(struct buf *out, const struct plot *plot)
{
    svg_begin(out, &(struct svg_head){.id = plot->id,
                                      .title = plot->title,
                                      .desc = plot->desc,
                                      .width = WIDTH,
                                      .height = TOP + PLOT_HEIGHT + FOOT});
    draw_across(out, plot);
    draw_up(out, plot);
    svg_rect(out, "plot", &(struct svg_box){LEFT, TOP, WIDTH - LEFT - RIGHT, PLOT_HEIGHT});
}

static void add_legend(struct buf *out, int place, size_t series, const char *text)
{
    double x = LEFT + 60 + place * LEGEND_STEP;
    char class[32];
    (void)snprintf(class, sizeof class, "%s mark", svg_series_class(series));
    svg_symbol(out, svg_series_symbol(series), class, x, TOP - 16, 5);
    svg_text(out, "small", x + 12, TOP - 12, text);
}

/* ---- points ---- */

static int by_x(const void *a, const void *b)
{
    const struct svg_point *left = a, *right = b;
    return (left->x > right->x) - (left->x < right->x);
}

static bool is_drawn(const struct capacity_level *level)
{
    return level->valid && level->plan.kind == CAPACITY_OPEN && level->stage != CAPACITY_RECOVERY;
}

typedef double figure_fn(const struct capacity_trial *trial);

static double p50_ms(const struct capacity_trial *trial)
{
    return trial->p50_s * 1e3;
}

static double p99_ms(const struct capacity_trial *trial)
{
    return trial->p99_s * 1e3;
}

static double hit_rate(const struct capacity_trial *trial)
{
    return trial->hit_rate;
}

static double hit_rate_expected(const struct capacity_trial *trial)
{
    return trial->hit_rate_expected;
}

static double fallback_share(const struct capacity_trial *trial)
{
    return trial->fallback_share;
}

/* A curve over the rates, with a symbol for each. */
static void draw_series(struct buf *out, const struct capacity_report *report,
                        const struct plot *plot, figure_fn *figure, size_t series)
{
    const struct capacity_result *result = report->result;
    struct svg_point *point = mem_array(result->level_count + 1, sizeof *point);
    size_t count = 0;
    char class[32];
    for (size_t i = 0; i < result->level_count; i++) {
        double value = figure(&result->level[i].sum);
        if (is_drawn(&result->level[i]) && isfinite(value) && (value > 0 || !plot->log_y)) {
            point[count++] = (struct svg_point){svg_at(&plot->x, result->level[i].plan.rate_per_s),
                                                at_y(plot, value)};
        }
    }
    qsort(point, count, sizeof *point, by_x);
    (void)snprintf(class, sizeof class, "curve %s", svg_series_class(series));
    svg_curve(out, class, point, count);
    (void)snprintf(class, sizeof class, "%s mark", svg_series_class(series));
    for (size_t i = 0; i < count; i++) {
        svg_symbol(out, svg_series_symbol(series), class, point[i].x, point[i].y, 4);
    }
    mem_free(point);
}

static double highest_rate(const struct capacity_result *result)
{
    double most = 1;
    for (size_t i = 0; i < result->level_count; i++) {
        if (is_drawn(&result->level[i])) {
            most = fmax(most, result->level[i].plan.rate_per_s);
        }
    }
    return most * 1.04;
}

/* ---- the answer within a picture ---- */

/* The name stands before or behind its line, so that those of two close bounds stay apart. */
static void draw_moment(struct buf *out, const struct plot *plot, double rate, const char *class,
                        const char *name, bool before)
{
    char tip[64];
    if (!(isfinite(rate) && rate > 0 && rate <= plot->x.to)) {
        return;
    }
    double x = svg_at(&plot->x, rate);
    bool tight = x > WIDTH - RIGHT - NAME_WIDTH;
    (void)snprintf(tip, sizeof tip, "%s: %.5g/s", name, rate);
    svg_group(out, NULL, tip);
    svg_line(out, class, x, TOP, x, TOP + PLOT_HEIGHT);
    svg_text(out, before || tight ? "end small dim" : "small dim", before || tight ? x - 3 : x + 3,
             TOP + (tight && !before ? 26 : 13), name);
    svg_group_end(out);
}

static void draw_answer(struct buf *out, const struct capacity_result *result,
                        const struct plot *plot)
{
    if (isfinite(result->estimate_low_per_s) && isfinite(result->estimate_high_per_s)) {
        double from = svg_at(&plot->x, fmax(result->estimate_low_per_s, plot->x.from));
        double to = svg_at(&plot->x, fmin(result->estimate_high_per_s, plot->x.to));
        svg_rect(out, "ok-soft", &(struct svg_box){from, TOP, to - from, PLOT_HEIGHT});
    }
    draw_moment(out, plot, result->low_per_s, "ok-line limit", "passed", true);
    draw_moment(out, plot, result->high_per_s, "past-line limit", "failed", false);
    if (result->has_knee) {
        draw_moment(out, plot, result->knee.x, "moment", "knee", true);
    }
}

/* Below the axis, where latency or quality cannot hide it. */
static void draw_verdicts(struct buf *out, const struct capacity_report *report,
                          const struct plot *plot)
{
    static const enum svg_symbol symbols[] = {[SEQUENTIAL_UNDECIDED] = SVG_DIAMOND,
                                              [SEQUENTIAL_PASS] = SVG_CIRCLE,
                                              [SEQUENTIAL_FAIL] = SVG_CROSS,
                                              [SEQUENTIAL_EVEN] = SVG_SQUARE};
    static const char *const classes[] = {[SEQUENTIAL_UNDECIDED] = "near mark",
                                          [SEQUENTIAL_PASS] = "ok mark",
                                          [SEQUENTIAL_FAIL] = "past mark",
                                          [SEQUENTIAL_EVEN] = "near mark"};
    for (size_t i = 0; i < report->result->level_count; i++) {
        const struct capacity_level *level = &report->result->level[i];
        char tip[96];
        if (!is_drawn(level)) {
            continue;
        }
        (void)snprintf(tip, sizeof tip, "%s at %.5g/s: %s", capacity_stage_name(level->stage),
                       level->plan.rate_per_s, sequential_verdict_name(level->verdict));
        svg_group(out, NULL, tip);
        svg_symbol(out, symbols[level->verdict], classes[level->verdict],
                   svg_at(&plot->x, level->plan.rate_per_s), TOP + PLOT_HEIGHT + 26, 5);
        svg_group_end(out);
    }
    svg_text(out, "small dim", LEFT, TOP + PLOT_HEIGHT + 40,
             "circle: passed, cross: failed, diamond: undecided");
}

/* ---- the pictures ---- */

static void latency_bounds(const struct capacity_report *report, double *low, double *high)
{
    *low = INFINITY;
    *high = 0;
    for (size_t i = 0; i < report->result->level_count; i++) {
        const struct capacity_level *level = &report->result->level[i];
        if (is_drawn(level) && p50_ms(&level->sum) > 0) {
            *low = fmin(*low, p50_ms(&level->sum));
            *high = fmax(*high, p99_ms(&level->sum));
        }
    }
    for (size_t o = 0; o < report->config->slo.count; o++) {
        const struct slo_objective *objective = &report->config->slo.objective[o];
        if (objective->kind == SLO_LATENCY) {
            *low = fmin(*low, (double)objective->latency_ns * 1e-6);
            *high = fmax(*high, (double)objective->latency_ns * 1e-6);
        }
    }
    *low = isfinite(*low) ? log10(*low) - 0.1 : -1;
    *high = *high > 0 ? log10(*high) + 0.1 : 1;
}

static void draw_latency(struct buf *out, const struct capacity_report *report)
{
    double low, high;
    latency_bounds(report, &low, &high);
    struct plot plot = {.id = "latency",
                        .title = "Latency against rate",
                        .desc = "The median and the 99th percentile from the intended start, for "
                                "each rate that was tried. The table below holds the same.",
                        .across = "steps a second, as offered",
                        .up = "milliseconds",
                        .x = {0, highest_rate(report->result), LEFT, WIDTH - LEFT - RIGHT},
                        .y = {low, high, TOP + PLOT_HEIGHT, -PLOT_HEIGHT},
                        .log_y = true};
    begin(out, &plot);
    draw_answer(out, report->result, &plot);
    for (size_t o = 0; o < report->config->slo.count; o++) {
        const struct slo_objective *objective = &report->config->slo.objective[o];
        if (objective->kind == SLO_LATENCY) {
            double y = at_y(&plot, (double)objective->latency_ns * 1e-6);
            svg_line(out, "near-line limit", LEFT, y, WIDTH - RIGHT, y);
            svg_text(out, "small", LEFT + 4, y - 4, objective->text);
        }
    }
    draw_series(out, report, &plot, p50_ms, 0);
    draw_series(out, report, &plot, p99_ms, 1);
    add_legend(out, 0, 0, "median");
    add_legend(out, 1, 1, "99th percentile");
    draw_verdicts(out, report, &plot);
    svg_end(out);
}

static void draw_quality(struct buf *out, const struct capacity_report *report)
{
    struct plot plot = {.id = "quality",
                        .title = "What lists are worth against rate",
                        .desc = "Hit rate, the hit rate expected of the same people, and the share "
                                "of fallback lists, for each rate. The table below holds the same.",
                        .across = "steps a second, as offered",
                        .up = "share of lists",
                        .x = {0, highest_rate(report->result), LEFT, WIDTH - LEFT - RIGHT},
                        .y = {0, 1, TOP + PLOT_HEIGHT, -PLOT_HEIGHT}};
    begin(out, &plot);
    draw_answer(out, report->result, &plot);
    draw_series(out, report, &plot, hit_rate_expected, 2);
    draw_series(out, report, &plot, hit_rate, 0);
    draw_series(out, report, &plot, fallback_share, 1);
    add_legend(out, 0, 0, "hit rate");
    add_legend(out, 1, 1, "fallback");
    add_legend(out, 2, 2, "hit rate expected");
    svg_end(out);
}

static void draw_law(struct buf *out, const struct usl_fit *fit, const struct plot *plot)
{
    struct svg_point point[CURVE_POINTS];
    if (!isfinite(fit->gamma.value)) {
        return;
    }
    for (int i = 0; i < CURVE_POINTS; i++) {
        double users = 1 + (plot->x.to - 1) * i / (CURVE_POINTS - 1);
        double rate = usl_rate(fit, users);
        bool inside = rate >= plot->y.from && rate <= plot->y.to;
        point[i] = (struct svg_point){svg_at(&plot->x, users), inside ? at_y(plot, rate) : NAN};
    }
    svg_curve(out, "curve s1", point, CURVE_POINTS);
}

static void draw_ladder(struct buf *out, const struct capacity_report *report)
{
    const struct capacity_result *result = report->result;
    double users = 0, rate = 0;
    for (size_t i = 0; i < result->level_count; i++) {
        const struct capacity_level *level = &result->level[i];
        if (level->valid && level->plan.kind == CAPACITY_CLOSED) {
            users = fmax(users, level->plan.users);
            rate = fmax(rate, level->sum.achieved_per_s);
        }
    }
    if (!(users > 1 && rate > 0)) {
        return;
    }
    struct plot plot = {.id = "ladder",
                        .title = "Throughput against people at once",
                        .desc = "Steps a second with so many people going on at once, and the "
                                "scalability law fitted to them. The table below holds the same.",
                        .across = "people at once",
                        .up = "steps a second",
                        .x = {0, users * 1.04, LEFT, WIDTH - LEFT - RIGHT},
                        .y = {0, rate * 1.1, TOP + PLOT_HEIGHT, -PLOT_HEIGHT}};
    begin(out, &plot);
    draw_law(out, &result->usl, &plot);
    for (size_t i = 0; i < result->level_count; i++) {
        const struct capacity_level *level = &result->level[i];
        if (level->valid && level->plan.kind == CAPACITY_CLOSED) {
            svg_symbol(out, SVG_CIRCLE, "s0 mark", svg_at(&plot.x, level->plan.users),
                       at_y(&plot, level->sum.achieved_per_s), 4);
        }
    }
    add_legend(out, 0, 0, "measured");
    add_legend(out, 1, 1, "scalability law");
    svg_end(out);
}

void capacity_curve_svg(struct buf *out, const struct capacity_report *report)
{
    draw_latency(out, report);
    draw_quality(out, report);
    draw_ladder(out, report);
}
