#include "recommender/tiles.h"

#include "base/mem.h"
#include "numeric/versions.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const float *row_of(const struct tiles *tiles, const float *rows, const int32_t *order,
                           int32_t film)
{
    size_t row = (size_t)(order != NULL ? order[film] : film);
    return rows + row * (size_t)tiles->components;
}

static float largest(const struct tiles *tiles, const float *rows, const int32_t *order,
                     int component)
{
    float most = 0;
    for (int32_t i = 0; i < tiles->films; i++) {
        most = fmaxf(most, fabsf(row_of(tiles, rows, order, i)[component]));
    }
    return most;
}

void tiles_init(struct tiles *tiles, const float *rows, const int32_t *order, int32_t films,
                int components)
{
    size_t k = (size_t)components;
    size_t count = ((size_t)films + TILE_FILMS - 1) / TILE_FILMS;
    *tiles = (struct tiles){.films = films, .components = components};
    tiles->value = mem_zalloc(count * k * TILE_FILMS + 1, sizeof *tiles->value);
    tiles->unit = mem_zalloc(k + 1, sizeof *tiles->unit);
    for (int c = 0; c < components; c++) {
        float unit = largest(tiles, rows, order, c) / INT16_MAX;
        int16_t *value = tiles->value + c * TILE_FILMS;
        tiles->unit[c] = unit;
        for (int32_t i = 0; i < films && unit > 0; i++) {
            size_t tile = (size_t)(i / TILE_FILMS) * k * TILE_FILMS;
            float units = roundf(row_of(tiles, rows, order, i)[c] / unit);
            value[tile + (size_t)(i % TILE_FILMS)] =
                (int16_t)fminf(fmaxf(units, -INT16_MAX), INT16_MAX);
        }
    }
}

void tiles_deinit(struct tiles *tiles)
{
    mem_free(tiles->value);
    mem_free(tiles->unit);
}

VECTOR_VERSIONS
static void score(const int16_t *tile, const float *unit, const float *vector, int components,
                  int32_t count, float *scores)
{
    for (int32_t done = 0; done < count; done += TILE_FILMS) {
        float sum[TILE_FILMS] = {0};
        for (int c = 0; c < components; c++, tile += TILE_FILMS) {
            float scale = vector[c] * unit[c];
            for (int i = 0; i < TILE_FILMS; i++) {
                sum[i] += scale * (float)tile[i];
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
    score(tiles->value + offset, tiles->unit, vector, tiles->components, count, scores);
}
