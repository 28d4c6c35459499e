/*
 * One lock for what changes while the page is served: which engine plays, since when, and what
 * those before it have counted. The server's thread holds it while it reads, so an engine cannot go
 * under it; the engine's own figures are atomics and need none.
 */
#include "drill/own_metrics.h"

#include "base/clock.h"
#include "base/httpd.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/process_info.h"
#include "base/version.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define REPLY_MAX_BYTES ((size_t)256 * 1024)
#define LATE_SHARE_MAX 0.01 /* as a drill that has ended is judged */

struct own_metrics {
    struct own_metrics_config config;
    struct httpd *httpd;
    pthread_mutex_t lock;         /* of what follows */
    const struct engine *engine;  /* NULL = none plays */
    int64_t start_mono_ns;        /* of its drill time 0 */
    struct own_metrics_now state; /* its `live` holds the totals of engines that have gone */
};

static const char *const endpoint_names[ENGINE_ENDPOINTS] = {"list", "rating"};
static const char *const clock_names[ENGINE_CLOCKS] = {"intended", "send"};

static void write_one(struct buf *out, const char *name, const char *type, const char *help,
                      double value)
{
    metrics_family(out, name, type, help);
    metrics_sample(out, name, NULL, 0, value);
}

/* `labels` has room for one more label behind `count`. */
static void write_histogram(struct buf *out, const char *name, struct metrics_label *labels,
                            size_t count, const struct engine_live_latency *latency)
{
    char series[96], bound[32];
    int64_t below = 0;
    (void)snprintf(series, sizeof series, "%s_bucket", name);
    for (int i = 0; i <= ENGINE_LIVE_BOUNDS; i++) {
        double limit = i < ENGINE_LIVE_BOUNDS ? engine_live_bound_s[i] : INFINITY;
        below += latency->count[i];
        labels[count] =
            (struct metrics_label){"le", metrics_bound_text(limit, bound, sizeof bound)};
        metrics_sample(out, series, labels, count + 1, (double)below);
    }
    (void)snprintf(series, sizeof series, "%s_sum", name);
    metrics_sample(out, series, labels, count, latency->sum_s);
    (void)snprintf(series, sizeof series, "%s_count", name);
    metrics_sample(out, series, labels, count, (double)below);
}

static void write_latencies(struct buf *out, const struct engine_live *live)
{
    struct metrics_label labels[3];
    metrics_family(out, "driftdrill_request_seconds", "histogram",
                   "Latency until the answer, from the intended start and from the actual send.");
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        for (int c = 0; c < ENGINE_CLOCKS; c++) {
            labels[0] = (struct metrics_label){"endpoint", endpoint_names[e]};
            labels[1] = (struct metrics_label){"from", clock_names[c]};
            write_histogram(out, "driftdrill_request_seconds", labels, 2, &live->latency[e][c]);
        }
    }
    metrics_family(out, "driftdrill_schedule_lag_seconds", "histogram",
                   "How late requests were sent.");
    write_histogram(out, "driftdrill_schedule_lag_seconds", labels, 0, &live->schedule_lag);
    write_one(out, "driftdrill_schedule_lag_max_seconds", "gauge", "Latest request so far.",
              (double)live->lag_max_ns / (double)CLOCK_NS_PER_S);
}

static void write_failures(struct buf *out, const struct engine_live *live)
{
    metrics_family(out, "driftdrill_failures_total", "counter",
                   "The same errors by what happened, but for requests turned away.");
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        for (int f = 0; f < EXCHANGE_FAILURES; f++) {
            struct metrics_label labels[2] = {
                {"endpoint", endpoint_names[e]},
                {"kind", exchange_failure_name((enum exchange_failure)f)}};
            metrics_sample(out, "driftdrill_failures_total", labels, 2,
                           (double)live->failure_by[e][f]);
        }
    }
    metrics_family(out, "driftdrill_turned_away_total", "counter",
                   "Requests answered 429 or 503; they are among the errors.");
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        struct metrics_label label = {"endpoint", endpoint_names[e]};
        metrics_sample(out, "driftdrill_turned_away_total", &label, 1, (double)live->shed_by[e]);
    }
    write_one(out, "driftdrill_repeated_total", "counter",
              "Requests made again after being turned away.", (double)live->retried);
}

static void write_requests(struct buf *out, const struct engine_live *live)
{
    metrics_family(out, "driftdrill_requests_total", "counter",
                   "Requests for lists, and ratings, sent.");
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        struct metrics_label label = {"endpoint", endpoint_names[e]};
        metrics_sample(out, "driftdrill_requests_total", &label, 1, (double)live->sent_by[e]);
    }
    metrics_family(out, "driftdrill_errors_total", "counter",
                   "Requests refused or unreadable (failed), or without an answer (unanswered).");
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        struct metrics_label labels[2] = {{"endpoint", endpoint_names[e]}, {"kind", "failed"}};
        metrics_sample(out, "driftdrill_errors_total", labels, 2, (double)live->failed_by[e]);
        labels[1].value = "unanswered";
        metrics_sample(out, "driftdrill_errors_total", labels, 2, (double)live->unknown_by[e]);
    }
    write_failures(out, live);
    write_one(out, "driftdrill_in_flight", "gauge", "Requests waiting for an answer.",
              (double)live->in_flight);
}

static void write_behaviour(struct buf *out, const struct engine_live *live)
{
    char stars[24];
    write_one(out, "driftdrill_visits_total", "counter", "Visits begun.", (double)live->visits);
    write_one(out, "driftdrill_visits_delayed_total", "counter",
              "Visits that waited for an earlier visit of the same person.",
              (double)live->visits_delayed);
    write_one(out, "driftdrill_steps_total", "counter", "Steps begun.", (double)live->steps);
    write_one(out, "driftdrill_requests_late_total", "counter",
              "Requests that waited for a connection to be free.", (double)live->steps_late);
    write_one(out, "driftdrill_lists_total", "counter", "Lists received.", (double)live->lists);
    write_one(out, "driftdrill_lists_converted_total", "counter",
              "Lists of which a film was rated 3.0 or more.", (double)live->converted);
    metrics_family(out, "driftdrill_ratings_total", "counter", "Ratings accepted, by stars.");
    for (int i = 0; i < 10; i++) {
        struct metrics_label label = {"stars", stars};
        (void)snprintf(stars, sizeof stars, "%d.%d", (i + 1) / 2, (i + 1) % 2 * 5);
        metrics_sample(out, "driftdrill_ratings_total", &label, 1,
                       (double)live->rated_by_half_stars[i]);
    }
}

static void write_injections(struct buf *out, const struct drift *drift,
                             const struct own_metrics_now *now)
{
    char number[16];
    if (drift == NULL || drift->count == 0) {
        return;
    }
    metrics_family(out, "driftdrill_injection_intensity", "gauge",
                   "Nominal course of each injection: 0 before its onset, 1 when complete.");
    for (int i = 0; i < drift->count; i++) {
        struct metrics_label labels[2] = {{"injection", number},
                                          {"kind", drift_kind_name(drift->injection[i].kind)}};
        (void)snprintf(number, sizeof number, "%d", i);
        metrics_sample(out, "driftdrill_injection_intensity", labels, 2,
                       now->playing ? drift_intensity(&drift->injection[i], now->schedule_ns) : 0);
    }
}

static void write_phases(struct buf *out, const struct own_metrics_config *config,
                         const struct own_metrics_now *now)
{
    int current = -1;
    for (int i = 0; i < config->phase_count && now->playing; i++) {
        current = now->schedule_ns >= config->phase_start_ns[i] ? i : current;
    }
    if (config->phase_count > 0) {
        metrics_family(out, "driftdrill_phase", "gauge", "1 for the phase that is being played.");
    }
    for (int i = 0; i < config->phase_count; i++) {
        struct metrics_label label = {"phase", config->phase_name[i]};
        metrics_sample(out, "driftdrill_phase", &label, 1, i == current);
    }
}

static void write_loops(struct buf *out, const struct own_metrics_now *now)
{
    static const char *const causes[OWN_METRICS_CAUSES] = {"schedule", "alert"};
    metrics_family(out, "driftdrill_retrains_total", "counter",
                   "Retrainings of the target that were done, by what they were asked for.");
    for (int i = 0; i < OWN_METRICS_CAUSES; i++) {
        struct metrics_label label = {"cause", causes[i]};
        metrics_sample(out, "driftdrill_retrains_total", &label, 1, (double)now->retrains[i]);
    }
    write_one(out, "driftdrill_loops_total", "counter", "Plays that ended.", (double)now->loops);
}

bool own_metrics_fit(const struct engine_live *live)
{
    int64_t all = 0, late = 0;
    double limit_s = (double)ENGINE_LAG_P99_MAX_NS / (double)CLOCK_NS_PER_S;
    for (int i = 0; i <= ENGINE_LIVE_BOUNDS; i++) {
        bool over = i == ENGINE_LIVE_BOUNDS || engine_live_bound_s[i] > limit_s * 1.001;
        all += live->schedule_lag.count[i];
        late += over ? live->schedule_lag.count[i] : 0;
    }
    return (double)late <= LATE_SHARE_MAX * (double)all &&
           (double)live->steps_late <= LATE_SHARE_MAX * (double)live->steps;
}

void own_metrics_write(const struct own_metrics_config *config, const struct own_metrics_now *now,
                       struct buf *out)
{
    char seed[24];
    struct process_info process;
    (void)snprintf(seed, sizeof seed, "%" PRIu64, config->seed);
    struct metrics_label info[2] = {{"version", DRIFTDRILL_VERSION}, {"seed", seed}};
    metrics_family(out, "driftdrill_info", "gauge", "What is running.");
    metrics_sample(out, "driftdrill_info", info, 2, 1);
    write_one(out, "driftdrill_requested_steps_per_second", "gauge",
              "The rate asked for, with what was changed since the start.",
              config->requested_steps_per_s * (now->playing ? now->rate_factor : 1));
    write_behaviour(out, &now->live);
    write_requests(out, &now->live);
    write_latencies(out, &now->live);
    write_one(out, "driftdrill_generator_fit", "gauge",
              "1 while requests are sent on time, so that what is seen can be believed.",
              own_metrics_fit(&now->live));
    write_injections(out, config->drift, now);
    write_phases(out, config, now);
    write_loops(out, now);
    process_info_read(&process);
    process_info_write(&process, now->start_unix_s, out);
}

static void add_latency(struct engine_live_latency *sum, const struct engine_live_latency *one)
{
    for (int i = 0; i <= ENGINE_LIVE_BOUNDS; i++) {
        sum->count[i] += one->count[i];
    }
    sum->sum_s += one->sum_s;
}

/* What is in flight belongs to the engine that plays. */
static void add_live(struct engine_live *sum, const struct engine_live *one)
{
    sum->lists += one->lists;
    sum->rated += one->rated;
    sum->converted += one->converted;
    sum->failed += one->failed;
    sum->unknown += one->unknown;
    sum->in_flight = one->in_flight;
    sum->stars += one->stars;
    sum->lag_max_ns = one->lag_max_ns > sum->lag_max_ns ? one->lag_max_ns : sum->lag_max_ns;
    sum->visits += one->visits;
    sum->visits_delayed += one->visits_delayed;
    sum->steps += one->steps;
    sum->steps_late += one->steps_late;
    sum->retried += one->retried;
    for (int i = 0; i < 10; i++) {
        sum->rated_by_half_stars[i] += one->rated_by_half_stars[i];
    }
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        sum->sent_by[e] += one->sent_by[e];
        sum->failed_by[e] += one->failed_by[e];
        sum->unknown_by[e] += one->unknown_by[e];
        sum->shed_by[e] += one->shed_by[e];
        for (int f = 0; f < EXCHANGE_FAILURES; f++) {
            sum->failure_by[e][f] += one->failure_by[e][f];
        }
        for (int c = 0; c < ENGINE_CLOCKS; c++) {
            add_latency(&sum->latency[e][c], &one->latency[e][c]);
        }
    }
    add_latency(&sum->schedule_lag, &one->schedule_lag);
}

static void add_engine(struct own_metrics *metrics, struct engine_live *sum)
{
    struct engine_live live;
    if (metrics->engine != NULL) {
        engine_live(metrics->engine, &live);
        add_live(sum, &live);
    }
}

static void answer(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    struct own_metrics *metrics = context;
    if (strcmp(request->method, "GET") != 0 || strcmp(request->path, "/metrics") != 0) {
        reply->status = 404;
        buf_text(&reply->body, "{\"error\":\"only GET /metrics is here\"}");
        return;
    }
    pthread_mutex_lock(&metrics->lock);
    struct own_metrics_now now = metrics->state;
    add_engine(metrics, &now.live);
    int64_t drill_ns = clock_mono_ns() - metrics->start_mono_ns;
    now.playing = metrics->engine != NULL && drill_ns >= 0;
    if (now.playing) {
        now.schedule_ns = engine_schedule_ns(metrics->engine, drill_ns);
        now.rate_factor = engine_rate_factor(metrics->engine);
    }
    pthread_mutex_unlock(&metrics->lock);
    reply->content_type = METRICS_CONTENT_TYPE;
    own_metrics_write(&metrics->config, &now, &reply->body);
}

void own_metrics_describe(const struct scenario *scenario, uint64_t seed, double steps_per_s,
                          struct own_metrics_config *out)
{
    *out = (struct own_metrics_config){.seed = seed,
                                       .requested_steps_per_s = steps_per_s,
                                       .drift = &scenario->drift,
                                       .phase_count = scenario->phase_count};
    for (int i = 0; i < scenario->phase_count; i++) {
        out->phase_name[i] = scenario->phase[i].name;
        out->phase_start_ns[i] = scenario->phase[i].start_ns;
    }
}

enum err own_metrics_start(const struct own_metrics_config *config, const char *listen,
                           struct own_metrics **out, struct error *error)
{
    struct httpd_config server = {.listen = listen,
                                  .threads = 1,
                                  .body_max_bytes = 1024,
                                  .reply_max_bytes = REPLY_MAX_BYTES,
                                  .connections_max = 16};
    struct own_metrics *metrics = mem_zalloc(1, sizeof *metrics);
    assert(config->phase_count <= SCENARIO_PHASES_MAX);
    metrics->config = *config;
    metrics->state.start_unix_s = (double)clock_wall_ns() / (double)CLOCK_NS_PER_S;
    pthread_mutex_init(&metrics->lock, NULL);
    enum err code = httpd_start(&metrics->httpd, &server, answer, metrics, error);
    if (code != ERR_OK) {
        own_metrics_stop(metrics);
        return code;
    }
    *out = metrics;
    return ERR_OK;
}

const char *own_metrics_url(const struct own_metrics *metrics)
{
    return httpd_url(metrics->httpd);
}

void own_metrics_attach(struct own_metrics *metrics, const struct engine *engine,
                        int64_t start_mono_ns)
{
    pthread_mutex_lock(&metrics->lock);
    assert(metrics->engine == NULL);
    metrics->engine = engine;
    metrics->start_mono_ns = start_mono_ns;
    pthread_mutex_unlock(&metrics->lock);
}

void own_metrics_skip(struct own_metrics *metrics, int64_t start_mono_ns)
{
    pthread_mutex_lock(&metrics->lock);
    metrics->start_mono_ns = start_mono_ns;
    pthread_mutex_unlock(&metrics->lock);
}

void own_metrics_detach(struct own_metrics *metrics)
{
    pthread_mutex_lock(&metrics->lock);
    if (metrics->engine != NULL) {
        add_engine(metrics, &metrics->state.live);
        metrics->state.live.in_flight = 0;
        metrics->state.loops++;
        metrics->engine = NULL;
    }
    pthread_mutex_unlock(&metrics->lock);
}

void own_metrics_retrained(struct own_metrics *metrics, enum own_metrics_cause cause)
{
    pthread_mutex_lock(&metrics->lock);
    metrics->state.retrains[cause]++;
    pthread_mutex_unlock(&metrics->lock);
}

void own_metrics_stop(struct own_metrics *metrics)
{
    if (metrics != NULL) {
        httpd_stop(metrics->httpd);
        pthread_mutex_destroy(&metrics->lock);
        mem_free(metrics);
    }
}
