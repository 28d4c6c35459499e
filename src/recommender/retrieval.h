/*
 * Source "base": the films whose vectors score highest against a person's, by the two towers
 * (towers.h), from the whole catalogue, as far as the shortened numbers of tiles.h tell. Pure.
 */
#ifndef RECOMMENDER_RETRIEVAL_H
#define RECOMMENDER_RETRIEVAL_H

#include "recommender/event.h"
#include "recommender/source.h"
#include "recommender/tiles.h"
#include "recommender/towers.h"

struct retrieval {
    struct towers towers;
    /* Made by retrieval_arrange. */
    int32_t *film; /* [films], in the order of the tiles */
    struct tiles tiles;
    float *longest; /* [tiles] bound of the length of a tile's vectors, without the bias */
    float *bias;    /* [tiles] bound of their biases */
};

/* Makes the rest once the towers are there. by_rank [films] lists all films, those that are likely
 * to score high first: the better the order, the fewer films are scored. */
void retrieval_arrange(struct retrieval *retrieval, const int32_t *by_rank);
void retrieval_deinit(struct retrieval *retrieval); /* a zeroed struct is a valid empty one */

/* At most `max` unseen films, best first; returns how many. vector: towers_user's. */
int retrieval_candidates(const struct retrieval *retrieval, const float *vector,
                         const uint64_t *seen, int max, struct candidate *out);

#endif
