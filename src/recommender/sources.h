/*
 * The sources: each proposes the unseen films it thinks best for one person, on its own scale.
 * Pure; any thread, each with its own query.
 *
 * base     dot product of trained factors (nothing for people the model does not know)
 * similar  cosine between the genres of the films the person rated well and those of a film, times
 *          the film's prior (nothing for people without a well-rated film)
 * popular  age-weighted number of ratings, the same for everybody
 */
#ifndef RECOMMENDER_SOURCES_H
#define RECOMMENDER_SOURCES_H

#include "recommender/model.h"

#include <stdbool.h>

/* What the sources know about the person who asks. */
struct source_query {
    const struct model *model;
    int32_t user;               /* index in the model's corpus, -1 if unknown to it */
    uint64_t *seen;             /* bit i = film i is never proposed; [model items / 64 + 1] */
    float liking[MODEL_GENRES]; /* genres of the well-rated films, summed; zero if none */
};

static inline bool source_seen(const struct source_query *query, int32_t item)
{
    return (query->seen[item / 64] >> (item % 64) & 1) != 0;
}

/* Sets user, seen and liking from the corpus and the ratings posted since. `seen` must hold
 * sources_seen_words(model) words. */
void sources_prepare(struct source_query *query, const struct model *model, int32_t user_id,
                     const struct posted_rating *posted, size_t posted_count, uint64_t *seen);
size_t sources_seen_words(const struct model *model);

/* Each writes at most `max` candidates, best first, and returns how many. */
int source_base(const struct source_query *query, int max, struct candidate *out);
int source_similar(const struct source_query *query, int max, struct candidate *out);
int source_popular(const struct source_query *query, int max, struct candidate *out);

#endif
