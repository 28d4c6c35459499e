/*
 * The generator alone: a trial as the search plays them, with the same people, options and rules of
 * validity, but against the server built in, which costs next to nothing. What it cannot do there
 * it cannot do against a target. Main thread only.
 */
#ifndef COMMAND_CAPACITY_PROOF_H
#define COMMAND_CAPACITY_PROOF_H

#include "base/error.h"
#include "command/capacity_trial.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct capacity_proof {
    double rate_per_s; /* steps offered a second */
    bool fit;          /* a trial at this rate was valid, and every request was answered */
    char why[160];     /* why not */
    int tries;         /* trials at this rate; 0 = there was no time */
    double achieved_per_s, p99_s, lag_p99_s, cpu_share, errors_share;
};

struct capacity_proof_plan {
    double rate_per_s; /* 0 = half of what it does as fast as it can, or half of that, and so on */
    double seconds;
    double left_s; /* no try begins for which that has no room; INFINITY = no limit */
    uint64_t seed;
    const int32_t *film; /* [films], the most often rated first: selftest_films */
    int32_t films;
};

/* The stand is that of the search, and stays as it is. A rate that was asked for is tried twice if
 * need be; else it is halved until the generator is fit, three times at most. */
enum err capacity_prove(const struct capacity_stand *stand, const struct capacity_proof_plan *plan,
                        struct capacity_proof *out, struct error *error)
    __attribute__((warn_unused_result));
void capacity_proof_print(const struct capacity_proof *proof);
json_t *capacity_proof_json(const struct capacity_proof *proof);

#endif
