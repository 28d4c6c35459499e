/*
 * What a source proposes when it is broken on purpose: nothing, or films drawn at random among
 * those the person has not seen, under the scores of those it would have proposed. Pure.
 */
#ifndef RECOMMENDER_SOURCE_BROKEN_H
#define RECOMMENDER_SOURCE_BROKEN_H

#include "recommender/query.h"

enum source_state { SOURCE_WHOLE, SOURCE_EMPTY, SOURCE_RANDOM };

struct source_states {
    enum source_state of[SOURCE_COUNT];
    uint64_t seed; /* of what is drawn */
};

/* Changes the `count` candidates that `source` proposed; returns how many there are now. */
int source_broken(const struct query *query, const struct source_states *states, enum source source,
                  struct candidate *list, int count);
/* A person's vector turned into one of the same length that says nothing of them: whoever scores by
 * what a random base knows must not know better than it. */
void source_broken_vector(const struct source_states *states, int32_t user_id, float *vector,
                          int components);

#endif
