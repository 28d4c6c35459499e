#include "movielens/profile.h"

#include "base/mem.h"
#include "movielens/sort.h"

#include <math.h>

const double profile_quantiles[PROFILE_QUANTILES] = {0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0};

void profile_moments(const int64_t stars[10], double *mean, double *sd)
{
    double sum = 0.0, squares = 0.0, count = 0.0;
    for (int k = 0; k < 10; k++) {
        double value = (k + 1) / 2.0, ratings = (double)stars[k];
        count += ratings;
        sum += value * ratings;
        squares += value * value * ratings;
    }
    *mean = count > 0 ? sum / count : 0.0;
    *sd = count > 0 ? sqrt(fmax(0.0, squares / count - *mean * *mean)) : 0.0;
}

struct profile_fame profile_fame_of(uint64_t *counts, int32_t films)
{
    struct profile_fame fame = {0};
    uint64_t top = 0, all = 0;
    uint64_t *scratch = mem_array((size_t)films, sizeof *scratch);
    sort_u64(counts, scratch, (size_t)films);
    mem_free(scratch);
    for (int32_t i = 0; i < films; i++) {
        fame.films_rated += counts[i] > 0;
        all += counts[i];
    }
    for (int32_t i = 0; i < (fame.films_rated + 9) / 10; i++) {
        top += counts[films - 1 - i];
    }
    fame.top_tenth_share = all > 0 ? (double)top / (double)all : 0.0;
    fame.most_rated = films > 0 ? (double)counts[films - 1] : 0.0;
    return fame;
}

static void measure_stars(const struct ratings *ratings, struct profile *out)
{
    out->first_s = out->last_s = ratings->time_s[0];
    for (int64_t i = 0; i < ratings->count; i++) {
        int64_t time_s = ratings->time_s[i];
        out->stars[ratings->half_stars[i] - 1]++;
        out->first_s = time_s < out->first_s ? time_s : out->first_s;
        out->last_s = time_s > out->last_s ? time_s : out->last_s;
    }
    profile_moments(out->stars, &out->mean, &out->sd);
}

static double quantile(const uint64_t *sorted, int32_t count, double q)
{
    double at = q * (count - 1);
    int32_t low = (int32_t)at;
    double here = (double)sorted[low];
    return low + 1 < count ? here + (at - low) * ((double)sorted[low + 1] - here) : here;
}

static void measure_users(const struct ratings *ratings, struct profile *out)
{
    size_t users = (size_t)ratings->users;
    uint64_t *counts = mem_array(users, sizeof *counts);
    uint64_t *scratch = mem_array(users, sizeof *scratch);
    for (size_t u = 0; u < users; u++) {
        counts[u] = (uint64_t)(ratings->start[u + 1] - ratings->start[u]);
    }
    sort_u64(counts, scratch, users);
    for (int k = 0; k < PROFILE_QUANTILES; k++) {
        out->a_user[k] = quantile(counts, ratings->users, profile_quantiles[k]);
    }
    mem_free(counts);
    mem_free(scratch);
}

static void measure_films(const struct ratings *ratings, struct profile *out)
{
    uint64_t *counts = mem_zalloc((size_t)ratings->items, sizeof *counts);
    for (int64_t i = 0; i < ratings->count; i++) {
        counts[ratings->item[i]]++;
    }
    struct profile_fame fame = profile_fame_of(counts, ratings->items);
    out->films_rated = fame.films_rated;
    out->top_tenth_share = fame.top_tenth_share;
    out->most_seen_share = fame.most_rated / ratings->users;
    mem_free(counts);
}

struct profile profile_of(const struct dataset *dataset)
{
    const struct ratings *ratings = &dataset->ratings;
    struct profile out = {
        .users = ratings->users, .films = dataset->catalogue.count, .ratings = ratings->count};
    measure_stars(ratings, &out);
    measure_users(ratings, &out);
    measure_films(ratings, &out);
    return out;
}
