#include "drill/svg_timeline.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "drill/report_tracks.h"
#include "drill/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GUTTER 276 /* for names, left of the plot */
#define RIGHT 150  /* for what is said of a row, right of it */
#define PLOT_WIDTH (SVG_TIMELINE_WIDTH - GUTTER - RIGHT)
#define PHASES_HEIGHT 26
#define INJECTION_HEIGHT 40
#define ALERT_HEIGHT 20
#define TRACK_HEIGHT 92
#define HEADING_HEIGHT 24
#define AXIS_HEIGHT 44
#define LEGEND_HEIGHT 42
#define INTENSITY_POINTS 400
#define BUCKET_PX 2.0

struct figure {
    struct buf *out;
    const char *id;
    const struct report *report;
    struct svg_scale time;
    double y, top; /* where the next row begins; where the first one did */
};

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

static double end_of(const struct report *report)
{
    return fmax(report->play->end_s, 0.1);
}

static double x_at(const struct figure *figure, double drill_s)
{
    double x = svg_at(&figure->time, drill_s);
    return fmin(fmax(x, GUTTER), GUTTER + PLOT_WIDTH);
}

/* ---- what things are called ---- */

static const char *shape_text(enum drift_shape shape)
{
    static const char *const names[] = {[DRIFT_SUDDEN] = "sudden",
                                        [DRIFT_LINEAR] = "linear",
                                        [DRIFT_GRADUAL] = "gradual",
                                        [DRIFT_RECURRING] = "recurring",
                                        [DRIFT_BLIP] = "blip"};
    return names[shape];
}

static const char *unit_text(const struct drift_injection *injection)
{
    static const char *const units[] = {[DRIFT_BY_KIND] = "",
                                        [DRIFT_STARS] = " stars",
                                        [DRIFT_NATS] = " nats",
                                        [DRIFT_PSI] = " PSI"};
    bool turns = injection->kind == DRIFT_CHOICE_ROTATION ||
                 injection->kind == DRIFT_OPINION_ROTATION ||
                 injection->kind == DRIFT_TASTE_ROTATION;
    return injection->unit == DRIFT_BY_KIND && turns ? " degrees" : units[injection->unit];
}

void svg_timeline_injection_text(const struct drift_injection *injection, char *out, size_t size)
{
    snprintf(out, size, "%s, %s, %.3g%s", drift_kind_name(injection->kind),
             shape_text(injection->shape), injection->size, unit_text(injection));
}

const char *svg_timeline_disturbance_text(enum scenario_disturb kind)
{
    static const char *const names[] = {[SCENARIO_RESTART_TARGET] = "restart of the target",
                                        [SCENARIO_STALL_PROMETHEUS] = "Prometheus stalled",
                                        [SCENARIO_TARGET_FAULT] = "fault of the target",
                                        [SCENARIO_FAILED_RETRAIN] = "failed training"};
    return names[kind];
}

/* An alert of severity "none" is to fire always. */
static bool is_heartbeat(const struct evidence_alert *alert)
{
    return strcmp(alert->rule->severity, "none") == 0;
}

void svg_timeline_alert_text(const struct evidence_alert *alert, bool complete, char *out,
                             size_t size)
{
    size_t fired = 0;
    double first_s = NAN;
    for (size_t i = 0; i < alert->count; i++) {
        double firing_s = alert->episode[i].firing_s;
        first_s = isnan(first_s) ? firing_s : first_s;
        fired += isnan(firing_s) ? 0 : 1;
    }
    if (is_heartbeat(alert) && alert->count > 0) {
        snprintf(out, size, "fires always");
    } else if (alert->count == 0) {
        snprintf(out, size, complete ? "silent" : "not known");
    } else if (fired == 0) {
        snprintf(out, size, "pending only");
    } else if (fired == 1) {
        snprintf(out, size, "fired at %.1f s", first_s);
    } else {
        snprintf(out, size, "fired %zu times", fired);
    }
}

/* ---- rows ---- */

static void heading(struct figure *figure, const char *text)
{
    svg_text(figure->out, "bold", 8, figure->y + HEADING_HEIGHT - 7, text);
    figure->y += HEADING_HEIGHT;
}

static void draw_phases(struct figure *figure)
{
    const struct scenario *scenario = figure->report->scenario;
    double end_s = end_of(figure->report);
    svg_text(figure->out, "bold", 8, figure->y + 17, "Phases");
    for (int i = 0; i < scenario->phase_count; i++) {
        const struct scenario_phase *phase = &scenario->phase[i];
        double from_s = seconds(phase->start_ns);
        double to_s = fmin(from_s + seconds(phase->duration_ns), end_s);
        if (from_s >= end_s) {
            break;
        }
        struct svg_box box = {x_at(figure, from_s), figure->y, 0, PHASES_HEIGHT - 4};
        box.w = x_at(figure, to_s) - box.x;
        svg_rect(figure->out, i % 2 == 0 ? "soft" : "panel", &box);
        svg_rect(figure->out, "edge", &box);
        svg_text_fit(figure->out, "mid small", box.x + box.w / 2, figure->y + 15, 11, box.w - 4,
                     phase->name);
    }
    figure->y += PHASES_HEIGHT + 4;
}

static void draw_intensity(struct figure *figure, const struct drift_injection *injection,
                           const char *series)
{
    struct svg_point point[INTENSITY_POINTS];
    double end_s = end_of(figure->report);
    double base = figure->y + INJECTION_HEIGHT - 8, height = INJECTION_HEIGHT - 14;
    for (int i = 0; i < INTENSITY_POINTS; i++) {
        double at_s = end_s * i / (INTENSITY_POINTS - 1);
        double share = drift_intensity(injection, (int64_t)(at_s * (double)CLOCK_NS_PER_S));
        point[i] = (struct svg_point){x_at(figure, at_s), base - height * share};
    }
    char class[32];
    snprintf(class, sizeof class, "wash %s", series);
    svg_line(figure->out, "grid", GUTTER, base, GUTTER + PLOT_WIDTH, base);
    svg_area(figure->out, class, point, INTENSITY_POINTS, base);
    snprintf(class, sizeof class, "curve %s", series);
    svg_curve(figure->out, class, point, INTENSITY_POINTS);
}

static void draw_injection(struct figure *figure, int index)
{
    const struct drift_injection *injection = &figure->report->scenario->drift.injection[index];
    char text[160], tip[240];
    svg_timeline_injection_text(injection, text, sizeof text);
    snprintf(tip, sizeof tip, "%s; begins at %.1f s", text, seconds(injection->onset_ns));
    svg_group(figure->out, NULL, tip);
    const char *comma = strchr(text, ',');
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(comma - text), text);
    svg_text_fit(figure->out, "", 20, figure->y + 16, 12, GUTTER - 32, name);
    svg_text_fit(figure->out, "dim small", 20, figure->y + 31, 11, GUTTER - 32, comma + 2);
    draw_intensity(figure, injection, svg_series_class((size_t)index + 1));
    snprintf(text, sizeof text, "from %.1f s", seconds(injection->onset_ns));
    svg_text(figure->out, "dim small num", GUTTER + PLOT_WIDTH + 8, figure->y + 22, text);
    svg_group_end(figure->out);
    figure->y += INJECTION_HEIGHT;
}

static void draw_disturbance(struct figure *figure, const struct scenario_disturbance *disturbance)
{
    double from_s = seconds(disturbance->at_ns), lasts_s = seconds(disturbance->lasts_ns);
    double x = x_at(figure, from_s);
    struct svg_box box = {x, figure->y + 4, fmax(x_at(figure, from_s + lasts_s) - x, 3), 14};
    char text[64];
    svg_text_fit(figure->out, "", 20, figure->y + 15, 12, GUTTER - 32,
                 svg_timeline_disturbance_text(disturbance->kind));
    svg_rect_pattern(figure->out, figure->id, "dots", &box);
    svg_rect(figure->out, "frame", &box);
    snprintf(text, sizeof text, "from %.1f s", from_s);
    svg_text(figure->out, "dim small num", GUTTER + PLOT_WIDTH + 8, figure->y + 15, text);
    figure->y += ALERT_HEIGHT + 2;
}

static void draw_injected(struct figure *figure)
{
    const struct scenario *scenario = figure->report->scenario;
    if (scenario->drift.count + scenario->disturbance_count == 0) {
        return;
    }
    heading(figure, "Injected");
    for (int i = 0; i < scenario->drift.count; i++) {
        draw_injection(figure, i);
    }
    for (int i = 0; i < scenario->disturbance_count; i++) {
        draw_disturbance(figure, &scenario->disturbance[i]);
    }
}

/* A bracket under the row: when the alert had to fire, or to resolve. */
static void draw_allowed(struct figure *figure, const char *alert)
{
    const struct scenario *scenario = figure->report->scenario;
    for (int i = 0; i < scenario->expectation_count; i++) {
        const struct scenario_expectation *e = &scenario->expectation[i];
        if ((e->kind != SCENARIO_FIRES && e->kind != SCENARIO_RESOLVES) ||
            strcmp(e->alert, alert) != 0) {
            continue;
        }
        double from_s = seconds(scenario->phase[e->phase].start_ns);
        if (from_s >= end_of(figure->report)) {
            continue;
        }
        double from = x_at(figure, from_s), to = x_at(figure, from_s + seconds(e->within_ns));
        double y = figure->y + ALERT_HEIGHT - 1.5;
        svg_line(figure->out, "allowed", from, y, to, y);
        svg_line(figure->out, "allowed", from, y - 4, from, y);
        svg_line(figure->out, "allowed", to, y - 4, to, y);
    }
}

/* class: of firing; NULL = it is pending. */
static void draw_state(struct figure *figure, const char *class, double from_s, double to_s)
{
    struct svg_box box = {x_at(figure, from_s), figure->y + 3, 0, ALERT_HEIGHT - 8};
    box.w = fmax(x_at(figure, to_s) - box.x, 4);
    if (class == NULL) {
        svg_rect_pattern(figure->out, figure->id, "hatch", &box);
        return;
    }
    svg_rect(figure->out, class, &box);
    if (box.w > 44) {
        svg_text(figure->out, "on mid small", box.x + box.w / 2, box.y + 10, "firing");
    }
}

static void draw_episode(struct figure *figure, const struct evidence_episode *e,
                         const char *firing_class)
{
    double end_s = end_of(figure->report), middle = figure->y + ALERT_HEIGHT / 2.0 - 1;
    double over_s = isnan(e->resolved_s) ? end_s : e->resolved_s;
    char tip[256];
    snprintf(tip, sizeof tip,
             "pending %.1f s, firing %.1f s, notified %.1f s, resolved %.1f s, resolve notified "
             "%.1f s (nan: did not happen)",
             e->pending_s, e->firing_s, e->notified_s, e->resolved_s, e->resolved_notified_s);
    svg_group(figure->out, NULL, tip);
    if (!isnan(e->pending_s)) {
        /* One that never fired has no end: it is drawn as a moment. */
        double to_s = isnan(e->firing_s) ? e->pending_s : e->firing_s;
        draw_state(figure, NULL, e->pending_s, to_s);
    }
    if (!isnan(e->firing_s)) {
        draw_state(figure, firing_class, e->firing_s, over_s);
    }
    if (e->resolve == EVIDENCE_VANISHED) {
        svg_symbol(figure->out, SVG_CROSS, "plain mark", x_at(figure, over_s), middle, 5);
    }
    if (!isnan(e->notified_s)) {
        svg_symbol(figure->out, SVG_TRIANGLE_DOWN, "plain mark", x_at(figure, e->notified_s),
                   middle, 5);
    }
    if (!isnan(e->resolved_notified_s)) {
        svg_symbol(figure->out, SVG_TRIANGLE, "hollow", x_at(figure, e->resolved_notified_s),
                   middle, 5);
    }
    svg_group_end(figure->out);
}

static void draw_alert(struct figure *figure, const struct evidence_alert *alert)
{
    char text[64];
    double middle = figure->y + ALERT_HEIGHT / 2.0 - 1;
    bool quiet = alert->count == 0;
    svg_text_fit(figure->out, quiet ? "dim" : "", 20, figure->y + 13, 12, GUTTER - 28,
                 alert->rule->name);
    svg_line(figure->out, "grid", GUTTER, middle, GUTTER + PLOT_WIDTH, middle);
    for (size_t i = 0; i < alert->count; i++) {
        draw_episode(figure, &alert->episode[i], is_heartbeat(alert) ? "mute" : "past");
    }
    draw_allowed(figure, alert->rule->name);
    svg_timeline_alert_text(alert, figure->report->evidence->complete, text, sizeof text);
    svg_text(figure->out, quiet ? "dim small num" : "small num", GUTTER + PLOT_WIDTH + 8,
             figure->y + 13, text);
    figure->y += ALERT_HEIGHT;
}

static void draw_alerts(struct figure *figure)
{
    const struct evidence *evidence = figure->report->evidence;
    if (evidence->alert_count == 0) {
        return;
    }
    heading(figure, "Alerts");
    for (size_t i = 0; i < evidence->alert_count; i++) {
        draw_alert(figure, &evidence->alert[i]);
    }
}

/* ---- quantities ---- */

static void widen(const struct prometheus_point *point, size_t count, double *low, double *high)
{
    for (size_t i = 0; i < count; i++) {
        if (isfinite(point[i].value) && point[i].time_s >= 0) {
            *low = fmin(*low, point[i].value);
            *high = fmax(*high, point[i].value);
        }
    }
}

static bool track_scale(const struct figure *figure, const struct report_track *track,
                        struct svg_scale *out)
{
    double low = INFINITY, high = -INFINITY;
    widen(track->recorded, track->recorded_count, &low, &high);
    widen(track->truth, track->truth_count, &low, &high);
    if (isfinite(track->objective)) {
        low = fmin(low, track->objective);
        high = fmax(high, track->objective);
    }
    if (!(high >= low)) {
        return false;
    }
    double room = fmax((high - low) * 0.08, fabs(high) * 1e-3 + 1e-9);
    *out = (struct svg_scale){low - room, high + room, figure->y + TRACK_HEIGHT - 8,
                              -(TRACK_HEIGHT - 16)};
    return true;
}

static void draw_points(struct figure *figure, const struct svg_scale *scale, const char *class,
                        const struct prometheus_point *from, size_t count)
{
    struct svg_point *point = mem_array(count + 1, sizeof *point);
    for (size_t i = 0; i < count; i++) {
        /* A stack that ran before the drill knows what was before it. */
        bool known = isfinite(from[i].value) && from[i].time_s >= 0 &&
                     from[i].time_s <= end_of(figure->report);
        point[i].x = known ? svg_at(&figure->time, from[i].time_s) : NAN;
        point[i].y = known ? svg_at(scale, from[i].value) : NAN;
    }
    svg_curve(figure->out, class, point, svg_thin(point, count, BUCKET_PX));
    mem_free(point);
}

static void draw_scale(struct figure *figure, const struct svg_scale *scale)
{
    double tick[SVG_TICKS_MAX];
    int decimals;
    char text[32];
    size_t count = svg_ticks(scale->from, scale->to, 4, tick, &decimals);
    for (size_t i = 0; i < count; i++) {
        double y = svg_at(scale, tick[i]);
        snprintf(text, sizeof text, "%.*f", decimals, tick[i]);
        svg_line(figure->out, "grid", GUTTER, y, GUTTER + PLOT_WIDTH, y);
        svg_text(figure->out, "dim small end num", GUTTER - 6, y + 4, text);
    }
}

static void draw_track(struct figure *figure, const struct report_track *track)
{
    struct svg_scale scale;
    char name[64], text[64], duration[32];
    struct svg_box box = {GUTTER, figure->y + 4, PLOT_WIDTH, TRACK_HEIGHT - 8};
    snprintf(name, sizeof name, "%s", scenario_quantity_name(track->quantity));
    for (char *c = name; (c = strchr(c, '_')) != NULL;) {
        *c = ' ';
    }
    svg_text(figure->out, "", 20, figure->y + 24, name);
    snprintf(text, sizeof text, "over %s",
             text_from_duration_ns(track->window_ns * figure->report->scenario->time_scale,
                                   duration, sizeof duration));
    svg_text(figure->out, "dim small", 20, figure->y + 40, text);
    svg_rect(figure->out, "plot", &box);
    if (track_scale(figure, track, &scale)) {
        draw_scale(figure, &scale);
        draw_points(figure, &scale, "truth", track->truth, track->truth_count);
        draw_points(figure, &scale, "curve s0", track->recorded, track->recorded_count);
        if (isfinite(track->objective)) {
            double y = svg_at(&scale, track->objective);
            svg_line(figure->out, "past-line limit", GUTTER, y, GUTTER + PLOT_WIDTH, y);
            snprintf(text, sizeof text, "objective %.3g", track->objective);
            svg_text(figure->out, "small num", GUTTER + PLOT_WIDTH + 8, y + 4, text);
        }
    }
    figure->y += TRACK_HEIGHT;
}

static void draw_tracks(struct figure *figure)
{
    const struct report_tracks *tracks = figure->report->tracks;
    if (tracks == NULL || tracks->count == 0) {
        return;
    }
    heading(figure, "As recorded, against the truth");
    for (int i = 0; i < tracks->count; i++) {
        draw_track(figure, &tracks->track[i]);
    }
}

/* ---- around the rows ---- */

static void draw_axis(struct figure *figure)
{
    double tick[SVG_TICKS_MAX];
    int decimals;
    char text[48], duration[32];
    size_t count = svg_ticks(0, figure->time.to, SVG_TICKS_MAX, tick, &decimals);
    svg_line(figure->out, "frame", GUTTER, figure->y, GUTTER + PLOT_WIDTH, figure->y);
    for (size_t i = 0; i < count; i++) {
        double x = svg_at(&figure->time, tick[i]);
        int64_t production_ms =
            (int64_t)round(tick[i] * 1000) * figure->report->scenario->time_scale;
        svg_line(figure->out, "frame", x, figure->y, x, figure->y + 4);
        snprintf(text, sizeof text, "%.*f s", decimals, tick[i]);
        svg_text(figure->out, "mid small num", x, figure->y + 17, text);
        svg_text(figure->out, "mid small dim num", x, figure->y + 32,
                 text_from_duration_ns(production_ms * CLOCK_NS_PER_MS, duration, sizeof duration));
    }
    svg_text(figure->out, "end small", GUTTER - 24, figure->y + 17, "drill time");
    svg_text(figure->out, "end small dim", GUTTER - 24, figure->y + 32, "production time");
    figure->y += AXIS_HEIGHT;
}

/* Where phases begin, through all rows; drawn first, so that rows lie on top. */
static void draw_moments(struct figure *figure, double bottom)
{
    const struct report *report = figure->report;
    for (int i = 1; i < report->scenario->phase_count; i++) {
        double at_s = seconds(report->scenario->phase[i].start_ns);
        if (at_s < end_of(report)) {
            double x = x_at(figure, at_s);
            svg_line(figure->out, "moment", x, figure->top + PHASES_HEIGHT - 4, x, bottom);
        }
    }
    if (!isnan(report->play->retrained_s)) {
        double x = x_at(figure, report->play->retrained_s);
        svg_line(figure->out, "ok-line", x, figure->top + PHASES_HEIGHT - 4, x, bottom);
    }
}

static double legend_text(struct figure *figure, double x, const char *text)
{
    svg_text(figure->out, "small", x, figure->y + 12, text);
    return x + svg_text_width(text, 11) + 18;
}

static void draw_legend(struct figure *figure)
{
    struct buf *out = figure->out;
    double x = GUTTER, y = figure->y + 8;
    svg_rect_pattern(out, figure->id, "hatch", &(struct svg_box){x, y - 6, 18, 12});
    x = legend_text(figure, x + 24, "pending");
    svg_rect(out, "past", &(struct svg_box){x, y - 6, 18, 12});
    x = legend_text(figure, x + 24, "firing");
    svg_symbol(out, SVG_TRIANGLE_DOWN, "plain", x + 5, y, 5);
    x = legend_text(figure, x + 16, "notified");
    svg_symbol(out, SVG_TRIANGLE, "hollow", x + 5, y, 5);
    x = legend_text(figure, x + 16, "resolve notified");
    svg_symbol(out, SVG_CROSS, "plain", x + 5, y, 5);
    x = legend_text(figure, x + 16, "series vanished");
    svg_line(out, "allowed", x, y + 3, x + 18, y + 3);
    svg_line(out, "allowed", x, y - 2, x, y + 3);
    svg_line(out, "allowed", x + 18, y - 2, x + 18, y + 3);
    legend_text(figure, x + 24, "when it had to fire or resolve");
    figure->y += 20;
    y = figure->y + 8;
    x = GUTTER;
    svg_line(out, "curve s0", x, y, x + 18, y);
    x = legend_text(figure, x + 24, "recorded by Prometheus");
    svg_line(out, "truth", x, y, x + 18, y);
    x = legend_text(figure, x + 24, "what people did");
    svg_line(out, "past-line limit", x, y, x + 18, y);
    x = legend_text(figure, x + 24, "objective");
    svg_line(out, "ok-line", x + 4, y - 6, x + 4, y + 6);
    legend_text(figure, x + 12, "retrained");
}

static double height_of(const struct report *report)
{
    const struct scenario *scenario = report->scenario;
    double injected =
        scenario->drift.count * INJECTION_HEIGHT + scenario->disturbance_count * (ALERT_HEIGHT + 2);
    double alerts = (double)report->evidence->alert_count * ALERT_HEIGHT;
    double tracks = report->tracks == NULL ? 0 : report->tracks->count * TRACK_HEIGHT;
    return 8 + PHASES_HEIGHT + 4 + injected + (injected > 0 ? HEADING_HEIGHT : 0) + alerts +
           (alerts > 0 ? HEADING_HEIGHT : 0) + tracks + (tracks > 0 ? HEADING_HEIGHT : 0) +
           AXIS_HEIGHT + LEGEND_HEIGHT;
}

void svg_timeline(struct buf *out, const char *id, bool alone, const struct report *report)
{
    struct figure figure = {.out = out,
                            .id = id,
                            .report = report,
                            .time = {0, end_of(report), GUTTER, PLOT_WIDTH},
                            .y = 8,
                            .top = 8};
    char title[160];
    double height = height_of(report);
    snprintf(title, sizeof title, "Timeline of the drill %s", report->scenario->name);
    svg_begin(out, &(struct svg_head){
                       .id = id,
                       .title = title,
                       .desc = "Phases, injections, states of alerts and recorded quantities over "
                               "the time of the drill. The tables of the report hold the same.",
                       .width = SVG_TIMELINE_WIDTH,
                       .height = height,
                       .alone = alone});
    draw_moments(&figure, height - AXIS_HEIGHT - LEGEND_HEIGHT);
    draw_phases(&figure);
    draw_injected(&figure);
    draw_alerts(&figure);
    draw_tracks(&figure);
    draw_axis(&figure);
    draw_legend(&figure);
    svg_end(out);
}
