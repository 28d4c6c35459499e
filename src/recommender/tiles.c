#include "recommender/tiles.h"

#include "base/mem.h"
#include "numeric/versions.h"

#include <assert.h>
#include <string.h>

void tiles_init(struct tiles *tiles, const float *rows, const int32_t *order, int32_t films,
                int components)
{
    size_t k = (size_t)components;
    size_t count = ((size_t)films + TILE_FILMS - 1) / TILE_FILMS;
    tiles->films = films;
    tiles->components = components;
    tiles->value = mem_zalloc(count * k * TILE_FILMS + 1, sizeof *tiles->value);
    for (size_t i = 0; i < (size_t)films; i++) {
        const float *row = rows + (order != NULL ? (size_t)order[i] : i) * k;
        float *tile = tiles->value + i / TILE_FILMS * k * TILE_FILMS;
        for (size_t c = 0; c < k; c++) {
            tile[c * TILE_FILMS + i % TILE_FILMS] = row[c];
        }
    }
}

void tiles_deinit(struct tiles *tiles)
{
    mem_free(tiles->value);
}

VECTOR_VERSIONS
static void score(const float *tile, const float *vector, int components, int32_t count,
                  float *scores)
{
    for (int32_t done = 0; done < count; done += TILE_FILMS) {
        float sum[TILE_FILMS] = {0};
        for (int c = 0; c < components; c++, tile += TILE_FILMS) {
            float scale = vector[c];
            for (int i = 0; i < TILE_FILMS; i++) {
                sum[i] += scale * tile[i];
            }
        }
        memcpy(scores + done, sum, sizeof sum);
    }
}

void tiles_score(const struct tiles *tiles, const float *vector, int32_t first, int32_t count,
                 float *scores)
{
    assert(first >= 0 && first % TILE_FILMS == 0 && count <= tiles->films - first);
    size_t offset = (size_t)first * (size_t)tiles->components;
    score(tiles->value + offset, vector, tiles->components, count, scores);
}
