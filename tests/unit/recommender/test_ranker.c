#include "recommender/ranker.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const float even_claims[SOURCE_COUNT] = {1, 1, 1};

static void propose(struct ranker_input *input, enum source source, int32_t item, float score)
{
    input->list[source][input->count[source]++] = (struct candidate){item, score};
}

Test(ranker, base_orders_the_list_of_whoever_it_knows)
{
    struct ranker_input input = {0};
    struct ranker_place places[3];
    propose(&input, SOURCE_BASE, 1, 9);
    propose(&input, SOURCE_BASE, 2, 8);
    propose(&input, SOURCE_BASE, 3, 7);
    propose(&input, SOURCE_BASE, 4, 1);
    propose(&input, SOURCE_POPULAR, 50, 1000);
    propose(&input, SOURCE_POPULAR, 51, 10);
    cr_assert(ranker_merge(even_claims, &input, 3, places) == 3);
    for (int p = 0; p < 3; p++) {
        cr_expect(places[p].item == p + 1, "place %d", p);
        cr_expect(places[p].source == SOURCE_BASE, "place %d", p);
    }
}

Test(ranker, scales_of_the_sources_do_not_matter)
{
    struct ranker_input input = {0}, scaled = {0};
    struct ranker_place places[4], again[4];
    for (int c = 0; c < 4; c++) {
        propose(&input, SOURCE_BASE, c, (float)(16 - c * c));
        propose(&input, SOURCE_SIMILAR, 6 - c, (float)(16 - c));
        propose(&scaled, SOURCE_BASE, c, 1e-3f * (float)(16 - c * c));
        propose(&scaled, SOURCE_SIMILAR, 6 - c, 1e3f * (float)(16 - c));
    }
    ranker_merge(even_claims, &input, 4, places);
    ranker_merge(even_claims, &scaled, 4, again);
    for (int p = 0; p < 4; p++) {
        cr_expect(places[p].item == again[p].item && places[p].source == again[p].source, "%d", p);
    }
}

Test(ranker, a_film_counts_for_the_source_with_the_largest_claim)
{
    struct ranker_input input = {0};
    struct ranker_place places[3];
    propose(&input, SOURCE_BASE, 1, 10);
    propose(&input, SOURCE_BASE, 2, 6);
    propose(&input, SOURCE_BASE, 3, 0);
    propose(&input, SOURCE_SIMILAR, 2, 10);
    propose(&input, SOURCE_SIMILAR, 1, 0);
    const float claims[2][SOURCE_COUNT] = {{1, 1, 1}, {1, 0.5f, 1}};
    const enum source wanted[2] = {SOURCE_SIMILAR, SOURCE_BASE};
    for (int row = 0; row < 2; row++) {
        cr_assert(ranker_merge(claims[row], &input, 3, places) == 3);
        cr_expect(places[0].item == 1 && places[0].source == SOURCE_BASE);
        cr_expect(places[1].item == 2 && places[1].source == wanted[row], "row %d", row);
    }
}

Test(ranker, no_film_stands_twice_and_scores_fall)
{
    struct ranker_input input = {0};
    struct ranker_place places[RANKER_CANDIDATES_MAX];
    for (int s = 0; s < SOURCE_COUNT; s++) {
        for (int c = 0; c < RANKER_CANDIDATES_MAX; c++) {
            propose(&input, (enum source)s, 512 * (c * (s + 1) % 80), (float)(100 - c));
        }
    }
    int count = ranker_merge(even_claims, &input, 50, places);
    cr_assert(count == 50);
    for (int p = 0; p < count; p++) {
        cr_expect(p == 0 || places[p - 1].score >= places[p].score);
        for (int q = 0; q < p; q++) {
            cr_assert(places[p].item != places[q].item, "film %d twice", places[p].item);
        }
    }
}

Test(ranker, without_candidates_there_is_no_list)
{
    struct ranker_input input = {0};
    struct ranker_place places[3];
    float claim[SOURCE_COUNT];
    double share[SOURCE_COUNT];
    cr_expect(ranker_merge(even_claims, &input, 3, places) == 0);
    ranker_calibrate(&input, 1, 3, claim, share);
    cr_expect(share[SOURCE_BASE] + share[SOURCE_SIMILAR] + share[SOURCE_POPULAR] == 0);
    cr_expect(isfinite(claim[SOURCE_SIMILAR]) && isfinite(claim[SOURCE_POPULAR]));
}
