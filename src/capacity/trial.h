/*
 * What a capacity search asks of whoever can load a target, and what it gets back. A trial is one
 * stretch of constant load: so many people at once, each going on at once (closed), or steps
 * starting on a schedule at a rate whatever the target does (open). The search knows neither HTTP
 * nor clocks, so that it can be tested against a queue in simulated time.
 */
#ifndef CAPACITY_TRIAL_H
#define CAPACITY_TRIAL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum capacity_trial_kind { CAPACITY_CLOSED, CAPACITY_OPEN };

struct capacity_trial_plan {
    enum capacity_trial_kind kind;
    double rate_per_s; /* open: steps started a second, Poisson */
    int users;         /* closed: people at once */
    double warmup_s;   /* played first and not counted; a share of it is enough when extending */
    double duration_s; /* counted */
    double block_s;    /* length of a block; duration_s is a whole number of them */
    uint64_t seed;     /* of the arrivals; never twice the same within a search */
};

/* What happened within one block of time, in the eyes of one objective. A response belongs to the
 * block of its intended start. A failed request is bad for a latency objective as well: nobody got
 * an answer in time. */
struct capacity_block {
    int64_t good, bad;
};

/* One trial's outcome; filled by the callback, whose zeroed struct it is. Latencies count from the
 * intended start. Shares are NAN where they mean nothing (no list answered). */
struct capacity_trial {
    bool valid;    /* false: the generator or the network, not the target, set the result */
    char why[160]; /* why not valid */
    double offered_per_s, achieved_per_s; /* steps */
    double p50_s, p90_s, p99_s;
    double lag_p99_s;    /* of the schedule */
    double cpu_share;    /* of one core, the busiest thread of the generator; 0 to 1 */
    double errors_share; /* of all requests */
    double hit_rate;     /* of the lists: rated 3.0 or better */
    /* What is expected of the same people, films used up included, and its standard error, that of
     * people who differ included; both NAN beyond what is known. */
    double hit_rate_expected, expected_error;
    double fallback_share; /* of the lists, made by a fallback source */
    int64_t lists;         /* behind the shares above */
    /* Requests a second by which the queue (those due and not sent, and those in flight) grew over
     * the counted time, and the standard error of that, which must allow for lengths that are
     * correlated (by batches of time, at least eight); both NAN: unknown, and then an open trial
     * never passes. */
    double queue_slope, queue_slope_error;
    double wall_s; /* how long the trial took, warm-up and stragglers included; 0: as planned */
    /* Objectives of the SLO in their order, block_count blocks each: block[o * block_count + i].
     * Taken over by the search, freed with mem_free. In those of a quality objective one list is
     * one observation, bad if made by a fallback source, or not a hit; no observation: unknown. */
    size_t block_count;
    struct capacity_block *block;
};

/* Plays one trial and blocks until it is over. An error ends the search: a target that answers
 * badly is not an error, ERR_INTERRUPTED is one. */
typedef enum err capacity_trial_fn(void *context, const struct capacity_trial_plan *plan,
                                   struct capacity_trial *out, struct error *error);

void capacity_trial_deinit(struct capacity_trial *trial);

#endif
