#include "recommender/candidates.h"

static const int each_max[SOURCE_COUNT] = {CANDIDATES_EACH_MAX, CANDIDATES_EACH_MAX, 50};

static int ask(struct candidates *candidates, const struct query *query, enum source source)
{
    struct candidate *list = candidates->list[source];
    const struct model *model = query->model;
    switch (source) {
    case SOURCE_BASE:
        towers_user(&model->retrieval.towers, query->events, (size_t)query->count,
                    candidates->base);
        /* Of somebody without a history the towers know no more than what is popular. */
        return query->count == 0 ? 0
                                 : retrieval_candidates(&model->retrieval, candidates->base,
                                                        query->seen, each_max[source], list);
    case SOURCE_SIMILAR:
        content_taste(&model->content, query->events, (size_t)query->count, &candidates->similar);
        return content_candidates(&model->content, &candidates->similar, query->seen,
                                  each_max[source], list);
    default:
        return trending_candidates(&model->trending, query->seen, each_max[source], list);
    }
}

void candidates_ask(struct candidates *candidates, const struct query *query, enum source source)
{
    candidates->count[source] = ask(candidates, query, source);
}
