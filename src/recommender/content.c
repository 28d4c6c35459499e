/*
 * Resemblance alone would propose any obscure film of the right kind, so the cosine is multiplied
 * by the film's prior, and only the films of highest prior (the pool) are looked at.
 *
 * The constants were chosen on the second-to-last rating of each person (evaluate.h), where they
 * are flat: on ml-latest-small and on a written past of 20,000 people, HR@10 moves by about its
 * standard error for a decay of .8 to .95 and a power of 1.5 to 3 of the logarithm in the prior;
 * with a power of 1 or a taste of the last five films alone it is a sixth lower.
 */
#include "recommender/content.h"

#include "base/mem.h"
#include "recommender/age.h"
#include "recommender/content_words.h"
#include "recommender/topk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LIKED_HALF_STARS 7 /* 3.5 stars is the mean of MovieLens: "well" begins there */
#define LIKED_FILMS_MAX 50 /* the latest of the films rated well make the taste */
#define LIKED_DECAY 0.85f  /* weight of each such film relative to the next later one */
#define PRIOR_RIDGE 10.0   /* ratings of average opinion that every film is given */

/* ---- making ---- */

/* Damped mean from 2 stars (0) to 5 (1), times the square of the logarithm of the age-weighted
 * number of ratings relative to the largest. */
static void make_prior(struct content *content, const struct corpus *corpus, double half_life_s)
{
    const struct ratings *ratings = &corpus->ratings;
    size_t films = (size_t)content->films;
    double *sum = mem_zalloc(films + 1, sizeof *sum);
    double *count = mem_zalloc(films + 1, sizeof *count);
    double *aged = mem_zalloc(films + 1, sizeof *aged);
    double total = 0, most = 0;
    for (int64_t i = 0; i < ratings->count; i++) {
        int32_t item = ratings->item[i];
        sum[item] += 0.5 * ratings->half_stars[i];
        count[item] += 1;
        aged[item] += age_weight(corpus->newest_s - ratings->time_s[i], half_life_s);
        total += 0.5 * ratings->half_stars[i];
    }
    double mean = ratings->count > 0 ? total / (double)ratings->count : 0;
    for (size_t i = 0; i < films; i++) {
        most = fmax(most, log1p(aged[i]));
    }
    content->prior = mem_zalloc(films + 1, sizeof *content->prior);
    for (size_t i = 0; i < films && most > 0; i++) {
        double damped = (sum[i] + PRIOR_RIDGE * mean) / (count[i] + PRIOR_RIDGE);
        double quality = fmin(fmax((damped - 2) / 3, 0), 1);
        double known = log1p(aged[i]) / most;
        content->prior[i] = (float)(quality * known * known);
    }
    mem_free(sum);
    mem_free(count);
    mem_free(aged);
}

static const float *row_of(const struct content *content, int32_t item)
{
    return content->vector + (size_t)item * (size_t)content->dims;
}

static float dot(const float *a, const float *b, int count)
{
    float sum = 0;
    for (int c = 0; c < count; c++) {
        sum += a[c] * b[c];
    }
    return sum;
}

static int by_falling_score(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    if (left->score != right->score) {
        return left->score > right->score ? -1 : 1;
    }
    return (left->item > right->item) - (left->item < right->item);
}

void content_arrange(struct content *content)
{
    struct candidate *order = mem_array((size_t)content->films + 1, sizeof *order);
    int32_t count = 0;
    for (int32_t i = 0; i < content->films; i++) {
        const float *row = row_of(content, i);
        if (dot(row, row, content->dims) > 0) {
            order[count++] = (struct candidate){i, content->prior[i]};
        }
    }
    qsort(order, (size_t)count, sizeof *order, by_falling_score);
    content->without = content->films - count;
    content->pool_count = count < CONTENT_POOL_MAX ? count : CONTENT_POOL_MAX;
    content->pool = mem_array((size_t)content->pool_count + 1, sizeof *content->pool);
    for (int32_t p = 0; p < content->pool_count; p++) {
        content->pool[p] = order[p].item;
    }
    float *scaled =
        mem_array((size_t)content->pool_count * (size_t)content->dims + 1, sizeof *scaled);
    for (int32_t p = 0; p < content->pool_count; p++) {
        const float *row = row_of(content, order[p].item);
        for (int c = 0; c < content->dims; c++) {
            scaled[(size_t)p * (size_t)content->dims + (size_t)c] = order[p].score * row[c];
        }
    }
    tiles_init(&content->pool_tiles, scaled, NULL, content->pool_count, content->dims);
    mem_free(scaled);
    mem_free(order);
}

void content_train(struct content *out, const struct corpus *corpus, const struct embeddings *given,
                   double half_life_s, const struct parallel *parallel)
{
    size_t films = (size_t)corpus->catalogue.count;
    *out = (struct content){.films = corpus->catalogue.count,
                            .dims = given != NULL ? given->dims : CONTENT_WORDS_DIMS};
    out->vector = mem_zalloc(films * (size_t)out->dims + 1, sizeof *out->vector);
    if (given != NULL) {
        embeddings_of_films(given, &corpus->catalogue, out->vector);
    } else {
        content_words(&corpus->catalogue, &corpus->tags, parallel, out->vector);
    }
    make_prior(out, corpus, half_life_s);
    content_arrange(out);
}

void content_deinit(struct content *content)
{
    mem_free(content->vector);
    mem_free(content->prior);
    mem_free(content->pool);
    tiles_deinit(&content->pool_tiles);
    memset(content, 0, sizeof *content);
}

/* ---- asking ---- */

void content_taste(const struct content *content, const struct event *history, size_t count,
                   struct content_taste *out)
{
    float weight = 1, sum[CONTENT_DIMS_MAX] = {0};
    int liked = 0;
    for (size_t i = count; i-- > 0 && liked < LIKED_FILMS_MAX;) {
        if (history[i].half_stars >= LIKED_HALF_STARS) {
            const float *row = row_of(content, history[i].item);
            for (int c = 0; c < content->dims; c++) {
                sum[c] += weight * row[c];
            }
            weight *= LIKED_DECAY;
            liked++;
        }
    }
    float norm = dot(sum, sum, content->dims);
    out->known = norm > 0;
    for (int c = 0; c < content->dims; c++) {
        out->vector[c] = out->known ? sum[c] / sqrtf(norm) : 0;
    }
}

float content_score(const struct content *content, const struct content_taste *taste, int32_t item)
{
    return taste->known
               ? dot(row_of(content, item), taste->vector, content->dims) * content->prior[item]
               : 0;
}

int content_candidates(const struct content *content, const struct content_taste *taste,
                       const uint64_t *seen, int max, struct candidate *out)
{
    float scores[CONTENT_POOL_MAX];
    struct topk top = {.best = out, .max = max, .floor = 0};
    if (!taste->known) {
        return 0;
    }
    tiles_score(&content->pool_tiles, taste->vector, 0, content->pool_count, scores);
    for (int32_t p = 0; p < content->pool_count; p++) {
        if (scores[p] > top.floor && !seen_has(seen, content->pool[p])) {
            topk_enter(&top, content->pool[p], scores[p]);
        }
    }
    return top.count;
}
