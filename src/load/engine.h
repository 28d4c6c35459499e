/*
 * The load engine: N worker threads play the people's visits against a target under open arrivals.
 * A worker owns its people (person mod threads), connections, transport, histograms and ledger;
 * everything in the plan is constant before the first thread; results merge after join. Live
 * figures are single-writer atomics.
 */
#ifndef LOAD_ENGINE_H
#define LOAD_ENGINE_H

#include "base/error.h"
#include "base/histogram.h"
#include "load/arrivals.h"
#include "load/events.h"
#include "load/ledger.h"
#include "load/pace.h"
#include "load/patience.h"
#include "load/target.h"
#include "load/transport.h"
#include "population/population.h"

#include <stdbool.h>
#include <stdint.h>

struct engine_seen {      /* films each person saw before the drill; may be all zero */
    const int64_t *start; /* [people + 1] */
    const int32_t *item;  /* rising within a person */
};

enum engine_mode {
    ENGINE_OPEN,  /* visits start when the schedule says, whatever the target does */
    ENGINE_CLOSED /* so many people at once, each making the next request as soon as it can */
};

#define ENGINE_SLOS_MAX 4
#define ENGINE_FALLBACKS_MAX 8
/* Blocks of a result; what is intended later is counted as lost. Beyond these a mistaken length of
 * blocks fills the memory, and no file of results is read. */
#define ENGINE_BLOCKS_MAX 1000000

struct engine_plan { /* borrowed and constant until engine_join returns */
    const struct population *population;
    const struct drift *drift;
    const struct target *target;
    struct engine_seen seen;
    struct arrivals_config arrivals; /* its drift NULL = the one above */
    const struct transport_class *transport;
    unsigned threads;
    int connections; /* per worker */
    long timeout_ms;
    int64_t start_mono_ns; /* drill time 0; may lie in the future */
    const int64_t *phase_start_ns;
    int phase_count;
    /* Both cost some microseconds a list: the expected values of the ledger, and with keep_events
     * those of each list (which implies the former). */
    bool keep_truth, keep_events;

    /* All that follows may be zero. */
    enum engine_mode mode;
    /* Closed loop: this many people at once, of all threads and shards together, without pauses.
     * Visits keep their order, people and lengths; they start when somebody is free, none at or
     * after arrivals.end_ns, and neither does a step. Nominal times are then drill times. */
    int closed_users;
    /* People look at lists and rate nothing; what they would take is counted (taken, liked) but not
     * remembered, so that lists do not become worse as films run out. */
    bool lists_only;
    /* This process plays the people with person mod shards == shard, of the same schedule as every
     * other shard; 0 shards is one. */
    unsigned shard, shards;
    struct engine_patience patience;
    /* Requests intended before this drill time (a warm-up) are not in the histograms and blocks of
     * the result; the ledger and the live figures have all. */
    int64_t measure_from_ns;
    /* Counts by blocks of this length from measure_from_ns on; 0 = none. */
    int64_t block_ns;
    int64_t slo_ns[ENGINE_SLOS_MAX]; /* 0 = unused; for struct engine_block */
    /* Names of sources that a target falls back to; for struct engine_block. */
    const char *fallback[ENGINE_FALLBACKS_MAX];
    int fallback_count;
};

#define ENGINE_CUT_OFF_PART 10

enum engine_endpoint { ENGINE_GET, ENGINE_POST, ENGINE_ENDPOINTS };

enum engine_clock { ENGINE_FROM_INTENDED, ENGINE_FROM_SEND, ENGINE_CLOCKS };

/* Where the time of an answered request goes. From the moment it was due to the answer it passes
 * LAG and CONNECTION_WAIT, CONNECT, FIRST_BYTE, BODY; SCAN comes after the answer. It is due at its
 * intended start, but a first list whose person was busy then not before that person was free. */
enum engine_part {
    ENGINE_PART_LAG,             /* due and a slot free, but not yet sent: the generator's */
    ENGINE_PART_CONNECTION_WAIT, /* due, no slot free (slot_wait.h); only of those that waited */
    ENGINE_PART_CONNECT,         /* only of those that needed a new connection */
    ENGINE_PART_FIRST_BYTE,      /* from the send, or the new connection, to the first byte */
    ENGINE_PART_BODY,            /* from the first byte to the last */
    /* At most so much of the two before is the generator's: it was busy with earlier answers and
     * did not look whether there are more. */
    ENGINE_PART_UNREAD,
    ENGINE_PART_SCAN, /* reading the list; of one list in ENGINE_SCAN_EVERY */
    ENGINE_PARTS
};
#define ENGINE_SCAN_EVERY 16
extern const char *const engine_part_name[ENGINE_PARTS];

/* Coarse live latency: bucket i counts values <= engine_live_bound_s[i], the last one the rest. */
#define ENGINE_LIVE_BOUNDS 13
extern const double engine_live_bound_s[ENGINE_LIVE_BOUNDS];

struct engine_live_latency {
    int64_t count[ENGINE_LIVE_BOUNDS + 1];
    double sum_s;
};

/* A generator whose schedule lag has a larger 99th percentile was not fit to measure anything. */
#define ENGINE_LAG_P99_MAX_NS INT64_C(100000000)

struct engine_live { /* totals since the start; each is exact, together they are no snapshot */
    int64_t lists, rated, converted, failed, unknown, in_flight;
    int64_t waiting; /* due and not sent, visits that did not begin among them; a moment ago */
    double stars;    /* sum of accepted ratings */
    double reciprocal_rank; /* sum over accepted ratings of films shown */
    int64_t lag_max_ns;     /* largest schedule lag so far */
    int64_t visits, visits_delayed, steps, steps_late;
    int64_t shed_by[ENGINE_ENDPOINTS]; /* of failed_by: answered 429 or 503 */
    int64_t retried;
    int64_t failure_by[ENGINE_ENDPOINTS][EXCHANGE_FAILURES]; /* see engine_result.failures */
    int64_t sent_by[ENGINE_ENDPOINTS], failed_by[ENGINE_ENDPOINTS], unknown_by[ENGINE_ENDPOINTS];
    int64_t rated_by_half_stars[10]; /* half stars - 1 */
    struct engine_live_latency latency[ENGINE_ENDPOINTS][ENGINE_CLOCKS];
    struct engine_live_latency schedule_lag;
};

/* Requests whose intended start lies in one block of time, by what became of them. */
struct engine_block_counts {
    int64_t sent, answered, failed, shed; /* failed: without those shed; not answered among them */
    int64_t unsent;                       /* due when the engine was stopped, and never sent */
    int64_t over[ENGINE_SLOS_MAX];        /* of `answered`: later than slo_ns after that start */
};

struct engine_block {
    struct engine_block_counts by[ENGINE_ENDPOINTS];
    /* Of the lists answered and readable, whose intended start lies in the block: */
    int64_t lists, named, fallback; /* all; first film has a source; that is one of the fallbacks */
    int64_t hits;                   /* taken and liked (see engine_result.liked) */
};

struct engine_result {
    struct ledger *ledger;
    struct events events; /* sorted; count 0 and not complete unless the plan keeps them */
    /* Latency of every answer but those shed, from the intended start and from the actual send. And
     * of every request that reached the target and was given up after the timeout, or cut off
     * after an ENGINE_CUT_OFF_PART-th of it or more: a lower bound. A first list is intended at the
     * visit's start even if the person was still busy then; what follows is intended a pause after
     * the answer before it. */
    struct histogram *from_intended[ENGINE_ENDPOINTS];
    struct histogram *from_send[ENGINE_ENDPOINTS];
    /* How late requests were sent: from the moment the person was ready (the intended start, or
     * the end of the earlier visit) to the send. What the generator and the connections cost. */
    struct histogram *schedule_lag;
    struct histogram *part[ENGINE_ENDPOINTS][ENGINE_PARTS];
    /* Requests that failed. By kind of failure; [EXCHANGE_ANSWERED] are those with a status the
     * target does not accept or an unreadable list, without those shed. */
    int64_t failures[ENGINE_ENDPOINTS][EXCHANGE_FAILURES];
    int64_t shed[ENGINE_ENDPOINTS]; /* answered 429 or 503; the ledger counts them as failed */
    /* Due when the engine was stopped, and never sent; of lists one for each visit that did not
     * begin. In no latency figure. */
    int64_t unsent[ENGINE_ENDPOINTS];
    int64_t unsent_late;  /* of these, no slot was free for most of the time since they were due */
    int64_t retried;      /* requests made once more after that */
    int64_t late_starts;  /* requests sent that waited for a slot; timed as a part above */
    int64_t connects;     /* new connections that stood */
    int64_t taken, liked; /* lists a film was taken from; of these, by who likes it (>= 3.0) */
    double cpu_s;         /* of the workers' threads */
    double cpu_share_max; /* of the busiest one: its CPU time in its time from first to last work */
    unsigned threads;
    int rate_changes;
    struct pace_change rate_change[PACE_CHANGES_MAX];
    int64_t block_count;
    struct engine_block *block;   /* [block_count], rising; gaps are zero */
    int64_t started_ns, ended_ns; /* drill time of the first send and the last completion */
    struct error problem;         /* the earliest failed or unanswered request; code OK if none */
    int64_t problem_ns;
};

struct engine;

/*
 * What is played, as a function of the plan and of the target's answers alone:
 * - every visit that nominally starts before arrivals.end_ns, however late it gets its turn;
 * - a step (list, look, rating) whose nominal time lies before arrivals.end_ns, to its end. The
 *   nominal time of a step is its visit's start plus the pauses in the visit so far, as if answers
 *   took no time. The first step at or after end_ns ends the visit;
 * - a request that fails (a status the target does not accept, unreadable list, no answer) ends its
 *   step and visit, unless it was shed (429, 503) and the plan's patience has it repeated: then the
 *   same step goes on, and what becomes of the repetition decides. Nothing is repeated at or after
 *   end_ns of schedule time.
 * The ledger's nominal counts go by the nominal time of the step, its digest holds finished steps.
 * Against a target that answers by the asking user alone both are therefore equal for any number
 * of threads, and do not depend on speed, unless engine_stop cuts the run short. Behind an
 * overloaded target the engine may run long after end_ns: callers bound it with engine_stop.
 */
enum err engine_start(const struct engine_plan *plan, struct engine **out, struct error *error)
    __attribute__((warn_unused_result));
void engine_live(const struct engine *engine, struct engine_live *out); /* any thread */
/* From effective_ns (drill time) on, schedule time runs `factor` times as fast as planned, 0 = it
 * stands still; pauses inside visits stay as they are. Visits, their order and the nominal ledger
 * are the same as without the change; arrivals.end_ns is reached sooner or later. A moment that
 * lies a little ahead is best: visits that it would have had already start late. Any thread. False
 * if there have been PACE_CHANGES_MAX changes, or in a closed loop. */
bool engine_set_rate_factor(struct engine *engine, double factor, int64_t effective_ns);
double engine_rate_factor(const struct engine *engine); /* the latest asked for; any thread */
/* Where the schedule stands at a moment of drill time, and when it reaches one (PACE_NEVER: it
 * stands still before); any thread. */
int64_t engine_schedule_ns(const struct engine *engine, int64_t drill_ns);
int64_t engine_drill_ns(const struct engine *engine, int64_t schedule_ns);
bool engine_finished(const struct engine *engine); /* all visits played and answered */
void engine_stop(struct engine *engine);           /* no new actions; what is in flight completes */
/* Waits for the workers; *out is the caller's (engine_result_deinit). Frees the engine. */
void engine_join(struct engine *engine, struct engine_result *out);
/* Adds what another worker, or another shard of the same plan, came to; its events move over. The
 * rate changes stay those of `into`. Sources are to be settled once all is merged. */
void engine_result_merge(struct engine_result *into, struct engine_result *from);
void engine_result_deinit(struct engine_result *result);

#endif
