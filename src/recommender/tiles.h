/*
 * A matrix of films laid out for scoring all of them against one vector. Films are grouped into
 * tiles of TILE_FILMS; inside a tile the numbers lie component by component, so that scoring a tile
 * is `components` scaled additions of neighbouring numbers, with all sums in registers, and the
 * whole matrix is read once, front to back. Reading it is what costs most, so numbers are kept in
 * 16 bits: a component's largest magnitude is 32767 units, and a number is off by half a unit at
 * most. The order of every sum is fixed, so results do not depend on the vector width. Pure.
 */
#ifndef RECOMMENDER_TILES_H
#define RECOMMENDER_TILES_H

#include <stdint.h>

#define TILE_FILMS 64

struct tiles {
    int32_t films;
    int components;
    int16_t *value; /* [tile][component][TILE_FILMS]; missing films of the last tile are 0 */
    float *unit;    /* [components], what 1 of `value` stands for; 0 if all of it is 0 */
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
