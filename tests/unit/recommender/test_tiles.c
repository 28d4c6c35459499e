#include "recommender/tiles.h"

#include "base/mem.h"
#include "base/rng.h"
#include "recommender/topk.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

Test(tiles, scores_are_the_dot_products)
{
    static const int32_t sizes[] = {1, 63, 64, 65, 1000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int32_t films = sizes[s];
        int k = 24;
        float *rows = mem_array((size_t)films * (size_t)k, sizeof *rows);
        float vector[24];
        float *scores = mem_array((size_t)films + TILE_FILMS, sizeof *scores);
        struct rng rng = rng_stream(1, 2, 3);
        for (int32_t i = 0; i < films * k; i++) {
            rows[i] = (float)rng_normal(&rng);
        }
        for (int c = 0; c < k; c++) {
            vector[c] = (float)rng_normal(&rng);
        }
        struct tiles tiles;
        tiles_init(&tiles, rows, NULL, films, k);
        tiles_score(&tiles, vector, 0, films, scores);
        for (int32_t i = 0; i < films; i++) {
            double wanted = 0, off = 1e-5;
            for (int c = 0; c < k; c++) {
                wanted += (double)vector[c] * (double)rows[i * k + c];
                off += fabs((double)vector[c] * (double)rows[i * k + c]) / 256;
            }
            cr_expect(fabs((double)scores[i] - wanted) < off, "film %d of %d", i, films);
        }
        tiles_deinit(&tiles);
        mem_free(rows);
        mem_free(scores);
    }
}

Test(tiles, numbers_of_any_size_are_kept_to_a_part_of_themselves)
{
    static const float rows[] = {1000,  -1e-3F,  0,       1,           -FLT_MAX, FLT_MIN,
                                 1e30F, 65504.F, -7.125F, 0.99999994F, FLT_MAX,  -1e-30F};
    enum { COUNT = sizeof rows / sizeof rows[0] };
    const float one = 1;
    float scores[TILE_FILMS];
    struct tiles tiles;
    tiles_init(&tiles, rows, NULL, COUNT, 1);
    tiles_score(&tiles, &one, 0, COUNT, scores);
    for (int i = 0; i < COUNT; i++) {
        float off = fabsf(rows[i]) / 256;
        cr_expect(isfinite(scores[i]) && fabsf(scores[i] - rows[i]) <= off, "%g is kept as %g",
                  (double)rows[i], (double)scores[i]);
    }
    for (int i = COUNT; i < TILE_FILMS; i++) {
        cr_expect_eq(scores[i], 0, "beyond the last film");
    }
    tiles_deinit(&tiles);
}

Test(tiles, an_order_names_the_rows)
{
    const float rows[3] = {1, 2, 3};
    const int32_t order[2] = {2, 0};
    const float one = 1;
    float scores[TILE_FILMS];
    struct tiles tiles;
    tiles_init(&tiles, rows, order, 2, 1);
    tiles_score(&tiles, &one, 0, 2, scores);
    cr_expect(fabsf(scores[0] - 3) < 1e-4f && fabsf(scores[1] - 1) < 1e-4f);
    tiles_deinit(&tiles);
}

Test(tiles, topk_keeps_the_best_in_order_and_the_first_of_equals)
{
    static const float scores[] = {1, 5, 3, 5, 2, 4, 0, -1};
    struct candidate best[3];
    struct topk top = {.best = best, .max = 3, .floor = 0};
    for (int32_t i = 0; i < 8; i++) {
        if (scores[i] > top.floor) {
            topk_enter(&top, i, scores[i]);
        }
    }
    cr_assert(top.count == 3);
    cr_expect(best[0].item == 1 && best[1].item == 3 && best[2].item == 5);
    cr_expect(top.floor == 4);
}
