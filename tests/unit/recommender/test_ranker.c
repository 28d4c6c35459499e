#include "recommender/ranker.h"

#include "base/mem.h"
#include "base/rng.h"

#include <criterion/criterion.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <string.h>

enum { LISTS = 4000, ROWS = 12, FEATURES = 4 };

/* Lists of films with random features, one of which is chosen by a logit of known weights. The
 * third feature says nothing, the fourth is the same all over. */
static const double truth[FEATURES] = {1.5, -0.7, 0, 0};

struct world {
    struct ranker_choices choices;
    float *feature;
};

static void world_init(struct world *world)
{
    world->feature = mem_array((size_t)LISTS * ROWS * FEATURES, sizeof *world->feature);
    world->choices =
        (struct ranker_choices){.features = FEATURES,
                                .count = LISTS,
                                .start = mem_zalloc(LISTS + 1, sizeof *world->choices.start),
                                .feature = world->feature};
    for (int64_t l = 0; l < LISTS; l++) {
        struct rng rng = rng_stream(1, (uint64_t)l, 7);
        float *rows = world->feature + l * ROWS * FEATURES, swap[FEATURES];
        double best = -INFINITY;
        int chosen = 0;
        for (int r = 0; r < ROWS; r++) {
            float *row = rows + r * FEATURES;
            row[0] = (float)rng_normal(&rng);
            row[1] = (float)(10 * rng_normal(&rng)) + 100; /* another scale, far from 0 */
            row[2] = (float)rng_normal(&rng);
            row[3] = 5;
            double utility =
                rng_gumbel(&rng) + truth[0] * (double)row[0] + truth[1] * (double)row[1] / 10;
            chosen = utility > best ? r : chosen;
            best = fmax(best, utility);
        }
        memcpy(swap, rows, sizeof swap);
        memcpy(rows, rows + chosen * FEATURES, sizeof swap);
        memcpy(rows + chosen * FEATURES, swap, sizeof swap);
        world->choices.start[l + 1] = (l + 1) * ROWS;
    }
}

static void world_deinit(struct world *world)
{
    mem_free(world->feature);
    mem_free(world->choices.start);
}

static struct ranker_fit fit(const struct world *world, double ridge, unsigned threads,
                             struct ranker *out)
{
    const struct parallel parallel = {threads};
    gsl_set_error_handler_off();
    return ranker_train(out, &world->choices, ridge, &parallel);
}

Test(ranker, finds_the_weights_that_people_chose_by)
{
    struct world world;
    struct ranker ranker;
    world_init(&world);
    struct ranker_fit done = fit(&world, 1e-6, 1, &ranker);
    cr_expect(fabs((double)ranker.weight[0] - truth[0]) < 0.1, "%g", (double)ranker.weight[0]);
    cr_expect(fabs((double)ranker.weight[1] - truth[1] / 10) < 0.01, "%g",
              (double)ranker.weight[1]);
    cr_expect(fabs((double)ranker.weight[2]) < 0.1, "%g", (double)ranker.weight[2]);
    cr_expect(ranker.weight[3] == 0, "a constant feature says nothing");
    cr_expect(fabs(done.loss_before - log(ROWS)) < 1e-9, "%g", done.loss_before);
    cr_expect(done.loss < done.loss_before - 0.4 && done.steps < 15, "%g in %d steps", done.loss,
              done.steps);
    world_deinit(&world);
}

Test(ranker, no_small_step_from_the_weights_makes_the_choices_likelier)
{
    struct world world;
    struct ranker ranker, moved;
    world_init(&world);
    fit(&world, 1e-9, 1, &ranker);
    double best = 0;
    for (int variant = 0; variant < 5; variant++) {
        double loss = 0;
        moved = ranker;
        if (variant > 0) {
            moved.weight[(variant - 1) / 2] += variant % 2 == 0 ? 0.02f : -0.02f;
        }
        for (int64_t l = 0; l < LISTS; l++) {
            float scores[ROWS];
            double sum = 0;
            ranker_score(&moved, world.feature + l * ROWS * FEATURES, ROWS, scores);
            for (int r = 0; r < ROWS; r++) {
                sum += exp((double)(scores[r] - scores[0]));
            }
            loss += log(sum) / LISTS;
        }
        best = variant == 0 ? loss : best;
        cr_expect(variant == 0 || loss > best, "variant %d: %.9g, %.9g", variant, loss, best);
    }
    world_deinit(&world);
}

Test(ranker, a_strong_ridge_holds_all_weights_near_zero)
{
    struct world world;
    struct ranker loose, held;
    world_init(&world);
    fit(&world, 1e-6, 1, &loose);
    fit(&world, 100, 1, &held);
    for (int f = 0; f < FEATURES; f++) {
        cr_expect(fabsf(held.weight[f]) <= 0.02f * fabsf(loose.weight[f]) + 1e-3f, "%d: %g", f,
                  (double)held.weight[f]);
    }
    world_deinit(&world);
}

Test(ranker, the_number_of_threads_changes_nothing)
{
    struct world world;
    struct ranker one, three;
    world_init(&world);
    fit(&world, 1e-3, 1, &one);
    fit(&world, 1e-3, 3, &three);
    cr_expect(memcmp(one.weight, three.weight, sizeof one.weight) == 0);
    world_deinit(&world);
}

Test(ranker, features_that_say_the_same_share_their_weight)
{
    struct world world;
    struct ranker ranker;
    world_init(&world);
    for (int64_t r = 0; r < (int64_t)LISTS * ROWS; r++) {
        world.feature[r * FEATURES + 2] = world.feature[r * FEATURES];
    }
    fit(&world, 1e-3, 1, &ranker);
    cr_expect(fabsf(ranker.weight[0] - ranker.weight[2]) < 1e-3f, "%g and %g",
              (double)ranker.weight[0], (double)ranker.weight[2]);
    world_deinit(&world);
}

Test(ranker, without_a_choice_nothing_is_learned)
{
    struct ranker ranker;
    const struct parallel one = {1};
    int64_t start = 0;
    const struct ranker_choices none = {.features = FEATURES, .start = &start};
    struct ranker_fit done = ranker_train(&ranker, &none, 1, &one);
    cr_expect(done.steps == 0 && ranker.features == FEATURES && ranker.weight[0] == 0);
}
