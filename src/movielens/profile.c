#include "movielens/profile.h"

#include "base/mem.h"
#include "movielens/sort.h"

#include <math.h>

const double profile_quantiles[PROFILE_QUANTILES] = {0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0};

static void measure_stars(const struct ratings *ratings, struct profile *out)
{
    double sum = 0.0, squares = 0.0, count = (double)ratings->count;
    out->first_s = out->last_s = ratings->time_s[0];
    for (int64_t i = 0; i < ratings->count; i++) {
        int64_t time_s = ratings->time_s[i];
        out->stars[ratings->half_stars[i] - 1]++;
        out->first_s = time_s < out->first_s ? time_s : out->first_s;
        out->last_s = time_s > out->last_s ? time_s : out->last_s;
    }
    for (int k = 0; k < 10; k++) {
        double stars = (k + 1) / 2.0;
        sum += stars * (double)out->stars[k];
        squares += stars * stars * (double)out->stars[k];
    }
    out->mean = sum / count;
    out->sd = sqrt(fmax(0.0, squares / count - out->mean * out->mean));
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
    size_t films = (size_t)ratings->items;
    uint64_t *counts = mem_zalloc(films, sizeof *counts);
    uint64_t *scratch = mem_array(films, sizeof *scratch);
    uint64_t top = 0;
    for (int64_t i = 0; i < ratings->count; i++) {
        counts[ratings->item[i]]++;
    }
    sort_u64(counts, scratch, films);
    for (size_t i = 0; i < films; i++) {
        out->films_rated += counts[i] > 0;
    }
    size_t tenth = ((size_t)out->films_rated + 9) / 10;
    for (size_t i = 0; i < tenth; i++) {
        top += counts[films - 1 - i];
    }
    out->top_tenth_share = (double)top / (double)ratings->count;
    out->most_seen_share = (double)counts[films - 1] / ratings->users;
    mem_free(counts);
    mem_free(scratch);
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
