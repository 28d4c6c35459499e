/*
 * What the ranker reads of a candidate: one row of numbers for each film proposed by any source.
 * Pure.
 */
#ifndef RECOMMENDER_FEATURES_H
#define RECOMMENDER_FEATURES_H

#include "recommender/candidates.h"

enum feature {
    FEATURE_BASE,        /* score of the towers */
    FEATURE_BASE_Z,      /* the same in standard deviations over the list */
    FEATURE_BASE_RANK,   /* -log(rank), the same for all that base did not propose */
    FEATURE_BASE_RECENT, /* score of the towers for the last few events alone */
    FEATURE_SIMILAR,
    FEATURE_SIMILAR_Z,
    FEATURE_SIMILAR_RANK,
    FEATURE_POPULAR_RANK,
    FEATURE_FAME,
    FEATURE_FRESH,
    FEATURE_STARS,
    FEATURE_TOGETHER_1,
    FEATURE_TOGETHER_5,
    FEATURE_TOGETHER_30,
    FEATURE_FOLLOWS_1,
    FEATURE_FOLLOWS_5,
    FEATURE_ROOT_TOGETHER_1,
    FEATURE_ROOT_TOGETHER_5,
    FEATURE_ROOT_TOGETHER_30,
    FEATURE_ROOT_FOLLOWS_1,
    FEATURE_ROOT_FOLLOWS_5,
    FEATURE_LOOKS_1, /* cosine of the content to the last film */
    FEATURE_LOOKS_5,
    FEATURE_YEAR_GAP, /* decades between the film and the person's recent films */
    FEATURE_YEAR_NEWER,
    FEATURE_BASE_ACTIVE, /* interactions with log activity */
    FEATURE_FAME_ACTIVE,
    FEATURE_TOGETHER_ACTIVE,
    FEATURE_STARS_ACTIVE,
    FEATURE_FAME_TASTE, /* |fame - mean fame of the recent films| */
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
