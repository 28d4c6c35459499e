/*
 * A trained model of the bundled recommender, kept beside the past it was trained on, so that later
 * drills of the same people start in seconds. An entry belongs to one past as it was written, one
 * seed and one build of the program. It appears by rename; of several drills that want it one
 * trains and the others wait. A drill works on a copy of its own, which its retraining may replace.
 * Main thread only.
 */
#ifndef DRILL_MODEL_CACHE_H
#define DRILL_MODEL_CACHE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct model_cache { /* one drill's claim on an entry */
    char entry[700];
    int lock_fd; /* -1: nobody waits for us */
    bool found;  /* the model was there */
};

/* Puts the model trained on the past into `model_path` if the cache has one, waiting for a drill
 * that is training it. If not, the caller is to train: model_cache_keep, then model_cache_release.
 * A cache that cannot be used is no error: the drill trains. */
void model_cache_claim(struct model_cache *cache, const char *past_folder, uint64_t seed,
                       const char *model_path, bool (*interrupted)(int64_t timeout_ns));
/* Keeps the model in `model_path`, unless it came from the cache. */
void model_cache_keep(const struct model_cache *cache, const char *model_path);
void model_cache_release(struct model_cache *cache); /* lets others go on; more than once is fine */

#endif
