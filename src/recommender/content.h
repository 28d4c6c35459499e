/*
 * Source "similar": films that resemble what a person rated well. Each film has a unit vector, made
 * from its title, genres, year and tags (content_words.h) or given by the user (embeddings.h); the
 * person's taste is the sum of the vectors of the films they rated well, late ones weighing more;
 * a film scores cosine times prior. Constant once made; pure; any thread.
 */
#ifndef RECOMMENDER_CONTENT_H
#define RECOMMENDER_CONTENT_H

#include "base/parallel.h"
#include "recommender/corpus.h"
#include "recommender/embeddings.h"
#include "recommender/event.h"
#include "recommender/source.h"
#include "recommender/tiles.h"

#define CONTENT_DIMS_MAX EMBEDDINGS_DIMS_MAX
#define CONTENT_POOL_MAX 2048 /* a multiple of TILE_FILMS */

struct content {
    int32_t films, without; /* all, those without a vector: never proposed */
    int dims;
    float *vector; /* [films x dims], of length 1 or 0 */
    float *prior;  /* [films], 0 to 1: what a film is worth to anybody */
    /* Made from these by content_arrange. */
    int32_t *pool; /* [pool_count], the films of highest prior that have a vector, falling */
    int32_t pool_count;
    struct tiles pool_tiles; /* vectors of the pool times prior, laid out for scoring */
};

/* `given` (may be NULL) replaces the built-in vectors. half_life_s ages the ratings in the prior
 * (age.h). The same for any number of threads. *out is the caller's (content_deinit). */
void content_train(struct content *out, const struct corpus *corpus, const struct embeddings *given,
                   double half_life_s, const struct parallel *parallel);
/* Makes pool and pool_tiles when films, dims, vector and prior are there; sets `without`. */
void content_arrange(struct content *content);
void content_deinit(struct content *content);

struct content_taste {
    bool known; /* false: no film rated well that has a vector */
    float vector[CONTENT_DIMS_MAX];
};

/* From a history, oldest first. */
void content_taste(const struct content *content, const struct event *history, size_t count,
                   struct content_taste *out);

/* Cosine times prior; 0 for a film without a vector or an unknown taste; may be negative. */
float content_score(const struct content *content, const struct content_taste *taste, int32_t item);

/* At most `max` unseen films with a score above 0, best first; returns how many. */
int content_candidates(const struct content *content, const struct content_taste *taste,
                       const uint64_t *seen, int max, struct candidate *out);

#endif
