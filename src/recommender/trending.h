/*
 * Source "popular": what is rated most lately. A film's weight is the number of its ratings, each
 * weighing half after every half-life (age.h); the same for everybody. Constant once made; pure;
 * any thread.
 */
#ifndef RECOMMENDER_TRENDING_H
#define RECOMMENDER_TRENDING_H

#include "movielens/ratings.h"
#include "recommender/event.h"
#include "recommender/source.h"

/* Measured, see trending.c. */
#define TRENDING_HALF_LIFE_S (30 * 86400.0)

struct trending {
    int32_t films;
    float *weight;  /* [films] */
    int32_t *order; /* [films], by falling weight; made by trending_arrange */
};

/* Ages count from now_s; half_life_s 0 = plain counts. *out is the caller's (trending_deinit). */
void trending_train(struct trending *out, const struct ratings *ratings, int64_t now_s,
                    double half_life_s);
void trending_arrange(struct trending *trending);
void trending_deinit(struct trending *trending);

/* At most `max` unseen films, heaviest first; returns how many. Films never rated come last. */
int trending_candidates(const struct trending *trending, const uint64_t *seen, int max,
                        struct candidate *out);

#endif
