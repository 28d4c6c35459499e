/*
 * How much more or less often people come in each hour of the week: weights with mean 1, hour 0 is
 * Monday 0:00 UTC. An hour's weight is that of its hour of the day times that of its day of the
 * week, because data of some thousand visits say nothing about single hours of a week. Pure.
 */
#ifndef LOAD_HOURS_H
#define LOAD_HOURS_H

#include "load/arrivals.h"
#include "movielens/ratings.h"

#include <stdbool.h>

/* A gap of more than this between two ratings of a user starts a new visit. */
#define HOURS_VISIT_BREAK_S 1800
#define HOURS_VISITS_MIN 1000 /* fewer visits do not tell the hours */

/* Those of ml-latest-small (100,836 ratings of 1996 to 2018, 7,145 visits): shares of visits by
 * the hour and the day they start. */
void hours_published(double weight[ARRIVALS_WEEK_HOURS]);
/* Those of the data. False, and nothing written, with fewer than HOURS_VISITS_MIN visits. */
bool hours_of_data(const struct ratings *ratings, double weight[ARRIVALS_WEEK_HOURS]);

/* Does entry i of user's ratings start a visit? */
bool hours_starts_visit(const struct ratings *ratings, int32_t user, int64_t i);

#endif
