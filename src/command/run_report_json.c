#include "base/clock.h"
#include "base/document.h"
#include "base/version.h"
#include "command/run_report.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static const char *const arrivals_names[] = {[TRAFFIC_POISSON] = "poisson",
                                             [TRAFFIC_CONSTANT] = "constant",
                                             [TRAFFIC_DIURNAL] = "diurnal",
                                             [TRAFFIC_REPLAY] = "replay",
                                             [TRAFFIC_RECORDED] = "recorded"};
static const char *const endpoint_names[ENGINE_ENDPOINTS] = {"list", "rating"};

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

static json_t *quantiles_json(const struct histogram *histogram)
{
    static const struct {
        const char *name;
        double q;
    } rows[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}};
    json_t *object =
        json_pack("{s:I,s:I,s:f}", "count", (json_int_t)histogram_count(histogram), "lost",
                  (json_int_t)histogram_lost(histogram), "mean_s",
                  histogram_count(histogram) > 0 ? histogram_mean(histogram) * 1e-9 : 0.0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%s_s", rows[i].name);
        double value = (double)histogram_quantile(histogram, rows[i].q) * 1e-9;
        json_object_set_new(object, name, json_real(value));
    }
    return object;
}

static json_t *parts_json(struct histogram *const part[ENGINE_PARTS])
{
    json_t *object = json_object();
    for (int p = 0; p < ENGINE_PARTS; p++) {
        json_object_set_new(object, engine_part_name[p], quantiles_json(part[p]));
    }
    return object;
}

static json_t *latency_json(const struct engine_result *result)
{
    json_t *object = json_object();
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        json_object_set_new(object, endpoint_names[e],
                            json_pack("{s:o,s:o,s:o}", "from_intended",
                                      quantiles_json(result->from_intended[e]), "from_send",
                                      quantiles_json(result->from_send[e]), "parts",
                                      parts_json(result->part[e])));
    }
    json_object_set_new(object, "schedule_lag", quantiles_json(result->schedule_lag));
    return object;
}

static json_t *counts_json(const struct ledger_counts *c)
{
    json_t *stars = json_array();
    for (int i = 0; i < 10; i++) {
        json_array_append_new(stars, json_integer(c->stars[i]));
    }
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o}",
                     "get_sent", c->get_sent, "lists", c->lists, "lists_empty", c->lists_empty,
                     "get_failed", c->get_failed, "get_unanswered", c->get_unknown, "post_sent",
                     c->post_sent, "post_requests", ledger_post_requests(c), "ratings", c->rated,
                     "converted", c->converted, "post_failed", c->post_failed, "post_unanswered",
                     c->post_unknown, "unattributed", c->unattributed, "stars", stars, "conversion",
                     document_number(ledger_conversion(c)), "reciprocal_rank",
                     document_number(ledger_reciprocal_rank(c)), "mean_rating",
                     document_number(ledger_mean_rating(c)));
}

static json_t *settings_json(const struct run_outcome *outcome)
{
    const struct run_settings *s = outcome->settings;
    char fingerprint[24];
    (void)snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, outcome->data_fingerprint);
    return json_pack(
        "{s:s,s:f,s:f,s:i,s:I,s:i,s:i,s:i,s:f,s:f,s:f,s:f,s:s,s:s,s:s?,s:s,s:s?,s:f,s:i,s:s,s:i,"
        "s:f,s:i,s:f}",
        "target", s->target, "rate", s->rate, "duration_s", seconds(s->duration_ns), "users",
        s->people, "seed", (json_int_t)s->seed, "threads", (int)s->threads, "connections",
        s->connections, "list_length", s->list_length, "steps_per_visit", s->steps_per_visit,
        "think_median_s", s->think_median_s, "think_sigma", s->think_sigma, "timeout_s",
        (double)s->timeout_ms * 1e-3, "data", outcome->data_name, "data_fingerprint", fingerprint,
        "scenario", s->scenario_path, "arrivals", arrivals_names[s->wish.arrivals], "visits",
        s->wish.arrivals == TRAFFIC_RECORDED ? s->wish.file : NULL, "day_s",
        seconds(s->wish.day_ns), "start_hour", s->wish.start_hour, "people",
        s->wish.by_activity ? "activity" : "uniform", "newcomers", s->newcomers, "joins_per_s",
        s->wish.joins_per_s, "leave_after", s->wish.leaving.after_steps, "leave_probability",
        s->wish.leaving.probability);
}

static json_t *failures_json(const struct engine_result *result)
{
    json_t *object = json_object();
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        json_t *kinds = json_object();
        for (int f = 0; f < EXCHANGE_FAILURES; f++) {
            json_object_set_new(kinds, exchange_failure_name((enum exchange_failure)f),
                                json_integer(result->failures[e][f]));
        }
        json_object_set_new(kinds, "shed", json_integer(result->shed[e]));
        json_object_set_new(kinds, "unsent", json_integer(result->unsent[e]));
        json_object_set_new(object, endpoint_names[e], kinds);
    }
    json_object_set_new(object, "retried", json_integer(result->retried));
    return object;
}

static json_t *changes_json(const struct run_outcome *outcome)
{
    json_t *list = json_array();
    for (int i = 0; i < outcome->result->rate_changes; i++) {
        const struct pace_change *change = &outcome->result->rate_change[i];
        json_array_append_new(list, json_pack("{s:f,s:f,s:f,s:f}", "at_s", seconds(change->at_ns),
                                              "schedule_s", seconds(change->schedule_ns), "factor",
                                              change->factor, "steps_per_s",
                                              change->factor * outcome->settings->rate));
    }
    return list;
}

static json_t *generator_json(const struct run_outcome *outcome)
{
    const struct engine_result *result = outcome->result;
    struct fitness fitness = run_report_fitness(outcome);
    return json_pack("{s:b,s:s,s:s,s:f,s:f,s:i,s:f,s:f,s:f,s:I,s:f,s:I,s:f,s:f}", "fit",
                     fitness.fit, "why", fitness.why, "doubt", fitness.doubt, "cpu_s",
                     result->cpu_s, "cpu_share_max", result->cpu_share_max, "threads",
                     (int)result->threads, "lag_p50_s", fitness.lag_p50_s, "lag_p99_s",
                     fitness.lag_p99_s, "lag_max_s", fitness.lag_max_s, "late_starts",
                     (json_int_t)result->late_starts, "late_share", fitness.late_share, "connects",
                     (json_int_t)result->connects, "wait_p99_s", fitness.wait_p99_s, "unread_p99_s",
                     fitness.unread_p99_s);
}

static json_t *ways_json(const struct run_ways *ways)
{
    return json_pack("{s:s,s:i,s:b,s:s,s:s,s:f}", "mode",
                     ways->closed_users > 0 ? "closed" : "open", "closed_users", ways->closed_users,
                     "lists_only", ways->lists_only, "patience", patience_name(ways->patience.kind),
                     "transport", ways->transport, "warmup_s", seconds(ways->warmup_ns));
}

static json_t *phases_json(const struct run_outcome *outcome)
{
    const struct run_settings *settings = outcome->settings;
    const struct ledger *ledger = outcome->result->ledger;
    json_t *list = json_array();
    for (int p = 0; p < ledger->phase_count && settings->scenario_path != NULL; p++) {
        json_t *phase = counts_json(&ledger->nominal[p]);
        json_object_set_new(phase, "name", json_string(settings->scenario.phase[p].name));
        json_object_set_new(phase, "start_s", json_real(seconds(ledger->phase_start_ns[p])));
        json_array_append_new(list, phase);
    }
    return list;
}

static json_t *started_json(int64_t wall_ns)
{
    char text[48];
    return wall_ns != 0 ? json_string(clock_format_wall(wall_ns, text, sizeof text)) : json_null();
}

enum err run_report_write(const struct run_outcome *outcome, const char *path, struct error *error)
{
    const struct ledger *ledger = outcome->result->ledger;
    struct ledger_counts all = ledger_total(ledger);
    char digest[24];
    bool on_time = run_report_fitness(outcome).fit;
    (void)snprintf(digest, sizeof digest, "%016" PRIx64, ledger->digest);
    json_t *root = json_pack(
        "{s:s,s:s,s:o,s:b,s:b,s:f,s:f,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:o,s:o,s:o}",
        "version", DRIFTDRILL_VERSION, "libcurl", curl_version(), "settings",
        settings_json(outcome), "interrupted", outcome->interrupted, "on_time", on_time, "played_s",
        seconds(outcome->played_ns), "offered_steps_per_s", run_report_offered(outcome),
        "achieved_steps_per_s", run_report_achieved(outcome), "cpu_s", outcome->cpu_s, "visits",
        ledger->visits, "visits_delayed", ledger->visits_delayed, "visits_missed",
        ledger->visits_missed, "leavers", ledger->leavers, "steps", ledger->steps, "requests_late",
        ledger->steps_late, "steps_unsent", ledger->steps_unsent, "lost", ledger->lost, "digest",
        digest, "total", counts_json(&all), "phases", phases_json(outcome), "latency",
        latency_json(outcome->result));
    if (root != NULL) {
        json_object_set_new(root, "started", started_json(outcome->started_wall_ns));
        json_object_set_new(root, "stopped", json_boolean(outcome->stopped));
        json_object_set_new(root, "ways", ways_json(outcome->ways));
        json_object_set_new(root, "failures", failures_json(outcome->result));
        json_object_set_new(root, "generator", generator_json(outcome));
        json_object_set_new(root, "rate_changes", changes_json(outcome));
    }
    enum err code = document_write(root, 0, path, error);
    json_decref(root);
    return code;
}
