/*
 * One list for one person: what they have seen, candidates of every source, one ranking. Pure; a
 * scratch serves one call at a time.
 */
#ifndef RECOMMENDER_RECOMMEND_H
#define RECOMMENDER_RECOMMEND_H

#include "recommender/candidates.h"
#include "recommender/source_broken.h"

#define RECOMMEND_LENGTH_MAX 50

/* A place of a list. A film counts for the source that ranked it best; of sources that ranked it
 * alike, for the first in the order of enum source. */
struct ranker_place {
    int32_t item;
    float score;
    enum source source;
};

/* The stages of a list: reading the person's history belongs to the first. */
enum recommend_stage { STAGE_BASE, STAGE_SIMILAR, STAGE_POPULAR, STAGE_RANKING, STAGE_COUNT };

/* Memory for lists of `model`; NULL if exhausted. */
struct recommend_scratch;
struct recommend_scratch *recommend_scratch_new(const struct model *model);
void recommend_scratch_free(struct recommend_scratch *scratch); /* accepts NULL */

/* Lists made with this scratch are timed by `now_ns`; without it nothing reads a clock. */
void recommend_scratch_clock(struct recommend_scratch *scratch, int64_t (*now_ns)(void));
/* Lists made with this scratch come from sources in these states, until told otherwise; NULL = all
 * whole, as in a new scratch. */
void recommend_scratch_break(struct recommend_scratch *scratch, const struct source_states *states);

/* What the last list made with a scratch took. */
struct recommend_account {
    int candidates[SOURCE_COUNT];
    bool without_history;          /* nothing the person has rated is known to the model */
    int64_t stage_ns[STAGE_COUNT]; /* 0 without a clock */
};
const struct recommend_account *recommend_account(const struct recommend_scratch *scratch);

/* Asks all sources; the pointer is valid until the next call. */
const struct candidates *recommend_candidates(const struct model *model, int32_t user_id,
                                              const struct posted_rating *posted,
                                              size_t posted_count,
                                              struct recommend_scratch *scratch);

/* Writes at most n <= RECOMMEND_LENGTH_MAX places, best first, and returns how many: fewer than n
 * only when the person has rated nearly everything. */
int recommend_list(const struct model *model, int32_t user_id, const struct posted_rating *posted,
                   size_t posted_count, int n, struct recommend_scratch *scratch,
                   struct ranker_place *out);

#endif
