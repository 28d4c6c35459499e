/*
 * What was trending at any moment of the past: for training and judging on histories that reach
 * over years, where the trend of today says nothing about the choices of then. Constant once made;
 * pure; any thread.
 */
#ifndef RECOMMENDER_TREND_HISTORY_H
#define RECOMMENDER_TREND_HISTORY_H

#include "movielens/ratings.h"

struct trend_history {
    int32_t films;
    int64_t count;
    double half_life_s;
    int32_t *item;   /* [count], in order of time */
    int64_t *time_s; /* [count] */
    int32_t marks;
    float *mark; /* [marks x films], weights just behind every TREND_MARK_RATINGS-th rating */
};

#define TREND_MARK_RATINGS 32768

/* half_life_s > 0. *out is the caller's (trend_history_deinit). */
void trend_history_init(struct trend_history *out, const struct ratings *ratings,
                        double half_life_s);
void trend_history_deinit(struct trend_history *history);

/* weight [films] of the ratings given before moment_s, each halved by every half-life since (no
 * floor). */
void trend_history_at(const struct trend_history *history, int64_t moment_s, float *weight);

#endif
