/*
 * The people's past in a folder that a target which runs already sees, too: what lies there is read
 * and must be theirs, what is not there yet is written. It holds real histories, so it is nobody's
 * result. Main thread only.
 */
#ifndef DRILL_PAST_SHARED_H
#define DRILL_PAST_SHARED_H

#include "base/error.h"
#include "base/parallel.h"
#include "population/population.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct past_shared {
    const struct population *population;
    const struct drift *drift; /* bound; NULL = none */
    const struct parallel *parallel;
    const char *folder;
};

/* Writes the past if the folder has no ratings.csv; *written tells. */
enum err past_shared_early(const struct past_shared *shared, bool *written, struct error *error)
    __attribute__((warn_unused_result));
/* Writes the later past, films_min to films_max further films a person, into folder/later. */
enum err past_shared_later(const struct past_shared *shared, int32_t films_min, int32_t films_max,
                           char *out, size_t size, struct error *error)
    __attribute__((warn_unused_result));
/* Whether what was read of the folder (as struct people has it: films of person p from start[p],
 * rising) is the past of these people, by a sample of them: another seed has the same ids and other
 * films. */
bool past_shared_is_theirs(const struct past_shared *shared, const int64_t *start,
                           const int32_t *item);

#endif
