/*
 * What rating to expect: mean + bias of the person + bias of the film, each bias shrunk towards 0
 * by a ridge (numeric/biasmf.h has the same model with factors on top, which add next to nothing
 * for a rating of a film that was recommended). Ageless: how people use the scale hardly drifts.
 * Pure.
 */
#ifndef RECOMMENDER_OPINIONS_H
#define RECOMMENDER_OPINIONS_H

#include "movielens/ratings.h"

#include <stdint.h>

struct opinions {
    double mean;      /* stars */
    float *user_bias; /* [users] of the corpus */
    float *item_bias; /* [items] */
};

void opinions_train(struct opinions *out, const struct ratings *ratings);
void opinions_deinit(struct opinions *opinions); /* a zeroed struct is a valid empty one */

/* A person's bias while it is being found; zeroed for somebody without a rating. */
struct opinions_bias {
    double rest, count; /* stars above expectation, and of how many ratings */
};
/* Sets it to that of a person of the corpus, who has `count` ratings there. */
void opinions_known(const struct opinions *opinions, int32_t user, int64_t count,
                    struct opinions_bias *bias);
void opinions_add(const struct opinions *opinions, int32_t item, uint8_t half_stars,
                  struct opinions_bias *bias);

/* 0.5 to 5.0. */
double opinions_stars(const struct opinions *opinions, const struct opinions_bias *bias,
                      int32_t item);

#endif
