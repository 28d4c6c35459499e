/* The inside of a sample, for the three files of effect: sample, measurement, solver. */
#ifndef POPULATION_EFFECT_INT_H
#define POPULATION_EFFECT_INT_H

#include "population/effect.h"

#include <stdint.h>

#define EFFECT_LOOKS 8 /* steps of each, whose looks differ */

struct effect_sample {
    const struct population *population;
    struct effect_config config;
    int32_t count;          /* those with a past first, then the newcomers */
    int32_t settled;        /* how many have a past */
    int32_t *person;        /* [count] */
    double *weight;         /* [count] share of visits at rest; sums to 1 */
    struct step_list *list; /* [count] */
    struct effect rest;
};

#endif
