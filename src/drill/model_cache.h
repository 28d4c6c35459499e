/*
 * A trained model of the bundled recommender, kept beside the past it was trained on, so that later
 * drills of the same people start in seconds. An entry belongs to one past as it was written, one
 * seed and one build of the program. It appears by rename, so two drills may fill it at once; a
 * drill works on a copy of its own, which its retraining may replace. Main thread only.
 */
#ifndef DRILL_MODEL_CACHE_H
#define DRILL_MODEL_CACHE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Puts the model trained on the past into `model_path` if the cache has one. */
bool model_cache_fetch(const char *past_folder, uint64_t seed, const char *model_path);
/* Keeps the model in `model_path`, which was trained on the past. A cache that cannot be written is
 * no error: the next drill trains again. */
void model_cache_keep(const char *past_folder, uint64_t seed, const char *model_path);

#endif
