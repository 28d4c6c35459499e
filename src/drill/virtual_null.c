/*
 * The hours are dealt to a fixed number of shards, each with an engine and random numbers of its
 * own, so that threads share nothing and their number changes nothing. A shard begins with half an
 * hour that is not counted, in which windows fill.
 *
 * Visits come in order of time, what they do comes later by a lag of seconds to minutes. Increments
 * are therefore kept in a ring of future scrapes instead of a queue of events: adding to a slot
 * costs as much as counting, and a slot is final once arrivals have passed it.
 */
#include "drill/virtual_null.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "observe/rule_engine.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9
#define NS_PER_MS 1000000
#define S_PER_HOUR 3600.0
#define SHARDS_MAX 16
#define SETTLE_S 1800.0
#define SLOTS 4096 /* future scrapes; 17 hours at 15 s, far beyond any lag */
#define STARS 5
#define RNG_PURPOSE 0x6e756c6c /* "null" */

enum {
    LISTS,
    CONVERTED,
    RECIPROCAL,
    RATINGS,
    SUM,
    BUCKET,
    RANKED = BUCKET + STARS + 1,
    RANKS,
    REQUESTS,
    UNATTRIBUTED, /* stays 0: no rating is drawn without its list */
    LATE,         /* and none long after it */
    UP,
    SERIES,
};

static const char *const series_text[SERIES] = {
    [LISTS] = "recommendation_lists_total",
    [CONVERTED] = "recommendation_lists_converted_total",
    [RECIPROCAL] = "recommendation_reciprocal_rank_total",
    [RATINGS] = "user_rating_count",
    [SUM] = "user_rating_sum",
    [BUCKET] = "user_rating_bucket",
    [BUCKET + 1] = "user_rating_bucket",
    [BUCKET + 2] = "user_rating_bucket",
    [BUCKET + 3] = "user_rating_bucket",
    [BUCKET + 4] = "user_rating_bucket",
    [BUCKET + 5] = "user_rating_bucket",
    [RANKED] = "item_rank_count",
    [RANKS] = "item_rank_sum",
    [REQUESTS] = "http_requests_total",
    [UNATTRIBUTED] = "recommendation_ratings_unattributed_total",
    [LATE] = "recommendation_ratings_late_total",
    [UP] = "up",
};

struct step { /* of a visit to draw; seconds of production time after the visit's start */
    float listed_s, rated_s;
    uint8_t rank, half_stars; /* 0 = no rating was taken */
};

struct pool {
    struct step *step;
    int64_t *first; /* [visits + 1] */
    int64_t visits, steps;
    double visits_per_s;
};

struct slot {
    double add[REQUESTS];
};

struct shard {
    struct rule_engine *engine;
    int id[SERIES];
    struct rng rng;
    struct slot *slot; /* SLOTS, by scrape number */
    double total[SERIES];
    int64_t visits, lists, ratings, scrapes, evaluations;
    double converted, reciprocal, stars;
    int64_t *before; /* per alert: alarms, pendings, firing evaluations not to be counted */
};

struct task {
    const struct virtual_null_request *request;
    const struct pool *pool;
    struct shard *shard;
    size_t alerts;
    double hours_each, scrape_s, interval_s;
};

double virtual_null_upper(int64_t alarms, double hours, double confidence)
{
    assert(alarms >= 0 && hours > 0);
    return gsl_cdf_chisq_Pinv(confidence, 2 * ((double)alarms + 1)) / 2 / hours;
}

static int compare_visits(const void *left, const void *right)
{
    const struct event *a = *(const struct event *const *)left;
    const struct event *b = *(const struct event *const *)right;
    if (a->visit != b->visit) {
        return a->visit < b->visit ? -1 : 1;
    }
    if (a->listed_ns != b->listed_ns) {
        return a->listed_ns < b->listed_ns ? -1 : 1;
    }
    return a->step < b->step ? -1 : a->step > b->step;
}

/* Adds a visit's steps, given in order of time. */
static void add_visit(struct pool *pool, const struct event *const *event, int64_t count,
                      double scale_s)
{
    pool->first[pool->visits++] = pool->steps;
    for (int64_t i = 0; i < count; i++) {
        bool rated = event[i]->half_stars > 0 && event[i]->post_accepted;
        int64_t rated_ns = rated ? event[i]->rated_ns : event[i]->listed_ns;
        pool->step[pool->steps++] = (struct step){
            .listed_s = (float)((double)(event[i]->listed_ns - event[0]->listed_ns) * scale_s),
            .rated_s = (float)((double)(rated_ns - event[0]->listed_ns) * scale_s),
            .rank = event[i]->rank,
            .half_stars = rated ? event[i]->half_stars : 0};
    }
}

static void add_part(struct pool *pool, const struct virtual_null_part *part, double scale_s)
{
    int64_t count = part->events->count;
    const struct event **sorted = mem_array((size_t)count + 1, sizeof(const struct event *));
    for (int64_t i = 0; i < count; i++) {
        sorted[i] = &part->events->event[i];
    }
    qsort(sorted, (size_t)count, sizeof(const struct event *), compare_visits);
    for (int64_t i = 0, end; i < count; i = end) {
        end = i + 1;
        while (end < count && sorted[end]->visit == sorted[i]->visit) {
            end++;
        }
        if (sorted[i]->listed_ns >= part->from_ns && sorted[i]->listed_ns < part->until_ns) {
            add_visit(pool, &sorted[i], end - i, scale_s);
        }
    }
    mem_free((void *)sorted);
}

static enum err fill_pool(const struct virtual_null_request *request, struct pool *pool,
                          struct error *error)
{
    int64_t most = 0;
    double seconds = 0;
    double scale_s = (double)request->time_scale / NS_PER_S;
    for (size_t i = 0; i < request->part_count; i++) {
        most += request->part[i].events->count;
        seconds += (double)(request->part[i].until_ns - request->part[i].from_ns) * scale_s;
    }
    pool->step = mem_array((size_t)most + 1, sizeof *pool->step);
    pool->first = mem_array((size_t)most + 1, sizeof *pool->first);
    for (size_t i = 0; i < request->part_count; i++) {
        add_part(pool, &request->part[i], scale_s);
    }
    pool->first[pool->visits] = pool->steps;
    if (pool->visits == 0 || seconds <= 0) {
        return error_set(error, ERR_INPUT, NULL, 0, "no visit to draw virtual hours from");
    }
    pool->visits_per_s = (double)pool->visits / seconds;
    return ERR_OK;
}

static void free_pool(struct pool *pool)
{
    mem_free(pool->step);
    mem_free(pool->first);
}

static void make_series(struct shard *shard)
{
    for (int i = 0; i < SERIES; i++) {
        char text[160], le[16] = "";
        bool is_bucket = i >= BUCKET && i <= BUCKET + STARS;
        bool is_rating = is_bucket || i == RATINGS || i == SUM || i == RANKED || i == RANKS;
        if (is_bucket && i < BUCKET + STARS) {
            (void)snprintf(le, sizeof le, "%d.0", i - BUCKET + 1);
        } else if (is_bucket) {
            (void)snprintf(le, sizeof le, "+Inf");
        }
        (void)snprintf(text, sizeof text, "%s{job=\"recommender\",instance=\"virtual\"%s%s%s%s%s}",
                       series_text[i], is_rating ? ",recommender=\"any\"" : "",
                       is_bucket ? ",le=\"" : "", le, is_bucket ? "\"" : "",
                       i == REQUESTS ? ",status=\"2xx\"" : "");
        shard->id[i] = rule_engine_series(shard->engine, text, NULL);
        assert(shard->id[i] >= 0);
    }
}

static struct slot *slot_at(const struct task *task, const struct shard *shard, double at_s)
{
    return &shard->slot[(int64_t)ceil(at_s / task->scrape_s) % SLOTS];
}

static void add_rating(struct slot *slot, const struct step *step)
{
    double stars = step->half_stars / 2.0;
    slot->add[CONVERTED] += step->half_stars >= 6;
    slot->add[RECIPROCAL] += step->rank > 0 ? 1.0 / step->rank : 0;
    slot->add[RANKED] += step->rank > 0;
    slot->add[RANKS] += step->rank;
    slot->add[RATINGS]++;
    slot->add[SUM] += stars;
    for (int i = (step->half_stars + 1) / 2; i <= STARS + 1; i++) {
        slot->add[BUCKET + i - 1]++;
    }
}

/* A lag longer than the ring is cut to it. */
static void start_visit(const struct task *task, struct shard *shard, double at_s, bool counts)
{
    const struct pool *pool = task->pool;
    double longest_s = (SLOTS - 2) * task->scrape_s;
    assert(pool->visits <= UINT32_MAX);
    int64_t visit = rng_below(&shard->rng, (uint32_t)pool->visits);
    shard->visits += counts;
    for (int64_t i = pool->first[visit]; i < pool->first[visit + 1]; i++) {
        const struct step *step = &pool->step[i];
        slot_at(task, shard, at_s + fmin(step->listed_s, longest_s))->add[LISTS]++;
        shard->lists += counts;
        if (step->half_stars > 0) {
            add_rating(slot_at(task, shard, at_s + fmin(step->rated_s, longest_s)), step);
            shard->ratings += counts;
            shard->stars += counts ? step->half_stars / 2.0 : 0;
            shard->converted += counts && step->half_stars >= 6;
            shard->reciprocal += counts && step->rank > 0 ? 1.0 / step->rank : 0;
        }
    }
}

static void scrape(struct shard *shard, int64_t number, int64_t t_ms)
{
    struct slot *slot = &shard->slot[number % SLOTS];
    for (int i = 0; i < REQUESTS; i++) {
        shard->total[i] += slot->add[i];
    }
    shard->total[REQUESTS] = shard->total[LISTS] + shard->total[RATINGS];
    shard->total[UP] = 1;
    for (int i = 0; i < SERIES; i++) {
        rule_engine_sample(shard->engine, shard->id[i], t_ms, shard->total[i]);
    }
    memset(slot, 0, sizeof *slot);
    shard->scrapes++;
}

/* What happened while windows filled does not count, but an alert that is still up then does: it
 * may stay for all the hours and never begin again. */
static void note_alerts(const struct task *task, const struct shard *shard)
{
    for (size_t a = 0; a < task->alerts; a++) {
        struct rule_alert alert;
        rule_engine_alert_at(shard->engine, a, &alert);
        shard->before[3 * a] = alert.episodes - (alert.state == RULE_FIRING);
        shard->before[3 * a + 1] = alert.pendings - (alert.state != RULE_INACTIVE);
        shard->before[3 * a + 2] = alert.firing_evaluations;
    }
}

/* Plays one shard. Scrapes are on their grid, evaluations on theirs, a random phase behind. */
static void play(const struct task *task, struct shard *shard)
{
    double end_s = SETTLE_S + task->hours_each * S_PER_HOUR;
    double arrival_s = rng_exponential(&shard->rng) / task->pool->visits_per_s;
    double phase_s = rng_uniform(&shard->rng) * fmin(task->interval_s, task->scrape_s);
    double next_s = task->interval_s + phase_s;
    bool settled = false;
    for (int64_t number = 0; (double)number * task->scrape_s < end_s; number++) {
        double t_s = (double)number * task->scrape_s;
        while (arrival_s <= t_s) {
            start_visit(task, shard, arrival_s, arrival_s >= SETTLE_S);
            arrival_s += rng_exponential(&shard->rng) / task->pool->visits_per_s;
        }
        if (!settled && t_s >= SETTLE_S) {
            settled = true;
            note_alerts(task, shard);
        }
        scrape(shard, number, (int64_t)llround(t_s * 1000));
        while (next_s < t_s + task->scrape_s) {
            rule_engine_evaluate(shard->engine, (int64_t)llround(next_s * 1000));
            next_s += task->interval_s;
            shard->evaluations++;
        }
    }
}

static void play_rows(void *context, int64_t first, int64_t end, unsigned lane)
{
    const struct task *task = context;
    (void)lane;
    for (int64_t i = first; i < end; i++) {
        play(task, &task->shard[i]);
    }
}

static void add_alert(struct virtual_null *out, size_t index, const struct rule_alert *alert,
                      bool fed, const int64_t *before, double interval_s)
{
    struct virtual_null_alert *sum = &out->alert[index];
    sum->fed = fed;
    (void)text_copy(sum->name, sizeof sum->name, alert->name);
    (void)text_copy(sum->group, sizeof sum->group, alert->group);
    sum->watches = fed && *alert->quantity != '\0';
    sum->alarms += alert->episodes - before[0];
    sum->pendings += alert->pendings - before[1];
    sum->firing_hours += (double)(alert->firing_evaluations - before[2]) * interval_s / S_PER_HOUR;
}

static void add_shard(const struct task *task, const struct shard *shard, struct virtual_null *out)
{
    const char *why;
    int64_t failures = rule_engine_failures(shard->engine, &why);
    if (failures > 0) {
        (void)text_copy(out->failure, sizeof out->failure, why);
    }
    out->visits += shard->visits;
    out->lists += shard->lists;
    out->ratings += shard->ratings;
    out->scrapes += shard->scrapes;
    out->evaluations += shard->evaluations;
    out->failures += failures;
    out->conversion += shard->converted;
    out->reciprocal_rank += shard->reciprocal;
    out->mean_rating += shard->stars;
    size_t kept = 0;
    for (size_t a = 0; a < task->alerts; a++) {
        struct rule_alert alert;
        rule_engine_alert_at(shard->engine, a, &alert);
        if (strcmp(alert.severity, "none") != 0) {
            char missing[160];
            bool fed = rule_engine_is_fed(shard->engine, a, missing, sizeof missing);
            add_alert(out, kept++, &alert, fed, &shard->before[3 * a], task->interval_s);
        }
    }
    out->alert_count = kept;
}

static void conclude(struct virtual_null *out)
{
    out->conversion /= fmax(1, (double)out->lists);
    out->reciprocal_rank /= fmax(1, (double)out->lists);
    out->mean_rating /= fmax(1, (double)out->ratings);
    for (size_t i = 0; i < out->alert_count; i++) {
        struct virtual_null_alert *alert = &out->alert[i];
        alert->per_hour = (double)alert->alarms / out->hours;
        alert->per_hour_upper =
            virtual_null_upper(alert->alarms, out->hours, VIRTUAL_NULL_CONFIDENCE);
        out->alarms += alert->alarms;
        out->firing_hours += alert->firing_hours;
        out->watching_count += alert->watches;
        out->watching_alarms += alert->watches ? alert->alarms : 0;
    }
    if (out->watching_count > 0) {
        out->alert_hours = out->hours * (double)out->watching_count;
        out->per_alert_hour = (double)out->watching_alarms / out->alert_hours;
        out->per_alert_hour_upper =
            virtual_null_upper(out->watching_alarms, out->alert_hours, VIRTUAL_NULL_CONFIDENCE);
    }
}

static void run_shards(struct task *task, const struct rule_engine *engine, int shards,
                       const struct parallel *parallel, struct virtual_null *out)
{
    task->shard = mem_zalloc((size_t)shards, sizeof *task->shard);
    for (int i = 0; i < shards; i++) {
        struct shard *shard = &task->shard[i];
        shard->engine = rule_engine_clone(engine);
        shard->rng = rng_stream(task->request->seed, (uint64_t)i, RNG_PURPOSE);
        shard->slot = mem_zalloc(SLOTS, sizeof *shard->slot);
        shard->before = mem_zalloc(3 * task->alerts + 1, sizeof *shard->before);
        make_series(shard);
    }
    parallel_for(parallel, shards, 1, play_rows, task);
    out->hours = task->hours_each * shards;
    out->alert = mem_zalloc(task->alerts + 1, sizeof *out->alert);
    for (int i = 0; i < shards; i++) {
        add_shard(task, &task->shard[i], out);
        rule_engine_free(task->shard[i].engine);
        mem_free(task->shard[i].slot);
        mem_free(task->shard[i].before);
    }
    mem_free(task->shard);
    conclude(out);
}

enum err virtual_null_run(const struct virtual_null_request *request,
                          const struct parallel *parallel, struct virtual_null *out,
                          struct error *error)
{
    struct pool pool = {0};
    struct rule_engine *engine = NULL;
    assert(request->hours > 0 && request->scrape_ns > 0 && request->time_scale >= 1);
    *out = (struct virtual_null){0};
    enum err code = rule_engine_load(request->rules, request->rule_count, &engine, error);
    if (code == ERR_OK) {
        code = fill_pool(request, &pool, error);
    }
    if (code == ERR_OK) {
        int shards = (int)fmin(SHARDS_MAX, ceil(request->hours));
        struct task task = {.request = request,
                            .pool = &pool,
                            .alerts = rule_engine_alert_count(engine),
                            .hours_each = request->hours / shards,
                            .scrape_s = (double)request->scrape_ns / NS_PER_S,
                            .interval_s = (double)rule_engine_interval_ms(engine) / 1000};
        if (request->lookback_ns > 0) {
            rule_engine_lookback(engine, request->lookback_ns / NS_PER_MS);
        }
        run_shards(&task, engine, shards, parallel, out);
    }
    rule_engine_free(engine);
    free_pool(&pool);
    return code;
}

void virtual_null_deinit(struct virtual_null *result)
{
    mem_free(result->alert);
    *result = (struct virtual_null){0};
}
