/* Rating values, activity, popularity and genres: counts and what follows from them. */
#include "movielens/compare_int.h"

#include "base/mem.h"
#include "movielens/profile.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

/* ---- rating values ---- */

#define LEAST_FOR_A_HABIT 20 /* ratings */

static double share_of_halves(const struct ratings *r, int32_t user)
{
    int64_t halves = 0;
    for (int64_t i = r->start[user]; i < r->start[user + 1]; i++) {
        halves += r->half_stars[i] % 2 == 1;
    }
    return (double)halves / (double)(r->start[user + 1] - r->start[user]);
}

/* People who rate in half stars: a tenth of their ratings at least, or they mostly rated before
 * the site had them. stars counts their ratings by value. */
static void measure_habit(const struct ratings *r, double *value)
{
    int64_t stars[10] = {0};
    int32_t people = 0;
    double *share = mem_array((size_t)r->users, sizeof *share);
    for (int32_t u = 0; u < r->users; u++) {
        double own = share_of_halves(r, u);
        if (own < 0.1 || r->start[u + 1] - r->start[u] < LEAST_FOR_A_HABIT) {
            continue;
        }
        share[people++] = own;
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            stars[r->half_stars[i] - 1]++;
        }
    }
    if (people > 0) {
        value[COMPARE_HALF_LOW] = compare_quantile(share, people, 0.25);
        value[COMPARE_HALF_MEDIAN] = compare_quantile(share, people, 0.5);
        value[COMPARE_HALF_HIGH] = compare_quantile(share, people, 0.75);
        value[COMPARE_HALVES_HIGH] =
            (stars[6] > stars[5]) + (stars[8] > stars[9]) + (stars[4] > stars[3]);
    }
    mem_free(share);
}

void compare_histogram(const struct compare_data *data, double *value)
{
    const struct ratings *r = data->ratings;
    int64_t n[10] = {0}, halves = 0;
    double sd = 0;
    for (int64_t i = 0; i < r->count; i++) {
        n[r->half_stars[i] - 1]++;
        halves += r->half_stars[i] % 2 == 1;
    }
    profile_moments(n, &value[COMPARE_MEAN], &sd);
    value[halves > 0 ? COMPARE_SD_HALVES : COMPARE_SD_WHOLES] = sd;
    value[COMPARE_WHOLE_ORDER] = (n[7] > n[5]) + (n[5] > n[9]) + (n[9] > n[3]) + (n[3] > n[1]);
    if (halves > 0) {
        value[COMPARE_HALVES_LOW] = n[0] < n[1];
        for (int k = 2; k < 10; k += 2) {
            value[COMPARE_HALVES_LOW] += n[k] < n[k - 1] && n[k] < n[k + 1];
        }
        measure_habit(r, value);
    }
}

/* ---- activity ---- */

/* The likelihood equations say that the truncated distribution has the sample's mean and variance.
 * With a = (cut - mu) / sigma and the hazard h of the standard normal at a, these are
 * mu + sigma h and sigma^2 (1 + a h - h^2), so variance / (mean - cut)^2 depends on a alone, and
 * falls as a does. */
void compare_truncated_normal(double mean, double variance, double cut, double *mu, double *sigma)
{
    double wanted = variance / ((mean - cut) * (mean - cut)), low = -30, high = 30, hazard = 0;
    for (int step = 0; step < 200; step++) {
        double a = (low + high) / 2;
        hazard = gsl_ran_ugaussian_pdf(a) / gsl_cdf_ugaussian_Q(a);
        double ratio = (1 + a * hazard - hazard * hazard) / ((hazard - a) * (hazard - a));
        *(ratio < wanted ? &low : &high) = a;
    }
    *sigma = (mean - cut) / (hazard - low);
    *mu = cut - low * *sigma;
}

/* Largest distance between the sample's distribution and the fitted one. */
static double distance(const double *sorted, int64_t count, double cut, double mu, double sigma)
{
    double below = gsl_cdf_ugaussian_P((cut - mu) / sigma), most = 0;
    for (int64_t i = 0; i < count;) {
        int64_t next = i;
        while (next < count && sorted[next] <= sorted[i]) {
            next++;
        }
        /* Counts are whole numbers: the fitted one is looked at half way to the next. */
        double upper = log(exp(sorted[i]) + 0.5);
        double fitted = (gsl_cdf_ugaussian_P((upper - mu) / sigma) - below) / (1 - below);
        most = fmax(most, fabs(fitted - (double)next / (double)count));
        i = next;
    }
    return most;
}

void compare_activity(const struct compare_data *data, double *value)
{
    const struct ratings *r = data->ratings;
    const double cut = log(19.5);
    double *logs = mem_array((size_t)r->users, sizeof *logs);
    double *means = mem_array((size_t)r->users, sizeof *means);
    double mu = 0, sigma = 0;
    for (int32_t u = 0; u < r->users; u++) {
        double sum = 0;
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            sum += 0.5 * r->half_stars[i];
        }
        logs[u] = log((double)(r->start[u + 1] - r->start[u]));
        means[u] = sum / (double)(r->start[u + 1] - r->start[u]);
    }
    value[COMPARE_BUSY_HARSH] = compare_correlation(logs, means, r->users);
    double mean = compare_mean(logs, r->users), sd = compare_sd(logs, r->users);
    value[COMPARE_ACTIVITY_MEDIAN] = exp(compare_quantile(logs, r->users, 0.5));
    value[COMPARE_ACTIVITY_LEAST] = exp(logs[0]);
    if (logs[0] > cut && sd > 0) {
        compare_truncated_normal(mean, sd * sd, cut, &mu, &sigma);
        value[COMPARE_ACTIVITY_MU] = mu;
        value[COMPARE_ACTIVITY_SIGMA] = sigma;
        value[COMPARE_ACTIVITY_KS] = distance(logs, r->users, cut, mu, sigma);
    }
    mem_free(logs);
    mem_free(means);
}

/* ---- popularity ---- */

void compare_popularity(const struct compare_data *data, double *value)
{
    size_t films = (size_t)data->ratings->items;
    uint64_t *count = mem_array(films, sizeof *count);
    double *logs = mem_array(films, sizeof *logs), *means = mem_array(films, sizeof *means);
    int64_t known = 0;
    for (size_t i = 0; i < films; i++) {
        count[i] = (uint64_t)data->film_count[i];
        if (data->film_count[i] >= 5) {
            logs[known] = log(data->film_count[i]);
            means[known++] = data->film_mean[i];
        }
    }
    struct profile_fame fame = profile_fame_of(count, data->ratings->items);
    value[COMPARE_TOP_TENTH] = fame.top_tenth_share;
    value[COMPARE_MOST_SEEN] = fame.most_rated / data->ratings->users;
    value[COMPARE_POPULAR_LIKED] = compare_correlation(logs, means, known);
    mem_free(count);
    mem_free(logs);
    mem_free(means);
}

/* ---- genres ---- */

static uint32_t bit_of(const struct catalogue *catalogue, const char *name)
{
    for (int g = 0; g < catalogue->genre_count; g++) {
        if (strncmp(catalogue->genre_name[g], name, strlen(name)) == 0) {
            return UINT32_C(1) << g;
        }
    }
    return 0;
}

/* Films with both over those expected if genres were independent. */
static double lift(const struct catalogue *catalogue, const char *one, const char *other)
{
    uint32_t a = bit_of(catalogue, one), b = bit_of(catalogue, other);
    double with_a = 0, with_b = 0, both = 0;
    for (int32_t i = 0; i < catalogue->count; i++) {
        with_a += (catalogue->genres[i] & a) != 0;
        with_b += (catalogue->genres[i] & b) != 0;
        both += (catalogue->genres[i] & a) != 0 && (catalogue->genres[i] & b) != 0;
    }
    return with_a * with_b > 0 ? both * catalogue->count / (with_a * with_b) : NAN;
}

void compare_genres(const struct compare_data *data, double *value)
{
    const struct catalogue *catalogue = &data->dataset->catalogue;
    double sum = 0;
    for (int32_t i = 0; i < catalogue->count; i++) {
        sum += __builtin_popcount(catalogue->genres[i]);
    }
    value[COMPARE_GENRES_A_FILM] = sum / catalogue->count;
    value[COMPARE_COMEDY_DRAMA] = lift(catalogue, "Comedy", "Drama");
    value[COMPARE_ACTION_ADVENTURE] = lift(catalogue, "Action", "Adventure");
    value[COMPARE_ANIMATION_CHILDREN] = lift(catalogue, "Animation", "Children");
}
