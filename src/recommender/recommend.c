#include "recommender/recommend.h"

#include "base/mem.h"
#include "recommender/features.h"

#include <assert.h>
#include <string.h>

struct recommend_scratch {
    int64_t (*now_ns)(void); /* NULL = stages are not timed */
    int64_t stage_began_ns;
    struct recommend_account account;
    struct source_states states;
    struct query query;
    struct query_memory memory;
    struct candidates candidates;
    int16_t *row_of;
    struct feature_rows rows;
};

struct recommend_scratch *recommend_scratch_new(const struct model *model)
{
    int32_t films = model->corpus.catalogue.count;
    size_t size = ((size_t)films + 1) * sizeof(int16_t);
    struct recommend_scratch *scratch = mem_try_alloc(sizeof *scratch);
    if (scratch == NULL) {
        return NULL;
    }
    scratch->memory.seen = mem_try_alloc(seen_words(films) * sizeof *scratch->memory.seen);
    scratch->row_of = mem_try_alloc(size);
    if (scratch->memory.seen == NULL || scratch->row_of == NULL) {
        recommend_scratch_free(scratch);
        return NULL;
    }
    memset(scratch->row_of, -1, size);
    scratch->now_ns = NULL;
    scratch->account = (struct recommend_account){0};
    scratch->states = (struct source_states){0};
    return scratch;
}

void recommend_scratch_free(struct recommend_scratch *scratch)
{
    if (scratch != NULL) {
        mem_free(scratch->memory.seen);
        mem_free(scratch->row_of);
        mem_free(scratch);
    }
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

/* A stage begins where the one before it ended. */
static void end_stage(struct recommend_scratch *scratch, enum recommend_stage stage)
{
    if (scratch->now_ns != NULL) {
        int64_t now_ns = scratch->now_ns();
        scratch->account.stage_ns[stage] = now_ns - scratch->stage_began_ns;
        scratch->stage_began_ns = now_ns;
    }
}

const struct candidates *recommend_candidates(const struct model *model, int32_t user_id,
                                              const struct posted_rating *posted,
                                              size_t posted_count,
                                              struct recommend_scratch *scratch)
{
    struct candidates *candidates = &scratch->candidates;
    scratch->stage_began_ns = scratch->now_ns != NULL ? scratch->now_ns() : 0;
    query_of_user(&scratch->query, model, user_id, posted, posted_count, &scratch->memory);
    scratch->account.without_history = scratch->query.activity == 0;
    for (int s = 0; s < SOURCE_COUNT; s++) {
        candidates_ask(candidates, &scratch->query, (enum source)s);
        candidates->count[s] = source_broken(&scratch->query, &scratch->states, (enum source)s,
                                             candidates->list[s], candidates->count[s]);
        scratch->account.candidates[s] = candidates->count[s];
        end_stage(scratch, (enum recommend_stage)s); /* a stage a source, in their order */
    }
    if (scratch->states.of[SOURCE_BASE] == SOURCE_RANDOM) {
        source_broken_vector(&scratch->states, user_id, candidates->base,
                             model->retrieval.towers.components);
    }
    return candidates;
}

/* Places stay sorted by insertion; equal scores keep the order of the rows. */
static int best_of(const struct ranker *ranker, const struct feature_rows *rows, int n,
                   struct ranker_place *out)
{
    float score[CANDIDATES_MAX];
    int placed = 0;
    ranker_score(ranker, rows->value, rows->count, score);
    for (int r = 0; r < rows->count; r++) {
        if (placed == n && !(score[r] > out[n - 1].score)) {
            continue;
        }
        int place = placed < n ? placed++ : n - 1;
        for (; place > 0 && out[place - 1].score < score[r]; place--) {
            out[place] = out[place - 1];
        }
        out[place] = (struct ranker_place){rows->item[r], score[r], rows->source[r]};
    }
    return placed;
}

int recommend_list(const struct model *model, int32_t user_id, const struct posted_rating *posted,
                   size_t posted_count, int n, struct recommend_scratch *scratch,
                   struct ranker_place *out)
{
    assert(n >= 1 && n <= RECOMMEND_LENGTH_MAX);
    recommend_candidates(model, user_id, posted, posted_count, scratch);
    features_of(&scratch->query, &scratch->candidates, scratch->row_of, &scratch->rows);
    int count = best_of(&model->ranker, &scratch->rows, n, out);
    end_stage(scratch, STAGE_RANKING);
    return count;
}
