/*
 * A matrix of films laid out for scoring all of them against one vector. Films are grouped into
 * tiles of TILE_FILMS; inside a tile the numbers lie component by component, so that scoring a tile
 * is `components` scaled additions of neighbouring numbers, with all sums in registers, and the
 * whole matrix is read once, front to back. Reading it is what costs most, so of each float the
 * upper 16 bits are kept: a number is off by at most 2^-8 of itself. The order of every sum is
 * fixed, so results do not depend on the vector width. Pure.
 */
#ifndef RECOMMENDER_TILES_H
#define RECOMMENDER_TILES_H

#include <stdint.h>

#define TILE_FILMS 64

struct tiles {
    int32_t films;
    int components;
    /* [tile][component][TILE_FILMS / 2]: film i of the tile in the lower, film i + TILE_FILMS / 2
     * in the upper half of word i; missing films of the last tile are 0. */
    uint32_t *word; /* begins at a line of the cache, inside */
    void *memory;
};

/* From rows [films x components]; order (may be NULL) names the row of each film. */
void tiles_init(struct tiles *tiles, const float *rows, const int32_t *order, int32_t films,
                int components);
void tiles_deinit(struct tiles *tiles);

/* scores[i] = vector . film first + i, for count films; first is a multiple of TILE_FILMS, count
 * at most the films left, and scores has room for count rounded up to whole tiles. */
void tiles_score(const struct tiles *tiles, const float *vector, int32_t first, int32_t count,
                 float *scores);

#endif
