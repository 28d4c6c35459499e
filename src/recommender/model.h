/*
 * One trained model: everything that answering a list request reads, except what people did since.
 * Immutable once published (publish.h).
 */
#ifndef RECOMMENDER_MODEL_H
#define RECOMMENDER_MODEL_H

#include "recommender/corpus.h"
#include "recommender/source.h"
#include "recommender/tiles.h"

#include <stdint.h>

#define MODEL_GENRES CATALOGUE_GENRES_MAX
#define MODEL_POOL_MAX 2048 /* a multiple of TILE_FILMS */

struct model {
    int version; /* 1, 2, ... in order of training */
    struct corpus corpus;

    /* base: preference of user u for film i is user_factor[u] . item_factor[i] */
    int factors;
    float *user_factor;      /* [users x factors] */
    float *item_factor;      /* [items x factors] */
    struct tiles item_tiles; /* the same numbers, laid out for scoring */
    /* similar: unit genre vectors, and what a film is worth to anybody */
    float *genre;  /* [items x MODEL_GENRES], rare genres count more; zero if it has none */
    float *prior;  /* [items], 0 to 1: damped mean rating times log popularity */
    int32_t *pool; /* [pool_count], the films of highest prior, falling */
    int32_t pool_count;
    struct tiles pool_genre; /* `genre` of the pool, laid out for scoring */
    /* popular */
    float *popularity;      /* [items], sum of the age weights of the film's ratings */
    int32_t *by_popularity; /* [items], falling */

    /* predicted rating = mean_stars + user_bias + item_bias (ridge) */
    double mean_stars;
    float *user_bias, *item_bias; /* [users], [items] */

    float claim[SOURCE_COUNT];         /* of each source on a film, see ranker.h */
    double source_share[SOURCE_COUNT]; /* of list places, over a sample of people; sums to 1 */
    int64_t trained_at_s;              /* seconds since 1970 UTC */
    double training_s;                 /* wall time */
};

/* The caller's. Fields are filled by training. */
struct model *model_new(void);
void model_free(struct model *model); /* accepts NULL */

/* 0.5 to 5.0; an unknown person has bias 0. `item` is an index of the model. */
double model_predict_stars(const struct model *model, int32_t user_id, int32_t item);

#endif
