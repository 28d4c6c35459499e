/* What a scenario says of people and traffic, in the words of the floors that make them. Pure. */
#ifndef DRILL_WISH_H
#define DRILL_WISH_H

#include "drill/scenario.h"
#include "load/traffic.h"
#include "population/population.h"

#include <stdint.h>

/* Borrows the scenario's file name. */
struct traffic_wish wish_traffic(const struct scenario *scenario);
/* What is not said is as population_defaults has it. */
struct population_config wish_people(const struct scenario *scenario, uint64_t seed);

#endif
