/*
 * What the ranker knows of each film, whoever asks. Pure; constant once made.
 */
#ifndef RECOMMENDER_FILMS_H
#define RECOMMENDER_FILMS_H

#include "recommender/corpus.h"

struct film {
    float fame;  /* log(1 + number of ratings) */
    float fresh; /* log(1 + sum of the age weights of the ratings), 30 days */
    float stars; /* damped mean rating minus that of all films */
    float year;  /* of release, in decades since 2000; the mean if unknown */
};

struct films {
    int32_t count;
    struct film *film; /* [count] */
    int32_t *by_fame;  /* [count], by falling number of ratings */
};

/* half_life_s as in age.h. */
void films_train(struct films *out, const struct corpus *corpus, double half_life_s);
void films_deinit(struct films *films); /* a zeroed struct is a valid empty one */

#endif
