/*
 * Solved film appeal: the offset b_i that makes each film's share of the people who have it in
 * their past equal to its share in the data, when everybody takes their n films by
 * `sharpness * affinity + b_i + Gumbel noise`. A plain `gamma * log(count)` cannot do that: it caps
 * the most-seen film far below the real share. Pure; the answer does not depend on the number of
 * threads.
 */
#ifndef POPULATION_APPEAL_H
#define POPULATION_APPEAL_H

#include "base/parallel.h"

#include <stdint.h>

struct appeal_problem {
    int32_t people;
    const float *taste;      /* [people x TASTE_DIMS] unit vectors */
    const int32_t *activity; /* [people] films each takes */
    int32_t films;
    const float *film_by_dim; /* [TASTE_DIMS x films] */
    const double *share;      /* [films] wanted share of people, 0 to 1 */
    double sharpness;
};

/* appeal [films]. */
void appeal_solve(const struct appeal_problem *problem, const struct parallel *parallel,
                  float *appeal);

#endif
