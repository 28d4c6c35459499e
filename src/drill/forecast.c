/*
 * The drill in virtual time. Plays are independent of each other, so they are dealt out to the
 * cores, each with an engine of its own; what is kept of a play is the state of every alert after
 * every scrape. The scrapes begin a little before the visits, as Prometheus does, with counters
 * that stand at 0.
 */
#include "drill/forecast.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "base/text.h"
#include "base/yaml.h"
#include "drill/forecast_int.h"
#include "observe/rule_engine.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAD_SCRAPES 12
#define EPOCH_MS INT64_C(86400000) /* any; well above 0, because rules look back */
#define NS_PER_MS 1000000

struct watched { /* an alert, as the files describe it */
    char alert[128], group[128], quantity[64], objective[128];
};

struct rehearsal {
    const struct forecast_plan *plan;
    struct rule_engine *engine; /* what others are clones of */
    size_t alerts;
    int plays;                        /* the first one with expected outcomes */
    uint8_t *state;                   /* [plays x alerts x steps] enum rule_state */
    int64_t visits, lists;            /* of the expected play */
    struct forecast_counts *expected; /* [steps], of it */
    size_t watched_count;
    struct watched *watched;
    double *objective; /* [watched_count] */
};

/* ---- the rule files ---- */

static void copy_text(const json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    text_copy(out, size, text != NULL ? text : "");
}

static void watch_rule(struct rehearsal *rehearsal, const json_t *group, const json_t *rule)
{
    if (json_object_get(rule, "alert") == NULL) {
        return;
    }
    const json_t *notes = json_object_get(rule, "annotations");
    rehearsal->watched =
        mem_resize(rehearsal->watched, rehearsal->watched_count + 1, sizeof *rehearsal->watched);
    struct watched *watched = &rehearsal->watched[rehearsal->watched_count++];
    copy_text(rule, "alert", watched->alert, sizeof watched->alert);
    copy_text(group, "name", watched->group, sizeof watched->group);
    copy_text(notes, "quantity", watched->quantity, sizeof watched->quantity);
    copy_text(notes, "objective", watched->objective, sizeof watched->objective);
}

static enum err read_rules(struct rehearsal *rehearsal, const char *path, struct error *error)
{
    json_t *file = NULL, *group, *rule;
    size_t g, r;
    enum err code = yaml_read_file(path, &file, NULL, error);
    if (code != ERR_OK) {
        return code;
    }
    json_array_foreach(json_object_get(file, "groups"), g, group)
    {
        json_array_foreach(json_object_get(group, "rules"), r, rule)
        {
            watch_rule(rehearsal, group, rule);
        }
    }
    json_decref(file);
    return ERR_OK;
}

static const struct watched *find_watched(const struct rehearsal *rehearsal, const char *alert)
{
    for (size_t i = 0; i < rehearsal->watched_count; i++) {
        if (strcmp(rehearsal->watched[i].alert, alert) == 0) {
            return &rehearsal->watched[i];
        }
    }
    return NULL;
}

/* ---- what is scraped ---- */

enum series {
    SERIES_UP,
    SERIES_LISTS,
    SERIES_CONVERTED,
    SERIES_RECIPROCAL_RANK,
    SERIES_REQUESTS,
    SERIES_ERRORS, /* stays 0: what fails is not simulated */
    SERIES_UNATTRIBUTED,
    SERIES_LATE,     /* stays 0: nobody waits so long */
    SERIES_ANSWERED, /* lists; all of them quickly */
    SERIES_QUICKLY,
    SERIES_TRAINED, /* the model: before the drill, and no training fails */
    SERIES_UNTRAINED,
    SERIES_RATING_COUNT,
    SERIES_RATING_SUM,
    SERIES_BUCKET, /* five whole stars and +Inf */
    SERIES_COUNT = SERIES_BUCKET + 6
};

#define TARGET "job=\"recommender\",instance=\"target\""

static enum err find_series(struct rule_engine *engine, int id[SERIES_COUNT], struct error *error)
{
    static const char *const names[SERIES_BUCKET] = {
        "up{" TARGET "}",
        "recommendation_lists_total{" TARGET "}",
        "recommendation_lists_converted_total{" TARGET "}",
        "recommendation_reciprocal_rank_total{" TARGET "}",
        "http_requests_total{status=\"2xx\"," TARGET "}",
        "http_requests_total{status=\"5xx\"," TARGET "}",
        "recommendation_ratings_unattributed_total{" TARGET "}",
        "recommendation_ratings_late_total{" TARGET "}",
        "http_request_duration_seconds_count{handler=\"/recommendations/\"," TARGET "}",
        "http_request_duration_seconds_bucket{handler=\"/recommendations/\",le=\"0.5\"," TARGET "}",
        "model_trained_timestamp_seconds{" TARGET "}",
        "retrain_failures_total{" TARGET "}",
        "user_rating_count{recommender=\"base\"," TARGET "}",
        "user_rating_sum{recommender=\"base\"," TARGET "}"};
    for (int s = 0; s < SERIES_COUNT; s++) {
        char name[160], bound[32];
        if (s < SERIES_BUCKET) {
            text_copy(name, sizeof name, names[s]);
        } else {
            int stars = s - SERIES_BUCKET + 1;
            snprintf(name, sizeof name,
                     "user_rating_bucket{le=\"%s\",recommender=\"base\"," TARGET "}",
                     metrics_bound_text(stars > 5 ? (double)INFINITY : stars, bound, sizeof bound));
        }
        id[s] = rule_engine_series(engine, name, error);
        if (id[s] < 0) {
            return ERR_INPUT;
        }
    }
    return ERR_OK;
}

static void add_counts(double sum[SERIES_COUNT], const struct forecast_counts *counts)
{
    sum[SERIES_UP] = 1;
    sum[SERIES_LISTS] += counts->lists;
    sum[SERIES_CONVERTED] += counts->converted;
    sum[SERIES_RECIPROCAL_RANK] += counts->reciprocal_rank;
    sum[SERIES_REQUESTS] += counts->lists + counts->ratings + counts->unattributed;
    sum[SERIES_UNATTRIBUTED] += counts->unattributed;
    sum[SERIES_ANSWERED] += counts->lists;
    sum[SERIES_QUICKLY] += counts->lists;
    sum[SERIES_TRAINED] = EPOCH_MS / 1e3;
    sum[SERIES_RATING_COUNT] += counts->ratings;
    sum[SERIES_RATING_SUM] += counts->stars;
    double up_to = 0;
    for (int s = 0; s < 6; s++) {
        up_to += s < 5 ? counts->bucket[s] : 0;
        sum[SERIES_BUCKET + s] += up_to;
    }
}

static void watch(const struct rehearsal *rehearsal, struct rule_engine *engine,
                  const int id[SERIES_COUNT], const struct forecast_counts *counts, uint8_t *state)
{
    const struct scenario *scenario = rehearsal->plan->request->scenario;
    static const struct forecast_counts none;
    double sum[SERIES_COUNT] = {0};
    int steps = rehearsal->plan->steps;
    for (int step = -LEAD_SCRAPES; step < steps; step++) {
        int64_t t_ms = EPOCH_MS + (step + 1) * (scenario->scrape_ns / NS_PER_MS);
        add_counts(sum, step < 0 ? &none : &counts[step]);
        for (int s = 0; s < SERIES_COUNT; s++) {
            rule_engine_sample(engine, id[s], t_ms, sum[s]);
        }
        rule_engine_evaluate(engine, t_ms + scenario->scrape_ns / NS_PER_MS / 2);
        for (size_t a = 0; step >= 0 && a < rehearsal->alerts; a++) {
            struct rule_alert alert;
            rule_engine_alert_at(engine, a, &alert);
            state[a * (size_t)steps + (size_t)step] = (uint8_t)alert.state;
        }
    }
}

/* ---- the plays ---- */

static uint8_t *state_of(const struct rehearsal *rehearsal, int play)
{
    return rehearsal->state + (size_t)play * rehearsal->alerts * (size_t)rehearsal->plan->steps;
}

static void rehearse(void *context, int64_t first, int64_t end, unsigned lane)
{
    (void)lane;
    struct rehearsal *rehearsal = context;
    struct forecast_counts *counts = mem_array((size_t)rehearsal->plan->steps + 1, sizeof *counts);
    for (int64_t play = first; play < end; play++) {
        struct rule_engine *engine = rule_engine_clone(rehearsal->engine);
        int64_t visits, lists;
        int id[SERIES_COUNT];
        forecast_play(rehearsal->plan, (int)play, counts, &visits, &lists);
        if (find_series(engine, id, NULL) == ERR_OK) {
            watch(rehearsal, engine, id, counts, state_of(rehearsal, (int)play));
        }
        if (play == 0) {
            rehearsal->visits = visits;
            rehearsal->lists = lists;
            memcpy(rehearsal->expected, counts, (size_t)rehearsal->plan->steps * sizeof *counts);
            for (size_t i = 0; i < rehearsal->watched_count; i++) {
                rehearsal->objective[i] =
                    rule_engine_value(engine, rehearsal->watched[i].objective);
            }
        }
        rule_engine_free(engine);
    }
    mem_free(counts);
}

/* ---- what the plays say ---- */

/* The rules are evaluated half way between two scrapes. */
static double middle_s(const struct rehearsal *rehearsal, int step)
{
    return (step + .5) * (double)rehearsal->plan->step_ns / 1e9;
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

/* First moment of [from_s, to_s] at which the alert fires in a play; NaN if at none. */
static double firing_s(const struct rehearsal *rehearsal, int play, size_t alert, double from_s,
                       double to_s)
{
    int steps = rehearsal->plan->steps;
    const uint8_t *state = state_of(rehearsal, play) + alert * (size_t)steps;
    for (int step = 0; step < steps; step++) {
        double at_s = middle_s(rehearsal, step);
        if (state[step] == RULE_FIRING && at_s >= from_s && at_s <= to_s) {
            return at_s;
        }
    }
    return NAN;
}

/* The watchdog of a group always fires, and may. */
static bool is_meant(const struct scenario_expectation *wanted, const struct rule_alert *alert)
{
    if (wanted->alert[0] == '\0' && strcmp(alert->severity, "none") == 0) {
        return false;
    }
    return wanted->alert[0] != '\0' ? strcmp(wanted->alert, alert->name) == 0
                                    : strcmp(wanted->group, alert->group) == 0;
}

static bool fires_in_phases(const struct rehearsal *rehearsal, int play, size_t alert,
                            uint32_t phases)
{
    const struct scenario *scenario = rehearsal->plan->request->scenario;
    for (int p = 0; p < scenario->phase_count; p++) {
        double start_s = seconds(scenario->phase[p].start_ns);
        double end_s = start_s + seconds(scenario->phase[p].duration_ns);
        if ((phases >> p & 1) != 0 && !isnan(firing_s(rehearsal, play, alert, start_s, end_s))) {
            return true;
        }
    }
    return false;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool foretell_fires(const struct rehearsal *rehearsal, size_t alert,
                           struct forecast_row *row)
{
    const struct scenario_expectation *wanted = row->expectation;
    double start_s = seconds(rehearsal->plan->request->scenario->phase[wanted->phase].start_ns);
    double end_s = start_s + seconds(wanted->within_ns), delay[FORECAST_REPLICATES_MAX];
    row->expected_s = firing_s(rehearsal, 0, alert, start_s, end_s) - start_s;
    for (int play = 1; play < rehearsal->plays; play++) {
        double at_s = firing_s(rehearsal, play, alert, start_s, end_s);
        if (!isnan(at_s)) {
            delay[row->met++] = at_s - start_s;
        }
    }
    qsort(delay, (size_t)row->met, sizeof *delay, by_value);
    if (row->met > 0) {
        row->delay_s = (delay[(row->met - 1) / 2] + delay[row->met / 2]) / 2;
        row->least_s = delay[0];
        row->most_s = delay[row->met - 1];
    }
    return !isnan(row->expected_s);
}

/* True if it stays silent when everything goes as expected. */
static bool foretell_silent(const struct rehearsal *rehearsal, struct forecast_row *row)
{
    int loudest = 0;
    bool silent[FORECAST_REPLICATES_MAX + 1];
    memset(silent, true, sizeof silent);
    for (size_t a = 0; a < rehearsal->alerts; a++) {
        struct rule_alert alert;
        int fired = 0;
        rule_engine_alert_at(rehearsal->engine, a, &alert);
        for (int play = 0; play < rehearsal->plays && is_meant(row->expectation, &alert); play++) {
            if (fires_in_phases(rehearsal, play, a, row->expectation->phases)) {
                silent[play] = false;
                fired++;
            }
        }
        if (fired > loudest) {
            loudest = fired;
            text_copy(row->alert, sizeof row->alert, alert.name);
        }
    }
    for (int play = 1; play < rehearsal->plays; play++) {
        row->met += silent[play];
    }
    return silent[0];
}

/* The quantity over a stretch of the drill, as expected outcomes make it; bots included. */
static double expected_value(const struct rehearsal *rehearsal, enum scenario_quantity quantity,
                             double from_s, double to_s)
{
    struct forecast_counts sum = {0};
    for (int step = 0; step < rehearsal->plan->steps; step++) {
        double at_s = middle_s(rehearsal, step);
        if (at_s >= from_s && at_s < to_s) {
            forecast_counts_add(&sum, &rehearsal->expected[step]);
        }
    }
    return forecast_quantity(&sum, quantity, rehearsal->plan->rest_share);
}

static void foretell_value(const struct rehearsal *rehearsal, const struct watched *watched,
                           struct forecast_row *row)
{
    const struct scenario *scenario = rehearsal->plan->request->scenario;
    const struct scenario_expectation *wanted = row->expectation;
    row->quantity = scenario_quantity_named(watched->quantity);
    if (row->quantity == SCENARIO_NO_QUANTITY) {
        return;
    }
    row->objective = rehearsal->objective[watched - rehearsal->watched];
    for (int p = 0; p < scenario->phase_count; p++) {
        const struct scenario_phase *phase = &scenario->phase[p];
        bool fires = wanted->kind == SCENARIO_FIRES;
        if (fires ? p != wanted->phase : (wanted->phases >> p & 1) == 0) {
            continue;
        }
        double end_s = seconds(phase->start_ns + phase->duration_ns);
        double value = expected_value(rehearsal, row->quantity, seconds(phase->start_ns), end_s);
        bool worse = row->quantity == SCENARIO_RATING_PSI ? value > row->value : value < row->value;
        row->value = isnan(row->value) || worse ? value : row->value;
    }
}

/* ---- what cannot be foretold ---- */

static int64_t last_moment_ns(const struct scenario *scenario,
                              const struct scenario_expectation *wanted)
{
    if (wanted->kind == SCENARIO_FIRES) {
        return scenario->phase[wanted->phase].start_ns + wanted->within_ns;
    }
    int64_t last_ns = 0;
    for (int p = 0; p < scenario->phase_count; p++) {
        if ((wanted->phases >> p & 1) != 0) {
            last_ns = scenario->phase[p].start_ns + scenario->phase[p].duration_ns;
        }
    }
    return last_ns;
}

/* An alert that rests on what is not simulated says nothing by its silence. Of a group the others
 * are foretold, and these are counted. */
static bool is_unfed(const struct rehearsal *rehearsal, struct forecast_row *row)
{
    char missing[256];
    int fed = 0;
    for (size_t a = 0; a < rehearsal->alerts; a++) {
        struct rule_alert alert;
        rule_engine_alert_at(rehearsal->engine, a, &alert);
        if (!is_meant(row->expectation, &alert)) {
            continue;
        }
        if (rule_engine_is_fed(rehearsal->engine, a, missing, sizeof missing)) {
            fed++;
        } else {
            row->unfed++;
            snprintf(row->why, sizeof row->why, "%s rests on %.100s, which is not simulated",
                     alert.name, missing);
        }
    }
    return row->unfed > 0 && fed == 0;
}

static const char *unknowable(const struct forecast_request *request,
                              const struct scenario_expectation *wanted,
                              const struct watched *watched)
{
    const struct scenario *scenario = request->scenario;
    for (int i = 0; i < scenario->disturbance_count; i++) {
        if (scenario->disturbance[i].at_ns < last_moment_ns(scenario, wanted)) {
            return "what a disturbance does to target or Prometheus is not simulated";
        }
    }
    for (int p = 0; wanted->kind == SCENARIO_FIRES && p <= wanted->phase; p++) {
        if (scenario->phase[p].retrains) {
            return "it comes after a retraining, whose result is not simulated";
        }
    }
    if (wanted->alert[0] != '\0' && watched == NULL) {
        return "no rule file defines this alert";
    }
    if (watched != NULL && watched->quantity[0] != '\0' && request->rest == NULL) {
        return "there are no objectives, so the level of the target's lists at rest is unknown";
    }
    return NULL;
}

static size_t alert_index(const struct rehearsal *rehearsal, const char *name)
{
    for (size_t a = 0; a < rehearsal->alerts; a++) {
        struct rule_alert alert;
        rule_engine_alert_at(rehearsal->engine, a, &alert);
        if (strcmp(alert.name, name) == 0) {
            return a;
        }
    }
    return rehearsal->alerts;
}

static void foretell(const struct rehearsal *rehearsal, struct forecast_row *row)
{
    const struct scenario_expectation *wanted = row->expectation;
    const struct watched *watched = find_watched(rehearsal, wanted->alert);
    const char *why = unknowable(rehearsal->plan->request, wanted, watched);
    size_t alert = alert_index(rehearsal, wanted->alert);
    row->delay_s = row->least_s = row->most_s = row->expected_s = NAN;
    row->value = row->objective = row->probability = NAN;
    if (watched != NULL) {
        foretell_value(rehearsal, watched, row);
    }
    if (why != NULL || (wanted->kind == SCENARIO_FIRES && alert == rehearsal->alerts)) {
        text_copy(row->why, sizeof row->why, why != NULL ? why : "no rule file defines this alert");
        return;
    }
    if (is_unfed(rehearsal, row)) {
        return;
    }
    bool as_wanted = wanted->kind == SCENARIO_FIRES ? foretell_fires(rehearsal, alert, row)
                                                    : foretell_silent(rehearsal, row);
    row->replicates = rehearsal->plays - 1;
    row->probability = (row->met + .5) / (row->replicates + 1);
    bool mostly = row->met >= FORECAST_LIKELY_SHARE * row->replicates;
    row->verdict = as_wanted && mostly ? FORECAST_LIKELY : FORECAST_UNLIKELY;
}

/* ---- the whole ---- */

static enum err load(struct rehearsal *rehearsal, struct error *error)
{
    const struct forecast_request *request = rehearsal->plan->request;
    int id[SERIES_COUNT];
    enum err code =
        rule_engine_load(request->rules, request->rule_count, &rehearsal->engine, error);
    for (size_t i = 0; code == ERR_OK && i < request->rule_count; i++) {
        code = read_rules(rehearsal, request->rules[i], error);
    }
    if (code == ERR_OK) {
        code = find_series(rehearsal->engine, id, error);
    }
    if (code == ERR_OK) {
        rehearsal->alerts = rule_engine_alert_count(rehearsal->engine);
        rehearsal->expected =
            mem_zalloc((size_t)rehearsal->plan->steps + 1, sizeof *rehearsal->expected);
        rehearsal->objective =
            mem_array(rehearsal->watched_count + 1, sizeof *rehearsal->objective);
        rehearsal->state = mem_zalloc((size_t)rehearsal->plays * (rehearsal->alerts + 1) *
                                          ((size_t)rehearsal->plan->steps + 1),
                                      sizeof *rehearsal->state);
    }
    return code;
}

static void summarise(const struct rehearsal *rehearsal, struct forecast *out)
{
    const struct forecast_request *request = rehearsal->plan->request;
    double end_s = seconds(request->scenario->end_ns);
    out->replicates = rehearsal->plays - 1;
    out->visits = rehearsal->visits;
    out->lists = rehearsal->lists;
    out->lists_per_s = (double)rehearsal->lists / end_s;
    out->production_lists_per_s = out->lists_per_s / (double)request->scenario->time_scale;
    out->production_s = end_s * (double)request->scenario->time_scale;
    out->has_objectives = request->rest != NULL;
}

enum err forecast_make(const struct forecast_request *request, struct forecast *out,
                       struct error *error)
{
    const struct scenario *scenario = request->scenario;
    struct forecast_plan plan;
    int replicates = request->replicates > 0 ? request->replicates : FORECAST_REPLICATES;
    struct rehearsal rehearsal = {.plan = &plan, .plays = 1 + replicates};
    assert(replicates <= FORECAST_REPLICATES_MAX);
    memset(out, 0, sizeof *out);
    for (int i = 0; i < scenario->expectation_count; i++) {
        enum scenario_expect kind = scenario->expectation[i].kind;
        if (kind == SCENARIO_FIRES || kind == SCENARIO_SILENT) {
            out->row[out->count++].expectation = &scenario->expectation[i];
        }
    }
    if (out->count == 0) {
        return ERR_OK;
    }
    forecast_plan_init(request, &plan);
    enum err code = load(&rehearsal, error);
    if (code == ERR_OK) {
        parallel_for(request->parallel, rehearsal.plays, 1, rehearse, &rehearsal);
        summarise(&rehearsal, out);
    }
    for (int i = 0; code == ERR_OK && i < out->count; i++) {
        foretell(&rehearsal, &out->row[i]);
    }
    rule_engine_free(rehearsal.engine);
    mem_free(rehearsal.watched);
    mem_free(rehearsal.objective);
    mem_free(rehearsal.expected);
    mem_free(rehearsal.state);
    mem_free(plan.level);
    return code;
}

int forecast_unlikely(const struct forecast *forecast)
{
    int count = 0;
    for (int i = 0; i < forecast->count; i++) {
        count += forecast->row[i].verdict == FORECAST_UNLIKELY;
    }
    return count;
}

const char *forecast_verdict_name(enum forecast_verdict verdict)
{
    static const char *const names[] = {"unknown", "likely", "unlikely"};
    return names[verdict];
}
