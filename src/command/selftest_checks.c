/*
 * The mathematics of the frozen server (Gil Tene's ^Z test). Requests are due all through a run of
 * length T, and the server is frozen for T/2 of it. A request due t before the thaw is answered t
 * later, so half of the latencies are nothing and the other half are spread evenly from 0 to the
 * stall's length S: the 75th percentile is .5 S, the 90th .8 S, the 99th .98 S. A generator that
 * waits for answers before it sends would see one request a connection take long and report a 90th
 * percentile of nothing; latency from the send does exactly that, and is shown beside it. The
 * schedule is known to the nanosecond, so the percentiles of this very run are worked out from it.
 *
 * A generator that is fit can look unfit when other programs take its processor. What time decides
 * and is off while they did is told apart from what is off on its own. Counts that do not agree,
 * answers before their time and latencies that were hidden are wrong whoever else was at work.
 */
#include "command/selftest_checks.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/document.h"
#include "base/histogram.h"
#include "base/mem.h"
#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS 1e-6
#define TIMEOUT_MS 60000L
/* Others are in the way when they leave fewer processors than generator and server need. */
#define OTHERS_CPUS_MIN 0.05

#define HISTOGRAM_VALUES 200000
#define HISTOGRAM_ERROR_MAX 0.001
#define HISTOGRAM_MAX_NS (UINT64_C(3600) * CLOCK_NS_PER_S)

#define DELAY_NS (20 * CLOCK_NS_PER_MS)
#define DELAY_ERROR_MAX_NS (1 * CLOCK_NS_PER_MS)
#define DELAY_STEPS_PER_S 200

#define OMISSION_STEPS_PER_S 500
#define OMISSION_CONNECTIONS 16
#define OMISSION_RUN_MIN_NS (2 * CLOCK_NS_PER_S)
#define OMISSION_ERROR_MAX 0.05 /* of the stall */

#define FAULT_STEPS_PER_S 300
#define FAULT_RUN_NS (CLOCK_NS_PER_S / 2)
#define FAULT_SHARE 0.2
#define FAULT_TIMEOUT_MS 1500L /* beyond what a busy machine makes of a sound answer */

#define PACING_LAG_MAX_NS (1 * CLOCK_NS_PER_MS)
#define PACING_SHARE 0.5

static bool in_the_way(const struct selftest *self, double others_cpus)
{
    double needed = self->threads + 1.0, cpus = (double)sysconf(_SC_NPROCESSORS_ONLN);
    return others_cpus > OTHERS_CPUS_MIN && cpus - others_cpus < needed;
}

enum selftest_verdict selftest_verdict_of(bool wrong, bool off, bool others)
{
    if (wrong || (off && !others)) {
        return SELFTEST_FAIL;
    }
    return off ? SELFTEST_UNTOLD : SELFTEST_PASS;
}

/* Settles a row: what time decides may be off because of others, what is wrong is wrong. */
static void judge(const struct selftest *self, struct selftest_row *row, bool wrong, bool off,
                  double others_cpus)
{
    row->verdict = selftest_verdict_of(wrong, off, in_the_way(self, others_cpus));
    if (row->verdict == SELFTEST_UNTOLD) {
        size_t len = strlen(row->observed);
        (void)snprintf(row->observed + len, sizeof row->observed - len,
                       "; other programs used %.1f processors", others_cpus);
    }
    json_object_set_new(row->figures, "others_cpus", json_real(others_cpus));
}

static void figure(struct selftest_row *row, const char *name, double value)
{
    json_object_set_new(row->figures, name, document_number(value));
}

static void begin(struct selftest_row *row, const char *what)
{
    *row = (struct selftest_row){.what = what, .figures = json_object()};
}

static struct selftest_play a_play(const struct selftest *self, double steps_per_s,
                                   int64_t duration_ns)
{
    return (struct selftest_play){.transport = self->transport,
                                  .seed = self->seed,
                                  .threads = self->threads,
                                  .connections = self->connections,
                                  .steps_per_s = steps_per_s,
                                  .steps_per_visit = 1,
                                  .think_median_s = 0.02,
                                  .duration_ns = duration_ns,
                                  .timeout_ms = TIMEOUT_MS,
                                  .lists_only = true};
}

static enum err play_it(struct selftest *self, const struct selftest_play *play,
                        struct selftest_outcome *out, struct error *error)
{
    enum err code = selftest_play(&self->world, play, out, error);
    if (code != ERR_OK) {
        return code;
    }
    self->transport_taken = out->transport;
    if (out->interrupted) {
        selftest_outcome_deinit(out);
        return error_set(error, ERR_INTERRUPTED, NULL, 0, "interrupted");
    }
    return ERR_OK;
}

/* ---- histogram ---- */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Latencies of a kind that occurs: lognormal around a millisecond, one in a hundred much longer. */
static uint64_t draw_latency(struct rng *rng)
{
    double usual = exp(14 + 0.7 * rng_normal(rng));
    return (uint64_t)(rng_uniform(rng) < 0.01 ? usual * 300 * rng_exponential(rng) : usual);
}

static double worst_error(const struct histogram *histogram, const uint64_t *sorted)
{
    static const double quantiles[] = {0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
    double worst = 0;
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        double place = ceil(quantiles[i] * HISTOGRAM_VALUES) - 1;
        double truth = (double)sorted[(size_t)place];
        double told = (double)histogram_quantile(histogram, quantiles[i]);
        worst = fmax(worst, fabs(told - truth) / truth);
    }
    return worst;
}

enum err selftest_histogram(struct selftest *self, struct selftest_row *row, struct error *error)
{
    struct rng rng = rng_stream(self->seed, 0, 1);
    struct histogram *whole = histogram_new(HISTOGRAM_MAX_NS), *read = NULL;
    struct histogram *half[2] = {histogram_new(HISTOGRAM_MAX_NS), histogram_new(HISTOGRAM_MAX_NS)};
    uint64_t *value = mem_array(HISTOGRAM_VALUES, sizeof *value);
    struct buf text, again;
    begin(row, "histogram");
    buf_init(&text, (size_t)1 << 24);
    buf_init(&again, (size_t)1 << 24);
    for (int i = 0; i < HISTOGRAM_VALUES; i++) {
        value[i] = draw_latency(&rng);
        histogram_record(whole, value[i]);
        histogram_record(half[i % 2], value[i]);
    }
    qsort(value, HISTOGRAM_VALUES, sizeof *value, by_size);
    histogram_merge(half[0], half[1]);
    histogram_write_text(half[0], &text);
    enum err code = histogram_read_text(text.data, &read, error);
    if (code == ERR_OK) {
        histogram_write_text(whole, &again);
        double worst = fmax(worst_error(whole, value), worst_error(read, value));
        bool lossless = text.len == again.len && memcmp(text.data, again.data, text.len) == 0;
        (void)snprintf(row->wanted, sizeof row->wanted, "quantiles within %.1f %%, merged exactly",
                       100 * HISTOGRAM_ERROR_MAX);
        (void)snprintf(row->observed, sizeof row->observed, "at most %.3f %% off, %s", 100 * worst,
                       lossless ? "merged exactly" : "a merge differs");
        row->verdict = worst <= HISTOGRAM_ERROR_MAX && lossless ? SELFTEST_PASS : SELFTEST_FAIL;
        figure(row, "worst_relative_error", worst);
        figure(row, "values", HISTOGRAM_VALUES);
    }
    buf_deinit(&text);
    buf_deinit(&again);
    mem_free(value);
    histogram_free(whole);
    histogram_free(half[0]);
    histogram_free(half[1]);
    histogram_free(read);
    return code;
}

/* ---- a known service time ---- */

enum err selftest_delay(struct selftest *self, struct selftest_row *row, struct error *error)
{
    struct selftest_outcome outcome;
    int64_t duration_ns =
        self->duration_ns < 2 * CLOCK_NS_PER_S ? self->duration_ns : 2 * CLOCK_NS_PER_S;
    struct selftest_play play = a_play(self, DELAY_STEPS_PER_S, duration_ns);
    play.stub.service_ns = DELAY_NS;
    begin(row, "known service time");
    enum err code = play_it(self, &play, &outcome, error);
    if (code != ERR_OK) {
        return code;
    }
    const struct engine_result *result = &outcome.result;
    double send_ms = (double)histogram_quantile(result->from_send[ENGINE_GET], .5) * MS;
    double intended_ms = (double)histogram_quantile(result->from_intended[ENGINE_GET], .5) * MS;
    double first_ms =
        (double)histogram_quantile(result->part[ENGINE_GET][ENGINE_PART_FIRST_BYTE], .5) * MS;
    double least_ms = (double)histogram_min(result->from_send[ENGINE_GET]) * MS;
    double off_ms = fmax(fabs(send_ms - DELAY_NS * MS),
                         fmax(fabs(intended_ms - DELAY_NS * MS), fabs(first_ms - DELAY_NS * MS)));
    (void)snprintf(row->wanted, sizeof row->wanted, "%.0f ms, medians within %.0f ms, none less",
                   DELAY_NS * MS, DELAY_ERROR_MAX_NS * MS);
    (void)snprintf(row->observed, sizeof row->observed,
                   "%.2f ms from the intended start, %.2f from the send, %.2f to the first byte",
                   intended_ms, send_ms, first_ms);
    /* A tenth of a per cent is the histogram's own. */
    bool early = least_ms < DELAY_NS * MS * (1 - HISTOGRAM_ERROR_MAX);
    judge(self, row, early, !(off_ms <= DELAY_ERROR_MAX_NS * MS), outcome.others_cpus);
    figure(row, "from_intended_p50_ms", intended_ms);
    figure(row, "from_send_p50_ms", send_ms);
    figure(row, "first_byte_p50_ms", first_ms);
    figure(row, "from_send_min_ms", least_ms);
    selftest_outcome_deinit(&outcome);
    return ERR_OK;
}

/* ---- coordinated omission ---- */

enum err selftest_omission(struct selftest *self, struct selftest_row *row, struct error *error)
{
    static const double quantiles[] = {.75, .9, .99};
    struct selftest_outcome outcome;
    int64_t run_ns =
        self->duration_ns > OMISSION_RUN_MIN_NS ? self->duration_ns : OMISSION_RUN_MIN_NS;
    struct selftest_play play = a_play(self, OMISSION_STEPS_PER_S, run_ns);
    const int64_t from_ns = run_ns / 4, to_ns = 3 * run_ns / 4;
    const double stall_s = (double)(to_ns - from_ns) * 1e-9;
    play.connections = OMISSION_CONNECTIONS;
    play.stub.behaviour = STUB_STALL;
    play.stub.stall_from_ns = from_ns;
    play.stub.stall_to_ns = to_ns;
    begin(row, "server frozen for half the run");
    enum err code = play_it(self, &play, &outcome, error);
    if (code != ERR_OK) {
        return code;
    }
    const struct histogram *intended = outcome.result.from_intended[ENGINE_GET];
    double told_s[3], truth_s[3], worst = 0;
    bool early = false;
    for (int i = 0; i < 3; i++) {
        told_s[i] = (double)histogram_quantile(intended, quantiles[i]) * 1e-9;
        truth_s[i] =
            (double)selftest_stalled_quantile_ns(&outcome.arrivals, from_ns, to_ns, quantiles[i]) *
            1e-9;
        worst = fmax(worst, fabs(told_s[i] - truth_s[i]) / stall_s);
        early = early || told_s[i] < truth_s[i] * (1 - HISTOGRAM_ERROR_MAX);
    }
    double naive_s = (double)histogram_quantile(outcome.result.from_send[ENGINE_GET], .9) * 1e-9;
    (void)snprintf(row->wanted, sizeof row->wanted, "p90 %.3f s, that is %.0f %% of the stall",
                   truth_s[1], 100 * truth_s[1] / stall_s);
    (void)snprintf(row->observed, sizeof row->observed,
                   "p90 %.3f s, p99 %.3f s of %.3f; from the send it would be %.4f s", told_s[1],
                   told_s[2], truth_s[2], naive_s);
    judge(self, row, early, !(worst <= OMISSION_ERROR_MAX && naive_s < truth_s[1] / 2),
          outcome.others_cpus);
    figure(row, "stall_s", stall_s);
    figure(row, "p75_s", told_s[0]);
    figure(row, "p75_of_the_schedule_s", truth_s[0]);
    figure(row, "p90_s", told_s[1]);
    figure(row, "p90_of_the_schedule_s", truth_s[1]);
    figure(row, "p99_s", told_s[2]);
    figure(row, "p99_of_the_schedule_s", truth_s[2]);
    figure(row, "p90_from_send_s", naive_s);
    selftest_outcome_deinit(&outcome);
    return ERR_OK;
}

/* ---- faults ---- */

struct planted { /* where the engine has to count those who met it */
    enum stub_behaviour behaviour;
    enum exchange_failure failure; /* EXCHANGE_ANSWERED: an answer that is not accepted */
    bool shed;
};

static const struct planted faults[] = {
    {STUB_RESET, EXCHANGE_RESET, false},         {STUB_UNANSWERED, EXCHANGE_RESET, false},
    {STUB_SILENT, EXCHANGE_TIMEOUT, false},      {STUB_NONSENSE, EXCHANGE_PROTOCOL, false},
    {STUB_OVERSIZED, EXCHANGE_TOO_LONG, false},  {STUB_BROKEN, EXCHANGE_ANSWERED, false},
    {STUB_CUT_JSON, EXCHANGE_ANSWERED, false},   {STUB_TOO_MANY, EXCHANGE_ANSWERED, true},
    {STUB_UNAVAILABLE, EXCHANGE_ANSWERED, true},
};
#define FAULTS (sizeof faults / sizeof faults[0])

/* How many requests the engine and the server disagree about. */
static int64_t miscounted(const struct planted *fault, const struct selftest_outcome *outcome)
{
    const struct engine_result *result = &outcome->result;
    int64_t sent = ledger_total(result->ledger).get_sent,
            wrong = llabs(sent - outcome->server.lists);
    for (int f = 0; f < EXCHANGE_FAILURES; f++) {
        bool here = !fault->shed && f == (int)fault->failure;
        wrong += llabs(result->failures[ENGINE_GET][f] - (here ? outcome->server.faulted : 0));
    }
    return wrong + llabs(result->shed[ENGINE_GET] - (fault->shed ? outcome->server.faulted : 0));
}

enum err selftest_faults(struct selftest *self, struct selftest_row *row, struct error *error)
{
    /* A sound answer that a busy machine holds up for long is a timeout where there are any. */
    int64_t met = 0, wrong = 0, timed = 0;
    double others = 0;
    begin(row, "faults counted");
    for (size_t i = 0; i < FAULTS; i++) {
        struct selftest_outcome outcome;
        struct selftest_play play = a_play(self, FAULT_STEPS_PER_S, FAULT_RUN_NS);
        bool silent = faults[i].failure == EXCHANGE_TIMEOUT;
        play.stub.behaviour = faults[i].behaviour;
        play.stub.fault_share = FAULT_SHARE;
        play.timeout_ms = silent ? FAULT_TIMEOUT_MS : TIMEOUT_MS;
        enum err code = play_it(self, &play, &outcome, error);
        if (code != ERR_OK) {
            return code;
        }
        int64_t off = miscounted(&faults[i], &outcome);
        met += outcome.server.faulted;
        others = fmax(others, outcome.others_cpus);
        wrong += silent ? 0 : off;
        timed += silent ? off : 0;
        if (off > 0) {
            size_t len = strlen(row->observed);
            (void)snprintf(row->observed + len, sizeof row->observed - len, "%s%s: %" PRId64 " off",
                           len > 0 ? ", " : "", stub_behaviour_name(faults[i].behaviour), off);
        }
        selftest_outcome_deinit(&outcome);
    }
    (void)snprintf(row->wanted, sizeof row->wanted, "each once, as what it was, %zu kinds", FAULTS);
    if (wrong + timed == 0) {
        (void)snprintf(row->observed, sizeof row->observed, "all %" PRId64 " as the server did",
                       met);
    }
    judge(self, row, wrong > 0 || met == 0, timed > 0, others);
    figure(row, "faults", (double)met);
    figure(row, "miscounted", (double)(wrong + timed));
    figure(row, "miscounted_timeouts", (double)timed);
    return ERR_OK;
}

/* ---- speed and pacing ---- */

static double ratings_per_step(const struct ledger *ledger)
{
    double steps = (double)ledger->steps;
    return steps > 0 ? (double)ledger_total(ledger).post_sent / steps : NAN;
}

enum err selftest_speed(struct selftest *self, struct selftest_row *row, struct error *error)
{
    struct selftest_outcome outcome;
    struct selftest_play play = a_play(self, 1, self->duration_ns);
    play.closed_users = self->connections * (int)self->threads;
    play.lists_only = false;
    play.stub.rotate = true;
    begin(row, "requests a second");
    enum err code = play_it(self, &play, &outcome, error);
    if (code != ERR_OK) {
        return code;
    }
    const struct engine_result *result = &outcome.result;
    struct ledger_counts all = ledger_total(result->ledger);
    double requests = (double)(all.get_sent + all.post_sent);
    double played_s = (double)(result->ended_ns - result->started_ns) * 1e-9;
    double steps = (double)result->ledger->steps;
    double per_cpu_s = result->cpu_s > 0 ? requests / result->cpu_s : 0;
    self->steps_per_s = played_s > 0 ? steps / played_s : 0;
    (void)snprintf(row->wanted, sizeof row->wanted, "at least %.0f a core",
                   self->requests_per_cpu_s);
    (void)snprintf(row->observed, sizeof row->observed,
                   "%.0f a core (%.1f us a step); %.0f steps/s, %.0f requests/s with %u thread%s",
                   per_cpu_s, steps > 0 ? result->cpu_s / steps * 1e6 : 0, self->steps_per_s,
                   played_s > 0 ? requests / played_s : 0, self->threads,
                   self->threads == 1 ? "" : "s");
    int64_t failed = all.get_failed + all.post_failed + all.get_unknown + all.post_unknown;
    judge(self, row, failed > 0, !(per_cpu_s >= self->requests_per_cpu_s), outcome.others_cpus);
    figure(row, "requests_per_cpu_s", per_cpu_s);
    figure(row, "cpu_us_per_step", steps > 0 ? result->cpu_s / steps * 1e6 : NAN);
    figure(row, "steps_per_s", self->steps_per_s);
    figure(row, "requests_per_s", played_s > 0 ? requests / played_s : NAN);
    figure(row, "ratings_per_step", ratings_per_step(result->ledger));
    figure(row, "failed", (double)failed);
    selftest_outcome_deinit(&outcome);
    return ERR_OK;
}

enum err selftest_pacing(struct selftest *self, struct selftest_row *row, struct error *error)
{
    struct selftest_outcome outcome;
    double rate = self->steps_per_s * PACING_SHARE;
    struct selftest_play play = a_play(self, rate > 1 ? rate : 1, self->duration_ns);
    play.lists_only = false;
    play.steps_per_visit = 2;
    play.stub.rotate = true;
    begin(row, "pacing at half of that rate");
    enum err code = play_it(self, &play, &outcome, error);
    if (code != ERR_OK) {
        return code;
    }
    const struct engine_result *result = &outcome.result;
    int64_t p99_ns = (int64_t)histogram_quantile(result->schedule_lag, .99);
    double p50_ms = (double)histogram_quantile(result->schedule_lag, .5) * MS;
    double max_ms = (double)histogram_max(result->schedule_lag) * MS;
    (void)snprintf(row->wanted, sizeof row->wanted, "p99 schedule lag below %.0f ms",
                   PACING_LAG_MAX_NS * MS);
    (void)snprintf(row->observed, sizeof row->observed,
                   "p99 %.3f ms, p50 %.3f ms, max %.1f ms at %.0f steps/s; %" PRId64
                   " found no connection free",
                   (double)p99_ns * MS, p50_ms, max_ms, rate, result->late_starts);
    judge(self, row, false, !(p99_ns < PACING_LAG_MAX_NS), outcome.others_cpus);
    figure(row, "steps_per_s", rate);
    figure(row, "ratings_per_step", ratings_per_step(result->ledger));
    figure(row, "lag_p50_ms", p50_ms);
    figure(row, "lag_p99_ms", (double)p99_ns * MS);
    figure(row, "lag_max_ms", max_ms);
    figure(row, "late_starts", (double)result->late_starts);
    figure(row, "cpu_share_max", result->cpu_share_max);
    selftest_outcome_deinit(&outcome);
    return ERR_OK;
}
