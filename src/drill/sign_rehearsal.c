/*
 * Forty minutes of scrapes of people at rest, and nearly as many of people who are worse. The
 * panels' queries go to the evaluator of rules, which holds the samples, as a Prometheus would. It
 * knows no histograms: the quantile around a query's buckets is taken here.
 */
#include "drill/sign_rehearsal.h"

#include "base/mem.h"
#include "base/text.h"
#include "drill/sign_worlds.h"
#include "drill/signs.h"
#include "observe/rule_engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REST_MS (INT64_C(2400) * 1000)
#define WORSE_MS (INT64_C(2280) * 1000)
#define RANGE_MS (INT64_C(900) * 1000)
#define START_MS (INT64_C(1700000000) * 1000)
#define MOVE_MIN 0.01
#define BOUNDS_MAX 64

static void play(struct sign_feed *feed, const struct sign_people *people, int64_t until_ms)
{
    while (feed->now_ms < until_ms) {
        feed->now_ms += SIGN_SCRAPE_MS;
        sign_scrape(feed, people);
        rule_engine_evaluate(feed->engine, feed->now_ms);
    }
}

/* ---- the evaluator as a Prometheus ---- */

/* Labels as Prometheus prints them, read back: name{a="b"}. */
static json_t *read_labels(const char *text)
{
    json_t *labels = json_object();
    const char *at = text + strcspn(text, "{");
    if (at > text) {
        json_object_set_new(labels, "__name__", json_stringn(text, (size_t)(at - text)));
    }
    while (*at == '{' || *at == ',') {
        char name[128];
        at += 1 + strspn(at + 1, " ");
        size_t len = strcspn(at, "=");
        const char *value = at + len + 2, *end = strchr(at[len] == '=' ? value : at + len, '"');
        if (at[len] != '=' || end == NULL || len >= sizeof name) {
            break;
        }
        snprintf(name, sizeof name, "%.*s", (int)len, at);
        json_object_set_new(labels, name, json_stringn(value, (size_t)(end - value)));
        at = end + 1;
    }
    return labels;
}

static struct prometheus_series *find_or_add(struct prometheus_matrix *matrix, json_t *labels)
{
    for (size_t i = 0; i < matrix->count; i++) {
        if (json_equal(matrix->series[i].labels, labels)) {
            return &matrix->series[i];
        }
    }
    matrix->series = mem_resize(matrix->series, matrix->count + 1, sizeof *matrix->series);
    matrix->series[matrix->count] = (struct prometheus_series){.labels = json_incref(labels)};
    return &matrix->series[matrix->count++];
}

static void add_point(struct prometheus_series *series, int64_t t_ms, double value)
{
    series->point = mem_resize(series->point, series->count + 1, sizeof *series->point);
    series->point[series->count++] = (struct prometheus_point){(double)t_ms / 1000, value};
}

/* The buckets of histogram_quantile(q, BUCKETS) >= 0, which is the form that panels have. */
static bool read_quantile(const char *expr, double *quantile, char *buckets, size_t size)
{
    static const char function[] = "histogram_quantile(";
    const char *at = expr + strspn(expr, " "), *end = strrchr(expr, ')');
    char *comma = NULL;
    if (strncmp(at, function, sizeof function - 1) != 0 || end == NULL) {
        return false;
    }
    *quantile = strtod(at + sizeof function - 1, &comma);
    bool fits = *comma == ',' && comma < end && (size_t)(end - comma) <= size;
    bool is_all = end[1] == '\0' || strcmp(end + 1, " >= 0") == 0;
    if (fits && is_all) {
        snprintf(buckets, size, "%.*s", (int)(end - comma - 1), comma + 1);
    }
    return fits && is_all;
}

struct bound {
    double le, count;
};

static int by_le(const void *a, const void *b)
{
    double x = ((const struct bound *)a)->le, y = ((const struct bound *)b)->le;
    return (x > y) - (x < y);
}

/* Linear inside a bucket, the highest finite bound above it, as Prometheus does. */
static double quantile_of(struct bound *bound, size_t count, double quantile)
{
    size_t i = 0;
    qsort(bound, count, sizeof *bound, by_le);
    if (count < 2 || !isinf(bound[count - 1].le) || !(bound[count - 1].count > 0)) {
        return NAN;
    }
    double rank = quantile * bound[count - 1].count;
    while (bound[i].count < rank && i < count - 1) {
        i++;
    }
    if (i == count - 1) {
        return bound[count - 2].le;
    }
    double from = i == 0 ? 0 : bound[i - 1].le, below = i == 0 ? 0 : bound[i - 1].count;
    double in_it = bound[i].count - below;
    return from + (bound[i].le - from) * (in_it > 0 ? (rank - below) / in_it : 1);
}

/* Adds a point to the series of all elements that differ in le alone; they are taken away. */
static void add_quantile(struct rule_element *element, bool *taken, size_t first, size_t count,
                         double quantile, int64_t t_ms, struct prometheus_matrix *out)
{
    struct bound bound[BOUNDS_MAX];
    size_t bounds = 0;
    json_t *mine = read_labels(element[first].labels);
    json_object_del(mine, "le");
    for (size_t i = first; i < count; i++) {
        json_t *labels = read_labels(element[i].labels);
        const char *le = json_string_value(json_object_get(labels, "le"));
        double value = le == NULL ? NAN : strtod(le, NULL);
        json_object_del(labels, "le");
        if (!taken[i] && json_equal(mine, labels)) {
            taken[i] = true;
            if (!isnan(value) && bounds < BOUNDS_MAX) {
                bound[bounds++] = (struct bound){value, element[i].value};
            }
        }
        json_decref(labels);
    }
    double value = quantile_of(bound, bounds, quantile);
    if (!isnan(value)) {
        add_point(find_or_add(out, mine), t_ms, value);
    }
    json_decref(mine);
}

static enum err query_quantile(struct rule_engine *engine, const char *buckets, double quantile,
                               int64_t t_ms, struct prometheus_matrix *out, struct error *error)
{
    struct rule_element *element = NULL;
    size_t count = 0;
    enum err code = rule_engine_query(engine, buckets, t_ms, &element, &count, error);
    if (code != ERR_OK) {
        return code;
    }
    bool *taken = mem_zalloc(count + 1, sizeof *taken);
    for (size_t i = 0; i < count; i++) {
        if (!taken[i]) {
            add_quantile(element, taken, i, count, quantile, t_ms, out);
        }
    }
    mem_free(taken);
    rule_elements_free(element, count);
    return ERR_OK;
}

static enum err query_at(struct rule_engine *engine, const char *expr, int64_t t_ms,
                         struct prometheus_matrix *out, struct error *error)
{
    struct rule_element *element = NULL;
    size_t count = 0;
    double quantile;
    char buckets[1024];
    if (read_quantile(expr, &quantile, buckets, sizeof buckets)) {
        return query_quantile(engine, buckets, quantile, t_ms, out, error);
    }
    enum err code = rule_engine_query(engine, expr, t_ms, &element, &count, error);
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        json_t *labels = read_labels(element[i].labels);
        add_point(find_or_add(out, labels), t_ms, element[i].value);
        json_decref(labels);
    }
    if (code == ERR_OK) {
        rule_elements_free(element, count);
    }
    return code;
}

static enum err query_engine(void *context, const char *expr, bool instant, double from_s,
                             double to_s, double step_s, struct prometheus_matrix *out,
                             struct error *error)
{
    int64_t to_ms = llround(to_s * 1000), step_ms = llround(fmax(step_s, 1) * 1000);
    int64_t t_ms = instant ? to_ms : llround(from_s * 1000);
    enum err code = ERR_OK;
    *out = (struct prometheus_matrix){0};
    for (; code == ERR_OK && t_ms <= to_ms; t_ms += step_ms) {
        code = query_at(context, expr, t_ms, out, error);
    }
    if (code != ERR_OK) {
        prometheus_matrix_deinit(out);
    }
    return code;
}

/* ---- panels ---- */

static double mean_of_first(const struct dashboard_panel *panel, const struct panel_view *view)
{
    double sum = 0;
    size_t count = 0;
    for (size_t s = 0; s < view->series_count; s++) {
        const struct panel_series *series = &view->series[s];
        for (size_t i = 0; strcmp(series->ref, panel->target[0].ref) == 0 && i < series->count;
             i++) {
            if (isfinite(series->point[i].value)) {
                sum += series->point[i].value;
                count++;
            }
        }
    }
    return count > 0 ? sum / (double)count : NAN;
}

/* NaN, with the reason, if it shows nothing. */
static double look(struct sign_feed *feed, const struct dashboard *dashboard,
                   const struct dashboard_panel *panel, char *why, size_t size)
{
    struct panel_view view = {0};
    struct error error = {0};
    /* Of the later queries nothing is wanted, and they may be outside the evaluator's subset. */
    struct dashboard_panel first = *panel;
    first.target_count = 1;
    const struct panel_request request = {.from_ms = feed->now_ms - RANGE_MS,
                                          .to_ms = feed->now_ms,
                                          .width_px = PANELS_WIDTH_PX,
                                          .datasource_ms = SIGN_SCRAPE_MS,
                                          .query = query_engine,
                                          .context = feed->engine};
    if (panel_evaluate(dashboard, &first, &request, &view, &error) != ERR_OK) {
        (void)text_copy(why, size, error.text);
        return NAN;
    }
    double mean = mean_of_first(panel, &view);
    panel_view_deinit(&view);
    if (isnan(mean)) {
        snprintf(why, size, "it shows nothing");
    }
    return mean;
}

static void judge(const struct dashboard_panel *panel, enum scenario_quantity quantity,
                  struct sign_outcome *outcome)
{
    char reason[200];
    double way = panel->worse == DASHBOARD_HIGHER ? 1 : -1;
    double move = outcome->now - outcome->rest;
    double unit = quantity == SCENARIO_RATING_PSI ? 1 : fmax(fabs(outcome->rest), 1e-12);
    if (isnan(move)) {
        outcome->finding = SIGN_NO_VALUE;
        return;
    }
    outcome->finding = way * move / unit >= MOVE_MIN ? SIGN_RIGHT : SIGN_WRONG;
    if (outcome->finding == SIGN_WRONG) {
        signs_explain(quantity, panel->target[0].expr, reason, sizeof reason);
        bool named = quantity != SCENARIO_NO_QUANTITY;
        snprintf(outcome->why, sizeof outcome->why,
                 "%s by %.3g (%.3g to %.3g) although people are worse%s%s: its query %s",
                 signs_verb(outcome->rest, outcome->now), fabs(move), outcome->rest, outcome->now,
                 named ? " in " : "", named ? scenario_quantity_name(quantity) : "", reason);
    }
}

struct rehearsal {
    const struct panel_boards *boards;
    struct sign_outcome *outcome;
    size_t count; /* of all worlds so far */
};

/* Visits the panels that a world makes worse, in the same order before and after. */
static void look_at_all(struct rehearsal *rehearsal, struct sign_feed *feed,
                        const struct sign_world *world, bool before)
{
    size_t at = rehearsal->count;
    for (size_t b = 0; b < rehearsal->boards->count; b++) {
        const struct dashboard *dashboard = &rehearsal->boards->dashboard[b];
        for (size_t i = 0; i < dashboard->panel_count; i++) {
            const struct dashboard_panel *panel = &dashboard->panel[i];
            enum scenario_quantity quantity = signs_quantity(panel->title);
            if (panel->worse == DASHBOARD_NO_WAY || panel->target_count == 0 ||
                !sign_world_is_worse(world, quantity, panel->target[0].expr)) {
                continue;
            }
            struct sign_outcome *outcome = &rehearsal->outcome[at++];
            double value = look(feed, dashboard, panel, outcome->why, sizeof outcome->why);
            if (before) {
                outcome->people = world->name;
                snprintf(outcome->panel, sizeof outcome->panel, "%.60s/%.127s",
                         rehearsal->boards->name[b], panel->title);
                outcome->rest = value;
            } else {
                outcome->now = value;
                judge(panel, quantity, outcome);
            }
        }
    }
    rehearsal->count = before ? rehearsal->count : at;
}

static bool is_rehearsed(const struct dashboard_panel *panel, const struct sign_world *world,
                         size_t worlds)
{
    bool rehearsed = false;
    for (size_t w = 0; w < worlds; w++) {
        rehearsed = rehearsed || sign_world_is_worse(&world[w], signs_quantity(panel->title),
                                                     panel->target[0].expr);
    }
    return rehearsed;
}

static void name_unrehearsed(struct rehearsal *rehearsal, const struct sign_world *world,
                             size_t worlds)
{
    for (size_t b = 0; b < rehearsal->boards->count; b++) {
        const struct dashboard *dashboard = &rehearsal->boards->dashboard[b];
        for (size_t i = 0; i < dashboard->panel_count; i++) {
            const struct dashboard_panel *panel = &dashboard->panel[i];
            if (panel->worse == DASHBOARD_NO_WAY || panel->target_count == 0 ||
                is_rehearsed(panel, world, worlds)) {
                continue;
            }
            struct sign_outcome *outcome = &rehearsal->outcome[rehearsal->count++];
            *outcome = (struct sign_outcome){
                .people = "of no world", .finding = SIGN_UNTESTED, .rest = NAN, .now = NAN};
            snprintf(outcome->panel, sizeof outcome->panel, "%.60s/%.127s",
                     rehearsal->boards->name[b], panel->title);
            snprintf(outcome->why, sizeof outcome->why, "no world is known to be worse in it");
        }
    }
}

static size_t count_panels(const struct panel_boards *boards)
{
    size_t count = 0;
    for (size_t b = 0; b < boards->count; b++) {
        count += boards->dashboard[b].panel_count;
    }
    return count;
}

enum err sign_rehearse(const struct panel_boards *boards, const char *const *rules,
                       size_t rule_count, struct sign_outcome **out, size_t *count,
                       struct error *error)
{
    size_t worlds = 0;
    const struct sign_world *world = sign_worlds(&worlds);
    struct rehearsal rehearsal = {
        .boards = boards,
        .outcome = mem_zalloc((worlds + 1) * count_panels(boards) + 1, sizeof *rehearsal.outcome)};
    struct rule_engine *engine = NULL;
    enum err code = rule_engine_load(rules, rule_count, &engine, error);
    for (size_t w = 0; code == ERR_OK && w < worlds; w++) {
        struct sign_feed feed = {.engine = engine, .now_ms = START_MS};
        rule_engine_reset(engine);
        play(&feed, &sign_people_at_rest, START_MS + REST_MS);
        look_at_all(&rehearsal, &feed, &world[w], true);
        play(&feed, &world[w].people, START_MS + REST_MS + WORSE_MS);
        look_at_all(&rehearsal, &feed, &world[w], false);
    }
    rule_engine_free(engine);
    name_unrehearsed(&rehearsal, world, worlds);
    if (code != ERR_OK) {
        mem_free(rehearsal.outcome);
        return code;
    }
    *out = rehearsal.outcome;
    *count = rehearsal.count;
    return ERR_OK;
}
