/*
 * Two films share a word: shifting it left makes a float of the lower half, and clearing the lower
 * half leaves the upper one, so sixteen numbers become floats in two instructions. Rejected: whole
 * floats (twice the memory, more than a core's own cache holds of ten thousand films) and integers
 * of 16 bits (converting them to floats costs more than the products).
 */
#include "recommender/tiles.h"

#include "base/mem.h"
#include "numeric/versions.h"

#include <assert.h>
#include <string.h>

enum { HALF = TILE_FILMS / 2, WIDE = 16, SUMS = HALF / WIDE, LINE_BYTES = 64 };

/* As many numbers as the widest register holds; with narrower ones the compiler takes several. */
typedef float wide_floats __attribute__((vector_size(4 * WIDE)));
typedef uint32_t wide_words __attribute__((vector_size(4 * WIDE)));

/* The upper half of a float, rounded to the nearest; the magnitude never rounds to infinity. */
static uint32_t upper_half(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint32_t rounded = (bits + 0x8000) >> 16;
    return (rounded & 0x7f80) == 0x7f80 ? bits >> 16 : rounded;
}

void tiles_init(struct tiles *tiles, const float *rows, const int32_t *order, int32_t films,
                int components)
{
    size_t k = (size_t)components;
    size_t count = ((size_t)films + TILE_FILMS - 1) / TILE_FILMS;
    *tiles = (struct tiles){.films = films, .components = components};
    tiles->memory = mem_zalloc(count * k * HALF * sizeof *tiles->word + LINE_BYTES, 1);
    tiles->word =
        (uint32_t *)(((uintptr_t)tiles->memory + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES);
    for (int32_t i = 0; i < films; i++) {
        const float *row = rows + (size_t)(order != NULL ? order[i] : i) * k;
        uint32_t *word = tiles->word + (size_t)(i / TILE_FILMS) * k * HALF + i % HALF;
        unsigned shift = i % TILE_FILMS < HALF ? 0 : 16;
        for (size_t c = 0; c < k; c++) {
            word[c * HALF] |= upper_half(row[c]) << shift;
        }
    }
}

void tiles_deinit(struct tiles *tiles)
{
    mem_free(tiles->memory);
}

WIDE_VECTOR_VERSIONS
static void score(const uint32_t *word, const float *vector, int components, int32_t count,
                  float *scores)
{
    for (int32_t done = 0; done < count; done += TILE_FILMS) {
        wide_floats low[SUMS] = {{0}}, high[SUMS] = {{0}};
        for (int c = 0; c < components; c++, word += HALF) {
            for (int s = 0; s < SUMS; s++) {
                wide_words words;
                memcpy(&words, word + s * WIDE, sizeof words);
                low[s] += vector[c] * (wide_floats)(words << 16);
                high[s] += vector[c] * (wide_floats)(words & 0xffff0000);
            }
        }
        memcpy(scores + done, low, sizeof low);
        memcpy(scores + done + HALF, high, sizeof high);
    }
}

void tiles_score(const struct tiles *tiles, const float *vector, int32_t first, int32_t count,
                 float *scores)
{
    assert(first >= 0 && first % TILE_FILMS == 0 && count <= tiles->films - first);
    size_t offset = (size_t)(first / TILE_FILMS) * (size_t)tiles->components * HALF;
    score(tiles->word + offset, vector, tiles->components, count, scores);
}
