/*
 * Some hundred and fifty candidates are compared with twenty films in each request. What is a
 * sum of cosines over several films is one dot product with the sum of their vectors; what is a sum
 * over neighbours walks the neighbours of these films, not pairs, and an array over all films tells
 * which of them are candidates.
 */
#include "recommender/features.h"

#include "numeric/versions.h"

#include <math.h>
#include <string.h>

enum { FEW = 5, MANY = 20 }; /* of the latest films */

#define FADING 0.93f      /* of a film's weight, a place further back */
#define ACTIVITY_LOG 4.5f /* of a person as active as most: interactions are 0 there */
#define LANES 8
#define AHEAD 6 /* rows fetched early: they lie all over the memory */

struct work {
    const struct query *query;
    const struct candidates *candidates;
    int16_t *row_of;
    struct feature_rows *rows;
    float rank[SOURCE_COUNT][CANDIDATES_MAX];
    float together[3][CANDIDATES_MAX], follows[2][CANDIDATES_MAX];
    float recent[TOWERS_COMPONENTS_MAX]; /* vector of the last few films */
    float looks[2][CONTENT_DIMS_MAX];    /* content of the last film, of the last few */
    float dots[3][CANDIDATES_MAX];
};

/* ---- candidates ---- */

/* The row of a film, a new one unless another source has proposed it before. */
static int row_for(struct work *work, int32_t item, float unlisted, int *best)
{
    int row = work->row_of[item];
    if (row < 0) {
        row = work->rows->count++;
        work->row_of[item] = (int16_t)row;
        work->rows->item[row] = item;
        best[row] = CANDIDATES_EACH_MAX;
        for (int s = 0; s < SOURCE_COUNT; s++) {
            work->rank[s][row] = unlisted;
        }
    }
    return row;
}

static void merge(struct work *work)
{
    struct feature_rows *rows = work->rows;
    int best[CANDIDATES_MAX];
    float unlisted = -logf(CANDIDATES_EACH_MAX + 1);
    rows->count = 0;
    for (int s = 0; s < SOURCE_COUNT; s++) {
        for (int c = 0; c < work->candidates->count[s]; c++) {
            int row = row_for(work, work->candidates->list[s][c].item, unlisted, best);
            if (c < best[row]) {
                best[row] = c;
                rows->source[row] = (enum source)s;
            }
            work->rank[s][row] = -logf(1 + (float)c);
        }
    }
}

/* ---- the latest films ---- */

static void add_neighbours(const struct work *work, const struct neighbours *neighbours,
                           int32_t item, float weight, float *sum)
{
    for (int64_t k = neighbours->start[item]; k < neighbours->start[item + 1]; k++) {
        int row = work->row_of[neighbours->item[k]];
        if (row >= 0) {
            sum[row] += weight * neighbours->weight[k];
        }
    }
}

static void look_back(struct work *work)
{
    const struct query *query = work->query;
    const struct model *model = query->model;
    size_t dims = (size_t)model->content.dims, rows = (size_t)work->rows->count;
    float fading = 1;
    memset(work->looks, 0, sizeof work->looks);
    for (int back = 0; back < MANY && back < query->count; back++, fading *= FADING) {
        int32_t item = query->events[query->count - 1 - back].item;
        add_neighbours(work, &model->together, item, fading, work->together[2]);
        if (back < FEW) {
            const float *vector = model->content.vector + (size_t)item * dims;
            add_neighbours(work, &model->together, item, 1, work->together[1]);
            add_neighbours(work, &model->followers, item, 1, work->follows[1]);
            for (size_t d = 0; d < dims; d++) {
                work->looks[1][d] += vector[d];
            }
        }
        if (back == 0) {
            memcpy(work->together[0], work->together[1], rows * sizeof(float));
            memcpy(work->follows[0], work->follows[1], rows * sizeof(float));
            memcpy(work->looks[0], work->looks[1], sizeof work->looks[0]);
        }
    }
}

/* ---- dot products ---- */

/* The order of the sum does not depend on the vector width. */
INLINED float dot(const float *a, const float *b, int count)
{
    float lane[LANES] = {0}, rest = 0;
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int j = 0; j < LANES; j++) {
            lane[j] += a[i + j] * b[i + j];
        }
    }
    for (; i < count; i++) {
        rest += a[i] * b[i];
    }
    return (lane[0] + lane[4]) + (lane[1] + lane[5]) + (lane[2] + lane[6]) + (lane[3] + lane[7]) +
           rest;
}

/* out[v][r] = matrix row of candidate r . vector v */
VECTOR_VERSIONS
static void dot_rows(const struct feature_rows *rows, const float *matrix, int width,
                     const float *const *vector, int vectors, float (*out)[CANDIDATES_MAX])
{
    for (int r = 0; r < rows->count; r++) {
        const float *row = matrix + (size_t)rows->item[r] * (size_t)width;
        if (r + AHEAD < rows->count) {
            const float *later = matrix + (size_t)rows->item[r + AHEAD] * (size_t)width;
            __builtin_prefetch(later);
            __builtin_prefetch(later + 16);
        }
        for (int v = 0; v < vectors; v++) {
            out[v][r] = dot(row, vector[v], width);
        }
    }
}

static void compare_vectors(struct work *work)
{
    const struct model *model = work->query->model;
    const struct feature_rows *rows = work->rows;
    const float *const base[] = {work->candidates->base, work->recent};
    const float *const content[] = {work->candidates->similar.vector, work->looks[0],
                                    work->looks[1]};
    bool known = work->candidates->similar.known;
    dot_rows(rows, model->retrieval.towers.item, model->retrieval.towers.components, base, 2,
             work->dots);
    for (int r = 0; r < rows->count; r++) {
        float *x = work->rows->value + r * FEATURE_COUNT;
        x[FEATURE_BASE] = work->dots[0][r];
        x[FEATURE_BASE_RECENT] = work->dots[1][r];
    }
    dot_rows(rows, model->content.vector, model->content.dims, content, 3, work->dots);
    for (int r = 0; r < rows->count; r++) {
        float *x = work->rows->value + r * FEATURE_COUNT;
        x[FEATURE_SIMILAR] = known ? work->dots[0][r] * model->content.prior[rows->item[r]] : 0;
        x[FEATURE_LOOKS_1] = work->dots[1][r];
        x[FEATURE_LOOKS_5] = work->dots[2][r];
    }
}

/* ---- rows ---- */

static void standardise(struct feature_rows *rows, enum feature from, enum feature to)
{
    float sum = 0, square = 0, count = (float)rows->count;
    for (int r = 0; r < rows->count; r++) {
        float value = rows->value[r * FEATURE_COUNT + (int)from];
        sum += value;
        square += value * value;
    }
    float mean = sum / count, variance = square / count - mean * mean;
    float scale = variance > 1e-9f ? 1 / sqrtf(variance) : 0;
    for (int r = 0; r < rows->count; r++) {
        float *row = rows->value + r * FEATURE_COUNT;
        row[to] = (row[from] - mean) * scale;
    }
}

/* Means over the latest films; of all films' scale 0 without one. */
static struct film recent_mean(const struct query *query)
{
    struct film mean = {0};
    int count = query->count < MANY ? query->count : MANY;
    for (int back = 0; back < count; back++) {
        const struct film *film =
            &query->model->films.film[query->events[query->count - 1 - back].item];
        mean.year += film->year / (float)count;
        mean.fame += film->fame / (float)count;
    }
    return mean;
}

static void fill_rows(struct work *work)
{
    const struct query *query = work->query;
    const struct film mean = recent_mean(query);
    float active = logf(1 + (float)query->activity) - ACTIVITY_LOG;
    for (int r = 0; r < work->rows->count; r++) {
        const struct film *film = &query->model->films.film[work->rows->item[r]];
        float *x = work->rows->value + r * FEATURE_COUNT;
        x[FEATURE_BASE_RANK] = work->rank[SOURCE_BASE][r];
        x[FEATURE_SIMILAR_RANK] = work->rank[SOURCE_SIMILAR][r];
        x[FEATURE_POPULAR_RANK] = work->rank[SOURCE_POPULAR][r];
        x[FEATURE_FAME] = film->fame;
        x[FEATURE_FRESH] = film->fresh;
        x[FEATURE_STARS] = film->stars;
        for (int t = 0; t < 3; t++) {
            x[FEATURE_TOGETHER_1 + t] = work->together[t][r];
            x[FEATURE_ROOT_TOGETHER_1 + t] = sqrtf(work->together[t][r]);
        }
        for (int t = 0; t < 2; t++) {
            x[FEATURE_FOLLOWS_1 + t] = work->follows[t][r];
            x[FEATURE_ROOT_FOLLOWS_1 + t] = sqrtf(work->follows[t][r]);
        }
        x[FEATURE_YEAR_GAP] = fabsf(film->year - mean.year);
        x[FEATURE_YEAR_NEWER] = fmaxf(film->year - mean.year, 0);
        x[FEATURE_FAME_ACTIVE] = film->fame * active;
        x[FEATURE_TOGETHER_ACTIVE] = x[FEATURE_ROOT_TOGETHER_5] * active;
        x[FEATURE_STARS_ACTIVE] = film->stars * active;
        x[FEATURE_FAME_GAP] = fabsf(film->fame - mean.fame);
    }
    standardise(work->rows, FEATURE_BASE, FEATURE_BASE_Z);
    standardise(work->rows, FEATURE_SIMILAR, FEATURE_SIMILAR_Z);
    for (int r = 0; r < work->rows->count; r++) {
        float *x = work->rows->value + r * FEATURE_COUNT;
        x[FEATURE_BASE_ACTIVE] = x[FEATURE_BASE_Z] * active;
    }
}

void features_of(const struct query *query, const struct candidates *candidates, int16_t *row_of,
                 struct feature_rows *rows)
{
    struct work work; /* 12 KB, of which only what belongs to a row is ever set */
    work.query = query;
    work.candidates = candidates;
    work.row_of = row_of;
    work.rows = rows;
    merge(&work);
    for (int t = 0; t < 3; t++) {
        memset(work.together[t], 0, (size_t)rows->count * sizeof(float));
    }
    for (int t = 0; t < 2; t++) {
        memset(work.follows[t], 0, (size_t)rows->count * sizeof(float));
    }
    int few = query->count < FEW ? query->count : FEW;
    towers_user(&query->model->retrieval.towers, query->events + query->count - few, (size_t)few,
                work.recent);
    look_back(&work);
    compare_vectors(&work);
    fill_rows(&work);
    for (int r = 0; r < rows->count; r++) {
        row_of[rows->item[r]] = -1;
    }
}
