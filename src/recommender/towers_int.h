/*
 * The pools of the user tower for its training, which goes through a history forwards and needs the
 * pools before every choice; serving needs them once and adds them up backwards (towers_user).
 */
#ifndef RECOMMENDER_TOWERS_INT_H
#define RECOMMENDER_TOWERS_INT_H

#include "recommender/towers.h"

struct towers_pools {
    float decayed[TOWERS_FACTORS_MAX]; /* sum of 2^(-age / half-life) slow */
    float plain[TOWERS_FACTORS_MAX];   /* sum of slow */
    float fast[TOWERS_FACTORS_MAX];
    double decayed_weight, count;
    int64_t time_s; /* of the newest event */
};

/* A zeroed struct is the state before the first event. */
void towers_pools_add(const struct towers *towers, struct towers_pools *pools,
                      const struct event *event);
/* What the slow pool's sum is multiplied by. */
double towers_pools_scale(const struct towers *towers, const struct towers_pools *pools);
/* vector [factors] */
void towers_pools_read(const struct towers *towers, const struct towers_pools *pools,
                       float *vector);
/* 2^(-elapsed / half-life); an event older than the one before it has not elapsed anything. */
float towers_fading(const struct towers *towers, int64_t elapsed_s);

#endif
