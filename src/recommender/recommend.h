/*
 * One list for one person: what they have seen, candidates of every source, one ranking. Pure; a
 * scratch serves one call at a time.
 */
#ifndef RECOMMENDER_RECOMMEND_H
#define RECOMMENDER_RECOMMEND_H

#include "recommender/model.h"
#include "recommender/ranker.h"

#define RECOMMEND_LENGTH_MAX 50

/* Memory for lists of `model`; NULL if exhausted. */
struct recommend_scratch;
struct recommend_scratch *recommend_scratch_new(const struct model *model);
void recommend_scratch_free(struct recommend_scratch *scratch);

/* Fills scratch's candidates of each source; the pointer is valid until the next call. */
const struct ranker_input *recommend_candidates(const struct model *model, int32_t user_id,
                                                const struct posted_rating *posted,
                                                size_t posted_count,
                                                struct recommend_scratch *scratch);

/* Writes at most n <= RECOMMEND_LENGTH_MAX places, best first, and returns how many: fewer than n
 * only when the person has rated nearly everything. */
int recommend_list(const struct model *model, int32_t user_id, const struct posted_rating *posted,
                   size_t posted_count, int n, struct recommend_scratch *scratch,
                   struct ranker_place *out);

#endif
