#include "command/run_report.h"

#include "base/clock.h"
#include "base/fileio.h"
#include "base/version.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACHIEVED_SHARE_MIN 0.99
/* Hints, not verdicts. */
#define OFFERED_SHARE_LOW 0.95
#define DELAYED_SHARE_HIGH 0.05

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

double run_report_achieved(const struct run_outcome *outcome)
{
    double played_s = seconds(outcome->played_ns);
    return played_s > 0 ? (double)outcome->result->ledger->steps / played_s : 0;
}

double run_report_offered(const struct run_outcome *outcome)
{
    const struct ledger *ledger = outcome->result->ledger;
    double played_s = seconds(outcome->played_ns);
    return played_s > 0 ? (double)(ledger->steps + ledger->steps_unsent) / played_s : 0;
}

bool run_report_on_time(const struct run_outcome *outcome, char *why, size_t size)
{
    const struct ledger *ledger = outcome->result->ledger;
    int64_t lag_ns = (int64_t)histogram_quantile(outcome->result->schedule_lag, 0.99);
    double achieved = run_report_achieved(outcome), offered = run_report_offered(outcome);
    const char *cause = ledger->steps_late > 0
                            ? "requests waited for a free connection: the target is too slow or "
                              "--connections too small"
                            : "more --threads or a less busy machine would help";
    if (achieved < ACHIEVED_SHARE_MIN * offered) {
        (void)snprintf(why, size, "the generator fell behind: %.1f steps/s of %.1f offered; %s",
                       achieved, offered, cause);
        return false;
    }
    if (lag_ns > ENGINE_LAG_P99_MAX_NS) {
        (void)snprintf(why, size,
                       "the generator fell behind: one request in a hundred was sent %.0f ms or "
                       "more too late; %s",
                       seconds(lag_ns) * 1e3, cause);
        return false;
    }
    return true;
}

/* ---- the table ---- */

static void print_quantiles(const char *what, const char *from, const struct histogram *histogram)
{
    static const double quantiles[] = {0.5, 0.9, 0.99, 1.0};
    printf("  %-7s %-20s", what, from);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        if (histogram_count(histogram) == 0) {
            printf(" %10s", "-");
        } else {
            printf(" %10.2f", (double)histogram_quantile(histogram, quantiles[i]) * 1e-6);
        }
    }
    printf("\n");
}

static void print_latencies(const struct engine_result *result)
{
    printf("\n%-30s %10s %10s %10s %10s\n", "milliseconds", "p50", "p90", "p99", "max");
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        print_quantiles(endpoint_names[e], "from intended start", result->from_intended[e]);
        print_quantiles(endpoint_names[e], "from send", result->from_send[e]);
    }
    print_quantiles("", "schedule lag", result->schedule_lag);
}

static const char *ratio_text(double value, char *out, size_t size)
{
    (void)snprintf(out, size, isfinite(value) ? "%.3f" : "-", value);
    return out;
}

static void print_behaviour(const struct ledger_counts *all, const struct ledger *ledger)
{
    char conversion[24], rank[24], rating[24];
    printf("\n%-14s %12" PRId64 "   %" PRId64 " of them waited for an earlier visit\n", "visits",
           ledger->visits, ledger->visits_delayed);
    if (ledger->leavers > 0) {
        printf("%-14s %12" PRId64 "   people left for good; %" PRId64 " visits were not made\n",
               "left", ledger->leavers, ledger->visits_missed);
    }
    printf("%-14s %12" PRId64 "   %" PRId64 " of them empty\n", "lists", all->lists,
           all->lists_empty);
    printf("%-14s %12" PRId64 "   conversion %s, reciprocal rank a list %s, mean rating %s\n",
           "ratings", all->rated, ratio_text(ledger_conversion(all), conversion, sizeof conversion),
           ratio_text(ledger_reciprocal_rank(all), rank, sizeof rank),
           ratio_text(ledger_mean_rating(all), rating, sizeof rating));
    if (all->unattributed > 0) {
        printf("%-14s %12" PRId64 "   of films that their raters were not shown\n", "and ratings",
               all->unattributed);
    }
    printf("%-14s %12" PRId64 "   lists: %" PRId64 " failed, %" PRId64
           " unanswered; ratings: %" PRId64 " failed, %" PRId64 " unanswered\n",
           "errors", all->get_failed + all->get_unknown + all->post_failed + all->post_unknown,
           all->get_failed, all->get_unknown, all->post_failed, all->post_unknown);
}

/* Does the rate asked for hold all the time, for everybody? */
static bool is_steady(const struct run_settings *settings)
{
    bool steady =
        settings->wish.arrivals == TRAFFIC_POISSON || settings->wish.arrivals == TRAFFIC_CONSTANT;
    for (int i = 0; i < settings->scenario.drift.count; i++) {
        steady &= settings->scenario.drift.injection[i].kind != DRIFT_TRAFFIC;
    }
    return steady && settings->wish.leaving.after_steps == 0;
}

/* What may surprise a reader of the figures, and why it is so. */
static void print_hints(const struct run_outcome *outcome)
{
    const struct ledger *ledger = outcome->result->ledger;
    double offered = run_report_offered(outcome);
    if (!outcome->interrupted && is_steady(outcome->settings) &&
        offered < OFFERED_SHARE_LOW * outcome->settings->rate) {
        printf("offered is below requested: errors and the end of the run cut visits short, the "
               "latter "
               "shows in a short run; the rest is chance\n");
    }
    if ((double)ledger->visits_delayed > DELAYED_SHARE_HIGH * (double)ledger->visits) {
        printf("%.0f %% of the visits waited for an earlier visit of the same person: %" PRId32
               " people are few for this rate and these pauses\n",
               100.0 * (double)ledger->visits_delayed / (double)ledger->visits,
               outcome->settings->people);
    }
    if (ledger->lost > 0) {
        printf("memory ran out: %" PRId64 " visits or films were forgotten\n", ledger->lost);
    }
}

void run_report_print(const struct run_outcome *outcome)
{
    const struct run_settings *settings = outcome->settings;
    const struct ledger *ledger = outcome->result->ledger;
    struct ledger_counts all = ledger_total(ledger);
    char line[1024];
    printf("%s%.1f s against %s, %" PRId32 " people from %s, seed %" PRIu64 "\n",
           outcome->interrupted ? "interrupted after " : "played ", seconds(outcome->played_ns),
           settings->target, settings->people, outcome->data_name, settings->seed);
    printf("\n%-14s %12s %12s %12s %14s\n", "", "requested", "offered", "achieved",
           "CPU us a step");
    printf("%-14s %12.1f %12.1f %12.1f %14.0f\n", "steps/s", settings->rate,
           run_report_offered(outcome), run_report_achieved(outcome),
           ledger->steps > 0 ? outcome->cpu_s * 1e6 / (double)ledger->steps : 0.0);
    print_behaviour(&all, ledger);
    print_latencies(outcome->result);
    printf("\nrequests that waited for a connection: %" PRId64 "; ledger digest %016" PRIx64 "\n",
           ledger->steps_late, ledger->digest);
    print_hints(outcome);
    if (outcome->result->problem.code != ERR_OK) {
        error_format(&outcome->result->problem, line, sizeof line);
        printf("first error, at %.3f s: %s\n", seconds(outcome->result->problem_ns), line);
    }
}

/* ---- JSON ---- */

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
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

static json_t *latency_json(const struct engine_result *result)
{
    json_t *object = json_object();
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        json_object_set_new(object, endpoint_names[e],
                            json_pack("{s:o,s:o}", "from_intended",
                                      quantiles_json(result->from_intended[e]), "from_send",
                                      quantiles_json(result->from_send[e])));
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
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "get_sent",
                     c->get_sent, "lists", c->lists, "lists_empty", c->lists_empty, "get_failed",
                     c->get_failed, "get_unanswered", c->get_unknown, "post_sent", c->post_sent,
                     "ratings", c->rated, "converted", c->converted, "post_failed", c->post_failed,
                     "post_unanswered", c->post_unknown, "unattributed", c->unattributed, "stars",
                     stars, "conversion", real_or_null(ledger_conversion(c)), "reciprocal_rank",
                     real_or_null(ledger_reciprocal_rank(c)), "mean_rating",
                     real_or_null(ledger_mean_rating(c)));
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

enum err run_report_write(const struct run_outcome *outcome, const char *path, struct error *error)
{
    const struct ledger *ledger = outcome->result->ledger;
    struct ledger_counts all = ledger_total(ledger);
    char digest[24], why[256];
    bool on_time = run_report_on_time(outcome, why, sizeof why);
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
    char *text = root != NULL ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    if (text == NULL) {
        return error_set(error, ERR_MEMORY, path, 0, "the report does not fit into memory");
    }
    enum err code = file_write(path, text, strlen(text), error);
    free(text);
    return code;
}
