#include "population/appeal.h"

#include "base/mem.h"
#include "base/rng.h"
#include "numeric/sampling.h"
#include "population/taste.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { PEOPLE = 400, FILMS = 600, DRAWS = 20 };

struct world {
    float taste[PEOPLE * TASTE_DIMS], film[FILMS * TASTE_DIMS], by_dim[FILMS * TASTE_DIMS];
    int32_t activity[PEOPLE];
    double share[FILMS];
    float appeal[FILMS];
};

/* People take 10 to 70 of 600 films, whose shares fall from .56 down to .025. */
static struct world *make_world(void)
{
    struct world *world = mem_zalloc(1, sizeof *world);
    struct rng rng = rng_stream(11, 0, 1);
    double activities = 0, shares = 0;
    for (int u = 0; u < PEOPLE; u++) {
        for (int d = 0; d < TASTE_DIMS; d++) {
            world->taste[u * TASTE_DIMS + d] = (float)rng_normal(&rng);
        }
        taste_normalise(world->taste + u * TASTE_DIMS);
        world->activity[u] = 10 + u % 61;
        activities += world->activity[u];
    }
    for (int i = 0; i < FILMS; i++) {
        for (int d = 0; d < TASTE_DIMS; d++) {
            world->film[i * TASTE_DIMS + d] = (float)rng_normal(&rng);
        }
        world->share[i] = pow(i + 12, -.8);
        shares += world->share[i];
    }
    for (int i = 0; i < FILMS; i++) {
        world->share[i] *= activities / PEOPLE / shares;
    }
    cr_assert_lt(world->share[0], .95, "the world is impossible");
    taste_by_dim(world->film, FILMS, world->by_dim);
    return world;
}

static void solve(struct world *world, unsigned threads)
{
    struct parallel parallel = {.threads = threads};
    struct appeal_problem problem = {.people = PEOPLE,
                                     .taste = world->taste,
                                     .activity = world->activity,
                                     .films = FILMS,
                                     .film_by_dim = world->by_dim,
                                     .share = world->share,
                                     .sharpness = 1.1};
    appeal_solve(&problem, &parallel, world->appeal);
}

/* Shares of films when everybody's films are drawn, DRAWS times. */
static void draw_shares(const struct world *world, double *share)
{
    static float score[FILMS];
    static int32_t chosen[FILMS];
    memset(share, 0, FILMS * sizeof *share);
    for (int u = 0; u < PEOPLE; u++) {
        for (uint32_t draw = 0; draw < DRAWS; draw++) {
            struct rng stream = rng_stream(12, (uint64_t)u, draw);
            taste_scores(world->taste + u * TASTE_DIMS, 1.1F, world->by_dim, world->appeal, FILMS,
                         score);
            sampling_gumbel_keys(&stream, score, FILMS, score);
            int32_t found = sampling_top_n(score, FILMS, world->activity[u], chosen);
            for (int32_t k = 0; k < found; k++) {
                share[chosen[k]] += 1. / (PEOPLE * DRAWS);
            }
        }
    }
}

Test(appeal, drawn_shares_are_the_wanted_ones)
{
    struct world *world = make_world();
    static double drawn[FILMS];
    solve(world, 1);
    draw_shares(world, drawn);
    double off = 0;
    for (int i = 0; i < FILMS; i++) {
        double noise = sqrt(world->share[i] / (PEOPLE * DRAWS));
        cr_expect_float_eq(drawn[i], world->share[i], .06 * world->share[i] + 4.5 * noise,
                           "film %d: wanted %g, drawn %g", i, world->share[i], drawn[i]);
        off += fabs(drawn[i] - world->share[i]) / 2;
    }
    cr_expect_lt(off, .9, "%g films a person in the wrong place", off);
    mem_free(world);
}

Test(appeal, threads_change_no_bit)
{
    struct world *world = make_world();
    float one[FILMS];
    solve(world, 1);
    memcpy(one, world->appeal, sizeof one);
    solve(world, 4);
    cr_expect_eq(memcmp(one, world->appeal, sizeof one), 0);
    mem_free(world);
}
