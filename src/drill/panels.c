/*
 * Every panel is asked as Grafana would ask: variables at the dashboard's own choice, the interval
 * of the drill's scrapes as the data source's. At the end of a phase a panel is looked at over a
 * range of fifteen minutes of production, the windows of the shipped rules; an expectation may want
 * another one, and other widths. Only panels that an expectation names are looked at again.
 */
#include "drill/panels.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOVED_SHARE 0.1 /* of the larger of two values: less is noise */

struct look {
    const struct panels_request *request;
    const struct dashboard *dashboard;
    const struct dashboard_panel *panel;
};

static enum err evaluate(const struct look *look, double from_s, double to_s, int width_px,
                         struct panel_view *out, struct error *error)
{
    const struct panels_request *request = look->request;
    const struct scenario *scenario = request->scenario;
    int64_t scrape_ns = scenario->scrape_ns / scenario->time_scale;
    struct panel_request asked = {.from_ms = llround((request->origin_unix_s + from_s) * 1000),
                                  .to_ms = llround((request->origin_unix_s + to_s) * 1000),
                                  .width_px = width_px,
                                  .datasource_ms =
                                      (scrape_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS,
                                  .query = request->query,
                                  .context = request->context};
    asked.to_ms = asked.to_ms > asked.from_ms ? asked.to_ms : asked.from_ms + 1;
    return panel_evaluate(look->dashboard, look->panel, &asked, out, error);
}

/* The query that the title is about: the first that is not hidden. */
static const struct dashboard_target *headline(const struct dashboard_panel *panel)
{
    for (size_t i = 0; i < panel->target_count; i++) {
        if (!panel->target[i].hide) {
            return &panel->target[i];
        }
    }
    return NULL;
}

static void take_middle(const struct panel_series *series, struct panel_shown *out)
{
    double *value = mem_array(series->count, sizeof *value);
    size_t count = 0;
    for (size_t i = 0; i < series->count; i++) {
        if (isfinite(series->point[i].value)) {
            value[count++] = series->point[i].value;
        }
    }
    out->mean = count > 0 ? gsl_stats_mean(value, 1, count) : NAN;
    out->median = count > 0 ? gsl_stats_median(value, 1, count) : NAN;
    mem_free(value);
}

static void take_shown(const struct look *look, const struct panel_view *view,
                       struct panel_glance *out)
{
    const struct dashboard_target *first = headline(look->panel);
    out->shown = mem_zalloc(view->series_count + 1, sizeof *out->shown);
    for (size_t i = 0; i < view->series_count; i++) {
        const struct panel_series *series = &view->series[i];
        struct panel_shown *shown = &out->shown[out->count];
        if (series->count == 0) {
            continue;
        }
        out->count++;
        shown->value = series->has_value ? series->reduced : NAN;
        take_middle(series, shown);
        shown->headline = first != NULL && strcmp(series->ref, first->ref) == 0;
        (void)text_copy(shown->legend, sizeof shown->legend, series->legend);
        (void)text_copy(shown->text, sizeof shown->text, series->text);
        (void)text_copy(shown->colour, sizeof shown->colour, series->colour);
    }
}

static void glance(const struct look *look, double at_s, int64_t range_ns, int width_px,
                   struct panel_glance *out)
{
    struct panel_view view = {0};
    struct error error = {0};
    double range_s = (double)range_ns / (double)CLOCK_NS_PER_S;
    *out = (struct panel_glance){.at_s = at_s, .range_ns = range_ns, .width_px = width_px};
    out->code = evaluate(look, at_s - range_s, at_s, width_px, &view, &error);
    out->ok = out->code == ERR_OK;
    if (out->ok) {
        take_shown(look, &view, out);
        panel_view_deinit(&view);
    } else {
        (void)text_copy(out->why, sizeof out->why, error.text);
    }
}

/* ---- the course of a drill ---- */

static double phase_end_s(const struct panels_request *request, int phase)
{
    const struct scenario_phase *p = &request->scenario->phase[phase];
    return fmin((double)(p->start_ns + p->duration_ns) / (double)CLOCK_NS_PER_S, request->end_s);
}

/* Phases that have begun; the last of them may have been cut short. */
static int phases_played(const struct panels_request *request)
{
    int count = 0;
    while (count < request->scenario->phase_count &&
           (double)request->scenario->phase[count].start_ns / (double)CLOCK_NS_PER_S <
               request->end_s) {
        count++;
    }
    return count;
}

/* One that comes or goes has not moved: that of a query that now and then finds nothing does, too.
 */
static bool both_shown(const struct panel_shown *a, const struct panel_shown *b)
{
    return !isnan(a->value) && !isnan(b->value);
}

static bool value_moved(const struct panel_shown *a, const struct panel_shown *b)
{
    double larger = fmax(fabs(a->value), fabs(b->value));
    return strcmp(a->text, b->text) != 0 && fabs(a->value - b->value) > MOVED_SHARE * larger;
}

static const struct panel_shown *same_series(const struct panel_glance *in,
                                             const struct panel_shown *shown)
{
    for (size_t i = 0; i < in->count; i++) {
        if (strcmp(in->shown[i].legend, shown->legend) == 0) {
            return &in->shown[i];
        }
    }
    return NULL;
}

/* Counts, bounds and limits that a panel draws beside its measure move with the traffic. */
static bool series_moved(const struct panel_glance *from, const struct panel_shown *now,
                         bool is_state)
{
    const struct panel_shown *before = same_series(from, now);
    if (!now->headline) {
        return false;
    }
    if (before == NULL || !both_shown(before, now)) {
        return is_state && !isnan(now->value);
    }
    return strcmp(before->colour, now->colour) != 0 || value_moved(before, now);
}

/* Of a timeline of states that one is there is all there is to see. */
static bool has_moved(const struct panel_glance *from, const struct panel_glance *to, bool is_state)
{
    bool moved = false;
    for (size_t i = 0; from->ok && to->ok && i < to->count && !moved; i++) {
        moved = series_moved(from, &to->shown[i], is_state);
    }
    return moved;
}

/* While windows fill everything moves, so the warm-up does not count, unless it is all there is. */
static bool entry_moved(const struct panel_entry *entry)
{
    int first = entry->phase_count > 2 ? 1 : 0;
    bool is_state = entry->panel->type == DASHBOARD_STATE_TIMELINE;
    for (int a = first; a < entry->phase_count; a++) {
        for (int b = a + 1; b < entry->phase_count; b++) {
            if (has_moved(&entry->at_end[a], &entry->at_end[b], is_state)) {
                return true;
            }
        }
    }
    return false;
}

static void fill_entry(const struct panels_request *request, size_t board,
                       const struct dashboard_panel *panel, struct panel_entry *entry)
{
    const struct look look = {request, &request->boards->dashboard[board], panel};
    struct error error = {0};
    int64_t range_ns = SCENARIO_PANEL_RANGE_NS / request->scenario->time_scale;
    entry->board = request->boards->name[board];
    entry->dashboard = look.dashboard;
    entry->panel = panel;
    snprintf(entry->name, sizeof entry->name, "%.60s/%.127s", entry->board, panel->title);
    entry->ok = evaluate(&look, 0, request->end_s, PANELS_WIDTH_PX, &entry->view, &error) == ERR_OK;
    if (!entry->ok) {
        (void)text_copy(entry->why, sizeof entry->why, error.text);
    }
    entry->phase_count = phases_played(request);
    for (int p = 0; p < entry->phase_count; p++) {
        glance(&look, phase_end_s(request, p), range_ns, PANELS_WIDTH_PX, &entry->at_end[p]);
    }
    entry->moved = entry_moved(entry);
}

static void add_course(struct panel_book *book, const struct panel_entry *entry)
{
    const struct dashboard_target *first = headline(entry->panel);
    if (entry->panel->worse == DASHBOARD_NO_WAY || first == NULL) {
        return;
    }
    book->course[book->course_count++] = (struct panel_course){
        .name = entry->name,
        .title = entry->panel->title,
        .query = first->expr,
        .worse = entry->panel->worse == DASHBOARD_LOWER ? PANEL_LOWER : PANEL_HIGHER,
        .phase_count = entry->phase_count,
        .at_end = entry->at_end};
}

/* ---- what expectations want to see ---- */

static double moment_s(const struct panels_request *request,
                       const struct scenario_expectation *wanted)
{
    double start_s =
        (double)request->scenario->phase[wanted->phase].start_ns / (double)CLOCK_NS_PER_S;
    return wanted->panel.after_ns < 0
               ? phase_end_s(request, wanted->phase)
               : start_s + (double)wanted->panel.after_ns / (double)CLOCK_NS_PER_S;
}

/* Each other width at the usual range, each other range at the usual width, and each with each. */
static void look_around(const struct look *look, const struct scenario_panel *panel, double at_s,
                        struct panel_sight *sight)
{
    for (int w = -1; w < panel->width_count; w++) {
        for (int r = -1; r < panel->range_count; r++) {
            int width_px = w < 0 ? PANELS_WIDTH_PX : panel->width_px[w];
            int64_t range_ns = r < 0 ? panel->range_ns : panel->ranges_ns[r];
            glance(look, at_s, range_ns, width_px, &sight->glance[sight->count++]);
        }
    }
}

static void collect_sight(const struct panels_request *request,
                          const struct scenario_expectation *wanted, struct panel_sight *sight)
{
    size_t board = 0;
    const struct scenario_panel *panel = &wanted->panel;
    const struct dashboard_panel *found = panel_boards_find(request->boards, panel->name, &board);
    double at_s = moment_s(request, wanted);
    if (found == NULL || at_s > request->end_s || wanted->phase >= phases_played(request)) {
        return;
    }
    const struct look look = {request, &request->boards->dashboard[board], found};
    sight->known = true;
    sight->worse = found->worse == DASHBOARD_LOWER    ? PANEL_LOWER
                   : found->worse == DASHBOARD_HIGHER ? PANEL_HIGHER
                                                      : PANEL_NO_WAY;
    sight->glance = mem_zalloc((size_t)(panel->width_count + 1) * (size_t)(panel->range_count + 1),
                               sizeof *sight->glance);
    look_around(&look, panel, at_s, sight);
    if (panel->ask == SCENARIO_PANEL_MOVES && wanted->rest_phase < phases_played(request)) {
        glance(&look, phase_end_s(request, wanted->rest_phase), panel->range_ns, PANELS_WIDTH_PX,
               &sight->rest);
    }
}

static bool is_drawn(const struct dashboard_panel *panel)
{
    return dashboard_panel_type_queries(panel->type) && panel->target_count > 0;
}

static size_t count_panels(const struct panel_boards *boards)
{
    size_t count = 0;
    for (size_t b = 0; b < boards->count; b++) {
        for (size_t i = 0; i < boards->dashboard[b].panel_count; i++) {
            count += is_drawn(&boards->dashboard[b].panel[i]);
        }
    }
    return count;
}

void panels_collect(const struct panels_request *request, struct panel_book *out)
{
    const struct panel_boards *boards = request->boards;
    size_t count = count_panels(boards);
    *out = (struct panel_book){.dashboard = boards->dashboard,
                               .dashboard_count = boards->count,
                               .origin_unix_s = request->origin_unix_s,
                               .end_s = request->end_s};
    out->entry = mem_zalloc(count + 1, sizeof *out->entry);
    out->course = mem_zalloc(count + 1, sizeof *out->course);
    for (size_t b = 0; b < boards->count; b++) {
        for (size_t i = 0; i < boards->dashboard[b].panel_count; i++) {
            const struct dashboard_panel *panel = &boards->dashboard[b].panel[i];
            if (is_drawn(panel)) {
                fill_entry(request, b, panel, &out->entry[out->count]);
                add_course(out, &out->entry[out->count++]);
            }
        }
    }
    for (int i = 0; i < request->scenario->expectation_count; i++) {
        if (request->scenario->expectation[i].kind == SCENARIO_PANEL) {
            collect_sight(request, &request->scenario->expectation[i], &out->sight[i]);
        }
    }
}

void panel_book_deinit(struct panel_book *book)
{
    for (size_t i = 0; i < book->count; i++) {
        if (book->entry[i].ok) {
            panel_view_deinit(&book->entry[i].view);
        }
        for (int p = 0; p < book->entry[i].phase_count; p++) {
            panel_glance_deinit(&book->entry[i].at_end[p]);
        }
    }
    for (int i = 0; i < SCENARIO_EXPECTATIONS_MAX; i++) {
        panel_sight_deinit(&book->sight[i]);
    }
    mem_free(book->entry);
    mem_free(book->course);
    *book = (struct panel_book){0};
}
