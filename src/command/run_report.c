#include "command/run_report.h"

#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Hints, not verdicts. */
#define OFFERED_SHARE_LOW 0.95
#define DELAYED_SHARE_HIGH 0.05

static const char *const endpoint_names[ENGINE_ENDPOINTS] = {"list", "rating"};

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

static double requested_rate(const struct run_outcome *outcome)
{
    return outcome->settings->rate * (outcome->share > 0 ? outcome->share : 1);
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

struct fitness run_report_fitness(const struct run_outcome *outcome)
{
    struct fitness fitness;
    const struct fitness_question question = {.offered_per_s = run_report_offered(outcome),
                                              .achieved_per_s = run_report_achieved(outcome),
                                              .closed = outcome->ways->closed_users > 0};
    fitness_judge(outcome->result, &question, &fitness);
    return fitness;
}

/* ---- the table ---- */

static void print_quantiles(const char *what, const char *from, const struct histogram *histogram)
{
    static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 1.0};
    printf("  %-7s %-20s", what, from);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        if (histogram_count(histogram) == 0) {
            printf(" %9s", "-");
        } else {
            printf(" %9.3f", (double)histogram_quantile(histogram, quantiles[i]) * 1e-6);
        }
    }
    printf(" %10" PRIu64 "\n", histogram_count(histogram));
}

static void print_latencies(const struct engine_result *result)
{
    static const char *const part_names[ENGINE_PARTS] = {
        "generator's lag", "connection wait", "connect", "first byte", "body",
        "at most unread",  "reading the list"};
    printf("\n%-30s %9s %9s %9s %9s %9s %10s\n", "milliseconds", "p50", "p90", "p99", "p99.9",
           "max", "requests");
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        print_quantiles(endpoint_names[e], "from intended start", result->from_intended[e]);
        print_quantiles(endpoint_names[e], "from send", result->from_send[e]);
        for (int p = 0; p < ENGINE_PARTS; p++) {
            if (histogram_count(result->part[e][p]) > 0) {
                print_quantiles("", part_names[p], result->part[e][p]);
            }
        }
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
    int64_t requests = ledger_post_requests(all);
    if (requests < all->post_sent) {
        printf("%-14s %12" PRId64 "   of %" PRId64 " ratings sent\n", "in requests", requests,
               all->post_sent);
    }
    if (all->unattributed > 0) {
        printf("%-14s %12" PRId64 "   of films that their raters were not shown\n", "and ratings",
               all->unattributed);
    }
}

static void print_failures(const struct engine_result *result)
{
    const struct ledger_counts all = ledger_total(result->ledger);
    int64_t shed = result->shed[ENGINE_GET] + result->shed[ENGINE_POST];
    printf("%-14s %12" PRId64, "errors",
           all.get_failed + all.get_unknown + all.post_failed + all.post_unknown - shed);
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        printf("%s %ss:", e == 0 ? "  " : ";", endpoint_names[e]);
        int kinds = 0;
        for (int f = 0; f < EXCHANGE_FAILURES; f++) {
            if (result->failures[e][f] > 0) {
                printf("%s %" PRId64 " %s", kinds++ > 0 ? "," : "", result->failures[e][f],
                       f == EXCHANGE_ANSWERED ? "refused or unreadable"
                                              : exchange_failure_name((enum exchange_failure)f));
            }
        }
        printf("%s", kinds == 0 ? " none" : "");
    }
    printf("\n");
    if (shed > 0) {
        printf("%-14s %12" PRId64 "   lists: %" PRId64 ", ratings: %" PRId64 " (429, 503); %" PRId64
               " requests made again\n",
               "turned away", shed, result->shed[ENGINE_GET], result->shed[ENGINE_POST],
               result->retried);
    }
    if (result->unsent[ENGINE_GET] + result->unsent[ENGINE_POST] > 0) {
        printf("%-14s %12" PRId64 "   lists: %" PRId64 ", ratings: %" PRId64
               " (due at the end; in no latency)\n",
               "never sent", result->unsent[ENGINE_GET] + result->unsent[ENGINE_POST],
               result->unsent[ENGINE_GET], result->unsent[ENGINE_POST]);
    }
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
    bool as_asked = !outcome->interrupted && !outcome->stopped &&
                    outcome->ways->closed_users == 0 && outcome->result->rate_changes == 0;
    if (as_asked && is_steady(outcome->settings) &&
        offered < OFFERED_SHARE_LOW * requested_rate(outcome)) {
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
}

/* What the generator itself cost, and whether it can be believed. */
static void print_generator(const struct run_outcome *outcome)
{
    const struct engine_result *result = outcome->result;
    struct fitness fitness = run_report_fitness(outcome);
    printf("\ngenerator: %.2f s of CPU in %u thread%s (the busiest %.0f %% of the time), %.1f us a "
           "step; lag of its own p99 %.3f ms; %" PRId64 " requests waited for a connection\n",
           result->cpu_s, result->threads, result->threads == 1 ? "" : "s",
           100 * result->cpu_share_max,
           result->ledger->steps > 0 ? result->cpu_s * 1e6 / (double)result->ledger->steps : 0.0,
           fitness.lag_p99_s * 1e3, result->ledger->steps_late);
    if (!fitness.fit) {
        printf("NOT FIT: %s\n", fitness.why);
    } else {
        printf("fit to measure%s%s\n", fitness.doubt[0] != '\0' ? ", but: " : "", fitness.doubt);
    }
    for (int i = 0; i < result->rate_changes; i++) {
        const struct pace_change *change = &result->rate_change[i];
        printf("%.3f s: %.1f steps/s from here on (%.3f x), the schedule at %.3f s\n",
               seconds(change->at_ns), change->factor * outcome->settings->rate, change->factor,
               seconds(change->schedule_ns));
    }
}

static void print_rates(const struct run_outcome *outcome)
{
    const struct ledger *ledger = outcome->result->ledger;
    char requested[40];
    (void)snprintf(requested, sizeof requested, "%.1f", requested_rate(outcome));
    if (outcome->ways->closed_users > 0) {
        (void)snprintf(requested, sizeof requested, "%d at once", outcome->ways->closed_users);
    }
    printf("\n%-14s %12s %12s %12s %14s\n", "", "requested", "offered", "achieved",
           "CPU us a step");
    printf("%-14s %12s %12.1f %12.1f %14.1f\n", "steps/s", requested, run_report_offered(outcome),
           run_report_achieved(outcome),
           ledger->steps > 0 ? outcome->cpu_s * 1e6 / (double)ledger->steps : 0.0);
}

void run_report_print(const struct run_outcome *outcome)
{
    const struct run_settings *settings = outcome->settings;
    const struct ledger *ledger = outcome->result->ledger;
    struct ledger_counts all = ledger_total(ledger);
    char line[1024];
    printf("%s%.1f s against %s, %" PRId32 " people from %s, seed %" PRIu64 "\n",
           outcome->interrupted ? "interrupted after "
           : outcome->stopped   ? "stopped after "
                                : "played ",
           seconds(outcome->played_ns), settings->target, settings->people, outcome->data_name,
           settings->seed);
    print_rates(outcome);
    print_behaviour(&all, ledger);
    print_failures(outcome->result);
    print_latencies(outcome->result);
    print_generator(outcome);
    printf("ledger digest %016" PRIx64 "\n", ledger->digest);
    print_hints(outcome);
    if (outcome->result->problem.code != ERR_OK) {
        error_format(&outcome->result->problem, line, sizeof line);
        printf("first error, at %.3f s: %s\n", seconds(outcome->result->problem_ns), line);
    }
}
