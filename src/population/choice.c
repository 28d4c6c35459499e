#include "population/choice.h"

#include "base/mem.h"
#include "numeric/sparse.h"
#include "numeric/svd.h"
#include "population/taste.h"

#include <math.h>

#define RANK (TASTE_DIMS + 1) /* the first component is dropped */
#define SUBSPACE_ITERATIONS 6
#define RARE_FILM 5 /* films with fewer ratings are shrunk */

static void normalised_matrix(const struct ratings *ratings, const int32_t *film_count,
                              struct sparse *out)
{
    sparse_init(out, ratings->users, ratings->items, ratings->count);
    for (int32_t u = 0; u <= ratings->users; u++) {
        out->start[u] = ratings->start[u];
    }
    for (int32_t u = 0; u < ratings->users; u++) {
        double degree = (double)(ratings->start[u + 1] - ratings->start[u]);
        for (int64_t k = ratings->start[u]; k < ratings->start[u + 1]; k++) {
            int32_t film = ratings->item[k];
            out->col[k] = film;
            out->value[k] = (float)(1 / sqrt(degree * film_count[film]));
        }
    }
}

/* Drops the first component and, for people, multiplies by the singular values. */
static void copy_components(const double *vectors, const double *singular, int32_t rows, float *out)
{
    for (int32_t r = 0; r < rows; r++) {
        for (int d = 0; d < TASTE_DIMS; d++) {
            double scale = singular != NULL ? singular[d + 1] : 1;
            out[(int64_t)r * TASTE_DIMS + d] = (float)(vectors[(int64_t)r * RANK + d + 1] * scale);
        }
    }
}

static void scale_and_centre(const int32_t *film_count, int32_t films, float *film_taste)
{
    double mean[TASTE_DIMS] = {0}, weight = 0;
    for (int32_t i = 0; i < films; i++) {
        double degree = film_count[i];
        /* 1 / sqrt(d), and sqrt(d / max(d, RARE_FILM)) for rare films; 0 stays 0. */
        double scale = 1 / sqrt(fmax(degree, RARE_FILM));
        for (int d = 0; d < TASTE_DIMS; d++) {
            float *value = &film_taste[(int64_t)i * TASTE_DIMS + d];
            *value = (float)(*value * scale);
            mean[d] += degree * *value;
        }
        weight += degree;
    }
    for (int32_t i = 0; i < films; i++) {
        for (int d = 0; d < TASTE_DIMS; d++) {
            film_taste[(int64_t)i * TASTE_DIMS + d] -= (float)(mean[d] / weight);
        }
    }
}

/* Sum over rows of weight * v v', divided by the sum of weights; weight NULL = all 1. */
static void second_moment(const float *vectors, const int32_t *weight, int32_t rows,
                          double out[TASTE_DIMS][TASTE_DIMS])
{
    double total = 0;
    for (int a = 0; a < TASTE_DIMS; a++) {
        for (int b = 0; b < TASTE_DIMS; b++) {
            out[a][b] = 0;
        }
    }
    for (int32_t r = 0; r < rows; r++) {
        const float *v = vectors + (int64_t)r * TASTE_DIMS;
        double w = weight != NULL ? weight[r] : 1;
        total += w;
        for (int a = 0; a < TASTE_DIMS; a++) {
            for (int b = 0; b < TASTE_DIMS; b++) {
                out[a][b] += w * (double)v[a] * (double)v[b];
            }
        }
    }
    for (int a = 0; a < TASTE_DIMS; a++) {
        for (int b = 0; b < TASTE_DIMS; b++) {
            out[a][b] /= total;
        }
    }
}

/* The mean over users and films of (x.y)^2 is the sum of the products of both second moments. */
static void scale_to_unit_affinity(const struct ratings *ratings, const int32_t *film_count,
                                   const float *user_taste, float *film_taste)
{
    double people[TASTE_DIMS][TASTE_DIMS], films[TASTE_DIMS][TASTE_DIMS], square = 0;
    second_moment(user_taste, NULL, ratings->users, people);
    second_moment(film_taste, film_count, ratings->items, films);
    for (int a = 0; a < TASTE_DIMS; a++) {
        for (int b = 0; b < TASTE_DIMS; b++) {
            square += people[a][b] * films[a][b];
        }
    }
    double scale = square > 0 ? 1 / sqrt(square) : 1;
    for (int64_t k = 0; k < (int64_t)ratings->items * TASTE_DIMS; k++) {
        film_taste[k] = (float)(film_taste[k] * scale);
    }
}

void choice_fit(const struct ratings *ratings, const int32_t *film_count, uint64_t seed,
                const struct parallel *parallel, float *user_taste, float *film_taste)
{
    struct sparse matrix, transposed;
    normalised_matrix(ratings, film_count, &matrix);
    sparse_transpose(&matrix, &transposed);
    double *left = mem_array((size_t)ratings->users * RANK, sizeof *left);
    double *right = mem_array((size_t)ratings->items * RANK, sizeof *right);
    double singular[RANK];
    svd_truncated(&matrix, &transposed, RANK, SUBSPACE_ITERATIONS, seed, parallel, left, singular,
                  right);
    copy_components(left, singular, ratings->users, user_taste);
    copy_components(right, NULL, ratings->items, film_taste);
    mem_free(left);
    mem_free(right);
    sparse_deinit(&matrix);
    sparse_deinit(&transposed);

    for (int32_t u = 0; u < ratings->users; u++) {
        float *taste = user_taste + (int64_t)u * TASTE_DIMS;
        if (!(taste_normalise(taste) > 0)) {
            taste[u % TASTE_DIMS] = 1; /* nothing but popularity: any preference is as good */
        }
    }
    scale_and_centre(film_count, ratings->items, film_taste);
    scale_to_unit_affinity(ratings, film_count, user_taste, film_taste);
}
