/*
 * The schedule of visits: one global sequence, a pure function of the seed and the configuration.
 * Every worker walks the whole sequence and takes the visits of the people it owns, so the schedule
 * does not depend on the number of workers. Pure; a walker belongs to one thread.
 *
 * Two runs that differ in an injection alone share their visits as far as they can: visit n of the
 * people keeps its number, moment and length, its person unless a mix of people replaces that one,
 * and its pauses unless raters are slow. Injections add visits of their own, numbered apart
 * (more traffic, bots, shilling), or drop some (less traffic). With nothing but a rate, the
 * sequence is the plain Poisson sequence of the seed.
 */
#ifndef LOAD_ARRIVALS_H
#define LOAD_ARRIVALS_H

#include "base/rng.h"
#include "load/alias.h"
#include "population/drift.h"

#include <stdbool.h>
#include <stdint.h>

#define ARRIVALS_WEEK_HOURS 168 /* hour 0 is Monday 0:00 UTC */
/* Accounts of each injection of bots or of shilling, unless so many would have to wait for their
 * own visits (arrivals_guests): they are nobody of the population and nobody the target has met.
 * Their persons are numbered from `people` on. */
#define ARRIVALS_BOT_ACCOUNTS 16
#define ARRIVALS_SHILL_ACCOUNTS 256
/* Bots that make at most this share of the visits are one. */
#define ARRIVALS_ONE_BOT_SHARE .005
/* An account is on a visit at most this share of the time, unless that takes too many. */
#define ARRIVALS_GUEST_BUSY_MAX .5
#define ARRIVALS_GUESTS_MAX 1000000
/* Bots and shills may make at most this share of all visits, together. */
#define ARRIVALS_GUEST_SHARE_MAX .95

enum arrivals_process {
    ARRIVALS_POISSON,
    ARRIVALS_CONSTANT, /* evenly spaced; the first visit after one gap */
    ARRIVALS_DIURNAL,  /* Poisson; the rate follows the hours of a week and is visits_per_s in the
                          mean over one */
    ARRIVALS_REPLAY    /* at given moments, over at the last; visits_per_s is not used */
};

struct arrivals_leaving { /* zeroed = nobody leaves */
    int32_t after_steps;  /* lists in a row without a film taken before a person thinks of it */
    double probability;   /* of leaving for good, at each such list from then on */
};

struct arrivals_config {
    uint64_t seed;
    double visits_per_s; /* steps per second / mean steps a visit; in drill time, not compressed */
    double steps_per_visit; /* mean of a geometric number of steps, >= 1 */
    double think_median_s;  /* lognormal pause between steps and before a rating; compressed time */
    double think_sigma;     /* sd of its logarithm */
    int32_t people;
    int64_t end_ns; /* no visit starts at or after this nominal time */

    enum arrivals_process process;
    /* Diurnal. */
    const double *hour_weight; /* [ARRIVALS_WEEK_HOURS], mean 1, none negative */
    int64_t day_ns;            /* length of a day in drill time, > 0 */
    int32_t start_hour;        /* hour of the week at drill time 0 */
    /* Replay. */
    const int64_t *moment_ns;     /* [moment_count], >= 0, not falling; drill time */
    const int32_t *moment_person; /* [moment_count], -1 = drawn like others; NULL = all drawn */
    int64_t moment_count;

    const struct alias *mix; /* over `people`: how often each visits; NULL = all alike */
    int32_t newcomers;       /* the last ones of `people`, who have no past */
    /* Newcomers who come for the first time a second, in their order, then visit like others; until
     * then they do not. 0 = newcomers are there from the start, like everybody. */
    double joins_per_s;
    struct arrivals_leaving
        leaving;               /* the engine's to carry out; visits are scheduled all the same */
    const struct drift *drift; /* the kinds of traffic, bound; NULL = none */
};

enum arrivals_kind {
    ARRIVALS_PERSON,
    ARRIVALS_BOT,  /* asks for lists, takes the first film of each, gives it what it is paid for */
    ARRIVALS_SHILL /* asks for nothing; each step rates a film it was not shown */
};

enum arrivals_source { /* of a visit; the sources are merged in order of time */
                       ARRIVALS_BASE,
                       ARRIVALS_EXTRA, /* more traffic */
                       ARRIVALS_JOIN,  /* first visits of newcomers */
                       ARRIVALS_GUEST  /* + place of the injection: bots, shills */
};
#define ARRIVALS_SOURCES (ARRIVALS_GUEST + DRIFT_INJECTIONS_MAX)

struct visit {
    uint64_t number;  /* source << 48 | place among the visits of that source */
    int64_t start_ns; /* nominal drill time */
    int32_t person;   /* >= people: an account of a bot or a shill */
    int32_t steps;
    uint8_t kind;      /* enum arrivals_kind */
    uint8_t injection; /* bots and shills: which injection of the drift sent it */
};

struct arrivals_gap { /* from one moment of the base process to the next, or to the end */
    int64_t from_ns, to_ns;
    bool ends;    /* no visit of the base process at to_ns */
    double units; /* visits the base process expected in it */
    /* The part being walked, in which no injection of traffic changes. */
    int64_t part_from_ns, part_to_ns;
    double part_units;
    double hazard[ARRIVALS_SOURCES]; /* visits of each other source expected in the part; of joins,
                                        in the gap */
    double used[ARRIVALS_SOURCES];   /* of these, up to the source's latest visit */
};

struct arrivals_mixing { /* a mix of people, at the moment of the visit drawn last */
    int injection;
    bool active;
    bool any_newcomer; /* brings newcomers whether they have joined yet or not, all alike */
    double moved[2];   /* probability that a visit of an outsider, of a member is replaced */
};

struct arrivals_group { /* people who are in the same cohorts of mixes */
    double weight;      /* of those who come at rest */
    double now;         /* after the mixes looked at so far */
    double newcomers;   /* how many of them are, joined or not */
};

struct arrivals { /* all but the configuration is the walker's own */
    struct arrivals_config config;
    uint64_t next;   /* number of the next visit of the base process */
    int64_t time_ns; /* where that process stands */
    /* More than the base process, or people who change. */
    bool merged, in_gap, over;
    struct arrivals_gap gap;
    uint64_t count[ARRIVALS_SOURCES]; /* visits of each source so far */
    double left[ARRIVALS_SOURCES];    /* expected visits until the next of the source */
    double kept;                      /* share of a whole visit that less traffic has let through */
    int32_t joined;
    int32_t guests[DRIFT_INJECTIONS_MAX], guest_first[DRIFT_INJECTIONS_MAX]; /* accounts */
    double present_weight, member_weight[DRIFT_INJECTIONS_MAX];              /* of those who come */
    int mixes;
    struct arrivals_mixing mixing[DRIFT_INJECTIONS_MAX]; /* [mixes] */
    struct arrivals_group *group; /* [2^mixes], by the cohorts' bits; NULL of less than two mixes */
};

void arrivals_init(struct arrivals *arrivals, const struct arrivals_config *config);
void arrivals_deinit(struct arrivals *arrivals); /* accepts a zeroed one */
/* False when the sequence is over. */
bool arrivals_next(struct arrivals *arrivals, struct visit *visit);
/* How many accounts an injection of the drift has, 0 if it is not of bots or shilling: as many as
 * it takes to make its share of the visits at the busiest time, each being on one visit at a time.
 */
int32_t arrivals_guests(const struct arrivals_config *config, int index);
/* People and accounts: every visit's person lies below. */
int32_t arrivals_accounts(const struct arrivals_config *config);
/* Pause before action `action` of a visit (0 = before the first rating, 1 = before the second
 * list, ...), in nanoseconds of drill time, of a person when nothing is injected. */
int64_t arrivals_think_ns(const struct arrivals_config *config, uint64_t visit, uint32_t action);
/* The same as it is, of a visit in a step at nominal_ns: slow raters wait longer before a rating
 * (even actions), bots and shills hardly wait. */
int64_t arrivals_pause_ns(const struct arrivals_config *config, const struct visit *visit,
                          uint32_t action, int64_t nominal_ns);
/* Does a person who has found nothing in `unlucky` lists in a row leave after step number `step`?
 * Pure: the draw is the person's and the step's own. */
bool arrivals_leaves(const struct arrivals_config *config, int32_t person, uint32_t step,
                     int32_t unlucky);

#endif
