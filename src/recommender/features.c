#include "recommender/features.h"

#include <math.h>
#include <string.h>

#define RECENT_EVENTS 5

struct work {
    const struct query *query;
    const struct candidates *candidates;
    int16_t *row_of;
    struct feature_rows *rows;
    float recent[TOWERS_COMPONENTS_MAX];
    float together[3][CANDIDATES_MAX], follows[2][CANDIDATES_MAX];
    float looks[2][CANDIDATES_MAX];
    float rank[SOURCE_COUNT][CANDIDATES_MAX];
};

static float dot(const float *a, const float *b, int count)
{
    float sum = 0;
    for (int i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

static void merge(struct work *work)
{
    struct feature_rows *rows = work->rows;
    int best[CANDIDATES_MAX];
    rows->count = 0;
    for (int s = 0; s < SOURCE_COUNT; s++) {
        for (int c = 0; c < work->candidates->count[s]; c++) {
            int32_t item = work->candidates->list[s][c].item;
            int row = work->row_of[item];
            if (row < 0) {
                row = rows->count++;
                work->row_of[item] = (int16_t)row;
                rows->item[row] = item;
                rows->source[row] = (enum source)s;
                best[row] = c;
                for (int t = 0; t < SOURCE_COUNT; t++) {
                    work->rank[t][row] = CANDIDATES_EACH_MAX;
                }
            } else if (c < best[row]) {
                best[row] = c;
                rows->source[row] = (enum source)s;
            }
            work->rank[s][row] = (float)c;
        }
    }
}

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

static void add_looks(const struct work *work, int32_t item, float weight, float *sum)
{
    const struct content *content = &work->query->model->content;
    const float *mine = content->vector + (size_t)item * (size_t)content->dims;
    for (int r = 0; r < work->rows->count; r++) {
        const float *row = content->vector + (size_t)work->rows->item[r] * (size_t)content->dims;
        float dot = 0;
        for (int d = 0; d < content->dims; d++) {
            dot += mine[d] * row[d];
        }
        sum[r] += weight * dot;
    }
}

static void look_back(struct work *work)
{
    const struct query *query = work->query;
    const struct model *model = query->model;
    for (int k = 0; k < 30 && k < query->count; k++) {
        int32_t item = query->events[query->count - 1 - k].item;
        if (k < 1) {
            add_neighbours(work, &model->together, item, 1, work->together[0]);
            add_neighbours(work, &model->followers, item, 1, work->follows[0]);
            add_looks(work, item, 1, work->looks[0]);
        }
        if (k < 5) {
            add_neighbours(work, &model->together, item, 1, work->together[1]);
            add_neighbours(work, &model->followers, item, 1, work->follows[1]);
            add_looks(work, item, 1, work->looks[1]);
        }
        add_neighbours(work, &model->together, item, powf(.93f, (float)k), work->together[2]);
    }
}

static void standardise(struct feature_rows *rows, int from, int to)
{
    float sum = 0, square = 0;
    for (int r = 0; r < rows->count; r++) {
        float v = rows->value[r * FEATURE_COUNT + from];
        sum += v;
        square += v * v;
    }
    float mean = sum / (float)rows->count;
    float sd = sqrtf(fmaxf(square / (float)rows->count - mean * mean, 1e-12f));
    for (int r = 0; r < rows->count; r++) {
        rows->value[r * FEATURE_COUNT + to] = (rows->value[r * FEATURE_COUNT + from] - mean) / sd;
    }
}

static void fill(struct work *work)
{
    const struct query *query = work->query;
    const struct model *model = query->model;
    float year = 0, fame = 0, recent = 0;
    for (int k = 0; k < 20 && k < query->count; k++) {
        const struct film *film = &model->films.film[query->events[query->count - 1 - k].item];
        year += film->year;
        fame += film->fame;
        recent += 1;
    }
    year = recent > 0 ? year / recent : 0;
    fame = recent > 0 ? fame / recent : 0;
    float active = logf(1 + (float)query->activity) - 4.5f;
    for (int r = 0; r < work->rows->count; r++) {
        int32_t item = work->rows->item[r];
        const struct film *film = &model->films.film[item];
        float *x = work->rows->value + r * FEATURE_COUNT;
        const struct towers *towers = &model->retrieval.towers;
        const float *v = towers->item + (size_t)item * (size_t)towers->components;
        x[FEATURE_BASE] = dot(v, work->candidates->base, towers->components);
        x[FEATURE_BASE_RECENT] = dot(v, work->recent, towers->components);
        x[FEATURE_BASE_RANK] = -logf(1 + work->rank[SOURCE_BASE][r]);
        x[FEATURE_SIMILAR] = content_score(&model->content, &work->candidates->similar, item);
        x[FEATURE_SIMILAR_RANK] = -logf(1 + work->rank[SOURCE_SIMILAR][r]);
        x[FEATURE_POPULAR_RANK] = -logf(1 + work->rank[SOURCE_POPULAR][r]);
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
            x[FEATURE_LOOKS_1 + t] = work->looks[t][r];
        }
        x[FEATURE_YEAR_GAP] = fabsf(film->year - year);
        x[FEATURE_YEAR_NEWER] = fmaxf(film->year - year, 0);
        x[FEATURE_FAME_ACTIVE] = film->fame * active;
        x[FEATURE_STARS_ACTIVE] = film->stars * active;
        x[FEATURE_TOGETHER_ACTIVE] = x[FEATURE_ROOT_TOGETHER_5] * active;
        x[FEATURE_FAME_TASTE] = fabsf(film->fame - fame);
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
    struct work work = {.query = query, .candidates = candidates, .row_of = row_of, .rows = rows};
    int recent = query->count < RECENT_EVENTS ? query->count : RECENT_EVENTS;
    towers_user(&query->model->retrieval.towers, query->events + query->count - recent,
                (size_t)recent, work.recent);
    merge(&work);
    look_back(&work);
    fill(&work);
    for (int r = 0; r < rows->count; r++) {
        row_of[rows->item[r]] = -1;
    }
}
