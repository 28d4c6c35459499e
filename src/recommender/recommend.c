#include "recommender/recommend.h"

#include "base/mem.h"
#include "recommender/sources.h"

#include <assert.h>

struct recommend_scratch {
    int64_t (*now_ns)(void); /* NULL = stages are not timed */
    int64_t stage_began_ns;
    struct source_states states;
    struct recommend_account account;
    struct ranker_input input;
    uint64_t seen[];
};

struct recommend_scratch *recommend_scratch_new(const struct model *model)
{
    struct recommend_scratch *scratch =
        mem_try_alloc(sizeof *scratch + sources_seen_words(model) * sizeof(uint64_t));
    if (scratch != NULL) {
        scratch->now_ns = NULL;
        scratch->states = (struct source_states){0};
        scratch->account = (struct recommend_account){0};
    }
    return scratch;
}

void recommend_scratch_free(struct recommend_scratch *scratch)
{
    mem_free(scratch);
}

void recommend_scratch_clock(struct recommend_scratch *scratch, int64_t (*now_ns)(void))
{
    scratch->now_ns = now_ns;
}

void recommend_scratch_break(struct recommend_scratch *scratch, const struct source_states *states)
{
    scratch->states = states != NULL ? *states : (struct source_states){0};
}

const struct recommend_account *recommend_account(const struct recommend_scratch *scratch)
{
    return &scratch->account;
}

static void begin_stages(struct recommend_scratch *scratch)
{
    if (scratch->now_ns != NULL) {
        scratch->stage_began_ns = scratch->now_ns();
    }
}

/* A stage begins where the one before it ended. */
static void end_stage(struct recommend_scratch *scratch, enum recommend_stage stage)
{
    if (scratch->now_ns != NULL) {
        int64_t now_ns = scratch->now_ns();
        scratch->account.stage_ns[stage] = now_ns - scratch->stage_began_ns;
        scratch->stage_began_ns = now_ns;
    }
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
    begin_stages(scratch);
    sources_prepare(&query, model, user_id, posted, posted_count, scratch->seen);
    for (int s = 0; s < SOURCE_COUNT; s++) {
        int count = propose[s](&query, RANKER_CANDIDATES_MAX, scratch->input.list[s]);
        scratch->input.count[s] =
            source_broken(&query, &scratch->states, (enum source)s, scratch->input.list[s], count);
        scratch->account.candidates[s] = scratch->input.count[s];
        end_stage(scratch, (enum recommend_stage)s); /* a stage a source, in their order */
    }
    return &scratch->input;
}

int recommend_list(const struct model *model, int32_t user_id, const struct posted_rating *posted,
                   size_t posted_count, int n, struct recommend_scratch *scratch,
                   struct ranker_place *out)
{
    assert(n >= 1 && n <= RECOMMEND_LENGTH_MAX);
    recommend_candidates(model, user_id, posted, posted_count, scratch);
    int count = ranker_merge(model->claim, &scratch->input, n, out);
    end_stage(scratch, STAGE_RANKING);
    return count;
}
