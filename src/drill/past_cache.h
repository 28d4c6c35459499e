/*
 * The people's past as folders in MovieLens layout, written once and reused by later drills with
 * the same people. They hold real histories, so they live in a cache, never in the results. A cache
 * entry appears by rename, and whoever wants one that another drill is writing waits for it.
 * Entries are dated relative to the day they were made; after a week they are made anew.
 */
#ifndef DRILL_PAST_CACHE_H
#define DRILL_PAST_CACHE_H

#include "base/error.h"
#include "base/parallel.h"
#include "population/population.h"

#include <stdbool.h>
#include <stdint.h>

struct past_cache_request {
    const struct population *population;
    uint64_t fingerprint, seed;
    const struct drift *drift;    /* bound; NULL = none. The films it withholds are in no past */
    bool later;                   /* the later past under the drift, completed; else the past */
    int32_t films_min, films_max; /* later past only */
    const struct parallel *parallel;
    const char *root; /* NULL = $XDG_CACHE_HOME/driftdrill or ~/.cache/driftdrill */
    bool (*interrupted)(int64_t timeout_ns); /* asked while waiting; NULL = nobody interrupts */
};

/* Writes the folder's path into out; *reused tells whether it was there already. */
enum err past_cache_folder(const struct past_cache_request *request, char *out, size_t size,
                           bool *reused, struct error *error);

#endif
