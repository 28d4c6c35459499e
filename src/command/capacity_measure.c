/* What a trial's result says, in the search's terms. */
#include "base/clock.h"
#include "base/mem.h"
#include "command/capacity_trial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* So many requests in a thousand may wait for a connection before too few are suspected. */
#define LATE_STARTS_PER_MILLE 1
/* Answers that took so many times as long as at rest waited within the target. */
#define QUEUED_TIMES 2
/* Fewer requests done a second than this part of those offered: a backlog is left. */
#define KEPT_UP_SHARE 0.99

static double seconds(uint64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

/* ---- blocks ---- */

/* What became of the requests of one block: those that should have been sent, that were answered,
 * and of these, that were late for an objective. */
struct fate {
    int64_t meant, answered, over;
};

static bool concerns(enum slo_endpoint of, int endpoint)
{
    return of == SLO_ANY || (of == SLO_LIST) == (endpoint == ENGINE_GET);
}

/* Place of a latency among those the engine counted by. */
static size_t place_of(const struct slo *slo, int64_t latency_ns)
{
    int64_t counted[SLO_OBJECTIVES_MAX];
    size_t count = capacity_latencies(slo, counted), place = 0;
    while (place + 1 < count && counted[place] != latency_ns) {
        place++;
    }
    return place;
}

static const struct engine_block *block_at(const struct engine_result *result, size_t b)
{
    static const struct engine_block nothing;
    return (int64_t)b < result->block_count ? &result->block[b] : &nothing;
}

/* Requests of a block that were meant to be sent: those sent, and those that were due and never
 * sent because the search had no more patience. Of lists the schedule knows best. */
static int64_t meant(const struct engine_block_counts *counts, int64_t scheduled)
{
    int64_t due = counts->sent + counts->unsent;
    return due > scheduled ? due : scheduled;
}

static struct fate fate_of(const struct engine_block_counts *counts, int64_t scheduled,
                           size_t place)
{
    return (struct fate){.meant = meant(counts, scheduled),
                         .answered = counts->answered,
                         .over = counts->over[place]};
}

/* A list that nobody read is no observation; it is an error. */
static void count_quality(const struct slo_objective *objective, const struct engine_block *from,
                          struct capacity_block *block)
{
    bool fallback = objective->kind == SLO_FALLBACK;
    block->bad = fallback ? from->fallback : from->lists - from->hits;
    block->good = fallback ? from->named - from->fallback : from->hits;
}

static void count_objective(const struct slo *slo, size_t o, const struct engine_result *result,
                            const int64_t *scheduled, struct capacity_block *block, size_t count)
{
    const struct slo_objective *objective = &slo->objective[o];
    bool latency = objective->kind == SLO_LATENCY;
    size_t place = latency ? place_of(slo, objective->latency_ns) : 0;
    for (size_t b = 0; b < count; b++) {
        const struct engine_block *from = block_at(result, b);
        if (slo_is_quality(objective)) {
            count_quality(objective, from, &block[b]);
            continue;
        }
        for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
            if (!concerns(objective->endpoint, e)) {
                continue;
            }
            struct fate fate = fate_of(&from->by[e], e == ENGINE_GET ? scheduled[b] : 0, place);
            int64_t good = fate.answered - (latency ? fate.over : 0);
            block[b].good += good;
            block[b].bad += fate.meant - good;
        }
    }
}

/* Steps meant to start in each block. */
static int64_t *count_schedule(const struct capacity_trial_plan *plan,
                               const struct capacity_schedule *schedule, size_t count)
{
    int64_t *scheduled = mem_zalloc(count + 1, sizeof *scheduled);
    int64_t from_ns = llround(plan->warmup_s * 1e9), block_ns = llround(plan->block_s * 1e9);
    for (int64_t i = 0; schedule != NULL && i < schedule->count; i++) {
        int64_t block = (schedule->moment_ns[i] - from_ns) / block_ns;
        if (schedule->moment_ns[i] >= from_ns && block < (int64_t)count) {
            scheduled[block]++;
        }
    }
    return scheduled;
}

struct totals { /* of the measured blocks */
    int64_t lists_meant, lists_sent, meant, answered;
    int64_t lists, named, fallback, hits;
    bool consistent; /* no more requests ended than were sent */
};

static struct totals add_blocks(const struct engine_result *result, const int64_t *scheduled,
                                size_t count)
{
    struct totals totals = {.consistent = true};
    for (size_t b = 0; b < count; b++) {
        const struct engine_block *block = block_at(result, b);
        for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
            const struct engine_block_counts *counts = &block->by[e];
            totals.meant += meant(counts, e == ENGINE_GET ? scheduled[b] : 0);
            totals.answered += counts->answered;
            totals.consistent &= counts->answered + counts->failed + counts->shed <= counts->sent;
        }
        totals.lists_meant += meant(&block->by[ENGINE_GET], scheduled[b]);
        totals.lists_sent += block->by[ENGINE_GET].sent;
        totals.lists += block->lists;
        totals.named += block->named;
        totals.fallback += block->fallback;
        totals.hits += block->hits;
    }
    return totals;
}

static double share(int64_t part, int64_t of)
{
    return of > 0 ? (double)part / (double)of : NAN;
}

/* False if the engine's counts contradict each other. */
static bool measure_blocks(const struct capacity_stand *stand,
                           const struct capacity_trial_plan *plan,
                           const struct capacity_schedule *schedule,
                           const struct engine_result *result, struct capacity_trial *out)
{
    size_t count = (size_t)llround(plan->duration_s / plan->block_s);
    int64_t *scheduled = count_schedule(plan, schedule, count);
    struct totals totals = add_blocks(result, scheduled, count);
    out->offered_per_s = (double)totals.lists_meant / plan->duration_s;
    out->achieved_per_s = (double)totals.lists_sent / plan->duration_s;
    out->errors_share = share(totals.meant - totals.answered, totals.meant);
    out->lists = totals.lists;
    out->hit_rate = share(totals.hits, totals.lists);
    out->fallback_share = share(totals.fallback, totals.named);
    if (stand->slo != NULL && stand->slo->count > 0) {
        out->block_count = count;
        out->block = mem_zalloc(count * stand->slo->count, sizeof *out->block);
        for (size_t o = 0; o < stand->slo->count; o++) {
            count_objective(stand->slo, o, result, scheduled, &out->block[o * count], count);
        }
    }
    mem_free(scheduled);
    return totals.consistent;
}

/* ---- latencies, and what is expected ---- */

/* Both endpoints in one; the caller's. */
static struct histogram *together(struct histogram *const of[ENGINE_ENDPOINTS])
{
    struct histogram *both = histogram_new(histogram_max_value(of[ENGINE_GET]));
    histogram_merge(both, of[ENGINE_GET]);
    histogram_merge(both, of[ENGINE_POST]);
    return both;
}

static void measure_latency(const struct engine_result *result, struct capacity_trial *out)
{
    struct histogram *all = together(result->from_intended);
    struct histogram *const lags[ENGINE_ENDPOINTS] = {result->part[ENGINE_GET][ENGINE_PART_LAG],
                                                      result->part[ENGINE_POST][ENGINE_PART_LAG]};
    struct histogram *lag = together(lags);
    out->p50_s = seconds(histogram_quantile(all, 0.5));
    out->p90_s = seconds(histogram_quantile(all, 0.9));
    out->p99_s = seconds(histogram_quantile(all, 0.99));
    out->lag_p99_s = seconds(histogram_quantile(lag, 0.99));
    histogram_free(all);
    histogram_free(lag);
}

/* Those who made the steps of the warm-up come first. */
static void expect(const struct capacity_stand *stand, const struct capacity_trial_plan *plan,
                   const struct capacity_schedule *schedule, const struct engine_result *result,
                   int64_t steps_before, struct capacity_trial *out)
{
    int64_t from_ns = llround(plan->warmup_s * 1e9), skipped = 0;
    int64_t count = schedule != NULL ? schedule->count : result->ledger->steps;
    while (schedule != NULL && skipped < count && schedule->moment_ns[skipped] < from_ns) {
        skipped++;
    }
    struct capacity_expected expected =
        capacity_people_expected(&stand->people, steps_before + skipped, steps_before + count);
    out->hit_rate_expected = expected.rate;
    out->expected_error = expected.error;
}

/* ---- was the generator fit? ---- */

static int64_t tightest_latency_ns(const struct slo *slo)
{
    int64_t latency_ns[SLO_OBJECTIVES_MAX], tightest = 0;
    size_t count = capacity_latencies(slo, latency_ns);
    for (size_t i = 0; i < count; i++) {
        tightest = tightest == 0 || latency_ns[i] < tightest ? latency_ns[i] : tightest;
    }
    return tightest;
}

/* Would an objective have been met had no request waited for a connection? */
static bool met_from_send(const struct slo_objective *objective, const struct engine_result *result)
{
    struct histogram *const sent[ENGINE_ENDPOINTS] = {
        result->from_send[objective->endpoint == SLO_RATING ? ENGINE_POST : ENGINE_GET],
        result->from_send[objective->endpoint == SLO_LIST ? ENGINE_GET : ENGINE_POST]};
    struct histogram *both = together(sent);
    double above = (double)histogram_above(both, (uint64_t)objective->latency_ns);
    bool met = above <= objective->allowed * (double)histogram_count(both);
    histogram_free(both);
    return met;
}

/*
 * With every connection taken, a target that has enough to do does not get faster by more of them:
 * they would wait within it and not before it. It has enough to do if its answers take much longer
 * than at rest, and it needs help from nobody to be too slow if less is done than is offered. A
 * long way to it, on the other hand, shows at rest as well, and then connections are what lacks.
 */
static bool target_is_full(const struct capacity_stand *stand,
                           const struct capacity_trial_plan *plan,
                           const struct engine_result *result)
{
    struct ledger_counts all = ledger_total(result->ledger);
    bool slower = false;
    for (int e = 0; e < ENGINE_ENDPOINTS; e++) {
        double now_ns = (double)histogram_quantile(result->from_send[e], 0.5);
        slower |=
            stand->rest_p50_ns[e] > 0 && now_ns >= QUEUED_TIMES * (double)stand->rest_p50_ns[e];
    }
    int64_t sent = all.get_sent + all.post_sent;
    int64_t offered = sent + result->unsent[ENGINE_GET] + result->unsent[ENGINE_POST];
    double took_s = (double)(result->ended_ns - result->started_ns) / (double)CLOCK_NS_PER_S;
    double done_per_s = (double)sent / took_s;
    double offered_per_s = (double)offered / (plan->warmup_s + plan->duration_s);
    return slower && took_s > 0 && done_per_s < KEPT_UP_SHARE * offered_per_s;
}

/* Did requests wait for a connection although the target answered those it had in time? */
static bool window_too_small(const struct capacity_stand *stand,
                             const struct capacity_trial_plan *plan,
                             const struct engine_result *result)
{
    struct ledger_counts all = ledger_total(result->ledger);
    int64_t sent = all.get_sent + all.post_sent;
    if (result->late_starts * 1000 <= sent * LATE_STARTS_PER_MILLE) {
        return false;
    }
    for (size_t o = 0; stand->slo != NULL && o < stand->slo->count; o++) {
        const struct slo_objective *objective = &stand->slo->objective[o];
        if (objective->kind == SLO_LATENCY && !met_from_send(objective, result)) {
            return false;
        }
    }
    return !target_is_full(stand, plan, result);
}

static void judge(const struct capacity_stand *stand, const struct capacity_trial_plan *plan,
                  const struct engine_result *result, bool consistent, struct capacity_trial *out)
{
    int64_t lag_ns = tightest_latency_ns(stand->slo) / CAPACITY_LAG_PART;
    lag_ns = lag_ns > CAPACITY_LAG_NS ? lag_ns : CAPACITY_LAG_NS;
    lag_ns = stand->lag_most_ns > 0 ? stand->lag_most_ns : lag_ns;
    out->valid = false;
    if (result->ledger->lost > 0) {
        (void)snprintf(out->why, sizeof out->why, "memory ran out");
    } else if (!consistent) {
        (void)snprintf(out->why, sizeof out->why,
                       "the generator's counts contradict each other: more was answered than sent");
    } else if (out->lag_p99_s > seconds((uint64_t)lag_ns)) {
        (void)snprintf(out->why, sizeof out->why,
                       "the generator was late: one request in a hundred by %.1f ms or more",
                       out->lag_p99_s * 1e3);
    } else if (out->cpu_share > CAPACITY_CPU_MAX) {
        (void)snprintf(out->why, sizeof out->why,
                       "the generator was busy: %.0f %% of a core; more --threads may help",
                       out->cpu_share * 100);
    } else if (plan->kind == CAPACITY_OPEN && window_too_small(stand, plan, result)) {
        (void)snprintf(out->why, sizeof out->why,
                       "all %d connections a thread were taken although answers came in time: more "
                       "--connections are needed",
                       capacity_window(stand, plan));
    } else {
        out->valid = true;
    }
}

void capacity_trial_measure(const struct capacity_stand *stand,
                            const struct capacity_trial_plan *plan,
                            const struct capacity_schedule *schedule,
                            const struct engine_result *result, int64_t steps_before,
                            struct capacity_trial *out)
{
    bool consistent = measure_blocks(stand, plan, schedule, result, out);
    measure_latency(result, out);
    expect(stand, plan, schedule, result, steps_before, out);
    out->cpu_share = result->cpu_share_max;
    judge(stand, plan, result, consistent, out);
}
