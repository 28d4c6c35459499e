#include "recommender/recommend.h"

#include "base/mem.h"
#include "recommender/sources.h"

#include <assert.h>

struct recommend_scratch {
    struct ranker_input input;
    uint64_t seen[];
};

struct recommend_scratch *recommend_scratch_new(const struct model *model)
{
    return mem_try_alloc(sizeof(struct recommend_scratch) +
                         sources_seen_words(model) * sizeof(uint64_t));
}

void recommend_scratch_free(struct recommend_scratch *scratch)
{
    mem_free(scratch);
}

const struct ranker_input *recommend_candidates(const struct model *model, int32_t user_id,
                                                const struct posted_rating *posted,
                                                size_t posted_count,
                                                struct recommend_scratch *scratch)
{
    static int (*const propose[SOURCE_COUNT])(const struct source_query *, int,
                                              struct candidate *) = {source_base, source_similar,
                                                                     source_popular};
    struct source_query query;
    sources_prepare(&query, model, user_id, posted, posted_count, scratch->seen);
    for (int s = 0; s < SOURCE_COUNT; s++) {
        scratch->input.count[s] = propose[s](&query, RANKER_CANDIDATES_MAX, scratch->input.list[s]);
    }
    return &scratch->input;
}

int recommend_list(const struct model *model, int32_t user_id, const struct posted_rating *posted,
                   size_t posted_count, int n, struct recommend_scratch *scratch,
                   struct ranker_place *out)
{
    assert(n >= 1 && n <= RECOMMEND_LENGTH_MAX);
    recommend_candidates(model, user_id, posted, posted_count, scratch);
    return ranker_merge(model->claim, &scratch->input, n, out);
}
