/* A queue in simulated time that trials can be played on, and what can go wrong with it. */
#ifndef TEST_QUEUE_SERVER_H
#define TEST_QUEUE_SERVER_H

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "capacity/search.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { SERVERS_MAX = 64, QUEUE_LOOKS = 16 };

struct server { /* c servers of a fixed time each, one line */
    double service_s;
    int servers;
    const struct slo *slo;
    double invalid_from_per_s;  /* the generator cannot offer this and more; 0 = it can */
    double invalid_to_per_s;    /* up to this only; 0 = no end */
    double collapse_from_per_s; /* once offered this, every answer takes long for ever; 0 = never */
    bool collapsed;
    bool queue_unknown;
    double queue_seen_from_s;           /* by trials of this length: it seems still in others */
    double growth;                      /* seen then, of the rate, and almost exactly; 0: what is */
    bool lists_unknown;                 /* nobody can tell what lists are worth */
    double expected_off;                /* the reference took the hit rate for so much higher ... */
    double expected_error;              /* ... and itself to be exact within this */
    double crowded_from_per_s;          /* from here on all lists are worth less; 0 = never */
    double crowded_after_s;             /* whoever takes longer gets a worse list; 0 = nobody */
    double fallback_most, fallback_few; /* share of fallback lists among the worse, the others */
    double tires_after_s;               /* of the longest runs: later answers are slow; 0 = never */
    double peak_people;                 /* closed loop: throughput falls beyond */
    int interrupt_at,
        stutters; /* run that is interrupted; the next ones that are invalid; 0 = none */
    double clock; /* how much longer than planned a trial takes; 0 = nobody looked */
    int runs;
    double played_s, rate_most;
};

#define HIT_RATE 0.8
#define HIT_RATE_WORSE 0.2

/* ---- the queue ---- */

struct stretch {
    const struct server *server;
    const struct capacity_trial_plan *plan;
    struct rng rng, people;
    double leaves_s[SERVERS_MAX]; /* who was let in c customers ago; service times are all alike */
    int next;
    double now_s;
    double waiting[QUEUE_LOOKS], looks[QUEUE_LOOKS]; /* of the queue, by the time of day */
    int64_t hits, fallbacks;
};

/* The next customer's time in the system. */
static inline double next_time(struct stretch *stretch)
{
    double *place = &stretch->leaves_s[stretch->next++];
    stretch->next = stretch->next < stretch->server->servers ? stretch->next : 0;
    stretch->now_s += rng_exponential(&stretch->rng) / stretch->plan->rate_per_s;
    *place = (*place > stretch->now_s ? *place : stretch->now_s) + stretch->server->service_s;
    return *place - stretch->now_s;
}

/* Whoever stays for t sees about t * servers / service in the line. */
static inline void look_at_queue(struct stretch *stretch, double passed_s, double time_s)
{
    int look = (int)(passed_s / stretch->plan->duration_s * QUEUE_LOOKS);
    look = look < QUEUE_LOOKS ? look : QUEUE_LOOKS - 1;
    stretch->waiting[look] += time_s * stretch->server->servers / stretch->server->service_s;
    stretch->looks[look]++;
}

/* With nobody there, nobody waits. */
static inline double queue_at(const struct stretch *stretch, int look)
{
    return stretch->looks[look] > 0 ? stretch->waiting[look] / stretch->looks[look] : 0;
}

/* Growth from one look to the next, and how much that differs: the error of a random walk, more
 * than that of a queue which comes back. */
static inline void tell_growth(const struct stretch *stretch, struct capacity_trial *out)
{
    double sum = 0, squares = 0, steps = QUEUE_LOOKS - 1;
    double look_s = stretch->plan->duration_s / QUEUE_LOOKS;
    const struct server *server = stretch->server;
    if (server->queue_unknown) {
        out->queue_slope = out->queue_slope_error = NAN;
        return;
    }
    bool seen = stretch->plan->duration_s >= server->queue_seen_from_s;
    if (server->growth > 0 || !seen) {
        out->queue_slope = seen ? server->growth * stretch->plan->rate_per_s : 0;
        out->queue_slope_error = 1e-6;
        return;
    }
    for (int i = 1; i < QUEUE_LOOKS; i++) {
        double step = queue_at(stretch, i) - queue_at(stretch, i - 1);
        sum += step;
        squares += step * step;
    }
    double variance = (squares - sum * sum / steps) / (steps - 1);
    out->queue_slope = sum / steps / look_s;
    out->queue_slope_error = sqrt(variance / steps) / look_s;
}

static inline void count_customer(struct stretch *stretch, double time_s, bool worse,
                                  struct capacity_trial *out, size_t block)
{
    const struct server *server = stretch->server;
    bool hit = rng_uniform(&stretch->people) < (worse ? HIT_RATE_WORSE : HIT_RATE);
    bool fallback =
        rng_uniform(&stretch->people) < (worse ? server->fallback_most : server->fallback_few);
    stretch->hits += hit;
    stretch->fallbacks += fallback;
    for (size_t o = 0; o < server->slo->count; o++) {
        const struct slo_objective *objective = &server->slo->objective[o];
        bool late = objective->kind == SLO_LATENCY && time_s * 1e9 > (double)objective->latency_ns;
        bool unliked = objective->kind == SLO_HIT_RATE || objective->kind == SLO_HIT_RATE_KEPT;
        bool bad = late || (unliked && !hit) || (objective->kind == SLO_FALLBACK && fallback);
        struct capacity_block *at = &out->block[o * out->block_count + block];
        at->good += !bad;
        at->bad += bad;
    }
}

static inline void play_open(struct server *server, const struct capacity_trial_plan *plan,
                             struct capacity_trial *out)
{
    struct stretch stretch = {.server = server,
                              .plan = plan,
                              .rng = rng_stream(plan->seed, 5, 5),
                              .people = rng_stream(plan->seed, 7, 7)};
    double end_s = plan->warmup_s + plan->duration_s, worst_s = 0;
    bool crowded = server->crowded_from_per_s > 0 && plan->rate_per_s >= server->crowded_from_per_s;
    for (;;) {
        double time_s = next_time(&stretch);
        if (stretch.now_s >= end_s) {
            break;
        }
        if (stretch.now_s < plan->warmup_s) {
            continue;
        }
        double passed_s = stretch.now_s - plan->warmup_s;
        bool tired = server->tires_after_s > 0 && passed_s > server->tires_after_s;
        bool worse = crowded || (server->crowded_after_s > 0 && time_s > server->crowded_after_s);
        size_t block = (size_t)(passed_s / plan->block_s);
        look_at_queue(&stretch, passed_s, time_s);
        time_s += server->collapsed || tired ? 10 : 0;
        worst_s = time_s > worst_s ? time_s : worst_s;
        count_customer(&stretch, time_s, worse, out,
                       block < out->block_count ? block : out->block_count - 1);
        out->lists++;
    }
    double lists = (double)out->lists;
    tell_growth(&stretch, out);
    out->p99_s = worst_s; /* as good as the 99th percentile for the knee */
    out->offered_per_s = out->achieved_per_s = lists / plan->duration_s;
    out->hit_rate = (double)stretch.hits / lists;
    out->fallback_share = (double)stretch.fallbacks / lists;
    out->hit_rate_expected = server->lists_unknown ? NAN : HIT_RATE + server->expected_off;
    out->expected_error = server->lists_unknown ? NAN : server->expected_error;
}

static inline void play_closed(const struct server *server, const struct capacity_trial_plan *plan,
                               struct capacity_trial *out)
{
    struct rng rng = rng_stream(plan->seed, 6, 6);
    double people = plan->users, rate = fmin(people, server->servers) / server->service_s;
    if (server->peak_people > 0) {
        rate = people / server->service_s /
               (1 + people * (people - 1) / (server->peak_people * server->peak_people));
    }
    for (size_t b = 0; b < out->block_count; b++) {
        double count = rate * plan->block_s;
        out->block[b].good = llround(fmax(count + sqrt(count) * rng_normal(&rng), 0));
        out->achieved_per_s += (double)out->block[b].good / plan->duration_s;
    }
    out->hit_rate = out->hit_rate_expected = out->fallback_share = NAN;
}

/* The trial function; the context is a struct server. */
static inline enum err play(void *context, const struct capacity_trial_plan *plan,
                            struct capacity_trial *out, struct error *error)
{
    struct server *server = context;
    server->runs++;
    server->played_s += plan->warmup_s + plan->duration_s;
    server->rate_most = fmax(server->rate_most, plan->rate_per_s);
    if (server->runs == server->interrupt_at) {
        return error_set(error, ERR_INTERRUPTED, NULL, 0, "somebody pressed a key");
    }
    double blocks = plan->duration_s / plan->block_s;
    cr_expect_float_eq(blocks, round(blocks), 1e-6, "a whole number of blocks: %g", blocks);
    out->block_count = (size_t)llround(blocks);
    out->block = mem_zalloc(out->block_count * server->slo->count, sizeof *out->block);
    out->wall_s = server->clock * (plan->warmup_s + plan->duration_s);
    out->valid = true;
    if (plan->kind == CAPACITY_CLOSED) {
        play_closed(server, plan, out);
        return ERR_OK;
    }
    if (server->stutters > 0 ||
        (server->invalid_from_per_s > 0 && plan->rate_per_s >= server->invalid_from_per_s &&
         !(server->invalid_to_per_s > 0 && plan->rate_per_s >= server->invalid_to_per_s))) {
        server->stutters -= server->stutters > 0;
        out->valid = false;
        (void)text_copy(out->why, sizeof out->why, "the generator was busy");
        return ERR_OK;
    }
    play_open(server, plan, out);
    server->collapsed |=
        server->collapse_from_per_s > 0 && plan->rate_per_s >= server->collapse_from_per_s;
    return ERR_OK;
}

/* ---- what is asked ---- */

static inline struct slo promise(const char *latency, const char *quality)
{
    struct slo slo = {0};
    struct faults faults;
    faults_init(&faults);
    cr_assert_eq(slo_read(latency, "--slo", &slo, &faults), ERR_OK);
    if (quality != NULL) {
        cr_assert_eq(slo_read_quality(quality, "--quality", &slo, &faults), ERR_OK);
    }
    faults_deinit(&faults);
    return slo;
}

/* Four servers of a millisecond. */
static inline struct server four(const struct slo *slo)
{
    return (struct server){
        .service_s = 0.001, .servers = 4, .slo = slo, .fallback_most = 0.5, .fallback_few = 0.01};
}

static inline struct capacity_config quick(const struct slo *slo, struct server *server)
{
    struct capacity_config config;
    capacity_config_init(&config);
    config.slo = *slo;
    config.trial_s = 2;
    config.longest_s = 8;
    config.warmup_s = 0.5;
    config.soak_s = 0;
    config.ladder_s = 1;
    config.users_most = 32;
    config.trial = play;
    config.trial_context = server;
    config.seed = 1;
    return config;
}

static inline struct capacity_result search_well(const struct capacity_config *config)
{
    struct capacity_result result;
    struct error error = {0};
    cr_assert_eq(capacity_search(config, &result, &error), ERR_OK, "%s", error.text);
    return result;
}

static inline const struct capacity_level *level_of(const struct capacity_result *result,
                                                    enum capacity_stage stage, size_t nth)
{
    for (size_t i = 0; i < result->level_count; i++) {
        if (result->level[i].stage == stage && nth-- == 0) {
            return &result->level[i];
        }
    }
    return NULL;
}

/* ---- how often intervals cover the truth ---- */

struct tally {
    int runs, bracket, curves,
        curve; /* searches; those that cover, that have a curve, that cover */
    double bracket_width, curve_width, off, off_most, played_s; /* sums; off_most: the worst */
};

static inline void add_search(const struct capacity_result *result, double truth,
                              struct tally *tally)
{
    cr_assert(isfinite(result->high_per_s) && result->low_per_s > 0, "%g to %g: %s",
              result->low_per_s, result->high_per_s, result->note);
    tally->runs++;
    tally->bracket += result->low_per_s <= truth && truth <= result->high_per_s;
    tally->bracket_width += result->high_per_s / result->low_per_s - 1;
    tally->played_s += result->played_s;
    if (isfinite(result->estimate_per_s)) {
        double off = fabs(result->estimate_per_s / truth - 1);
        tally->curves++;
        tally->curve += result->estimate_low_per_s <= truth && truth <= result->estimate_high_per_s;
        tally->curve_width += result->estimate_high_per_s / result->estimate_low_per_s - 1;
        tally->off += off;
        tally->off_most = fmax(tally->off_most, off);
    }
}

static inline void log_tally(const char *what, double truth, const struct tally *tally)
{
    cr_log_info("%s, truth %.0f/s: bracket covers %d of %d, %.1f %% wide; curve %d of %d, "
                "%.1f %% wide, off by %.2f %%, at most %.2f %%; %.0f s a search",
                what, truth, tally->bracket, tally->runs, 100 * tally->bracket_width / tally->runs,
                tally->curve, tally->curves, 100 * tally->curve_width / tally->curves,
                100 * tally->off / tally->curves, 100 * tally->off_most,
                tally->played_s / tally->runs);
}

#endif
