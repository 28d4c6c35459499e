#include "files.h"

#include "base/mem.h"
#include "movielens/compare.h"
#include "movielens/profile.h"
#include "movielens/synth.h"

#include <math.h>
#include <string.h>

static void make(int32_t users, int32_t movies, uint64_t seed, unsigned threads,
                 struct dataset *out)
{
    struct synth_config config = {.users = users, .movies = movies, .seed = seed};
    struct parallel parallel = {.threads = threads};
    struct error error = {0};
    cr_assert_eq(synth_make(&config, &parallel, out, &error), ERR_OK, "%s", error.text);
}

Test(synth, the_same_seed_gives_the_same_data_for_any_number_of_threads)
{
    struct dataset one, other, third;
    make(150, 1200, 7, 1, &one);
    make(150, 1200, 7, 3, &other);
    make(150, 1200, 8, 3, &third);
    files_expect_same(&one, &other);
    cr_expect_neq(one.fingerprint, third.fingerprint);
    dataset_deinit(&one);
    dataset_deinit(&other);
    dataset_deinit(&third);
}

Test(synth, written_and_loaded_again_it_is_the_same_without_a_bad_row)
{
    struct files_folder folder = files_folder();
    struct dataset data, again;
    make(100, 800, 3, 2, &data);
    files_write_dataset(&data, folder.path);
    files_load(folder.path, &again);
    cr_expect_eq(again.bad_rows, 0);
    cr_expect_eq(again.duplicate_rows, 0);
    cr_expect_eq(again.catalogue.genre_count, data.catalogue.genre_count);
    for (int32_t i = 0; i < data.catalogue.count; i++) {
        cr_assert_eq(again.catalogue.genres[i], data.catalogue.genres[i], "film %d", (int)i);
    }
    files_expect_same(&data, &again);
    dataset_deinit(&data);
    dataset_deinit(&again);
    files_remove(&folder);
}

Test(synth, sizes_from_smallest_to_lopsided_are_made)
{
    static const int32_t sizes[][2] = {{20, 200}, {20, 5000}, {2000, 200}, {300, 300}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct dataset data;
        make(sizes[i][0], sizes[i][1], 5, 2, &data);
        cr_expect_eq(data.ratings.users, sizes[i][0]);
        cr_expect_eq(data.catalogue.count, sizes[i][1]);
        for (int32_t u = 0; u < data.ratings.users; u++) {
            int64_t n = data.ratings.start[u + 1] - data.ratings.start[u];
            cr_assert(n >= 20 && n <= data.catalogue.count, "person %d rates %lld films", (int)u,
                      (long long)n);
        }
        dataset_deinit(&data);
    }
}

Test(synth, sizes_out_of_bounds_are_refused)
{
    struct parallel parallel = {.threads = 1};
    struct synth_config few = {.users = 5, .movies = 1000}, small = {.users = 100, .movies = 10};
    struct dataset data;
    cr_expect_eq(synth_make(&few, &parallel, &data, NULL), ERR_INPUT);
    cr_expect_eq(synth_make(&small, &parallel, &data, NULL), ERR_INPUT);
}

Test(synth, nobody_rates_a_film_twice_or_before_its_year)
{
    struct dataset data;
    make(200, 2000, 11, 2, &data);
    const struct ratings *r = &data.ratings;
    int32_t *rater = mem_zalloc((size_t)r->items, sizeof *rater);
    for (int32_t u = 0; u < r->users; u++) {
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            double year = 1970.0 + (double)r->time_s[i] / 31556952.0;
            cr_assert_neq(rater[r->item[i]], u + 1, "person %d, film %d", (int)u, (int)r->item[i]);
            cr_assert_leq(data.catalogue.year[r->item[i]], year + 0.01);
            cr_assert(i == r->start[u] || r->time_s[i] >= r->time_s[i - 1]);
            rater[r->item[i]] = u + 1;
        }
    }
    mem_free(rater);
    dataset_deinit(&data);
}

/* The nine points that cut a normal distribution into the published shares of half stars. */
static void expect_cut_points(const struct dataset *data)
{
    static const double cuts[9] = {-2.2090, -1.7340, -1.5613, -1.1072, -0.8810,
                                   -0.2846, 0.0457,  0.7864,  1.1216};
    struct profile p = profile_of(data);
    double below = 0;
    for (int k = 0; k < 9; k++) {
        below += (double)p.stars[k] / (double)p.ratings;
        double wanted = 0.5 * erfc(-cuts[k] / sqrt(2.0));
        cr_expect_float_eq(below, wanted, 0.02, "up to %.1f stars: %.4f, published %.4f",
                           (k + 1) / 2.0, below, wanted);
    }
}

/* compare.h tells what each band is and where it comes from. */
static void expect_like_movielens(const struct dataset *data)
{
    const struct parallel parallel = {.threads = 2};
    double value[COMPARE_PROPERTIES];
    compare_measure(data, &parallel, value);
    for (int p = 0; p < COMPARE_PROPERTIES; p++) {
        const struct compare_property *row = &compare_properties[p];
        cr_expect_neq(compare_judge((enum compare_property_id)p, value[p]), COMPARE_OUTSIDE,
                      "%s %s: %g is outside %g to %g", row->group, row->name, value[p], row->low,
                      row->high);
    }
}

Test(synth, the_default_data_are_like_movielens)
{
    struct synth_config config = synth_defaults();
    struct dataset data;
    make(config.users, config.movies, config.seed, 2, &data);
    expect_cut_points(&data);
    expect_like_movielens(&data);
    dataset_deinit(&data);
}

/* Lift of two genres over the films. */
static double lift_of(const struct catalogue *c, const char *one, const char *other)
{
    double a = 0, b = 0, both = 0;
    uint32_t mask_a = 0, mask_b = 0;
    for (int g = 0; g < c->genre_count; g++) {
        mask_a |= strcmp(c->genre_name[g], one) == 0 ? UINT32_C(1) << g : 0;
        mask_b |= strcmp(c->genre_name[g], other) == 0 ? UINT32_C(1) << g : 0;
    }
    for (int32_t i = 0; i < c->count; i++) {
        a += (c->genres[i] & mask_a) != 0;
        b += (c->genres[i] & mask_b) != 0;
        both += (c->genres[i] & mask_a) != 0 && (c->genres[i] & mask_b) != 0;
    }
    return both * c->count / (a * b);
}

Test(synth, genres_have_their_frequencies_and_lifts)
{
    static const struct {
        const char *one, *other;
        double lift, tolerance;
    } pairs[] = {
        {"Comedy", "Drama", 0.60, 0.05},      {"Action", "Adventure", 2.57, 0.3},
        {"Drama", "Romance", 1.31, 0.1},      {"Animation", "Children", 7.25, 0.9},
        {"Horror", "Thriller", 2.41, 0.3},    {"Children", "Thriller", 0.04, 0.08},
        {"Documentary", "Horror", 0.05, 0.1}, {"Crime", "Film-Noir", 4.86, 1.3},
    };
    static const struct {
        const char *name;
        double share;
    } genres[] = {{"Drama", 0.4476}, {"Comedy", 0.3855}, {"Action", 0.1876}, {"Horror", 0.1004}};
    struct dataset data;
    make(100, 9742, 4, 2, &data);
    const struct catalogue *c = &data.catalogue;
    double per_film = 0;
    for (int32_t i = 0; i < c->count; i++) {
        per_film += (double)__builtin_popcount(c->genres[i]) / c->count;
    }
    cr_expect_float_eq(per_film, 2.26, 0.06);
    cr_expect_eq(c->genre_count, 19);
    for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++) {
        double lift = lift_of(c, pairs[k].one, pairs[k].other);
        cr_expect_float_eq(lift, pairs[k].lift, pairs[k].tolerance, "%s and %s: %g", pairs[k].one,
                           pairs[k].other, lift);
    }
    for (size_t k = 0; k < sizeof genres / sizeof genres[0]; k++) {
        /* A genre's lift with itself is one over its share. */
        double share = 1.0 / lift_of(c, genres[k].name, genres[k].name);
        cr_expect_float_eq(share, genres[k].share, 0.02, "%s: %g", genres[k].name, share);
    }
    dataset_deinit(&data);
}
