/*
 * How many steps a second does a target hold? A closed-loop ladder shows where to look and gives
 * the scalability law; then open-loop trials double until one fails, and bisection narrows the
 * bracket down. Each trial is judged by a sequential test and extended until it is decided or as
 * long as allowed; an invalid one is repeated. In the end the highest rate that passed is held for
 * long, the lowest that failed tried again, and the former once more right after an overload.
 *
 * The answer is an interval [low, high]: the highest rate that passed, the lowest that failed.
 * All verdicts together err with probability 1 - confidence at most, given that a higher rate is
 * not better. A rate at which the queue grows all the while is never passed, however lenient the
 * promise: it would be broken later; nor is one of which nobody knows. Calls the trial function
 * from the caller's thread; pure besides it.
 */
#ifndef CAPACITY_SEARCH_H
#define CAPACITY_SEARCH_H

#include "base/error.h"
#include "capacity/knee.h"
#include "capacity/sequential.h"
#include "capacity/slo.h"
#include "capacity/trial.h"
#include "capacity/usl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum capacity_stage {
    CAPACITY_LADDER,  /* closed loop: 1, 2, 4 ... people */
    CAPACITY_BRACKET, /* open loop, doubling or halving */
    CAPACITY_BISECT,
    CAPACITY_WANTED,   /* the rate that was asked about */
    CAPACITY_SOAK,     /* the pass bound for long */
    CAPACITY_RETEST,   /* the fail bound again */
    CAPACITY_RECOVERY, /* the pass bound straight after an overload */
    CAPACITY_STAGES
};

/* One rate (or number of people) that was tried, all its extensions pooled. */
struct capacity_level {
    enum capacity_stage stage;
    struct capacity_trial_plan plan; /* of the first run; seed included */
    int runs, invalid_runs;
    double played_s;                 /* counted seconds of the valid runs */
    enum sequential_verdict verdict; /* of all objectives together; ladder: undecided */
    struct sequential_state objective[SLO_OBJECTIVES_MAX];
    struct capacity_trial sum; /* means over the valid runs, weighted by time; latencies: the worst
                                  run's; block = NULL */
    double rate_error;         /* ladder: standard error of the rate relative to it; 0 = unknown */
    bool grew;                 /* open: the queue grew, so the rate is not held, sooner or later */
    bool valid;                /* false: all its runs were invalid; why in sum.why */
};

/* Told before a run (run_over = false: plan is what comes) and after it (level as it stands). */
struct capacity_progress {
    bool run_over;
    enum capacity_stage stage;
    const struct capacity_trial_plan *plan;
    const struct capacity_level *level; /* NULL before the first run of a level is over */
    double low_per_s, high_per_s;       /* bracket so far; 0 and INFINITY where open */
    double left_s;                      /* of the budget; INFINITY if there is none */
};
typedef void capacity_progress_fn(void *context, const struct capacity_progress *progress);

struct capacity_config {
    struct slo slo;      /* at least one objective */
    double confidence;   /* of the interval; 0.95 */
    double precision;    /* relative width of the bracket that is narrow enough; 0.02 */
    double indifference; /* of a trial's share of bad ones; 0.02 */
    double trial_s;      /* shortest open trial */
    double longest_s;    /* of one rate, extensions included */
    double warmup_s;
    double ladder_s;    /* a level of the ladder; 0 = no ladder, then start_per_s is needed */
    double soak_s;      /* 0 = no confirmation at all */
    double budget_s;    /* time to be spent, by the clock of whoever plays trials; 0 = no limit */
    double spent_s;     /* of it, before the search begins */
    double start_per_s; /* first open rate; 0 = a quarter of what the ladder showed */
    double least_per_s, most_per_s; /* bounds of the search; most: 0 = none */
    int users_most;                 /* top of the ladder */
    int invalid_repeats;            /* a run is repeated so often at most; 2 */
    double want_per_s;              /* 0 = no wanted rate; see search.c for when it is tried */
    uint64_t seed;
    capacity_trial_fn *trial;
    void *trial_context;
    capacity_progress_fn *progress; /* may be NULL */
    void *progress_context;
};

void capacity_config_init(struct capacity_config *config); /* the defaults above, the rest zero */

enum capacity_outcome {
    CAPACITY_FOUND,     /* the bracket is as narrow as asked for */
    CAPACITY_ESTIMATED, /* the bracket is wider, but the estimate's interval is as narrow */
    CAPACITY_WIDE,      /* a bracket, but wider: undecided rates within, or the budget spent; or its
                           lower end was never held for long, although others that were did not last.
                           Its upper end is open if the search was over before any rate failed */
    CAPACITY_AT_LEAST, /* nothing failed, and most_per_s or what the generator can do was reached */
    CAPACITY_AT_MOST,  /* least_per_s itself failed */
    CAPACITY_UNKNOWN,  /* nothing passed, but lower rates were not tried or stayed undecided */
};

struct capacity_result {
    enum capacity_outcome outcome;
    double low_per_s, high_per_s; /* 0 and INFINITY where open */
    /* Where the share of bad ones of the objective that failed meets what is allowed, by a curve
     * through all trials near the bracket, and its interval of the same confidence: as a rule
     * narrower than the bracket, beyond whose ends it may reach, but it leans on the curve's form.
     * All NAN if unknown: fewer than four trials that tell, or a curve that meets it outside the
     * bracket. */
    double estimate_per_s, estimate_low_per_s, estimate_high_per_s;
    char note[512];               /* why it is not FOUND, or what the confirmation showed */
    bool generator_limited;       /* the search ended because higher rates were invalid */
    enum sequential_verdict want; /* PASS: held; FAIL: not; else not known */
    struct {
        /* PASS FAIL PASS is as it should be; undecided if it was not tried. A rate that failed only
         * when it was held for long is not tried again: it may well pass for a moment. */
        enum sequential_verdict soak, retest, recovery;
        double soak_per_s; /* what the last soak held; 0 = none */
        int demotions;     /* pass bounds that did not last */
    } confirmed;
    struct usl_fit usl;
    bool has_usl;
    bool has_knee;
    struct knee_point knee; /* x steps/s, y p99 in seconds */
    double played_s;        /* load, warm-ups included */
    double spent_s;         /* of the budget, what was spent before included */
    size_t level_count;
    struct capacity_level *level; /* in the order they were tried */
};

/* *out is filled as far as things went even if an error is returned (that of a trial); deinit it
 * in any case. */
enum err capacity_search(const struct capacity_config *config, struct capacity_result *out,
                         struct error *error) __attribute__((warn_unused_result));
void capacity_result_deinit(struct capacity_result *result);

const char *capacity_stage_name(enum capacity_stage stage);       /* "ladder" ... */
const char *capacity_outcome_name(enum capacity_outcome outcome); /* "found" ... */

#endif
