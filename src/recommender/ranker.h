/*
 * Orders the candidates of all sources for one person by a learned score, linear in features of
 * (person, film). Learned from held-out choices: the probability that of the candidates of a list
 * film i is the one chosen is taken as
 *     exp(w . x_i) / sum over the list of exp(w . x_j)
 * (conditional logit; McFadden 1974), and w maximises the likelihood of the choices minus
 * ridge |w|^2 / 2 per choice, on standardised features. That is concave, so the solution is unique
 * whatever it starts from. Pure; results do not depend on the number of threads.
 */
#ifndef RECOMMENDER_RANKER_H
#define RECOMMENDER_RANKER_H

#include "base/parallel.h"
#include "recommender/source.h"

#include <stddef.h>
#include <stdint.h>

#define RANKER_FEATURES_MAX 64

struct ranker {
    int features;
    float weight[RANKER_FEATURES_MAX]; /* of the features as they come, not standardised */
};

/* Choices to learn from: the candidates of choice c are the rows start[c] to start[c + 1] - 1, the
 * one chosen is the first of them. */
struct ranker_choices {
    int features;
    int64_t count;
    int64_t *start;       /* [count + 1] */
    const float *feature; /* [start[count] x features] */
};

struct ranker_fit {
    double loss_before, loss; /* mean of -log P(chosen): all candidates alike, and fitted */
    int steps;
};

/* Newton's method; `ridge` > 0. */
struct ranker_fit ranker_train(struct ranker *out, const struct ranker_choices *choices,
                               double ridge, const struct parallel *parallel);

/* scores[i] = w . row i. */
void ranker_score(const struct ranker *ranker, const float *feature, int count, float *scores);

#endif
