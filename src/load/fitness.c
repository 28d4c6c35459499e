#include "load/fitness.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a stop finds due is no backlog if it is less than this long's. */
#define BACKLOG_S 0.1

static double seconds(uint64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

/* Of lists and ratings together; the caller's. */
static struct histogram *together(struct histogram *const lists, struct histogram *const ratings)
{
    struct histogram *both = histogram_new(histogram_max_value(lists));
    histogram_merge(both, lists);
    histogram_merge(both, ratings);
    return both;
}

static struct histogram *part_of(const struct engine_result *result, enum engine_part part)
{
    return together(result->part[ENGINE_GET][part], result->part[ENGINE_POST][part]);
}

static double p99_of(struct histogram *histogram)
{
    double p99_s = seconds(histogram_quantile(histogram, 0.99));
    histogram_free(histogram);
    return p99_s;
}

/* The 99th percentile over all requests, of which those that did not wait are not in `wait`. */
static double wait_p99_s(const struct histogram *wait, uint64_t requests)
{
    double waited = (double)histogram_count(wait), beyond = 0.01 * (double)requests;
    return waited > beyond ? seconds(histogram_quantile(wait, 1 - beyond / waited)) : 0;
}

static void measure(const struct engine_result *result, struct fitness *out)
{
    struct histogram *lag = part_of(result, ENGINE_PART_LAG);
    struct histogram *wait = part_of(result, ENGINE_PART_CONNECTION_WAIT);
    uint64_t sent = histogram_count(lag);
    out->lag_p50_s = seconds(histogram_quantile(lag, 0.5));
    out->lag_p99_s = seconds(histogram_quantile(lag, 0.99));
    out->lag_max_s = seconds(histogram_max(lag));
    out->wait_p99_s = wait_p99_s(wait, sent);
    out->unread_p99_s = p99_of(part_of(result, ENGINE_PART_UNREAD));
    out->intended_p99_s =
        p99_of(together(result->from_intended[ENGINE_GET], result->from_intended[ENGINE_POST]));
    out->send_p99_s =
        p99_of(together(result->from_send[ENGINE_GET], result->from_send[ENGINE_POST]));
    out->late_share = sent > 0 ? (double)result->late_starts / (double)sent : 0;
    out->cpu_share = result->cpu_share_max;
    histogram_free(lag);
    histogram_free(wait);
}

/* Why requests were not sent in time. */
static const char *cause_of(const struct engine_result *result, const struct fitness *fitness)
{
    int64_t unsent = result->unsent[ENGINE_GET] + result->unsent[ENGINE_POST];
    bool connections =
        unsent > 0 ? 2 * result->unsent_late > unsent : fitness->wait_p99_s > fitness->lag_p99_s;
    return connections ? "requests waited for a free connection: the target is too slow or "
                         "--connections too small"
                       : "more --threads or a less busy machine would help";
}

static bool is_behind(const struct engine_result *result, const struct fitness_question *question)
{
    return !question->closed &&
           question->achieved_per_s < FITNESS_ACHIEVED_SHARE_MIN * question->offered_per_s &&
           (double)result->ledger->steps_unsent > BACKLOG_S * question->offered_per_s;
}

static void judge(const struct engine_result *result, const struct fitness_question *question,
                  struct fitness *out)
{
    const char *cause = cause_of(result, out);
    double lag_s = seconds(histogram_quantile(result->schedule_lag, 0.99));
    if (result->ledger->lost > 0) {
        (void)snprintf(out->why, sizeof out->why,
                       "memory ran out: %" PRId64 " visits, films or counts were forgotten",
                       result->ledger->lost);
    } else if (question->closed && out->cpu_share > FITNESS_CPU_SHARE_MAX) {
        (void)snprintf(
            out->why, sizeof out->why,
            "the generator was the limit: its busiest thread worked %.0f %% of the time; "
            "more --threads would help",
            100 * out->cpu_share);
    } else if (is_behind(result, question)) {
        (void)snprintf(out->why, sizeof out->why,
                       "the generator fell behind: %.1f steps/s of %.1f offered; %s",
                       question->achieved_per_s, question->offered_per_s, cause);
    } else if (lag_s > seconds(ENGINE_LAG_P99_MAX_NS)) {
        (void)snprintf(out->why, sizeof out->why,
                       "the generator fell behind: one request in a hundred was sent %.0f ms or "
                       "more too late; %s",
                       lag_s * 1e3, cause);
    } else if (out->intended_p99_s > 0 && out->lag_p99_s > FITNESS_LAG_S_MAX &&
               out->lag_p99_s > FITNESS_LAG_PART_MAX * out->intended_p99_s) {
        (void)snprintf(out->why, sizeof out->why,
                       "the generator measured itself: of the latency's p99 of %.1f ms its own lag "
                       "(p99 %.1f ms) is the larger part; more --threads or a less busy machine "
                       "would help",
                       out->intended_p99_s * 1e3, out->lag_p99_s * 1e3);
    }
    out->fit = out->why[0] == '\0';
}

static void __attribute__((format(printf, 2, 3)))
add_doubt(struct fitness *out, const char *format, ...)
{
    size_t used = strlen(out->doubt);
    va_list values;
    if (used > 0) {
        (void)snprintf(out->doubt + used, sizeof out->doubt - used, "; ");
        used = strlen(out->doubt);
    }
    va_start(values, format);
    (void)vsnprintf(out->doubt + used, sizeof out->doubt - used, format, values);
    va_end(values);
}

/* Is this much of a latency more than a reader may overlook? */
static bool is_notable(double own_s, double latency_s)
{
    return own_s > FITNESS_LAG_S_DOUBT && own_s > FITNESS_LAG_PART_DOUBT * latency_s;
}

static void doubt(const struct engine_result *result, struct fitness *out)
{
    int64_t unsent = result->unsent[ENGINE_GET] + result->unsent[ENGINE_POST];
    uint64_t sent = histogram_count(result->part[ENGINE_GET][ENGINE_PART_LAG]) +
                    histogram_count(result->part[ENGINE_POST][ENGINE_PART_LAG]);
    if (is_notable(out->lag_p99_s, out->intended_p99_s)) {
        add_doubt(out,
                  "the generator's own lag (p99 %.1f ms) is a notable part of the latency from the "
                  "intended start (p99 %.1f ms)",
                  out->lag_p99_s * 1e3, out->intended_p99_s * 1e3);
    }
    if (is_notable(out->unread_p99_s, out->send_p99_s)) {
        add_doubt(out,
                  "answers may have lain unread (p99 at most %.1f ms) while the generator was busy "
                  "with others",
                  out->unread_p99_s * 1e3);
    }
    if (out->cpu_share > FITNESS_CPU_SHARE_DOUBT) {
        add_doubt(out,
                  "the generator's busiest thread worked %.0f %% of the time: latencies may be "
                  "partly its own",
                  100 * out->cpu_share);
    }
    if (result->late_starts > 0) {
        add_doubt(out,
                  "%" PRId64 " requests waited for a free connection: their latency from the "
                  "intended start holds the wait",
                  result->late_starts);
    }
    if ((double)unsent > FITNESS_UNSENT_DOUBT * (double)sent) {
        add_doubt(out,
                  "%" PRId64 " requests were due at the end and never sent: no latency has them",
                  unsent);
    }
}

void fitness_judge(const struct engine_result *result, const struct fitness_question *question,
                   struct fitness *out)
{
    *out = (struct fitness){0};
    measure(result, out);
    judge(result, question, out);
    if (out->fit) {
        doubt(result, out);
    }
}
