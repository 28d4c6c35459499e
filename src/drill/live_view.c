#include "drill/live_view.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CELLS 480     /* moments remembered; more than columns, so that any width can be drawn */
#define LIVES_MAX 512 /* totals of the engine, a second each */
#define LABEL 22      /* columns of names ... */
#define LABEL_WIDE 36
#define COLUMNS_WIDE 104 /* ... of a terminal this wide */
#define VALUE 26
#define LEVELS 8

/* ---- what is watched ---- */

static const struct {
    const char *name, *record, *objective;
} quantities[LIVE_QUANTITIES] = {
    {"conversion", "job:recommendation_conversion:ratio15m",
     "objective:recommendation_conversion:min"},
    {"reciprocal rank", "job:recommendation_reciprocal_rank:ratio15m",
     "objective:recommendation_reciprocal_rank:min"},
    {"mean rating", "job:user_rating:mean15m", "objective:user_rating_mean:min"}};

#define WINDOW_PRODUCTION_NS (15 * 60 * CLOCK_NS_PER_S) /* of the records above */

const char *live_view_query(void)
{
    return "{__name__=~\"ALERTS|job:recommendation_conversion:ratio15m|"
           "job:recommendation_reciprocal_rank:ratio15m|job:user_rating:mean15m|"
           "objective:recommendation_conversion:min|objective:recommendation_reciprocal_rank:min|"
           "objective:user_rating_mean:min\",severity!=\"none\"}";
}

void live_watched_init(struct live_watched *watched)
{
    watched->count = 0;
    for (int i = 0; i < LIVE_QUANTITIES; i++) {
        watched->recorded[i] = watched->objective[i] = NAN;
    }
}

void live_watched_add(struct live_watched *watched, const char *series, const char *alert,
                      const char *state, double value)
{
    for (int i = 0; i < LIVE_QUANTITIES; i++) {
        if (strcmp(series, quantities[i].record) == 0) {
            watched->recorded[i] = value;
        } else if (strcmp(series, quantities[i].objective) == 0) {
            watched->objective[i] = value;
        }
    }
    if (strcmp(series, "ALERTS") == 0 && watched->count < LIVE_ALERTS_MAX) {
        text_copy(watched->alert[watched->count].name, sizeof watched->alert[0].name, alert);
        watched->alert[watched->count++].firing = strcmp(state, "firing") == 0;
    }
}

bool live_view_locale_is_utf8(const char *lc_all, const char *lc_ctype, const char *lang)
{
    const char *set = lc_all != NULL && lc_all[0] != '\0'       ? lc_all
                      : lc_ctype != NULL && lc_ctype[0] != '\0' ? lc_ctype
                                                                : lang;
    return set != NULL && (strcasestr(set, "utf-8") != NULL || strcasestr(set, "utf8") != NULL);
}

bool live_view_may_colour(const char *no_color, const char *term)
{
    return (no_color == NULL || no_color[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

/* ---- what is remembered ---- */

struct track { /* by cell of the drill; NaN = nothing known */
    float recorded[CELLS], truth[CELLS];
    double last_recorded, last_truth, objective;
};

struct alert_row {
    char name[128];
    uint8_t state[CELLS]; /* the worst of each cell */
    enum live_state now;
    int64_t since_ns; /* drill time at which `now` began */
};

struct live_view {
    const struct scenario *scenario;
    bool unicode, colour;
    int64_t now_ns;
    struct engine_live live, before; /* of the last two moments */
    int64_t before_ns;
    struct {
        int64_t at_ns;
        double lists, converted, reciprocal_rank, rated, stars;
    } past[LIVES_MAX]; /* a ring */
    size_t past_count;
    struct track track[LIVE_QUANTITIES];
    size_t alert_count;
    struct alert_row alert[LIVE_ALERTS_MAX]; /* that were ever active, in the order of that */
};

struct live_view *live_view_new(const struct scenario *scenario, bool unicode, bool colour)
{
    struct live_view *view = mem_zalloc(1, sizeof *view);
    view->scenario = scenario;
    view->unicode = unicode;
    view->colour = colour;
    for (int q = 0; q < LIVE_QUANTITIES; q++) {
        struct track *track = &view->track[q];
        track->last_recorded = track->last_truth = track->objective = NAN;
        for (int i = 0; i < CELLS; i++) {
            track->recorded[i] = track->truth[i] = NAN;
        }
    }
    return view;
}

void live_view_free(struct live_view *view)
{
    mem_free(view);
}

static size_t cell_at(const struct live_view *view, int64_t drill_ns)
{
    double end = fmax((double)view->scenario->end_ns, 1);
    double cell = floor((double)drill_ns / end * CELLS);
    return (size_t)fmin(fmax(cell, 0), CELLS - 1);
}

static void remember_live(struct live_view *view, const struct live_now *now)
{
    size_t at = view->past_count++ % LIVES_MAX;
    const struct engine_live *live = &now->live;
    view->past[at].at_ns = now->drill_ns;
    view->past[at].lists = (double)live->lists;
    view->past[at].converted = (double)live->converted;
    view->past[at].reciprocal_rank = live->reciprocal_rank;
    view->past[at].rated = (double)live->rated;
    view->past[at].stars = live->stars;
}

/* What people did since the window's beginning: the truth of the last of them. */
static void measure_truth(struct live_view *view)
{
    int64_t window_ns = WINDOW_PRODUCTION_NS / view->scenario->time_scale;
    size_t count = view->past_count, last = (count - 1) % LIVES_MAX, from = last;
    for (size_t back = 1; back < count && back < LIVES_MAX; back++) {
        size_t at = (count - 1 - back) % LIVES_MAX;
        if (view->past[last].at_ns - view->past[at].at_ns > window_ns + CLOCK_NS_PER_S / 2) {
            break;
        }
        from = at;
    }
    double lists = view->past[last].lists - view->past[from].lists;
    double rated = view->past[last].rated - view->past[from].rated;
    view->track[0].last_truth =
        lists > 0 ? (view->past[last].converted - view->past[from].converted) / lists : NAN;
    view->track[1].last_truth =
        lists > 0 ? (view->past[last].reciprocal_rank - view->past[from].reciprocal_rank) / lists
                  : NAN;
    view->track[2].last_truth =
        rated > 0 ? (view->past[last].stars - view->past[from].stars) / rated : NAN;
}

static struct alert_row *find_alert(struct live_view *view, const char *name)
{
    for (size_t i = 0; i < view->alert_count; i++) {
        if (strcmp(view->alert[i].name, name) == 0) {
            return &view->alert[i];
        }
    }
    if (view->alert_count == LIVE_ALERTS_MAX) {
        return NULL;
    }
    struct alert_row *row = &view->alert[view->alert_count++];
    text_copy(row->name, sizeof row->name, name);
    return row;
}

static enum live_state state_in(const struct live_watched *watched, const char *name)
{
    enum live_state state = LIVE_QUIET;
    for (size_t i = 0; i < watched->count; i++) {
        if (strcmp(watched->alert[i].name, name) == 0) {
            enum live_state one = watched->alert[i].firing ? LIVE_FIRING : LIVE_PENDING;
            state = one > state ? one : state;
        }
    }
    return state;
}

static void remember_alerts(struct live_view *view, const struct live_watched *watched)
{
    size_t from = cell_at(view, view->before_ns), to = cell_at(view, view->now_ns);
    for (size_t i = 0; i < watched->count; i++) {
        (void)find_alert(view, watched->alert[i].name);
    }
    for (size_t i = 0; i < view->alert_count; i++) {
        struct alert_row *row = &view->alert[i];
        enum live_state state = state_in(watched, row->name);
        if (state != row->now) {
            row->now = state;
            row->since_ns = view->now_ns;
        }
        for (size_t cell = from < to ? from + 1 : to; cell <= to; cell++) {
            row->state[cell] = state > row->state[cell] ? (uint8_t)state : row->state[cell];
        }
    }
}

void live_view_take(struct live_view *view, const struct live_now *now)
{
    view->before = view->live;
    view->before_ns = view->now_ns;
    view->live = now->live;
    view->now_ns = now->drill_ns;
    remember_live(view, now);
    measure_truth(view);
    if (now->watched != NULL) {
        remember_alerts(view, now->watched);
    }
    size_t from = cell_at(view, view->before_ns), to = cell_at(view, view->now_ns);
    for (int q = 0; q < LIVE_QUANTITIES; q++) {
        struct track *track = &view->track[q];
        track->last_recorded = now->watched == NULL ? NAN : now->watched->recorded[q];
        if (now->watched != NULL && !isnan(now->watched->objective[q])) {
            track->objective = now->watched->objective[q];
        }
        for (size_t cell = from < to ? from + 1 : to; cell <= to; cell++) {
            track->recorded[cell] = (float)track->last_recorded;
            track->truth[cell] = (float)track->last_truth;
        }
    }
}

/* ---- drawing ---- */

struct canvas {
    const struct live_view *view;
    struct buf *out;
    int label, plot; /* columns of names, and of the axis */
};

static const char *level_text(const struct canvas *canvas, int level)
{
    static const char *const blocks[LEVELS + 1] = {" ",
                                                   "\xe2\x96\x81",
                                                   "\xe2\x96\x82",
                                                   "\xe2\x96\x83",
                                                   "\xe2\x96\x84",
                                                   "\xe2\x96\x85",
                                                   "\xe2\x96\x86",
                                                   "\xe2\x96\x87",
                                                   "\xe2\x96\x88"};
    static const char *const ascii[LEVELS + 1] = {" ", "_", ".", "-", ":", "=", "+", "*", "#"};
    return (canvas->view->unicode ? blocks : ascii)[level];
}

static void paint(const struct canvas *canvas, const char *code)
{
    if (canvas->view->colour) {
        buf_printf(canvas->out, "\033[%sm", code);
    }
}

/* A text cut or filled to a width; what is not ASCII counts by the byte and is replaced. */
static void put(const struct canvas *canvas, int width, const char *text)
{
    int column = 0;
    for (; *text != '\0' && column < width; text++, column++) {
        bool plain = *text >= ' ' && *text < 127;
        buf_add(canvas->out, plain ? text : "?", 1);
    }
    buf_printf(canvas->out, "%*s", width - column, "");
}

/* Names of alerts differ at their ends: a long one loses its middle. */
static void put_name(const struct canvas *canvas, int width, const char *name)
{
    char cut[128];
    int length = (int)strlen(name), tail = width / 2;
    if (length > width) {
        snprintf(cut, sizeof cut, "%.*s..%s", width - tail - 2, name, name + length - tail);
        name = cut;
    }
    put(canvas, width, name);
}

/* Cells [from, to) of a column. */
static void cells_of(const struct canvas *canvas, int column, size_t *from, size_t *to)
{
    *from = (size_t)column * CELLS / (size_t)canvas->plot;
    *to = ((size_t)column + 1) * CELLS / (size_t)canvas->plot;
    *to = *to > *from ? *to : *from + 1;
}

static int column_at(const struct canvas *canvas, int64_t drill_ns)
{
    double end = fmax((double)canvas->view->scenario->end_ns, 1);
    return (int)fmin(fmax((double)drill_ns / end * canvas->plot, 0), canvas->plot);
}

static void draw_head(const struct canvas *canvas)
{
    const struct live_view *view = canvas->view;
    const struct scenario *scenario = view->scenario;
    const struct scenario_phase *phase =
        &scenario->phase[scenario_phase_at(scenario, view->now_ns)];
    double seconds = (double)(view->now_ns - view->before_ns) / (double)CLOCK_NS_PER_S;
    double left =
        (double)(phase->start_ns + phase->duration_ns - view->now_ns) / (double)CLOCK_NS_PER_S;
    int64_t asked = view->live.lists + view->live.rated - view->before.lists - view->before.rated;
    char text[240];
    snprintf(text, sizeof text, "%s: %s, %.0f s left   %.0f requests/s   %lld errors   %lld late",
             scenario->name, phase->name, fmax(left, 0),
             seconds > 0 ? (double)asked / seconds : 0.0,
             (long long)(view->live.failed + view->live.unknown), (long long)view->live.steps_late);
    paint(canvas, "1");
    put(canvas, canvas->label + canvas->plot + VALUE, text);
    paint(canvas, "0");
    buf_text(canvas->out, "\n");
}

static void draw_phases(const struct canvas *canvas)
{
    const struct scenario *scenario = canvas->view->scenario;
    int at = 0;
    put(canvas, canvas->label, "");
    for (int i = 0; i < scenario->phase_count; i++) {
        const struct scenario_phase *phase = &scenario->phase[i];
        int end = column_at(canvas, phase->start_ns + phase->duration_ns);
        if (end > at) {
            buf_text(canvas->out, "|");
            put(canvas, end - at - 1, phase->name);
            at = end;
        }
    }
    put(canvas, canvas->plot - at, "");
    buf_text(canvas->out, "\n");
}

static void draw_progress(const struct canvas *canvas)
{
    const struct live_view *view = canvas->view;
    int done = column_at(canvas, view->now_ns);
    char text[64];
    put(canvas, canvas->label, "");
    for (int i = 0; i < canvas->plot; i++) {
        buf_text(canvas->out, i < done ? level_text(canvas, view->unicode ? 4 : LEVELS)
                                       : (view->unicode ? "\xc2\xb7" : "."));
    }
    snprintf(text, sizeof text, "  %.0f of %.0f s", (double)view->now_ns / (double)CLOCK_NS_PER_S,
             (double)view->scenario->end_ns / (double)CLOCK_NS_PER_S);
    put(canvas, VALUE, text);
    buf_text(canvas->out, "\n");
}

/* The whole course is known beforehand; what is to come is shown fainter. */
static void draw_injection(const struct canvas *canvas, const struct drift_injection *injection)
{
    const struct live_view *view = canvas->view;
    double end = (double)view->scenario->end_ns;
    int now = column_at(canvas, view->now_ns);
    char text[64];
    put(canvas, canvas->label, drift_kind_name(injection->kind));
    for (int i = 0; i < canvas->plot; i++) {
        int64_t middle_ns = (int64_t)((i + 0.5) / canvas->plot * end);
        double share = drift_intensity(injection, middle_ns);
        if (i == now) {
            paint(canvas, "2");
        }
        buf_text(canvas->out, level_text(canvas, (int)ceil(share * LEVELS)));
    }
    paint(canvas, "0");
    snprintf(text, sizeof text, "  %.0f %% injected",
             100 * drift_intensity(injection, view->now_ns));
    put(canvas, VALUE, text);
    buf_text(canvas->out, "\n");
}

static void span(const float *values, double *low, double *high)
{
    for (int i = 0; i < CELLS; i++) {
        if (isfinite(values[i])) {
            *low = fmin(*low, (double)values[i]);
            *high = fmax(*high, (double)values[i]);
        }
    }
}

static void draw_values(const struct canvas *canvas, const float *values, double low, double high)
{
    for (int i = 0; i < canvas->plot; i++) {
        size_t from, to, known = 0;
        double sum = 0;
        cells_of(canvas, i, &from, &to);
        for (size_t cell = from; cell < to; cell++) {
            sum += isfinite(values[cell]) ? (double)values[cell] : 0;
            known += isfinite(values[cell]) ? 1 : 0;
        }
        double share = known == 0 ? NAN : (sum / (double)known - low) / (high - low);
        int level = isnan(share) ? 0 : 1 + (int)round(fmin(fmax(share, 0), 1) * (LEVELS - 1));
        buf_text(canvas->out, level_text(canvas, level));
    }
}

static void draw_line(const struct canvas *canvas, const char *name, const float *values,
                      double low, double high, double last, double objective)
{
    char text[64] = "", value[24] = "-";
    if (isfinite(last)) {
        snprintf(value, sizeof value, "%.3f", last);
    }
    put(canvas, canvas->label, name);
    draw_values(canvas, values, low, high);
    snprintf(text, sizeof text, "  %s", value);
    bool past = isfinite(objective) && last < objective;
    if (isfinite(objective)) {
        snprintf(text, sizeof text, "  %s %s objective %.3f", value, past ? "<" : " ", objective);
    }
    if (past) {
        paint(canvas, "1");
    }
    put(canvas, VALUE, text);
    paint(canvas, "0");
    buf_text(canvas->out, "\n");
}

static void draw_track(const struct canvas *canvas, int index)
{
    const struct track *track = &canvas->view->track[index];
    double low = isfinite(track->objective) ? track->objective : INFINITY;
    double high = isfinite(track->objective) ? track->objective : -INFINITY;
    char name[64];
    span(track->truth, &low, &high);
    span(track->recorded, &low, &high);
    /* A flat line is drawn flat, not its noise. */
    double room = fmax(0.25 * fabs(high) - (high - low), 0) / 2;
    low = isfinite(low) ? low - room : 0;
    high = isfinite(high) && high + room > low ? high + room : low + 1;
    snprintf(name, sizeof name, "%s", quantities[index].name);
    draw_line(canvas, name, track->truth, low, high, track->last_truth, NAN);
    draw_line(canvas, "    as recorded", track->recorded, low, high, track->last_recorded,
              track->objective);
}

static const char *state_cell(const struct canvas *canvas, enum live_state state)
{
    static const char *const unicode[] = {"\xc2\xb7", "\xe2\x96\x92", "\xe2\x96\x88"};
    static const char *const ascii[] = {".", "~", "#"};
    return (canvas->view->unicode ? unicode : ascii)[state];
}

static void draw_alert(const struct canvas *canvas, const struct alert_row *row)
{
    static const char *const words[] = {"quiet", "pending", "FIRING"};
    static const char *const colours[] = {"0", "33", "1;31"};
    int now = column_at(canvas, canvas->view->now_ns);
    char text[64];
    put_name(canvas, canvas->label - 1, row->name);
    buf_text(canvas->out, " ");
    paint(canvas, colours[row->now]);
    for (int i = 0; i < canvas->plot; i++) {
        size_t from, to;
        uint8_t worst = LIVE_QUIET;
        cells_of(canvas, i, &from, &to);
        for (size_t cell = from; cell < to; cell++) {
            worst = row->state[cell] > worst ? row->state[cell] : worst;
        }
        buf_text(canvas->out, i > now ? " " : state_cell(canvas, (enum live_state)worst));
    }
    snprintf(text, sizeof text, "  %s since %.0f s", words[row->now],
             (double)row->since_ns / (double)CLOCK_NS_PER_S);
    put(canvas, VALUE, text);
    paint(canvas, "0");
    buf_text(canvas->out, "\n");
}

static int draw_alerts(const struct canvas *canvas, int room)
{
    const struct live_view *view = canvas->view;
    int lines = 0;
    if (view->alert_count == 0 && room > 0) {
        put(canvas, canvas->label + canvas->plot + VALUE, "no alert has been pending yet");
        buf_text(canvas->out, "\n");
        return 1;
    }
    for (size_t i = 0; i < view->alert_count && lines < room; i++) {
        if (lines == room - 1 && i + 1 < view->alert_count) {
            char text[64];
            snprintf(text, sizeof text, "and %zu more alerts", view->alert_count - i);
            put(canvas, canvas->label + canvas->plot + VALUE, text);
            buf_text(canvas->out, "\n");
        } else {
            draw_alert(canvas, &view->alert[i]);
        }
        lines++;
    }
    return lines;
}

int live_view_draw(const struct live_view *view, int columns, int rows, struct buf *out)
{
    columns = columns < LIVE_COLUMNS_MAX ? columns : LIVE_COLUMNS_MAX;
    int label = columns >= COLUMNS_WIDE ? LABEL_WIDE : LABEL;
    struct canvas canvas = {
        .view = view, .out = out, .label = label, .plot = columns - label - VALUE - 1};
    int lines = 3 + 2 * LIVE_QUANTITIES;
    draw_head(&canvas);
    draw_phases(&canvas);
    draw_progress(&canvas);
    for (int i = 0; i < view->scenario->drift.count && lines < rows - 4; i++, lines++) {
        draw_injection(&canvas, &view->scenario->drift.injection[i]);
    }
    for (int q = 0; q < LIVE_QUANTITIES; q++) {
        draw_track(&canvas, q);
    }
    return lines + draw_alerts(&canvas, rows - 1 - lines);
}
