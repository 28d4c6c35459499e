#include "command/run_metrics.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/version.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define REPLY_MAX_BYTES ((size_t)256 * 1024)

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

static void write_requests(struct buf *out, const struct engine_live *live)
{
    metrics_family(out, "driftdrill_requests_total", "counter", "Requests sent.");
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
              "Requests for which no connection was free when they were due.",
              (double)live->steps_late);
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

static void write_injections(struct buf *out, const struct drift *drift, int64_t drill_ns)
{
    char number[16];
    if (drift->count == 0) {
        return;
    }
    metrics_family(out, "driftdrill_injection_intensity", "gauge",
                   "Nominal course of each injection: 0 before its onset, 1 when complete.");
    for (int i = 0; i < drift->count; i++) {
        struct metrics_label labels[2] = {{"injection", number},
                                          {"kind", drift_kind_name(drift->injection[i].kind)}};
        (void)snprintf(number, sizeof number, "%d", i);
        metrics_sample(out, "driftdrill_injection_intensity", labels, 2,
                       drift_intensity(&drift->injection[i], drill_ns));
    }
}

void run_metrics_write(struct buf *out, const struct run_settings *settings,
                       const struct engine_live *live, int64_t drill_ns)
{
    char seed[24];
    (void)snprintf(seed, sizeof seed, "%" PRIu64, settings->seed);
    struct metrics_label info[2] = {{"version", DRIFTDRILL_VERSION}, {"seed", seed}};
    metrics_family(out, "driftdrill_info", "gauge", "What is running.");
    metrics_sample(out, "driftdrill_info", info, 2, 1);
    write_one(out, "driftdrill_requested_steps_per_second", "gauge", "The rate asked for.",
              settings->rate);
    write_behaviour(out, live);
    write_requests(out, live);
    write_latencies(out, live);
    write_injections(out, &settings->scenario.drift, drill_ns);
}

static void answer(void *context, const struct httpd_request *request, struct httpd_reply *reply)
{
    const struct run_metrics *metrics = context;
    struct engine_live live;
    if (strcmp(request->method, "GET") != 0 || strcmp(request->path, "/metrics") != 0) {
        reply->status = 404;
        buf_text(&reply->body, "{\"error\":\"only GET /metrics is here\"}");
        return;
    }
    reply->content_type = METRICS_CONTENT_TYPE;
    engine_live(metrics->engine, &live);
    run_metrics_write(&reply->body, metrics->settings, &live,
                      clock_mono_ns() - metrics->start_mono_ns);
}

enum err run_metrics_serve(const struct run_metrics *metrics, struct httpd **out,
                           struct error *error)
{
    struct httpd_config config = {.listen = metrics->settings->listen,
                                  .threads = 1,
                                  .body_max_bytes = 1024,
                                  .reply_max_bytes = REPLY_MAX_BYTES,
                                  .connections_max = 16};
    return httpd_start(out, &config, answer, (void *)(uintptr_t)metrics, error);
}
