/*
 * What the three sources propose to one person.
 *
 * base     the films that score highest by the two towers (retrieval.h)
 * similar  the films that resemble what the person rated well (content.h)
 * popular  the films rated most often of late (trending.h)
 *
 * None proposes a film the person has rated. Pure.
 */
#ifndef RECOMMENDER_CANDIDATES_H
#define RECOMMENDER_CANDIDATES_H

#include "recommender/query.h"

#define CANDIDATES_EACH_MAX 100
#define CANDIDATES_MAX (SOURCE_COUNT * CANDIDATES_EACH_MAX)

struct candidates {
    float base[TOWERS_COMPONENTS_MAX]; /* the person's vector */
    struct content_taste similar;
    int count[SOURCE_COUNT];
    struct candidate list[SOURCE_COUNT][CANDIDATES_EACH_MAX]; /* falling scores */
};

/* Asks one source. All must be asked before the ranker is. */
void candidates_ask(struct candidates *candidates, const struct query *query, enum source source);

#endif
