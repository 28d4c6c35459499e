/*
 * What the ranker reads of a candidate: one row of numbers for each film proposed by any source.
 * Every number is made for all candidates, whoever proposed them; films that neighbours, looks and
 * years are compared with are the latest the person rated. Pure.
 */
#ifndef RECOMMENDER_FEATURES_H
#define RECOMMENDER_FEATURES_H

#include "recommender/candidates.h"

enum feature {
    FEATURE_BASE,            /* score of the towers */
    FEATURE_BASE_Z,          /* the same in standard deviations over the list */
    FEATURE_BASE_RANK,       /* -log(place in the source's list); past its end if not there */
    FEATURE_BASE_RECENT,     /* score of the towers for the last few films alone */
    FEATURE_SIMILAR,         /* cosine times prior, see content.h */
    FEATURE_SIMILAR_Z,       /* as for base */
    FEATURE_SIMILAR_RANK,    /* as for base */
    FEATURE_POPULAR_RANK,    /* as for base */
    FEATURE_FAME,            /* log number of ratings */
    FEATURE_FRESH,           /* log sum of their age weights */
    FEATURE_STARS,           /* damped mean rating */
    FEATURE_TOGETHER_1,      /* weight as neighbour (neighbours.h) of the last film, */
    FEATURE_TOGETHER_5,      /* of the last five, */
    FEATURE_TOGETHER_ALL,    /* of the last twenty, fading */
    FEATURE_FOLLOWS_1,       /* weight as follower of the last film */
    FEATURE_FOLLOWS_5,       /* and of the last five */
    FEATURE_ROOT_TOGETHER_1, /* the roots of these five: most weights are small */
    FEATURE_ROOT_TOGETHER_5,
    FEATURE_ROOT_TOGETHER_ALL,
    FEATURE_ROOT_FOLLOWS_1,
    FEATURE_ROOT_FOLLOWS_5,
    FEATURE_LOOKS_1,         /* cosine of the content to the last film */
    FEATURE_LOOKS_5,         /* and its sum over the last five */
    FEATURE_YEAR_GAP,        /* decades between the film and the mean of the last twenty */
    FEATURE_YEAR_NEWER,      /* the same if the film is newer, else 0 */
    FEATURE_BASE_ACTIVE,     /* times log number of films rated: standardised base score, */
    FEATURE_FAME_ACTIVE,     /* fame, */
    FEATURE_TOGETHER_ACTIVE, /* root of together, */
    FEATURE_STARS_ACTIVE,    /* and stars */
    FEATURE_FAME_GAP,        /* difference of fame from the mean of the last twenty */
    FEATURE_COUNT
};

struct feature_rows {
    int count;
    int32_t item[CANDIDATES_MAX];
    enum source source[CANDIDATES_MAX]; /* that ranked it best; of several the first */
    float value[CANDIDATES_MAX * FEATURE_COUNT];
};

/* row_of [films] is scratch memory, -1 all over before and after. */
void features_of(const struct query *query, const struct candidates *candidates, int16_t *row_of,
                 struct feature_rows *rows);

#endif
