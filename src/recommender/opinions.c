#include "recommender/opinions.h"

#include "base/mem.h"

#include <math.h>

#define RIDGE 5.0 /* ratings of average opinion that every person and film is given */
#define SWEEPS 3  /* films, then people; later ones change less than .01 stars */

static double stars_above(const struct opinions *opinions, const struct ratings *ratings, int64_t i)
{
    return 0.5 * ratings->half_stars[i] - opinions->mean;
}

static void fit_items(struct opinions *opinions, const struct ratings *ratings, double *rest,
                      double *count)
{
    for (int32_t i = 0; i < ratings->items; i++) {
        rest[i] = count[i] = 0;
    }
    for (int32_t u = 0; u < ratings->users; u++) {
        double bias = (double)opinions->user_bias[u];
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            rest[ratings->item[i]] += stars_above(opinions, ratings, i) - bias;
            count[ratings->item[i]] += 1;
        }
    }
    for (int32_t i = 0; i < ratings->items; i++) {
        opinions->item_bias[i] = (float)(rest[i] / (count[i] + RIDGE));
    }
}

static void fit_users(struct opinions *opinions, const struct ratings *ratings)
{
    for (int32_t u = 0; u < ratings->users; u++) {
        double rest = 0, count = (double)(ratings->start[u + 1] - ratings->start[u]);
        for (int64_t i = ratings->start[u]; i < ratings->start[u + 1]; i++) {
            rest +=
                stars_above(opinions, ratings, i) - (double)opinions->item_bias[ratings->item[i]];
        }
        opinions->user_bias[u] = (float)(rest / (count + RIDGE));
    }
}

void opinions_train(struct opinions *out, const struct ratings *ratings)
{
    double sum = 0;
    for (int64_t i = 0; i < ratings->count; i++) {
        sum += 0.5 * ratings->half_stars[i];
    }
    out->mean = ratings->count > 0 ? sum / (double)ratings->count : 3.5;
    out->user_bias = mem_zalloc((size_t)ratings->users + 1, sizeof *out->user_bias);
    out->item_bias = mem_zalloc((size_t)ratings->items + 1, sizeof *out->item_bias);
    double *rest = mem_array((size_t)ratings->items + 1, sizeof *rest);
    double *count = mem_array((size_t)ratings->items + 1, sizeof *count);
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        fit_items(out, ratings, rest, count);
        fit_users(out, ratings);
    }
    mem_free(rest);
    mem_free(count);
}

void opinions_deinit(struct opinions *opinions)
{
    mem_free(opinions->user_bias);
    mem_free(opinions->item_bias);
}

void opinions_known(const struct opinions *opinions, int32_t user, int64_t count,
                    struct opinions_bias *bias)
{
    bias->count = (double)count;
    bias->rest = (double)opinions->user_bias[user] * (bias->count + RIDGE);
}

void opinions_add(const struct opinions *opinions, int32_t item, uint8_t half_stars,
                  struct opinions_bias *bias)
{
    bias->rest += 0.5 * half_stars - opinions->mean - (double)opinions->item_bias[item];
    bias->count += 1;
}

double opinions_stars(const struct opinions *opinions, const struct opinions_bias *bias,
                      int32_t item)
{
    double stars =
        opinions->mean + bias->rest / (bias->count + RIDGE) + (double)opinions->item_bias[item];
    return fmin(fmax(stars, 0.5), 5.0);
}
