#include "recommender/films.h"

#include "base/mem.h"
#include "recommender/age.h"

#include <math.h>
#include <stdlib.h>

#define STARS_RIDGE 10.0 /* ratings of average opinion that every film is given */

struct famed {
    float fame;
    int32_t item;
};

static int by_falling_fame(const void *a, const void *b)
{
    const struct famed *left = a, *right = b;
    if (left->fame != right->fame) {
        return left->fame > right->fame ? -1 : 1;
    }
    return (left->item > right->item) - (left->item < right->item);
}

static void order_by_fame(struct films *films)
{
    struct famed *famed = mem_array((size_t)films->count + 1, sizeof *famed);
    films->by_fame = mem_array((size_t)films->count + 1, sizeof *films->by_fame);
    for (int32_t i = 0; i < films->count; i++) {
        famed[i] = (struct famed){films->film[i].fame, i};
    }
    qsort(famed, (size_t)films->count, sizeof *famed, by_falling_fame);
    for (int32_t i = 0; i < films->count; i++) {
        films->by_fame[i] = famed[i].item;
    }
    mem_free(famed);
}

static void add_years(struct films *films, const struct catalogue *catalogue)
{
    double sum = 0, known = 0;
    for (int32_t i = 0; i < catalogue->count; i++) {
        sum += catalogue->year[i];
        known += catalogue->year[i] != 0;
    }
    double mean = known > 0 ? sum / known : 2000;
    for (int32_t i = 0; i < catalogue->count; i++) {
        double year = catalogue->year[i] != 0 ? catalogue->year[i] : mean;
        films->film[i].year = (float)((year - 2000) / 10);
    }
}

void films_train(struct films *out, const struct corpus *corpus, double half_life_s)
{
    const struct ratings *ratings = &corpus->ratings;
    size_t items = (size_t)corpus->catalogue.count;
    double *weight = mem_zalloc(items + 1, sizeof *weight);
    double *stars = mem_zalloc(items + 1, sizeof *stars);
    double *count = mem_zalloc(items + 1, sizeof *count);
    double sum = 0;
    for (int64_t i = 0; i < ratings->count; i++) {
        int32_t item = ratings->item[i];
        weight[item] += age_weight(corpus->newest_s - ratings->time_s[i], half_life_s);
        stars[item] += 0.5 * ratings->half_stars[i];
        count[item] += 1;
        sum += 0.5 * ratings->half_stars[i];
    }
    double mean = ratings->count > 0 ? sum / (double)ratings->count : 3.5;
    *out = (struct films){.count = corpus->catalogue.count,
                          .film = mem_zalloc(items + 1, sizeof *out->film)};
    for (size_t i = 0; i < items; i++) {
        out->film[i].fame = (float)log1p(count[i]);
        out->film[i].fresh = (float)log1p(weight[i]);
        out->film[i].stars = (float)((stars[i] - count[i] * mean) / (count[i] + STARS_RIDGE));
    }
    add_years(out, &corpus->catalogue);
    order_by_fame(out);
    mem_free(weight);
    mem_free(stars);
    mem_free(count);
}

void films_deinit(struct films *films)
{
    mem_free(films->film);
    mem_free(films->by_fame);
}
