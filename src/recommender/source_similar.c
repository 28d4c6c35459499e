/*
 * Genres alone would propose any obscure film of the right kind, so the cosine is multiplied by the
 * film's prior, and only the films of highest prior (the pool) are looked at.
 */
#include "recommender/sources.h"

#include "recommender/topk.h"

#include <math.h>

int source_similar(const struct source_query *query, int max, struct candidate *out)
{
    const struct model *model = query->model;
    float unit[MODEL_GENRES], norm = 0;
    for (int g = 0; g < MODEL_GENRES; g++) {
        norm += query->liking[g] * query->liking[g];
    }
    if (!(norm > 0)) {
        return 0;
    }
    for (int g = 0; g < MODEL_GENRES; g++) {
        unit[g] = query->liking[g] / sqrtf(norm);
    }
    struct topk top = {.best = out, .max = max, .floor = 0};
    float cosines[MODEL_POOL_MAX];
    tiles_score(&model->pool_genre, unit, 0, model->pool_count, cosines);
    for (int32_t p = 0; p < model->pool_count; p++) {
        float score = cosines[p] * model->prior[model->pool[p]];
        if (score > top.floor && !source_seen(query, model->pool[p])) {
            topk_enter(&top, model->pool[p], score);
        }
    }
    return top.count;
}
