/*
 * The schedule of a scenario's visits for the load engine: its arrival process, who comes, who
 * joins and leaves. Some of it is learned from the data: the hours of the week at which visits
 * begin, the moments of a replay, and how active each person is. Main thread; what is filled is
 * constant afterwards and lives until visits_deinit.
 */
#ifndef DRILL_VISITS_H
#define DRILL_VISITS_H

#include "base/error.h"
#include "drill/people.h"
#include "drill/scenario.h"
#include "load/alias.h"
#include "load/arrivals.h"

#include <stdint.h>

/* A visit begins where a person has rated nothing for so long. */
#define VISITS_PAUSE_S 1800

struct visits { /* what `config` points into */
    struct arrivals_config config;
    double hour_weight[ARRIVALS_WEEK_HOURS];
    int64_t *moment_ns;
    int32_t *moment_person;
    struct alias mix;
};

struct visits_request { /* borrowed */
    const struct scenario *scenario;
    const struct people *people; /* built, and read who has seen what */
    const struct drift *drift;   /* bound; NULL = none */
    uint64_t seed;
    int64_t end_ns; /* no visit starts at or after it; drill time */
};

/* ERR_INPUT or ERR_IO for a recorded file that cannot be used. */
enum err visits_plan(const struct visits_request *request, struct visits *out, struct error *error)
    __attribute__((warn_unused_result));
void visits_deinit(struct visits *visits); /* a zeroed struct is a valid empty one */

/* Shares of visits by the hour of the week they begin in (0 = Monday 0:00 UTC), mean 1. All 1 if
 * there is no rating. Pure. */
void visits_hours(const struct ratings *ratings, double weight[ARRIVALS_WEEK_HOURS]);
/* Moments at which visits begin, rising, in seconds since 1970; the caller frees them. Pure. */
int64_t visits_moments(const struct ratings *ratings, int64_t **out);
/* Compresses rising moments of any unit into drill time, so that the mean rate over all of them is
 * per_s, and repeats them from the first one on until end_ns. Returns how many lie before end_ns;
 * *out is the caller's. Pure. */
int64_t visits_compress(const int64_t *moment, int64_t count, double per_s, int64_t end_ns,
                        int64_t **out);

#endif
