/*
 * The schedule of visits: one global Poisson sequence, a pure function of the seed. Every worker
 * walks the whole sequence and takes the visits of the people it owns, so the schedule does not
 * depend on the number of workers. Pure; a walker belongs to one thread.
 */
#ifndef LOAD_ARRIVALS_H
#define LOAD_ARRIVALS_H

#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

struct arrivals_config {
    uint64_t seed;
    double visits_per_s; /* steps per second / mean steps a visit; in drill time, not compressed */
    double steps_per_visit; /* mean of a geometric number of steps, >= 1 */
    double think_median_s;  /* lognormal pause between steps and before a rating; compressed time */
    double think_sigma;     /* sd of its logarithm */
    int32_t people;
    int64_t end_ns; /* no visit starts at or after this nominal time */
};

struct arrivals {
    struct arrivals_config config;
    uint64_t next; /* number of the next visit */
    int64_t time_ns;
};

struct visit {
    uint64_t number;
    int64_t start_ns; /* nominal drill time */
    int32_t person;
    int32_t steps;
};

void arrivals_init(struct arrivals *arrivals, const struct arrivals_config *config);
/* False when the sequence is over. */
bool arrivals_next(struct arrivals *arrivals, struct visit *visit);
/* Pause before action `action` of a visit (0 = before the first rating, 1 = before the second
 * list, ...), in nanoseconds of drill time. */
int64_t arrivals_think_ns(const struct arrivals_config *config, uint64_t visit, uint32_t action);

#endif
