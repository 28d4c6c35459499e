/*
 * Scoring is the dearest step of a list, films x components multiplications, so it is done only
 * where it can matter. By Cauchy and Schwarz no film of a tile scores above
 *     |person| * longest vector of the tile + largest bias of the tile,
 * and a tile whose bound is not above the worst of a full list is passed over. The well-known films
 * come first and fill the list; of the many that few people rated, whose vectors are short and
 * whose biases are low, most tiles are never read. The result is the same as without.
 *
 * Rejected: looking only at the best-known films (the rest of the catalogue could never be
 * proposed), and approximate indexes, which pay off only from some hundred thousand films on.
 */
#include "recommender/retrieval.h"

#include "base/mem.h"
#include "recommender/topk.h"

#include <math.h>
#include <string.h>

/* The tiles' numbers are off by 2^-8 of themselves, and sums are rounded. */
#define ROUNDING (1 + 1.01f / 256)

static void bound_tiles(struct retrieval *retrieval)
{
    const struct towers *towers = &retrieval->towers;
    for (int32_t i = 0; i < towers->films; i++) {
        const float *item = towers->item + (size_t)retrieval->film[i] * (size_t)towers->components;
        int32_t tile = i / TILE_FILMS;
        float square = 0;
        for (int c = 0; c < towers->factors; c++) {
            square += item[c] * item[c];
        }
        float bias = item[towers->factors];
        bias = bias > 0 ? bias * ROUNDING : bias / ROUNDING;
        bool first = i % TILE_FILMS == 0;
        retrieval->longest[tile] = fmaxf(first ? 0 : retrieval->longest[tile], sqrtf(square));
        retrieval->bias[tile] = first ? bias : fmaxf(retrieval->bias[tile], bias);
    }
}

void retrieval_arrange(struct retrieval *retrieval, const int32_t *by_rank)
{
    const struct towers *towers = &retrieval->towers;
    size_t films = (size_t)towers->films, tiles = films / TILE_FILMS + 1;
    retrieval->film = mem_array(films + 1, sizeof *retrieval->film);
    memcpy(retrieval->film, by_rank, films * sizeof *retrieval->film);
    tiles_init(&retrieval->tiles, towers->item, retrieval->film, towers->films, towers->components);
    retrieval->longest = mem_zalloc(tiles, sizeof *retrieval->longest);
    retrieval->bias = mem_zalloc(tiles, sizeof *retrieval->bias);
    bound_tiles(retrieval);
}

void retrieval_deinit(struct retrieval *retrieval)
{
    towers_deinit(&retrieval->towers);
    mem_free(retrieval->film);
    tiles_deinit(&retrieval->tiles);
    mem_free(retrieval->longest);
    mem_free(retrieval->bias);
}

static float length_of(const float *vector, int factors)
{
    float square = 0;
    for (int c = 0; c < factors; c++) {
        square += vector[c] * vector[c];
    }
    return sqrtf(square) * ROUNDING;
}

/* Enters what belongs there of the scored films first ... first + count - 1 of the order. */
static void enter_tile(const struct retrieval *retrieval, int32_t first, int32_t count,
                       const float *scores, const uint64_t *seen, struct topk *top)
{
    for (int32_t group = 0; group < count; group += TOPK_GROUP) {
        int32_t end = group + TOPK_GROUP < count ? group + TOPK_GROUP : count;
        if (!topk_any(scores + group, top->floor)) {
            continue;
        }
        for (int32_t i = group; i < end; i++) {
            int32_t item = retrieval->film[first + i];
            if (scores[i] > top->floor && !seen_has(seen, item)) {
                topk_enter(top, item, scores[i]);
            }
        }
    }
}

int retrieval_candidates(const struct retrieval *retrieval, const float *vector,
                         const uint64_t *seen, int max, struct candidate *out)
{
    struct topk top = {.best = out, .max = max, .floor = -INFINITY};
    float scores[TILE_FILMS], length = length_of(vector, retrieval->towers.factors);
    for (int32_t first = 0; first < retrieval->towers.films; first += TILE_FILMS) {
        int32_t left = retrieval->towers.films - first, tile = first / TILE_FILMS;
        int32_t count = left < TILE_FILMS ? left : TILE_FILMS;
        if (length * retrieval->longest[tile] + retrieval->bias[tile] > top.floor) {
            tiles_score(&retrieval->tiles, vector, first, count, scores);
            enter_tile(retrieval, first, count, scores, seen, &top);
        }
    }
    return top.count;
}
