/* The checklist of a MovieLens-shaped data set. Bands come from the spread over ml-latest-small,
 * ml-100k and ml-1m, widened by about two standard deviations over seeds where 610 people are too
 * few to pin a figure down. */
#include "files.h"
#include "measure.h"

#include "movielens/profile.h"
#include "movielens/synth.h"

static void make(int32_t users, int32_t movies, uint64_t seed, unsigned threads,
                 struct dataset *out)
{
    struct synth_config config = {.users = users, .movies = movies, .seed = seed};
    struct parallel parallel = {.threads = threads};
    struct error error = {0};
    cr_assert_eq(synth_make(&config, &parallel, out, &error), ERR_OK, "%s", error.text);
}

struct band {
    const char *name;
    double value, low, high;
};

static void expect_bands(const struct band *bands, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_expect(bands[i].value >= bands[i].low && bands[i].value <= bands[i].high,
                  "%s: %g is outside %g to %g", bands[i].name, bands[i].value, bands[i].low,
                  bands[i].high);
    }
}

#define EXPECT_BANDS(bands) expect_bands(bands, sizeof bands / sizeof bands[0])

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

static void expect_counts_values_and_times(const struct dataset *data)
{
    struct profile p = profile_of(data);
    double item_sd = 0, item_sd_20 = 0, user_sd = 0, fame_fall = 0;
    double quality = measure_popularity_quality(&data->ratings, 5, &item_sd);
    (void)measure_popularity_quality(&data->ratings, 20, &item_sd_20);
    double activity = measure_activity_mean(&data->ratings, &user_sd);
    struct measure_sessions sessions = measure_sessions(&data->ratings);
    struct measure_stream stream = measure_stream(&data->ratings);
    double fall = measure_history_fall(&data->ratings, &fame_fall);
    double ones = 0, halves = 0;
    struct measure_items items = measure_items(&data->ratings);
    for (int32_t i = 0; i < data->ratings.items; i++) {
        ones += items.count[i] == 1 ? 1.0 / data->ratings.items : 0.0;
    }
    for (int k = 0; k < 10; k += 2) {
        halves += (double)p.stars[k] / (double)p.ratings;
    }
    const struct band bands[] = {
        {"mean rating", p.mean, 3.47, 3.57},
        {"sd of ratings", p.sd, 1.01, 1.07},
        {"share of half-star ratings", halves, 0.25, 0.35},
        {"fewest ratings a person", p.a_user[0], 20, 21},
        {"median ratings a person", p.a_user[3], 65, 90},
        {"95 % of ratings a person", p.a_user[5], 500, 720},
        {"top tenth of films", p.top_tenth_share, 0.57, 0.63},
        {"most-seen film", p.most_seen_share, 0.50, 0.62},
        {"films rated", p.films_rated, 9600, 9742},
        {"films with one rating", ones, 0.28, 0.40},
        {"correlation of popularity and quality", quality, 0.22, 0.52},
        {"sd of film means, five ratings or more", item_sd, 0.50, 0.64},
        {"sd of film means, twenty or more", item_sd_20, 0.40, 0.62},
        {"correlation of activity and mean", activity, -0.28, -0.05},
        {"sd of people's means", user_sd, 0.40, 0.50},
        {"people with one session", sessions.single_share, 0.43, 0.60},
        {"median first session", sessions.first_median, 36, 56},
        {"share of first sessions", sessions.first_rating_share, 0.45, 0.68},
        {"median later session", sessions.later_median, 1, 4},
        {"gaps of zero seconds", sessions.zero_gap_share, 0.10, 0.25},
        {"sd of means of a thousand ratings", stream.block_sd, 0.17, 0.29},
        {"last tenth from new people", stream.unseen_share, 0.50, 0.95},
        {"fall of ratings over a history", fall, 0.15, 0.36},
        {"fall of popularity over a history", fame_fall, 0.8, 1.4},
    };
    EXPECT_BANDS(bands);
    measure_items_deinit(&items);
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

static void expect_choice_by_taste(const struct dataset *data)
{
    struct parallel parallel = {.threads = 2};
    double energy = measure_exposure_energy(&data->ratings, 20, false, &parallel);
    double null = measure_exposure_energy(&data->ratings, 20, true, &parallel);
    /* Of 610 held-out films popularity finds about 25: the ratio's standard error is about .3. */
    struct measure_ranking hits = measure_leave_last_out(&data->ratings, &parallel);
    const struct band bands[] = {
        {"exposure energy of rank 20", energy, 0.14, 0.20},
        {"exposure energy over its shuffled null", energy / null, 2.1, 2.6},
        {"hit rate of ALS", hits.als, 0.05, 0.12},
        {"hit rate of popularity", hits.popularity, 0.025, 0.065},
        {"ALS over popularity", hits.als / hits.popularity, 1.3, 2.6},
    };
    EXPECT_BANDS(bands);
}

static void expect_learnable_ratings(const struct dataset *data)
{
    struct parallel parallel = {.threads = 2};
    struct measure_rating_model m = measure_rating_model(&data->ratings, &parallel);
    const struct band bands[] = {
        {"RMSE of the mean", m.mean_rmse, 1.00, 1.08},
        {"gain of biases over the mean", 1 - m.bias_rmse / m.mean_rmse, 0.15, 0.20},
        {"gain of factors over biases", 1 - m.factor_rmse / m.bias_rmse, 0.010, 0.053},
        {"sd of people's biases", m.bias_user_sd, 0.36, 0.46},
        {"sd of films' biases", m.bias_item_sd, 0.35, 0.61},
        {"sd of residuals", m.residual_sd, 0.76, 0.93},
        {"residual autocorrelation", m.lag_one, 0.10, 0.19},
    };
    EXPECT_BANDS(bands);
}

Test(synth, the_default_data_meet_the_checklist)
{
    struct synth_config config = synth_defaults();
    struct dataset data;
    make(config.users, config.movies, config.seed, 2, &data);
    expect_counts_values_and_times(&data);
    expect_cut_points(&data);
    expect_choice_by_taste(&data);
    expect_learnable_ratings(&data);
    dataset_deinit(&data);
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
        double lift = measure_lift(c, pairs[k].one, pairs[k].other);
        cr_expect_float_eq(lift, pairs[k].lift, pairs[k].tolerance, "%s and %s: %g", pairs[k].one,
                           pairs[k].other, lift);
    }
    for (size_t k = 0; k < sizeof genres / sizeof genres[0]; k++) {
        /* A genre's lift with itself is one over its share. */
        double share = 1.0 / measure_lift(c, genres[k].name, genres[k].name);
        cr_expect_float_eq(share, genres[k].share, 0.02, "%s: %g", genres[k].name, share);
    }
    dataset_deinit(&data);
}

/* The methods of this file, held against the figures published for the real data. */
Test(synth, the_measures_reproduce_the_published_figures_on_real_data)
{
    const char *folder = getenv("MOVIELENS_DIR");
    if (folder == NULL || folder[0] == '\0') {
        cr_skip_test("MOVIELENS_DIR is not set: only synthetic data were used");
    }
    struct parallel parallel = {.threads = 2};
    struct dataset data;
    double item_sd = 0, user_sd = 0;
    files_load(folder, &data);
    struct profile p = profile_of(&data);
    if (p.users != 610 || p.ratings != 100836) {
        dataset_deinit(&data);
        cr_skip_test("MOVIELENS_DIR holds another edition");
    }
    double quality = measure_popularity_quality(&data.ratings, 5, &item_sd);
    double activity = measure_activity_mean(&data.ratings, &user_sd);
    struct measure_sessions sessions = measure_sessions(&data.ratings);
    struct measure_stream stream = measure_stream(&data.ratings);
    const struct band bands[] = {
        {"mean", p.mean, 3.50155, 3.50157},
        {"sd", p.sd, 1.0425, 1.0426},
        {"top tenth", p.top_tenth_share, 0.5995, 0.6005},
        {"most seen", p.most_seen_share, 0.539, 0.540},
        {"median ratings", p.a_user[3], 70.5, 70.5},
        {"95 %", p.a_user[5], 610, 611},
        {"popularity and quality", quality, 0.268, 0.270},
        {"sd of film means", item_sd, 0.571, 0.573},
        {"activity and mean", activity, -0.160, -0.158},
        {"single sessions", sessions.single_share, 0.502, 0.504},
        {"first session", sessions.first_median, 44, 44},
        {"block sd", stream.block_sd, 0.258, 0.268},
        {"new people", stream.unseen_share, 0.83, 0.84},
        {"exposure energy", measure_exposure_energy(&data.ratings, 20, false, &parallel), 0.175,
         0.179},
    };
    EXPECT_BANDS(bands);
    dataset_deinit(&data);
}
