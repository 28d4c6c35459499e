#include "recommender/retrieval.h"

#include "base/mem.h"
#include "base/rng.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { FILMS = 1000, FACTORS = 8, MOST = 40 };

struct world {
    struct retrieval retrieval;
    int32_t by_rank[FILMS];
    uint64_t seen[FILMS / 64 + 1];
};

/* Films of falling bias whose vectors grow shorter; `spread` of them are long all the same. */
static void world_init(struct world *world, uint64_t seed, int spread)
{
    struct rng rng = rng_stream(seed, 0, 0);
    memset(world, 0, sizeof *world);
    towers_init(&world->retrieval.towers, FILMS, FACTORS);
    for (int i = 0; i < FILMS; i++) {
        world->by_rank[i] = (int32_t)(i * 7 % FILMS); /* 7 and 1000 have no common divisor */
    }
    for (int place = 0; place < FILMS; place++) {
        float *item = world->retrieval.towers.item + world->by_rank[place] * (FACTORS + 1);
        float size = rng_below(&rng, FILMS) < (uint32_t)spread ? 1 : 40.0F / (40 + (float)place);
        for (int c = 0; c < FACTORS; c++) {
            item[c] = size * (float)rng_normal(&rng);
        }
        item[FACTORS] = 4.0F - (float)place / 100;
    }
    for (int n = 0; n < 100; n++) {
        seen_mark(world->seen, (int32_t)rng_below(&rng, FILMS));
    }
    retrieval_arrange(&world->retrieval, world->by_rank);
}

/* The same from all scores of the tiles, one by one. */
static int slow_candidates(const struct world *world, const float *vector, struct candidate *out)
{
    float scores[FILMS + TILE_FILMS];
    bool taken[FILMS] = {false};
    tiles_score(&world->retrieval.tiles, vector, 0, FILMS, scores);
    for (int n = 0; n < MOST; n++) {
        int best = -1;
        for (int i = 0; i < FILMS; i++) {
            if (!taken[i] && !seen_has(world->seen, world->retrieval.film[i]) &&
                (best < 0 || scores[i] > scores[best])) {
                best = i;
            }
        }
        taken[best] = true;
        out[n] = (struct candidate){world->retrieval.film[best], scores[best]};
    }
    return MOST;
}

Test(retrieval, passing_tiles_over_changes_nothing)
{
    static struct world world;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct candidate fast[MOST], slow[MOST];
        float vector[FACTORS + 1];
        struct rng rng = rng_stream(seed, 1, 1);
        world_init(&world, seed, (int)seed % 4);
        for (int c = 0; c < FACTORS; c++) {
            vector[c] = (float)rng_normal(&rng);
        }
        vector[FACTORS] = 1;
        cr_assert_eq(retrieval_candidates(&world.retrieval, vector, world.seen, MOST, fast), MOST);
        slow_candidates(&world, vector, slow);
        for (int n = 0; n < MOST; n++) {
            cr_expect_eq(fast[n].item, slow[n].item, "place %d of seed %d", n, (int)seed);
            cr_expect_eq(fast[n].score, slow[n].score);
        }
        retrieval_deinit(&world.retrieval);
    }
}

Test(retrieval, no_vector_of_a_tile_scores_above_its_bound)
{
    static struct world world;
    world_init(&world, 5, 3);
    const struct towers *towers = &world.retrieval.towers;
    for (int32_t i = 0; i < FILMS; i++) {
        const float *item = towers->item + world.retrieval.film[i] * (FACTORS + 1);
        float square = 0;
        for (int c = 0; c < FACTORS; c++) {
            square += item[c] * item[c];
        }
        cr_expect(square <= world.retrieval.longest[i / TILE_FILMS] *
                                world.retrieval.longest[i / TILE_FILMS] * 1.00001F);
        cr_expect(item[FACTORS] <= world.retrieval.bias[i / TILE_FILMS]);
    }
    retrieval_deinit(&world.retrieval);
}

Test(retrieval, whoever_has_seen_nearly_everything_gets_the_rest)
{
    static struct world world;
    struct candidate out[MOST];
    float vector[FACTORS + 1] = {[FACTORS] = 1};
    world_init(&world, 9, 0);
    memset(world.seen, 0xff, sizeof world.seen);
    for (int32_t item = 100; item < 103; item++) {
        world.seen[item / 64] &= ~(UINT64_C(1) << (item % 64));
    }
    cr_expect_eq(retrieval_candidates(&world.retrieval, vector, world.seen, MOST, out), 3);
    retrieval_deinit(&world.retrieval);
}
