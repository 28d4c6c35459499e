/*
 * Scoring the pool is the dearest step of a list, films x components multiplications, yet some
 * tens of microseconds (tiles.h). An index for approximate search would pay off only from some
 * hundred thousand films on. Blocks keep the scores in the first-level cache.
 */
#include "recommender/retrieval.h"

#include "base/mem.h"
#include "recommender/topk.h"

#include <math.h>
#include <string.h>

#define BLOCK_FILMS (8 * TILE_FILMS)

void retrieval_arrange(struct retrieval *retrieval, const int32_t *by_rank)
{
    const struct towers *towers = &retrieval->towers;
    int32_t count = towers->films < RETRIEVAL_POOL_MAX ? towers->films : RETRIEVAL_POOL_MAX;
    retrieval->pool_count = count;
    retrieval->pool = mem_array((size_t)count + 1, sizeof *retrieval->pool);
    memcpy(retrieval->pool, by_rank, (size_t)count * sizeof *retrieval->pool);
    tiles_init(&retrieval->tiles, towers->item, retrieval->pool, count, towers->components);
}

void retrieval_deinit(struct retrieval *retrieval)
{
    towers_deinit(&retrieval->towers);
    mem_free(retrieval->pool);
    tiles_deinit(&retrieval->tiles);
}

int retrieval_candidates(const struct retrieval *retrieval, const float *vector,
                         const uint64_t *seen, int max, struct candidate *out)
{
    struct topk top = {.best = out, .max = max, .floor = -INFINITY};
    float scores[BLOCK_FILMS];
    for (int32_t first = 0; first < retrieval->pool_count; first += BLOCK_FILMS) {
        int32_t left = retrieval->pool_count - first;
        int32_t count = left < BLOCK_FILMS ? left : BLOCK_FILMS;
        tiles_score(&retrieval->tiles, vector, first, count, scores);
        for (int32_t i = 0; i < count; i++) {
            int32_t item = retrieval->pool[first + i];
            if (scores[i] > top.floor && !seen_has(seen, item)) {
                topk_enter(&top, item, scores[i]);
            }
        }
    }
    return top.count;
}
