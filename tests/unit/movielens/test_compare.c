#include "base/mem.h"
#include "base/rng.h"
#include "files.h"
#include "movielens/compare_int.h"
#include "movielens/ratings_builder.h"
#include "movielens/synth.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct parallel two = {.threads = 2};

struct row {
    int32_t user, film;
    double stars;
    int64_t time_s;
};

/* A data set of `films` films without genres and the given ratings. */
static void make(const struct row *rows, size_t count, int32_t films, struct dataset *out)
{
    struct ratings_builder builder = {0};
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        ratings_builder_add(&builder, rows[i].user, rows[i].film, (uint8_t)(2 * rows[i].stars),
                            rows[i].time_s);
    }
    ratings_builder_finish(&builder, films, &out->ratings);
    out->catalogue.count = films;
    out->catalogue.genres = mem_zalloc((size_t)films, sizeof *out->catalogue.genres);
}

static void end(struct compare_data *data, struct dataset *dataset)
{
    compare_data_deinit(data);
    ratings_deinit(&dataset->ratings);
    mem_free(dataset->catalogue.genres);
}

Test(compare, every_property_has_a_name_a_source_and_a_band_around_something)
{
    for (int p = 0; p < COMPARE_PROPERTIES; p++) {
        const struct compare_property *row = &compare_properties[p];
        cr_assert(row->group != NULL && row->name != NULL && row->source != NULL, "row %d", p);
        cr_expect_leq(row->low, row->high, "%s %s", row->group, row->name);
        cr_expect_eq(compare_judge((enum compare_property_id)p, (row->low + row->high) / 2),
                     COMPARE_WITHIN, "%s %s", row->group, row->name);
        cr_expect_eq(compare_judge((enum compare_property_id)p, NAN), COMPARE_UNKNOWN);
        for (int q = 0; q < p; q++) {
            cr_expect(strcmp(row->group, compare_properties[q].group) != 0 ||
                          strcmp(row->name, compare_properties[q].name) != 0,
                      "%s %s stands twice", row->group, row->name);
        }
    }
}

Test(compare, a_value_is_rounded_to_the_digits_of_its_band)
{
    static const struct {
        enum compare_property_id property;
        double value;
        enum compare_verdict verdict;
    } cases[] = {
        {COMPARE_FIRST_SHARE, 0.4751, COMPARE_WITHIN}, /* .48 to .68 */
        {COMPARE_FIRST_SHARE, 0.4749, COMPARE_OUTSIDE},
        {COMPARE_FIRST_SHARE, 0.6849, COMPARE_WITHIN},
        {COMPARE_FIRST_SHARE, 0.6851, COMPARE_OUTSIDE},
        {COMPARE_TOP_TENTH, 0.6, COMPARE_WITHIN},      /* .43 to .60 */
        {COMPARE_BUSY_HARSH, -0.2349, COMPARE_WITHIN}, /* -.23 to -.08 */
        {COMPARE_BUSY_HARSH, -0.0749, COMPARE_OUTSIDE},
        {COMPARE_PEAK_TO_TROUGH, INFINITY, COMPARE_OUTSIDE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_eq(compare_judge(cases[i].property, cases[i].value), cases[i].verdict, "%g",
                     cases[i].value);
    }
}

Test(compare, small_statistics_are_those_of_the_book)
{
    double x[] = {4, 1, 3, 2}, y[] = {8, 2, 6, 4}, z[] = {1, 4, 2, 3};
    cr_expect_float_eq(compare_mean(x, 4), 2.5, 1e-12);
    cr_expect_float_eq(compare_sd(x, 4), sqrt(1.25), 1e-12);
    cr_expect_float_eq(compare_correlation(x, y, 4), 1, 1e-12);
    cr_expect_float_eq(compare_correlation(x, z, 4), -1, 1e-12);
    cr_expect_float_eq(compare_quantile(x, 4, 0.5), 2.5, 1e-12);
    cr_expect_float_eq(compare_quantile(x, 4, 0.25), 1.75, 1e-12);
    cr_expect_float_eq(compare_quantile(x, 4, 1), 4, 1e-12);
    cr_expect(isnan(compare_quantile(x, 0, 0.5)));
}

Test(compare, a_truncated_normal_is_found_from_its_moments)
{
    static const double cases[][2] = {{3.461, 1.607}, {4.2, 1.26}, {1.0, 2.0}, {6.0, 0.5}};
    const double cut = 2.97;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double mu = cases[i][0], sigma = cases[i][1], a = (cut - mu) / sigma;
        double hazard = gsl_ran_ugaussian_pdf(a) / gsl_cdf_ugaussian_Q(a), m = 0, s = 0;
        compare_truncated_normal(mu + sigma * hazard,
                                 sigma * sigma * (1 + a * hazard - hazard * hazard), cut, &m, &s);
        cr_expect_float_eq(m, mu, 1e-4, "mu %g, found %g", mu, m);
        cr_expect_float_eq(s, sigma, 1e-4, "sigma %g, found %g", sigma, s);
    }
}

/* Two people: one with sessions of three, one and two ratings, one with a single one. */
Test(compare, sessions_and_gaps_are_counted_by_hand)
{
    const int64_t day = 86400;
    const struct row rows[] = {
        {1, 0, 4, 0},         {1, 1, 3, 10},        {1, 2, 5, 10 + 1800},
        {1, 3, 4, 200 * day}, {1, 4, 2, 201 * day}, {1, 5, 3, 201 * day + 20},
        {2, 0, 4, 18 * 3600}, {2, 1, 4, 18 * 3600},
    };
    struct dataset dataset;
    struct compare_data data;
    double v[COMPARE_PROPERTIES] = {0};
    make(rows, sizeof rows / sizeof rows[0], 6, &dataset);
    compare_data_init(&data, &dataset, &two);
    compare_sessions(&data, v);
    compare_hours(&data, v);
    cr_expect_float_eq(v[COMPARE_ONE_SESSION], 0.5, 1e-12);
    cr_expect_float_eq(v[COMPARE_FIRST_SESSION], 2.5, 1e-12);
    cr_expect_float_eq(v[COMPARE_FIRST_SHARE], 5.0 / 8, 1e-12);
    cr_expect_float_eq(v[COMPARE_LATER_SESSION], 1.5, 1e-12);
    cr_expect_float_eq(v[COMPARE_GAP_MU], (log(10) + log(1800) + log(20)) / 3, 1e-12);
    cr_expect_float_eq(v[COMPARE_PAUSE_MU],
                       (log((double)(200 * day - 1810)) + log((double)day)) / 2, 1e-12);
    cr_expect_eq(v[COMPARE_PEAK_HOUR], 0);
    cr_expect(isinf(v[COMPARE_PEAK_TO_TROUGH]));
    end(&data, &dataset);
}

Test(compare, pauses_of_a_few_months_are_not_judged)
{
    const struct row rows[] = {{1, 0, 4, 0}, {1, 1, 3, 100 * 86400}, {2, 0, 3, 5}};
    struct dataset dataset;
    struct compare_data data;
    double v[COMPARE_PROPERTIES];
    make(rows, 3, 2, &dataset);
    compare_data_init(&data, &dataset, &two);
    v[COMPARE_PAUSE_MU] = NAN;
    compare_sessions(&data, v);
    cr_expect(isnan(v[COMPARE_PAUSE_MU]));
    end(&data, &dataset);
}

Test(compare, popularity_and_values_are_counted_by_hand)
{
    /* Film 0 has five ratings with mean 4, film 1 has five with mean 3 and one more. */
    const struct row rows[] = {
        {1, 0, 4, 1}, {2, 0, 5, 2}, {3, 0, 3, 3}, {4, 0, 4, 4},   {5, 0, 4, 5},   {1, 1, 3, 6},
        {2, 1, 3, 7}, {3, 1, 3, 8}, {4, 1, 3, 9}, {5, 1, 2.5, 9}, {6, 1, 3.5, 9},
    };
    struct dataset dataset;
    struct compare_data data;
    double v[COMPARE_PROPERTIES] = {0};
    make(rows, sizeof rows / sizeof rows[0], 2, &dataset);
    compare_data_init(&data, &dataset, &two);
    compare_popularity(&data, v);
    compare_histogram(&data, v);
    cr_expect_float_eq(v[COMPARE_TOP_TENTH], 6.0 / 11, 1e-12);
    cr_expect_float_eq(v[COMPARE_MOST_SEEN], 1, 1e-12);
    cr_expect_float_eq(v[COMPARE_POPULAR_LIKED], -1, 1e-9);
    cr_expect_float_eq(v[COMPARE_MEAN], 38.0 / 11, 1e-12);
    /* 4 > 3 is false (three to five), 3 > 5 holds, 5 > 2 holds, 2 > 1 is false. */
    cr_expect_eq(v[COMPARE_WHOLE_ORDER], 2);
    end(&data, &dataset);
}

/* Crossed effects of known sizes: what a ridge would shrink is found in full. */
Test(compare, variance_components_are_recovered)
{
    enum { USERS = 400, FILMS = 500, EACH = 40 };
    struct rng rng = rng_stream(5, 0, 0);
    static double user[USERS], film[FILMS];
    struct row *rows = mem_array((size_t)USERS * EACH, sizeof *rows);
    struct dataset dataset;
    for (int u = 0; u < USERS; u++) {
        user[u] = 0.4 * rng_normal(&rng);
    }
    for (int f = 0; f < FILMS; f++) {
        film[f] = 0.5 * rng_normal(&rng);
    }
    for (int k = 0; k < USERS * EACH; k++) {
        int u = k / EACH, f = (k % EACH * 12 + u * 7) % FILMS;
        double stars = 2.75 + user[u] + film[f] + 0.6 * rng_normal(&rng);
        rows[k] = (struct row){u + 1, f, fmin(5, fmax(0.5, round(2 * stars) / 2)), k};
    }
    make(rows, (size_t)USERS * EACH, FILMS, &dataset);
    struct compare_effects fit = compare_effects_fit(&dataset.ratings);
    cr_expect_float_eq(fit.mu, 2.75, 0.06, "%g", fit.mu);
    cr_expect_float_eq(fit.user_sd, compare_sd(user, USERS), 0.02, "%g", fit.user_sd);
    cr_expect_float_eq(fit.item_sd, compare_sd(film, FILMS), 0.025, "%g", fit.item_sd);
    cr_expect_float_eq(fit.residual_sd, 0.615, 0.02, "%g", fit.residual_sd);
    ratings_deinit(&dataset.ratings);
    mem_free(dataset.catalogue.genres);
    mem_free(rows);
}

/* People who choose and rate by chance: no taste is found where there is none. */
Test(compare, chance_has_no_structure_order_or_memory)
{
    enum { USERS = 300, FILMS = 120, EACH = 60 };
    struct rng rng = rng_stream(6, 0, 0);
    struct row *rows = mem_array((size_t)USERS * EACH, sizeof *rows);
    struct dataset dataset;
    struct compare_data data;
    double v[COMPARE_PROPERTIES] = {0};
    for (int u = 0; u < USERS; u++) {
        for (int k = 0; k < EACH; k++) {
            int f = (int)rng_below(&rng, FILMS / EACH) * EACH + k;
            double stars = 0.5 * (1 + rng_below(&rng, 10));
            rows[u * EACH + k] = (struct row){u + 1, (f + u * 31) % FILMS, stars, k};
        }
    }
    make(rows, (size_t)USERS * EACH, FILMS, &dataset);
    compare_data_init(&data, &dataset, &two);
    compare_values(&data, v);
    compare_order(&data, v);
    compare_learning(&data, v);
    cr_expect_lt(v[COMPARE_ITEM_CORRELATION], 0.04, "%g", v[COMPARE_ITEM_CORRELATION]);
    cr_expect(fabs(v[COMPARE_VALUE_ENERGY]) < 0.006, "%g", v[COMPARE_VALUE_ENERGY]);
    cr_expect(fabs(v[COMPARE_LAG_ONE] + 1.0 / EACH) < 0.03, "%g", v[COMPARE_LAG_ONE]);
    cr_expect(fabs(v[COMPARE_RATING_FALL]) < 0.15, "%g", v[COMPARE_RATING_FALL]);
    cr_expect_lt(v[COMPARE_BIAS_GAIN], 0.01, "%g", v[COMPARE_BIAS_GAIN]);
    end(&data, &dataset);
    mem_free(rows);
}

Test(compare, the_measures_do_not_depend_on_the_threads)
{
    struct synth_config config = {.users = 120, .movies = 900, .seed = 4};
    const struct parallel one = {.threads = 1};
    double a[COMPARE_PROPERTIES], b[COMPARE_PROPERTIES];
    struct dataset data;
    cr_assert_eq(synth_make(&config, &two, &data, NULL), ERR_OK);
    compare_measure(&data, &one, a);
    compare_measure(&data, &two, b);
    for (int p = 0; p < COMPARE_PROPERTIES; p++) {
        cr_expect(memcmp(&a[p], &b[p], sizeof a[p]) == 0 || (isnan(a[p]) && isnan(b[p])),
                  "%s: %.17g and %.17g", compare_properties[p].name, a[p], b[p]);
    }
    dataset_deinit(&data);
}

Test(compare, too_little_data_tell_nothing)
{
    const struct row rows[] = {{1, 0, 4, 1}, {2, 1, 3, 2}};
    double v[COMPARE_PROPERTIES];
    struct dataset dataset;
    make(rows, 2, 2, &dataset);
    compare_measure(&dataset, &two, v);
    for (int p = 0; p < COMPARE_PROPERTIES; p++) {
        cr_expect(isnan(v[p]), "%s", compare_properties[p].name);
    }
    ratings_deinit(&dataset.ratings);
    mem_free(dataset.catalogue.genres);
}

/* What was published about ml-latest-small, or follows from it, with other software. */
Test(compare, the_published_figures_of_the_real_data_come_out)
{
    static const struct {
        enum compare_property_id property;
        double published, tolerance;
    } figures[] = {
        {COMPARE_MEAN, 3.50156, 5e-6},
        {COMPARE_SD_HALVES, 1.04252, 1e-5},
        {COMPARE_USER_SD, 0.427, 0.002},
        {COMPARE_ITEM_SD, 0.490, 0.002},
        {COMPARE_RESIDUAL_SD, 0.833, 0.001},
        {COMPARE_ACTIVITY_MEDIAN, 70.5, 0.01},
        {COMPARE_ACTIVITY_MU, 3.461, 0.01},
        {COMPARE_ACTIVITY_SIGMA, 1.607, 0.01},
        {COMPARE_ACTIVITY_KS, 0.025, 0.003},
        {COMPARE_TOP_TENTH, 0.600, 0.0005},
        {COMPARE_MOST_SEEN, 0.539, 0.0005},
        {COMPARE_POPULAR_LIKED, 0.269, 0.0005},
        {COMPARE_BUSY_HARSH, -0.159, 0.0005},
        {COMPARE_EXPOSURE, 0.178 / 0.070, 0.08},
        {COMPARE_ITEM_CORRELATION, 0.113, 0.003},
        {COMPARE_VALUE_ENERGY, 0.013, 0.001},
        {COMPARE_GENRES_A_FILM, 2.26, 0.01},
        {COMPARE_COMEDY_DRAMA, 0.60, 0.005},
        {COMPARE_ACTION_ADVENTURE, 2.57, 0.005},
        {COMPARE_ANIMATION_CHILDREN, 7.25, 0.01},
        {COMPARE_GENRE_RISE, 0.0343, 0.001},
        {COMPARE_ONE_SESSION, 0.503, 0.0005},
        {COMPARE_FIRST_SESSION, 44, 0},
        {COMPARE_FIRST_SHARE, 0.477, 0.0005},
        {COMPARE_LATER_SESSION, 2, 0},
        {COMPARE_GAP_MU, 2.65, 0.005},
        {COMPARE_GAP_SIGMA, 1.33, 0.005},
        {COMPARE_PAUSE_MU, 12.48, 0.005},
        {COMPARE_PAUSE_SIGMA, 2.07, 0.005},
        {COMPARE_PEAK_HOUR, 19, 0},
        {COMPARE_LAG_ONE, 0.172, 0.006},
        {COMPARE_LAG_TEN, 0.079, 0.006},
        {COMPARE_BLOCK_SD, 0.262, 0.003},
        {COMPARE_BIAS_GAIN, 1 - 0.8578 / 1.0399, 0.001},
        {COMPARE_FACTOR_GAIN, 1 - 0.8454 / 0.8578, 0.003},
        {COMPARE_FACTOR_QUARTER, 1 - 0.908 / 0.890, 0.006},
        {COMPARE_UNSEEN_FILMS, 0.038, 0.0005},
        {COMPARE_UNSEEN_USERS, 0.835, 0.001},
    };
    const char *folder = getenv("MOVIELENS_DIR");
    if (folder == NULL || folder[0] == '\0') {
        cr_skip_test("MOVIELENS_DIR is not set");
    }
    struct dataset data;
    double v[COMPARE_PROPERTIES];
    files_load(folder, &data);
    if (data.ratings.count != 100836) {
        dataset_deinit(&data);
        cr_skip_test("MOVIELENS_DIR holds another edition");
    }
    compare_measure(&data, &two, v);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        cr_expect(fabs(v[figures[i].property] - figures[i].published) <= figures[i].tolerance,
                  "%s %s: %g, published %g", compare_properties[figures[i].property].group,
                  compare_properties[figures[i].property].name, v[figures[i].property],
                  figures[i].published);
    }
    dataset_deinit(&data);
}
