/*
 * How the ratings of a written past come about. A past needs more than a step does: what a data set
 * shows of people only together, over many of their ratings. Pure.
 */
#ifndef POPULATION_PAST_RATING_H
#define POPULATION_PAST_RATING_H

#include "population/population_int.h"

#include <stdint.h>

/* Fills film_past and half_use, from the data and the biases fitted to them. */
void past_rating_prepare(struct population *population);
/* Latent judgements in stars of `count` films in the order in which they are rated, by somebody of
 * that opinion taste. time_s tells where sessions begin. */
void past_rating_judge(const struct population *population, int32_t person, const float *opinion,
                       uint32_t purpose, const int32_t *item, const int64_t *time_s, int32_t count,
                       double *latent);
/* Latent judgement of an average film. */
double past_rating_middle(const struct population *population, int32_t person);
/* Which grid is used: half stars if whole[k] is false. */
void past_rating_grid(const struct population *population, int32_t person, uint32_t purpose,
                      int32_t count, bool *whole);
/* The order in which people rate films they have seen: as a rule from the well-known and well-liked
 * to the rarer ones. Reorders item [count]. */
void past_rating_order(const struct population *population, int32_t person, int32_t *item,
                       int32_t count);
/* Fits past_rating to latent judgements and the grids used for them: those of person first + k are
 * entries start[k] to start[k + 1] - 1, k < people. */
void past_rating_fit(struct population *population, const double *latent, const bool *whole,
                     int64_t count);

#endif
