/*
 * How much a rating still counts: 1 for the newest, half of it after every half-life, but never
 * less than AGE_WEIGHT_FLOOR. Tastes drift, so what people did lately must outweigh what they did
 * long ago, or retraining recovers little; the floor keeps a data set whose bulk is decades older
 * than its newest rating (MovieLens itself) from counting for nothing. Pure.
 */
#ifndef RECOMMENDER_AGE_H
#define RECOMMENDER_AGE_H

#include <stdint.h>

#define AGE_WEIGHT_FLOOR 0.02

/* age_s < 0 counts as 0; half_life_s 0 turns ageing off (all weights are 1). */
double age_weight(int64_t age_s, double half_life_s);

#endif
