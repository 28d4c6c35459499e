/* Expectations over choice and rating noise in one scene; see population_step_truth. Pure. */
#ifndef POPULATION_TRUTH_H
#define POPULATION_TRUTH_H

#include "population/scene.h"

/* Probability of each half-star value (entry half stars - 1) if the person rates the film. */
void truth_stars(const struct moment *moment, int32_t film, double pmf[10]);
/* taken [list count] gets the probability that the film at that place is taken, given what is
 * `looked` at. Returns the sum. */
double truth_choice(const struct moment *moment, const struct scene *scene, const bool *looked,
                    double *taken);

#endif
