#include "population/rating.h"

#include "base/mem.h"
#include "base/rng.h"

#include <criterion/criterion.h>

enum { HALVES = 60000, WHOLES = 40000 };

/* The histogram of ml-latest-small, and one of people who use whole stars. */
static const int64_t half_wanted[10] = {1370,  2811,  1791,  7551, 5550,
                                        20047, 13136, 26818, 8551, 13211};
static const int64_t whole_wanted[10] = {0, 5, 0, 11, 0, 29, 0, 33, 0, 22};

static double *draw_latent(int64_t count, uint64_t owner)
{
    struct rng rng = rng_stream(3, owner, 1);
    double *latent = mem_array((size_t)count, sizeof *latent);
    for (int64_t k = 0; k < count; k++) {
        latent[k] = 3.5 + 1.05 * rng_normal(&rng);
    }
    return latent;
}

static void fit(struct rating_model *model, struct rating_sample sample[2])
{
    sample[0] = (struct rating_sample){.count = HALVES, .latent = draw_latent(HALVES, 1)};
    sample[1] = (struct rating_sample){.count = WHOLES, .latent = draw_latent(WHOLES, 2)};
    for (int k = 0; k < 10; k++) {
        sample[0].wanted[k] = half_wanted[k];
        sample[1].wanted[k] = whole_wanted[k];
    }
    rating_fit(model, &sample[0], &sample[1]);
}

static double mean_of(const struct rating_model *model, const struct rating_sample sample[2],
                      double shift)
{
    double sum = 0;
    for (int habit = 0; habit < 2; habit++) {
        for (int64_t k = 0; k < sample[habit].count; k++) {
            sum += rating_cut(model, habit == 1, sample[habit].latent[k] + shift) / 2.;
        }
    }
    return sum / (HALVES + WHOLES);
}

Test(rating, cut_latent_values_have_the_wanted_histogram)
{
    struct rating_model model;
    struct rating_sample sample[2];
    fit(&model, sample);
    for (int habit = 0; habit < 2; habit++) {
        int64_t count[10] = {0}, total = 0;
        for (int64_t k = 0; k < sample[habit].count; k++) {
            count[rating_cut(&model, habit == 1, sample[habit].latent[k]) - 1]++;
        }
        for (int k = 0; k < 10; k++) {
            total += sample[habit].wanted[k];
        }
        for (int k = 0; k < 10; k++) {
            cr_expect_float_eq((double)count[k] / (double)sample[habit].count,
                               (double)sample[habit].wanted[k] / (double)total, 1e-4,
                               "habit %d, %d half stars", habit, k + 1);
        }
        mem_free(sample[habit].latent);
    }
}

Test(rating, a_shift_moves_the_mean_by_the_stars_asked_for)
{
    struct rating_model model;
    struct rating_sample sample[2];
    fit(&model, sample);
    double rest = mean_of(&model, sample, 0);
    const double asked[] = {-1.5, -1, -.4, -.1, -.01, 0, .01, .1, .4, .8};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        double moved = mean_of(&model, sample, rating_shift(&model, asked[i])) - rest;
        cr_expect_float_eq(moved, asked[i], .02 * (asked[i] < 0 ? -asked[i] : asked[i]) + .001,
                           "asked %g, got %g", asked[i], moved);
    }
    cr_expect_eq(rating_shift(&model, 0), 0);
    cr_expect_float_eq(mean_of(&model, sample, rating_shift(&model, -9)), .5, .3, "the floor");
    mem_free(sample[0].latent);
    mem_free(sample[1].latent);
}

Test(rating, without_a_sample_the_cuts_lie_half_way)
{
    struct rating_model model;
    struct rating_sample none[2] = {{.count = 0}, {.count = 0}};
    rating_fit(&model, &none[0], &none[1]);
    const struct {
        double latent;
        uint8_t half, whole;
    } rows[] = {{-3, 1, 2}, {.74, 1, 2},  {.76, 2, 2},  {1.49, 3, 2}, {2.6, 5, 6},
                {3, 6, 6},  {3.24, 6, 6}, {3.26, 7, 6}, {4.4, 9, 8},  {9, 10, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(rating_cut(&model, false, rows[i].latent), rows[i].half, "%g halves",
                     rows[i].latent);
        cr_expect_eq(rating_cut(&model, true, rows[i].latent), rows[i].whole, "%g wholes",
                     rows[i].latent);
    }
}
