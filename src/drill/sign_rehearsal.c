/*
 * Two hours of scrapes: one of people at rest, one of people who are worse. Whole numbers are not
 * needed of counters, so each scrape adds exactly what is expected of fifteen seconds. The panels'
 * queries go to the evaluator of rules, which holds the samples, as a Prometheus would.
 */
#include "drill/sign_rehearsal.h"

#include "base/mem.h"
#include "base/text.h"
#include "drill/signs.h"
#include "observe/rule_engine.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SCRAPE_MS INT64_C(15000)
#define SETTLE_MS (INT64_C(3600) * 1000)
#define RANGE_MS (INT64_C(900) * 1000)
#define START_MS (INT64_C(1700000000) * 1000)
#define LISTS_A_SCRAPE 75.0
#define SOURCES 3
#define STARS 5
#define RANKS 10
#define PLACES 10.0 /* of a list */
#define MOVE_MIN 0.01
#define SERIES_MAX 80

/* Shares of the lists and of the ratings. */
struct people {
    double rated;
    double stars[STARS];
};

static const struct people at_rest = {.rated = 0.36, .stars = {.05, .09, .22, .38, .26}};

static const struct worse {
    const char *name;
    struct people people;
    bool makes_worse[SCENARIO_RATING_PSI + 1]; /* by quantity */
} worlds[] = {
    {"who choose elsewhere",
     {.rated = 0.21, .stars = {.05, .09, .22, .38, .26}},
     {[SCENARIO_CONVERSION] = true, [SCENARIO_RECIPROCAL_RANK] = true}},
    {"half a star harsher",
     {.rated = 0.36, .stars = {.10, .15, .28, .32, .15}},
     {[SCENARIO_CONVERSION] = true, [SCENARIO_MEAN_RATING] = true, [SCENARIO_RATING_PSI] = true}},
};

#define WORLDS (sizeof worlds / sizeof worlds[0])

struct feed {
    struct rule_engine *engine;
    int64_t now_ms;
    size_t count;
    int id[SERIES_MAX];
    double total[SERIES_MAX];
    size_t at; /* the series whose turn it is */
};

/* Adds to the next series, which is made the first time round. */
static void add(struct feed *feed, const char *text, double increment)
{
    if (feed->at == feed->count) {
        feed->id[feed->count++] = rule_engine_series(feed->engine, text, NULL);
    }
    feed->total[feed->at] += increment;
    rule_engine_sample(feed->engine, feed->id[feed->at], feed->now_ms, feed->total[feed->at]);
    feed->at++;
}

static void add_ratings(struct feed *feed, const struct people *people, const char *source,
                        double ratings)
{
    char text[160];
    double sum = 0, below = 0, ranks = 0;
    for (int i = 0; i <= STARS; i++) {
        char le[16] = "+Inf";
        if (i < STARS) {
            snprintf(le, sizeof le, "%d.0", i + 1);
            below += people->stars[i];
            sum += (i + 1) * people->stars[i];
        }
        snprintf(
            text, sizeof text,
            "user_rating_bucket{job=\"recommender\",instance=\"a\",recommender=\"%s\",le=\"%s\"}",
            source, le);
        add(feed, text, ratings * (i < STARS ? below : 1));
    }
    snprintf(text, sizeof text,
             "recommendation_rating_stars_bucket{job=\"recommender\",instance=\"a\","
             "recommender=\"%s\",le=\"2.5\"}",
             source);
    add(feed, text, ratings * (people->stars[0] + people->stars[1]));
    for (int rank = 1; rank <= RANKS; rank++) {
        ranks += (double)rank / RANKS;
    }
    const struct {
        const char *name;
        double value;
    } rows[] = {{"user_rating_count", ratings},
                {"user_rating_sum", ratings * sum},
                {"recommendation_rating_stars_count", ratings},
                {"item_rank_count", ratings},
                {"item_rank_sum", ratings * ranks},
                {"recommendation_items_total", LISTS_A_SCRAPE * PLACES / SOURCES}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "%s{job=\"recommender\",instance=\"a\",recommender=\"%s\"}",
                 rows[i].name, source);
        add(feed, text, rows[i].value);
    }
}

static void scrape(struct feed *feed, const struct people *people)
{
    static const char *const sources[SOURCES] = {"base", "similar", "popular"};
    double reciprocal = 0, ratings = LISTS_A_SCRAPE * people->rated;
    double liked = people->stars[2] + people->stars[3] + people->stars[4];
    for (int rank = 1; rank <= RANKS; rank++) {
        reciprocal += 1.0 / rank / RANKS;
    }
    feed->at = 0;
    feed->total[0] = 0; /* a gauge */
    add(feed, "up{job=\"recommender\",instance=\"a\"}", 1);
    add(feed, "recommendation_lists_total{job=\"recommender\",instance=\"a\"}", LISTS_A_SCRAPE);
    add(feed, "recommendation_lists_converted_total{job=\"recommender\",instance=\"a\"}",
        ratings * liked);
    add(feed, "recommendation_reciprocal_rank_total{job=\"recommender\",instance=\"a\"}",
        ratings * reciprocal);
    add(feed,
        "http_requests_total{job=\"recommender\",instance=\"a\",handler=\"/recommendations/\","
        "method=\"GET\",status=\"2xx\"}",
        LISTS_A_SCRAPE);
    add(feed,
        "http_requests_total{job=\"recommender\",instance=\"a\",handler=\"/ratings/\","
        "method=\"POST\",status=\"2xx\"}",
        ratings);
    add(feed, "driftdrill_lists_total{job=\"driftdrill\",instance=\"b\"}", LISTS_A_SCRAPE);
    add(feed, "driftdrill_lists_converted_total{job=\"driftdrill\",instance=\"b\"}",
        ratings * liked);
    for (int i = 0; i < SOURCES; i++) {
        add_ratings(feed, people, sources[i], ratings / SOURCES);
    }
}

static void play(struct feed *feed, const struct people *people, int64_t until_ms)
{
    while (feed->now_ms < until_ms) {
        feed->now_ms += SCRAPE_MS;
        scrape(feed, people);
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

static struct prometheus_series *find_or_add(struct prometheus_matrix *matrix, const char *text)
{
    json_t *labels = read_labels(text);
    for (size_t i = 0; i < matrix->count; i++) {
        if (json_equal(matrix->series[i].labels, labels)) {
            json_decref(labels);
            return &matrix->series[i];
        }
    }
    matrix->series = mem_resize(matrix->series, matrix->count + 1, sizeof *matrix->series);
    matrix->series[matrix->count] = (struct prometheus_series){.labels = labels};
    return &matrix->series[matrix->count++];
}

static enum err query_at(struct rule_engine *engine, const char *expr, int64_t t_ms,
                         struct prometheus_matrix *out, struct error *error)
{
    struct rule_element *element = NULL;
    size_t count = 0;
    enum err code = rule_engine_query(engine, expr, t_ms, &element, &count, error);
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        struct prometheus_series *series = find_or_add(out, element[i].labels);
        series->point = mem_resize(series->point, series->count + 1, sizeof *series->point);
        series->point[series->count++] =
            (struct prometheus_point){(double)t_ms / 1000, element[i].value};
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
static double look(struct feed *feed, const struct dashboard *dashboard,
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
                                          .datasource_ms = SCRAPE_MS,
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
        snprintf(outcome->why, sizeof outcome->why,
                 "%s by %.3g (%.3g to %.3g) although people are worse in %s: its query %s",
                 signs_verb(outcome->rest, outcome->now), fabs(move), outcome->rest, outcome->now,
                 scenario_quantity_name(quantity), reason);
    }
}

struct rehearsal {
    const struct panel_boards *boards;
    struct sign_outcome *outcome;
    size_t count; /* of all worlds so far */
};

/* Visits the panels that a world makes worse, in the same order before and after. */
static void look_at_all(struct rehearsal *rehearsal, struct feed *feed, const struct worse *world,
                        bool before)
{
    size_t at = rehearsal->count;
    for (size_t b = 0; b < rehearsal->boards->count; b++) {
        const struct dashboard *dashboard = &rehearsal->boards->dashboard[b];
        for (size_t i = 0; i < dashboard->panel_count; i++) {
            const struct dashboard_panel *panel = &dashboard->panel[i];
            enum scenario_quantity quantity = signs_quantity(panel->title);
            if (panel->worse == DASHBOARD_NO_WAY || panel->target_count == 0 ||
                !world->makes_worse[quantity]) {
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
    struct rehearsal rehearsal = {
        .boards = boards,
        .outcome = mem_zalloc(WORLDS * count_panels(boards) + 1, sizeof *rehearsal.outcome)};
    struct rule_engine *engine = NULL;
    enum err code = rule_engine_load(rules, rule_count, &engine, error);
    for (size_t w = 0; code == ERR_OK && w < WORLDS; w++) {
        struct feed feed = {.engine = engine, .now_ms = START_MS};
        rule_engine_reset(engine);
        play(&feed, &at_rest, START_MS + SETTLE_MS);
        look_at_all(&rehearsal, &feed, &worlds[w], true);
        play(&feed, &worlds[w].people, START_MS + 2 * SETTLE_MS);
        look_at_all(&rehearsal, &feed, &worlds[w], false);
    }
    rule_engine_free(engine);
    if (code != ERR_OK) {
        mem_free(rehearsal.outcome);
        return code;
    }
    *out = rehearsal.outcome;
    *count = rehearsal.count;
    return ERR_OK;
}
