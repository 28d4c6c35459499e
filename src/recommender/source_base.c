/*
 * Scoring every film for one person is the dearest step of a list, films x factors multiplications,
 * yet some ten microseconds for ten thousand films (tiles.h). An index for approximate search would
 * pay off only from some hundred thousand films on. Blocks keep the scores in the first-level
 * cache.
 */
#include "recommender/sources.h"

#include "recommender/topk.h"

#define BLOCK_FILMS (16 * TILE_FILMS)

int source_base(const struct source_query *query, int max, struct candidate *out)
{
    const struct model *model = query->model;
    if (query->user < 0) {
        return 0;
    }
    const float *user = model->user_factor + (size_t)query->user * (size_t)model->factors;
    int32_t items = model->corpus.catalogue.count;
    /* A score of 0 or less says that the model knows nothing in favour of the film. */
    struct topk top = {.best = out, .max = max, .floor = 0};
    float scores[BLOCK_FILMS];
    for (int32_t first = 0; first < items; first += BLOCK_FILMS) {
        int32_t count = items - first < BLOCK_FILMS ? items - first : BLOCK_FILMS;
        tiles_score(&model->item_tiles, user, first, count, scores);
        for (int32_t i = 0; i < count; i++) {
            if (scores[i] > top.floor && !source_seen(query, first + i)) {
                topk_enter(&top, first + i, scores[i]);
            }
        }
    }
    return top.count;
}
