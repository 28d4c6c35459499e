/*
 * The people: how much, when, what and how they rate. Numbers of ratings and years of joining are
 * stratified (person k gets the k-th slice of the distribution, slices dealt by a shuffle), so that
 * even six hundred people show the published quantiles and not one draw's luck with the heavy tail.
 */
#include "movielens/synth_int.h"

#include "base/mem.h"
#include "movielens/sort.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

/* Ratings a person: lognormal left-truncated at 20, fitted to ml-latest-small (KS .025). */
#define LOG_MEAN 3.461
#define LOG_SD 1.607
#define RATINGS_MIN 20
/* The heaviest user there rated .277 of the films. */
#define RATINGS_MAX_SHARE 0.28

/* New people by year, 1996 to 2018. */
static const double new_people[SYNTH_YEARS] = {97, 27, 9,  26, 48, 20, 14, 20, 11, 24, 23, 22,
                                               22, 21, 15, 22, 25, 13, 8,  47, 32, 35, 29};

/* Quantiles of the share of ratings given on the half-star scale. That scale itself puts .54 of its
 * ratings on halves, so these are the published .13 .32 .42 .48 .55 divided by it. */
static const struct {
    double at, value;
} half_habits[] = {{0.0, 0.0}, {0.05, 0.24}, {0.25, 0.64}, {0.5, 0.78}, {0.75, 0.89}, {0.95, 1.0}};

/* Strengths of what drives choice, as deviations of log weights. Found by trial so that who rated
 * what has the published structure (compare.h): energy of rank 20 in the degree-normalised matrix
 * 2.2 to 2.5 times its shuffled null, ALS over popularity about 1.7. */
#define GENRE_TASTE 0.48     /* times the genre's own deviation */
#define FAME_TASTE 0.35      /* some like the well-known films, some the obscure ones ... */
#define FAME_BUSY 0.5        /* ... the busy above all: most rare films are rated by heavy users */
#define LATENT_FIRST_SD 0.50 /* latent directions, falling slowly */
#define LATENT_LAST_SD 0.44

/* Opinion, stars: latent, with people differing in how strongly they hold theirs, and of genres, as
 * a multiple of the published deviations. So that factors beat biases by 2 % and correlations of
 * films have a true deviation of .1, rising by .03 a shared genre. */
#define OPINION_SD 0.81
#define OPINION_SPREAD 0.35
#define GENRE_OPINION 1.25

/* Correlation of being late and being busy, see deal_activity. */
#define LATE_AND_BUSY 0.2
#define STRATA 20
#define GOLDEN 0.6180339887

void synth_shuffle(struct rng rng, int32_t *out, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        int32_t j = (int32_t)rng_below(&rng, (uint32_t)i + 1);
        out[i] = out[j];
        out[j] = i;
    }
}

/* A year by its slice of the published numbers, as a number with its fraction. */
static double year_at(double uniform)
{
    double total = 0.0;
    for (int y = 0; y < SYNTH_YEARS; y++) {
        total += new_people[y];
    }
    double left = uniform * total;
    int y = 0;
    while (y < SYNTH_YEARS - 1 && left > new_people[y]) {
        left -= new_people[y];
        y++;
    }
    return SYNTH_FIRST_YEAR + y + fmin(0.999, left / new_people[y]);
}

static double habit_at(double uniform)
{
    size_t last = sizeof half_habits / sizeof half_habits[0] - 1, i = 0;
    while (i < last && half_habits[i + 1].at <= uniform) {
        i++;
    }
    if (i == last) {
        return half_habits[last].value;
    }
    double part = (uniform - half_habits[i].at) / (half_habits[i + 1].at - half_habits[i].at);
    return half_habits[i].value + part * (half_habits[i + 1].value - half_habits[i].value);
}

/* Film ratings start in March 1996 and end on 24 September 2018. */
static int64_t start_of(double year, int *calendar_year)
{
    double first = 1996.24, end = 2018.70;
    double kept = fmin(fmax(year, first), end);
    *calendar_year = (int)kept;
    return (int64_t)((kept - 1970.0) * 365.2425 * 86400.0);
}

static void make_taste(struct synth_people *people, int32_t person, double activity_z,
                       uint64_t seed)
{
    struct rng rng = rng_stream(seed, (uint64_t)person, SYNTH_PERSON_TASTE);
    double *taste = people->taste + (size_t)person * SYNTH_TASTE;
    for (int g = 0; g < SYNTH_GENRES; g++) {
        taste[g] = GENRE_TASTE * synth_genres[g].taste_sd * rng_normal(&rng);
    }
    taste[SYNTH_TASTE_FAME] = FAME_TASTE * rng_normal(&rng) - FAME_BUSY * activity_z;
    taste[SYNTH_TASTE_AGE] = 0.03 * (people->year[person] - 2006.0) + 0.3 * rng_normal(&rng);
    for (int d = 0; d < SYNTH_LATENT; d++) {
        double part = d / (SYNTH_LATENT - 1.0);
        taste[SYNTH_TASTE_LATENT + d] =
            (LATENT_FIRST_SD + part * (LATENT_LAST_SD - LATENT_FIRST_SD)) * rng_normal(&rng);
    }
}

/* z: where the person's bias lies among all, in standard deviations. */
static void make_opinion(struct synth_people *people, int32_t person, double activity_z, double z,
                         uint64_t seed)
{
    struct rng rng = rng_stream(seed, (uint64_t)person, SYNTH_PERSON_OPINION);
    /* Skewed to the left, lower for the busy. */
    people->bias[person] = 0.435 * (z - 0.09 * (z * z - 1.0)) + 0.02 * activity_z;
    people->scale[person] = exp(0.20 * rng_normal(&rng) - 0.02);
    /* The busy use halves more: ratings are half-starred more often than the average person's. */
    people->half_habit[person] =
        habit_at(gsl_cdf_ugaussian_P(0.4 * activity_z + 0.92 * rng_normal(&rng)));
    double strength = OPINION_SD * exp(OPINION_SPREAD * rng_normal(&rng));
    for (int d = 0; d < SYNTH_OPINION; d++) {
        people->opinion[(size_t)person * SYNTH_OPINION + (size_t)d] =
            strength / sqrt(SYNTH_OPINION) * rng_normal(&rng);
    }
    double *shift = people->genre_opinion + (size_t)person * SYNTH_GENRES, mean = 0.0,
           squares = 0.0;
    for (int g = 0; g < SYNTH_GENRES; g++) {
        double share = synth_genres[g].rating_share;
        shift[g] = GENRE_OPINION * synth_genres[g].opinion_sd * rng_normal(&rng);
        mean += share * shift[g];
        squares += share * share;
    }
    /* Who likes films more in all has a higher bias; genres only divide it. */
    for (int g = 0; g < SYNTH_GENRES; g++) {
        shift[g] -= mean * synth_genres[g].rating_share / squares;
    }
}

/* Which stratum of activity each person is of: of STRATA people who join one after the other, each
 * is of another. A handful of the busiest give a tenth of all ratings; dealt by chance they would
 * decide how much of the last year's ratings is newcomers'. Inside a stratum the slices follow
 * multiples of the golden ratio, of which any few in a row lie far apart. */
static void deal_strata(const int32_t *year_slice, int32_t *stratum, int32_t count, uint64_t seed)
{
    int32_t *joined = mem_array((size_t)count, sizeof *joined), order[STRATA];
    for (int32_t u = 0; u < count; u++) {
        joined[year_slice[u]] = u;
    }
    for (int32_t k = 0; k < count; k++) {
        if (k % STRATA == 0) {
            synth_shuffle(rng_stream(seed, (uint64_t)k, SYNTH_PERSON_STRATA), order, STRATA);
        }
        stratum[joined[k]] = order[k % STRATA];
    }
    mem_free(joined);
}

/* Deals the slices of activity: late comers are a little busier (39 % of the people came before the
 * half stars, but gave 30 % of the ratings). */
static void deal_activity(const int32_t *year_slice, int32_t *activity_slice, int32_t count,
                          uint64_t seed)
{
    uint64_t *keys = mem_array((size_t)count, sizeof *keys);
    uint64_t *scratch = mem_array((size_t)count, sizeof *scratch);
    int32_t *stratum = mem_array((size_t)count, sizeof *stratum);
    deal_strata(year_slice, stratum, count, seed);
    for (int32_t u = 0; u < count; u++) {
        struct rng rng = rng_stream(seed, (uint64_t)stratum[u], SYNTH_PERSON_ACTIVITY);
        int32_t group = year_slice[u] / STRATA;
        double late = (double)year_slice[u] / count;
        double place = rng_uniform(&rng) + group * GOLDEN;
        double score = place - floor(place) + LATE_AND_BUSY * late;
        keys[u] = (uint64_t)((4.0 * stratum[u] + score) * 0x1p20) << 32 | (uint32_t)u;
    }
    sort_u64(keys, scratch, (size_t)count);
    for (int32_t k = 0; k < count; k++) {
        activity_slice[keys[k] & UINT32_MAX] = k;
    }
    mem_free(keys);
    mem_free(scratch);
    mem_free(stratum);
}

static void count_years(struct synth_people *people)
{
    for (int32_t u = 0; u < people->count; u++) {
        people->share_from_year[people->year[u] - SYNTH_FIRST_YEAR] += 1.0 / people->count;
    }
    for (int y = SYNTH_YEARS - 1; y-- > 0;) {
        people->share_from_year[y] += people->share_from_year[y + 1];
    }
}

void synth_people_make(struct synth_people *people, int32_t count, int32_t films, uint64_t seed)
{
    size_t n = (size_t)count;
    *people = (struct synth_people){
        .count = count,
        .ratings = mem_array(n, sizeof *people->ratings),
        .start_s = mem_array(n, sizeof *people->start_s),
        .year = mem_array(n, sizeof *people->year),
        .taste = mem_array(n * SYNTH_TASTE, sizeof *people->taste),
        .bias = mem_array(n, sizeof *people->bias),
        .scale = mem_array(n, sizeof *people->scale),
        .half_habit = mem_array(n, sizeof *people->half_habit),
        .opinion = mem_array(n * SYNTH_OPINION, sizeof *people->opinion),
        .genre_opinion = mem_array(n * SYNTH_GENRES, sizeof *people->genre_opinion)};
    int32_t *activity_slice = mem_array(n, sizeof *activity_slice);
    int32_t *year_slice = mem_array(n, sizeof *year_slice);
    int32_t *bias_slice = mem_array(n, sizeof *bias_slice);
    synth_shuffle(rng_stream(seed, 0, SYNTH_PERSON_SHUFFLE), year_slice, count);
    synth_shuffle(rng_stream(seed, 1, SYNTH_PERSON_SHUFFLE), bias_slice, count);
    deal_activity(year_slice, activity_slice, count, seed);
    /* Truncation: only the part of the normal distribution above log(19.5) is used. */
    double below = gsl_cdf_ugaussian_P((log(RATINGS_MIN - 0.5) - LOG_MEAN) / LOG_SD);
    double most = fmax(RATINGS_MIN, RATINGS_MAX_SHARE * films);
    for (int32_t u = 0; u < count; u++) {
        struct rng rng = rng_stream(seed, (uint64_t)u, SYNTH_PERSON_START);
        double slice = (activity_slice[u] + rng_uniform(&rng)) / count;
        double z = gsl_cdf_ugaussian_Pinv(below + (1.0 - below) * slice);
        double ratings = fmax(RATINGS_MIN, round(exp(LOG_MEAN + LOG_SD * z)));
        people->ratings[u] = (int32_t)fmin(ratings, most);
        double year = year_at((year_slice[u] + rng_uniform(&rng)) / count);
        people->start_s[u] = start_of(year, &people->year[u]);
        double activity_z = (log(people->ratings[u]) - 4.45) / 1.06;
        make_taste(people, u, activity_z, seed);
        double bias_z = gsl_cdf_ugaussian_Pinv((bias_slice[u] + rng_uniform(&rng)) / count);
        make_opinion(people, u, activity_z, bias_z, seed);
    }
    count_years(people);
    mem_free(activity_slice);
    mem_free(year_slice);
    mem_free(bias_slice);
}

void synth_people_deinit(struct synth_people *people)
{
    mem_free(people->ratings);
    mem_free(people->start_s);
    mem_free(people->year);
    mem_free(people->taste);
    mem_free(people->bias);
    mem_free(people->scale);
    mem_free(people->half_habit);
    mem_free(people->opinion);
    mem_free(people->genre_opinion);
    memset(people, 0, sizeof *people);
}
