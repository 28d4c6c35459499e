/*
 * From a corpus to a model: age-weighted factors, item statistics, genre vectors, popularity, and
 * the ranker's blend. Reads no clock and does no I/O; the caller stamps the model.
 */
#ifndef RECOMMENDER_TRAIN_H
#define RECOMMENDER_TRAIN_H

#include "base/parallel.h"
#include "recommender/model.h"

#include <stdbool.h>

struct train_config {
    int factors;                 /* multiple of 8, 8 to 64 */
    double half_life_s;          /* of a rating's weight, from the newest rating; 0 = no ageing */
    int sweeps_cold;             /* of the factorisation, without a former model */
    int sweeps_warm;             /* when starting from a former model's factors */
    float regularisation, alpha; /* see numeric/als.h */
    uint64_t seed;
    struct parallel parallel;
};

struct train_config train_defaults(void);

/* Called on the training thread with the share done, 0 to 1; false stops the training. */
typedef bool train_progress(void *context, double share);

/* Moves `corpus` into the new model (or frees it). `former` (may be NULL) lends its factors for
 * people and films it knows, if it has as many. NULL when stopped by `progress` (may be NULL).
 * The result is the same for any number of threads. */
struct model *train_model(const struct train_config *config, struct corpus *corpus,
                          const struct model *former, train_progress *progress, void *context);

#endif
