/*
 * Source "base": the films whose vectors score highest against a person's, by the two towers
 * (towers.h). Pure.
 *
 * Only the films with the most ratings are looked at (the pool): of the others the towers know next
 * to nothing, and the matrix of the pool fits into a core's own cache.
 */
#ifndef RECOMMENDER_RETRIEVAL_H
#define RECOMMENDER_RETRIEVAL_H

#include "recommender/event.h"
#include "recommender/source.h"
#include "recommender/tiles.h"
#include "recommender/towers.h"

#define RETRIEVAL_POOL_MAX 4096 /* a multiple of TILE_FILMS */

struct retrieval {
    struct towers towers;
    /* Made by retrieval_arrange. */
    int32_t *pool; /* [pool_count] */
    int32_t pool_count;
    struct tiles tiles; /* vectors of the pool */
};

/* Makes pool and tiles once the towers are there. by_rank [films] lists all films, those that
 * deserve a place first. */
void retrieval_arrange(struct retrieval *retrieval, const int32_t *by_rank);
void retrieval_deinit(struct retrieval *retrieval); /* a zeroed struct is a valid empty one */

/* At most `max` unseen films, best first; returns how many. vector: towers_user's. */
int retrieval_candidates(const struct retrieval *retrieval, const float *vector,
                         const uint64_t *seen, int max, struct candidate *out);

#endif
