/*
 * Films that stand near one another in people's histories. For each film the neighbours of the
 * largest weight are kept; what "near" means is configured:
 *     weight(a, b) = sum over people who rated both of decay^(distance - 1) / sqrt(n_a n_b)
 * with the distance in places of the person's history in order of time, n the number of people who
 * rated the film, and pairs further apart than `before` or `after` places left out. Of large data
 * every other person, say, tells enough. Pure; results do not depend on the number of threads.
 */
#ifndef RECOMMENDER_NEIGHBOURS_H
#define RECOMMENDER_NEIGHBOURS_H

#include "base/parallel.h"
#include "movielens/ratings.h"

#include <stdint.h>

struct neighbours_config {
    int before, after; /* places of b before and after a that count */
    float decay;       /* a place; 1 = all alike */
    int keep;          /* neighbours a film */
    int every;         /* person whose history is looked at; 1 = all of them */
};

struct neighbours {
    int32_t items;
    int64_t *start; /* [items + 1] */
    int32_t *item;  /* [start[items]], of a film: falling weight */
    float *weight;  /* [start[items]], above 0 */
};

/* *out is initialised here, and the caller's. */
void neighbours_train(struct neighbours *out, const struct neighbours_config *config,
                      const struct ratings *ratings, const struct parallel *parallel);
void neighbours_deinit(struct neighbours *neighbours); /* a zeroed struct is a valid empty one */

#endif
