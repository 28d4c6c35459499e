/* What a data set looks like: the figures by which one is recognised and compared. Pure. */
#ifndef MOVIELENS_PROFILE_H
#define MOVIELENS_PROFILE_H

#include "movielens/dataset.h"

#include <stdint.h>

#define PROFILE_QUANTILES 7

struct profile {
    int32_t users, films, films_rated;
    int64_t ratings;
    double mean, sd;                  /* stars */
    int64_t stars[10];                /* ratings of 0.5, 1.0, ... 5.0 */
    double a_user[PROFILE_QUANTILES]; /* ratings a user at profile_quantiles */
    double top_tenth_share;  /* of ratings, held by the tenth of the rated films rated most */
    double most_seen_share;  /* of users, who rated the most-rated film */
    int64_t first_s, last_s; /* seconds since 1970 UTC */
};

/* 0 .05 .25 .5 .75 .95 1; between two order statistics linearly. */
extern const double profile_quantiles[PROFILE_QUANTILES];

/* Mean and standard deviation from the ten counts: exact, and the same in any order of the ratings.
 */
void profile_moments(const int64_t stars[10], double *mean, double *sd);

struct profile_fame { /* how ratings spread over films */
    int32_t films_rated;
    double top_tenth_share; /* of ratings, held by the tenth of the rated films rated most */
    double most_rated;      /* ratings of the most-rated film */
};
/* counts [films]: ratings of each film; comes back sorted. */
struct profile_fame profile_fame_of(uint64_t *counts, int32_t films);

/* The data set holds at least one rating. */
struct profile profile_of(const struct dataset *dataset);

#endif
