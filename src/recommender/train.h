/*
 * From a corpus to a model: the three sources, what the ranker knows of films and people, and the
 * ranker, learned from choices that everything else had not seen. Reads no clock and does no I/O;
 * the caller stamps the model.
 */
#ifndef RECOMMENDER_TRAIN_H
#define RECOMMENDER_TRAIN_H

#include "base/parallel.h"
#include "recommender/model.h"
#include "recommender/towers.h"

#include <stdbool.h>

struct train_config {
    int factors;                         /* of the towers: a multiple of 8, 8 to 64 */
    double half_life_s;                  /* of a rating, from the newest rating; 0 = no ageing */
    double popular_half_life_s;          /* the same for the source "popular" */
    const struct embeddings *embeddings; /* of films, borrowed; NULL = the built-in ones */
    struct towers_config towers;         /* the rest of it; the fields named here come from here */
    int lessons_max;                     /* choices the ranker learns from, about */
    int lessons_each;                    /* at most, of one person */
    double ridge;                        /* of the ranker, see ranker.h */
    uint64_t seed;
    struct parallel parallel;
};

struct train_config train_defaults(void);

/* Called on the training thread with the share done, 0 to 1; false stops the training. */
typedef bool train_progress(void *context, double share);

/* Moves `corpus` into the new model (or frees it). `former` (may be NULL) lends its towers, if they
 * have as many factors, and its ranker, unless enough has been rated since to learn one anew.
 * NULL when stopped by `progress` (may be NULL). The result is the same for any number of
 * threads. */
struct model *train_model(const struct train_config *config, struct corpus *corpus,
                          const struct model *former, train_progress *progress, void *context);

#endif
