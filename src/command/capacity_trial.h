/*
 * Trials of a capacity search on a real target: the search's plan becomes a schedule of people who
 * take turns, the engine plays it, and its result becomes the counts the search judges by.
 *
 * Every visit is one step: a list and, unless lists only are asked for, the rating that may follow
 * after a short pause. So the steps of an open trial are a Poisson process. Main thread only.
 */
#ifndef COMMAND_CAPACITY_TRIAL_H
#define COMMAND_CAPACITY_TRIAL_H

#include "base/error.h"
#include "capacity/slo.h"
#include "capacity/trial.h"
#include "command/capacity_people.h"
#include "load/engine.h"

#include <stdbool.h>
#include <stdint.h>

#define CAPACITY_FALLBACKS_MAX ENGINE_FALLBACKS_MAX
/* The busiest thread of a generator that was fit to measure left a fifth of its core idle. */
#define CAPACITY_CPU_MAX 0.8
/* One request in so many may be sent later than this, or later than this part of the tightest
 * latency promised, whichever is longer. */
#define CAPACITY_LAG_NS INT64_C(1000000)
#define CAPACITY_LAG_PART 20
/* Connections a thread that are there in any case, and how many times as many are taken as the rate
 * needs if every answer takes as long as was promised. */
#define CAPACITY_WINDOW_LEAST 256
#define CAPACITY_WINDOW_ROOM 2

struct capacity_stand { /* what trials are played on; filled by the owner, who frees what it made */
    const struct population *population;
    const struct target *target;
    const struct transport_class *transport;
    struct engine_seen seen;
    const struct slo *slo;
    unsigned threads;
    int connections;      /* per thread; 0 = as many as the rate needs, see capacity_window */
    int connections_most; /* per thread, if it is so; 0 = no bound */
    long timeout_ms;
    int64_t lag_most_ns;                /* of a valid trial's p99; 0 = by the rule above */
    double think_median_s, think_sigma; /* pause before a rating */
    bool lists_only;
    int fallbacks;
    char fallback[CAPACITY_FALLBACKS_MAX][LEDGER_SOURCE_SIZE]; /* sources that lists fall back to */
    struct capacity_people people;
    /* Learned in the reference: medians from the send, 0 = unknown, and the sources of lists. */
    int64_t rest_p50_ns[ENGINE_ENDPOINTS];
    int sources;
    char source[LEDGER_SOURCES_MAX][LEDGER_SOURCE_SIZE];
    /* Waits at most so long; true if somebody wants to stop. NULL: nobody does, and the transport
     * has a clock of its own that begins at 0. */
    bool (*interrupted)(int64_t timeout_ns);
    /* Told several times a second during a trial; may be NULL. */
    void (*show)(void *context, double now_s, double end_s, const struct engine_live *live);
    void *show_context;
};

/* The different latencies that are promised, in the order of their first mention, which is that of
 * the engine's counts; how many. */
size_t capacity_latencies(const struct slo *slo, int64_t latency_ns[SLO_OBJECTIVES_MAX]);
/* Do the latency objectives fit into what the engine counts? ERR_USAGE if there are more different
 * ones than ENGINE_SLOS_MAX. */
enum err capacity_stand_check(const struct slo *slo, struct error *error)
    __attribute__((warn_unused_result));

/*
 * Plays two people at a time for a while, those kept apart for it, and learns what hit rate and
 * what share of fallback lists a target gives that has nothing else to do. ERR_INVALID with the
 * first problem if not one list could be read.
 */
enum err capacity_stand_reference(struct capacity_stand *stand, double seconds, uint64_t seed,
                                  struct error *error) __attribute__((warn_unused_result));

/*
 * Connections a thread for a trial. An open one has room for all requests that are under way if
 * every answer takes CAPACITY_WINDOW_ROOM times the longest latency promised (a second if none is):
 * with that many a target that is too slow is seen to be, and not the window.
 */
int capacity_window(const struct capacity_stand *stand, const struct capacity_trial_plan *plan);

/* A capacity_trial_fn; the context is a struct capacity_stand. */
enum err capacity_trial_play(void *stand, const struct capacity_trial_plan *plan,
                             struct capacity_trial *out, struct error *error)
    __attribute__((warn_unused_result));

/* ---- what it is made of, for tests ---- */

struct capacity_schedule { /* an open trial's steps */
    int64_t count;
    int64_t *moment_ns; /* [count], rising, below warm-up and duration together */
    int32_t *person;    /* [count] */
};

/* The same plan gives the same moments; the people are whose turn it is. Dies when memory is
 * exhausted. */
void capacity_schedule_init(struct capacity_schedule *schedule,
                            const struct capacity_trial_plan *plan, struct capacity_people *people);
void capacity_schedule_deinit(struct capacity_schedule *schedule);

/* Turns an engine's result into a trial's. `schedule`: NULL of a closed trial. steps_before: what
 * the people had made before. */
void capacity_trial_measure(const struct capacity_stand *stand,
                            const struct capacity_trial_plan *plan,
                            const struct capacity_schedule *schedule,
                            const struct engine_result *result, int64_t steps_before,
                            struct capacity_trial *out);

#endif
