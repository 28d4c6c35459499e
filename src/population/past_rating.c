/*
 * A step's rating is biases, opinion and noise. Ratings of that kind alone make a data set that
 * differs from MovieLens where one looks at many of them at once, so a past adds:
 *
 * Opinion. The factors fitted to people's ratings are shrunk; as they are, films' residuals would
 * correlate by a third of what they do in the data. OPINION_GAIN undoes that. Genres, whose share
 * in it the factors do not find, are added: each person likes each genre more or less than others
 * do, by the deviation that the data show (what the mean residual of a person's ratings in a genre
 * varies by, less the variance that it has from its few ratings).
 *
 * Films. Fitted biases are shrunk towards 0, most for rare films. What the fit leaves open is
 * drawn: the bias of a film rated n times has the mean b + (1 - n / (n + 3)) line(log n), where
 * line is the regression of film means on log n (rare films are worse films), and the variance
 * FILM_SD^2 3 / (n + 3).
 *
 * Mood. Neighbouring ratings are alike: a slow and a quick autoregressive mood, the quick one
 * beginning anew with each session.
 *
 * Half stars are a habit: each person uses the half-star scale for a share of their ratings.
 *
 * None of it moves what people do in a drill; the cut-points of a past are fitted for themselves.
 */
#include "population/past_rating.h"

#include "base/mem.h"
#include "population/redate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OPINION_GAIN 5.5
#define OPINION_RARE 20 /* ratings: factors of films with fewer are more noise than taste */
#define GENRE_GAIN 1.05
#define GENRE_RATINGS_MIN 10 /* of a person in a genre */
#define GENRE_PEOPLE_MIN 30
#define GENRE_SD_ELSE .15
#define FILM_RIDGE 3.0 /* of the fitted film biases */
/* Biases of people and films, which the fit shrinks, and what well-known films are liked more, are
 * stretched so that the written past has the data's variances and its correlation of both. */
#define FAME_LIFT 0.03  /* stars a unit of log ratings */
#define FAME_MIDDLE 3.0 /* log ratings */
#define USER_GAIN 1.15
#define FILM_GAIN 1.30
#define FILM_SD 0.40
#define LINE_RATINGS_MIN 5 /* films with fewer say little about the line */

/* Autocorrelation of residuals in a session .17 at lag 1, .08 at lag 10. */
#define SLOW_KEEP 0.98
#define SLOW_SD .36
#define QUICK_KEEP 0.65
#define QUICK_SD .45
#define NOISE_SD .75

/* Share of half stars among ratings on the half-star scale; 95 % of people use fewer. */
#define HALF_SHARE_MOST 0.56

#define ORDER_FAME .091 /* of log popularity, against noise of deviation 1 */
#define ORDER_LIKED .09 /* of the judgement in stars */

/* ---- films ---- */

/* Mean over a film's ratings of what the person's bias leaves. */
static void film_means(const struct population *population, double *mean)
{
    const struct ratings *r = &population->data->ratings;
    memset(mean, 0, (size_t)population->films * sizeof *mean);
    for (int32_t u = 0; u < r->users; u++) {
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            mean[r->item[i]] +=
                0.5 * r->half_stars[i] - population->mean_stars - (double)population->user_bias[u];
        }
    }
    for (int32_t i = 0; i < population->films; i++) {
        mean[i] /= population->film_count[i] > 0 ? population->film_count[i] : 1;
    }
}

static void film_line(const struct population *population, const double *mean, double *at_zero,
                      double *slope)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (int32_t i = 0; i < population->films; i++) {
        if (population->film_count[i] >= LINE_RATINGS_MIN) {
            double fame = log(population->film_count[i]);
            n += 1;
            x += fame;
            y += mean[i];
            xx += fame * fame;
            xy += fame * mean[i];
        }
    }
    double spread = n > 1 ? xx - x * x / n : 0;
    *slope = spread > 0 ? (xy - x * y / n) / spread : 0;
    *at_zero = n > 0 ? (y - *slope * x) / n : 0;
}

static void prepare_films(struct population *population)
{
    double *mean = mem_array((size_t)population->films, sizeof *mean), at_zero, slope;
    film_means(population, mean);
    film_line(population, mean, &at_zero, &slope);
    for (int32_t i = 0; i < population->films; i++) {
        struct rng rng = rng_stream(population->config.seed, (uint64_t)i, POPULATION_PAST_FILM);
        population->film_log[i] = (float)log(population->film_count[i] + 1.);
        double count = population->film_count[i], open = FILM_RIDGE / (count + FILM_RIDGE);
        double expected = at_zero + slope * log(fmax(count, 1));
        population->film_past[i] =
            (float)(FILM_GAIN * ((double)population->film_bias[i] + open * expected +
                                 FILM_SD * sqrt(open) * rng_normal(&rng)) +
                    FAME_LIFT * (log(fmax(count, 1)) - FAME_MIDDLE));
    }
    mem_free(mean);
}

/* ---- opinions ---- */

static double opinion_gain(double ratings)
{
    return OPINION_GAIN * ratings / (ratings + OPINION_RARE);
}

/* How much more than average somebody likes a film for its tastes: the mean over ratings is 0 for
 * everybody, because it belongs to the bias. */
static void prepare_opinions(struct population *population)
{
    double weight = 0, sum[TASTE_DIMS] = {0};
    for (int32_t i = 0; i < population->films; i++) {
        double count = population->film_count[i];
        weight += count;
        for (int d = 0; d < TASTE_DIMS; d++) {
            sum[d] += count * opinion_gain(count) *
                      (double)population->film_opinion[(int64_t)i * TASTE_DIMS + d];
        }
    }
    for (int32_t i = 0; i < population->films; i++) {
        double gain = opinion_gain(population->film_count[i]);
        for (int d = 0; d < TASTE_DIMS; d++) {
            int64_t place = (int64_t)i * TASTE_DIMS + d;
            population->past_opinion[place] =
                (float)(gain * (double)population->film_opinion[place] - sum[d] / weight);
        }
    }
}

/* ---- genres ---- */

/* Sum and number of a person's residuals by genre. */
static void add_residuals(const struct population *population, int32_t user, double *sum,
                          double *count, double *square)
{
    const struct ratings *r = &population->data->ratings;
    const uint32_t *genres = population->data->catalogue.genres;
    for (int64_t i = r->start[user]; i < r->start[user + 1]; i++) {
        int32_t film = r->item[i];
        double rest = 0.5 * r->half_stars[i] - population->mean_stars -
                      (double)population->user_bias[user] - (double)population->film_bias[film];
        *square += rest * rest;
        for (int g = 0; g < CATALOGUE_GENRES_MAX; g++) {
            if ((genres[film] >> g & 1) != 0) {
                sum[g] += rest;
                count[g] += 1;
            }
        }
    }
}

static void prepare_genres(struct population *population)
{
    double people[CATALOGUE_GENRES_MAX] = {0}, squares[CATALOGUE_GENRES_MAX] = {0};
    double inverse[CATALOGUE_GENRES_MAX] = {0}, noise = 0;
    for (int32_t u = 0; u < population->real_users; u++) {
        double sum[CATALOGUE_GENRES_MAX] = {0}, count[CATALOGUE_GENRES_MAX] = {0};
        add_residuals(population, u, sum, count, &noise);
        for (int g = 0; g < CATALOGUE_GENRES_MAX; g++) {
            population->genre_share[g] += count[g];
            if (count[g] >= GENRE_RATINGS_MIN) {
                people[g] += 1;
                squares[g] += sum[g] / count[g] * (sum[g] / count[g]);
                inverse[g] += 1 / count[g];
            }
        }
    }
    noise /= (double)population->data->ratings.count;
    for (int g = 0; g < CATALOGUE_GENRES_MAX; g++) {
        population->genre_share[g] /= (double)population->data->ratings.count;
        double variance = people[g] >= GENRE_PEOPLE_MIN
                              ? (squares[g] - noise * inverse[g]) / people[g]
                              : GENRE_SD_ELSE * GENRE_SD_ELSE;
        population->genre_sd[g] = GENRE_GAIN * sqrt(fmax(0, variance));
    }
}

static void draw_genres(const struct population *population, int32_t person,
                        double shift[CATALOGUE_GENRES_MAX])
{
    struct rng rng = rng_stream(population->config.seed, (uint64_t)person, POPULATION_PAST_GENRES);
    double mean = 0, genres = 0;
    for (int g = 0; g < population->data->catalogue.genre_count; g++) {
        shift[g] = population->genre_sd[g] * rng_normal(&rng);
        mean += population->genre_share[g] * shift[g];
        genres += population->genre_share[g] * population->genre_share[g];
    }
    /* So that nobody likes films as such more or less for it. */
    for (int g = 0; g < population->data->catalogue.genre_count; g++) {
        shift[g] -= mean * population->genre_share[g] / genres;
    }
}

/* ---- half stars ---- */

static void prepare_habits(struct population *population)
{
    const struct ratings *r = &population->data->ratings;
    for (int32_t u = 0; u < population->real_users; u++) {
        double halves = 0;
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            halves += r->half_stars[i] % 2 == 1;
        }
        double share = halves / fmax(1, (double)(r->start[u + 1] - r->start[u]));
        population->half_use[u] = (float)fmin(1, share / HALF_SHARE_MOST);
    }
}

void past_rating_prepare(struct population *population)
{
    prepare_films(population);
    prepare_opinions(population);
    prepare_genres(population);
    prepare_habits(population);
}

void past_rating_grid(const struct population *population, int32_t person, uint32_t purpose,
                      int32_t count, bool *whole)
{
    struct rng rng = rng_stream(population->config.seed, (uint64_t)person, purpose);
    float use = population->half_use[population->base[person]];
    for (int32_t k = 0; k < count; k++) {
        whole[k] = (float)rng_uniform(&rng) >= use;
    }
}

/* ---- judgements ---- */

/* Mean 0, deviation 1, nearly normal, at a third of the price: three uniform draws. For what is
 * summed up over ratings or only orders them. */
static double nearly_normal(struct rng *rng)
{
    double sum = rng_uniform(rng) + rng_uniform(rng);
    return 2 * (sum + rng_uniform(rng)) - 3;
}

double past_rating_middle(const struct population *population, int32_t person)
{
    return population->mean_stars + USER_GAIN * (double)population->user_bias[person];
}

static double judgement(const struct population *population, int32_t person, const float *opinion,
                        const double shift[CATALOGUE_GENRES_MAX], int32_t film)
{
    double genres = 0;
    for (uint32_t left = population->data->catalogue.genres[film]; left != 0; left &= left - 1) {
        genres += shift[__builtin_ctz(left)];
    }
    float liking = taste_dot(opinion, population->past_opinion + (int64_t)film * TASTE_DIMS);
    return past_rating_middle(population, person) + (double)population->film_past[film] +
           (double)liking + genres;
}

void past_rating_judge(const struct population *population, int32_t person, const float *opinion,
                       uint32_t purpose, const int32_t *item, const int64_t *time_s, int32_t count,
                       double *latent)
{
    struct rng rng = rng_stream(population->config.seed, (uint64_t)person, purpose);
    const double slow_fresh = SLOW_SD * sqrt(1 - SLOW_KEEP * SLOW_KEEP);
    const double quick_fresh = QUICK_SD * sqrt(1 - QUICK_KEEP * QUICK_KEEP);
    double shift[CATALOGUE_GENRES_MAX];
    draw_genres(population, person, shift);
    double slow = SLOW_SD * rng_normal(&rng), quick = 0;
    for (int32_t k = 0; k < count; k++) {
        bool opens = k == 0 || time_s[k] - time_s[k - 1] > REDATE_SESSION_GAP_S;
        double fresh = nearly_normal(&rng);
        quick = opens ? QUICK_SD * fresh : QUICK_KEEP * quick + quick_fresh * fresh;
        slow = SLOW_KEEP * slow + slow_fresh * nearly_normal(&rng);
        latent[k] = judgement(population, person, opinion, shift, item[k]) + slow + quick +
                    NOISE_SD * nearly_normal(&rng);
    }
}

struct ordered {
    double key;
    int32_t item;
};

static int by_falling_key(const void *a, const void *b)
{
    const struct ordered *one = a, *other = b;
    if (one->key != other->key) {
        return one->key > other->key ? -1 : 1;
    }
    return (one->item > other->item) - (one->item < other->item);
}

void past_rating_order(const struct population *population, int32_t person, int32_t *item,
                       int32_t count)
{
    struct rng rng = rng_stream(population->config.seed, (uint64_t)person, POPULATION_PAST_ORDER);
    double shift[CATALOGUE_GENRES_MAX];
    draw_genres(population, person, shift);
    const float *opinion = population->opinion + (int64_t)person * TASTE_DIMS;
    struct ordered *order = mem_array((size_t)count + 1, sizeof *order);
    for (int32_t k = 0; k < count; k++) {
        order[k].item = item[k];
        order[k].key = ORDER_FAME * (double)population->film_log[item[k]] +
                       ORDER_LIKED * judgement(population, person, opinion, shift, item[k]) +
                       nearly_normal(&rng);
    }
    qsort(order, (size_t)count, sizeof *order, by_falling_key);
    for (int32_t k = 0; k < count; k++) {
        item[k] = order[k].item;
    }
    mem_free(order);
}

/* ---- cut-points ---- */

/* Ratings wanted on each grid. People rating on the half-star scale for a share of the time make
 * the data's histogram of half-star people if whole stars, when they use them, are that histogram
 * with its halves dealt to both neighbours. */
static void wanted_by_grid(const struct population *population, int64_t halves[10],
                           int64_t wholes[10])
{
    const struct ratings *r = &population->data->ratings;
    double mixed[10] = {0}, use = 0, all = 0;
    for (int k = 0; k < 10; k++) {
        halves[k] = wholes[k] = 0;
    }
    for (int32_t u = 0; u < population->real_users; u++) {
        bool never = population->half_use[u] <= 0;
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            int value = r->half_stars[i] - 1;
            wholes[value] += never;
            mixed[value] += !never;
            use += (double)population->half_use[u];
            all += !never;
        }
    }
    double whole_part = all > 0 ? 1 - use / all : 0;
    for (int k = 1; k < 10; k += 2) {
        double dealt =
            mixed[k] + mixed[k - 1] * (k == 1 ? 1 : .5) + (k < 9 ? mixed[k + 1] * .5 : 0);
        int64_t own = (int64_t)(whole_part * dealt + .5);
        wholes[k] += own;
        halves[k] = (int64_t)fmax(0, mixed[k] - (double)own);
        halves[k - 1] = (int64_t)mixed[k - 1];
    }
}

void past_rating_fit(struct population *population, const double *latent, const bool *whole,
                     int64_t count)
{
    struct rating_sample sample[2] = {{.count = 0}, {.count = 0}};
    for (int grid = 0; grid < 2; grid++) {
        sample[grid].latent = mem_array((size_t)count + 1, sizeof *latent);
    }
    for (int64_t k = 0; k < count; k++) {
        struct rating_sample *own = &sample[whole[k]];
        own->latent[own->count++] = latent[k];
    }
    wanted_by_grid(population, sample[0].wanted, sample[1].wanted);
    rating_fit(&population->past_rating, &sample[0], &sample[1]);
    mem_free(sample[0].latent);
    mem_free(sample[1].latent);
}
