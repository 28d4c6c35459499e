#include "recommender/trend_history.h"

#include "base/mem.h"
#include "movielens/sort.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Ratings in order of time; time and place are packed into one key. */
static void order_ratings(struct trend_history *out, const struct ratings *ratings)
{
    size_t count = (size_t)ratings->count;
    uint64_t *key = mem_array(count + 1, sizeof *key);
    uint64_t *scratch = mem_array(count + 1, sizeof *scratch);
    assert(count <= UINT32_MAX);
    for (size_t i = 0; i < count; i++) {
        key[i] = (uint64_t)ratings->time_s[i] << 32 | i;
    }
    sort_u64(key, scratch, count);
    out->item = mem_array(count + 1, sizeof *out->item);
    out->time_s = mem_array(count + 1, sizeof *out->time_s);
    for (size_t i = 0; i < count; i++) {
        out->item[i] = ratings->item[key[i] & UINT32_MAX];
        out->time_s[i] = (int64_t)(key[i] >> 32);
    }
    mem_free(key);
    mem_free(scratch);
}

static void scale(float *weight, int32_t films, double factor)
{
    for (int32_t i = 0; i < films; i++) {
        weight[i] = (float)((double)weight[i] * factor);
    }
}

static double fade(const struct trend_history *history, int64_t age_s)
{
    return exp2(-(double)age_s / history->half_life_s);
}

/* Adds ratings first ... end-1 as they weigh at moment_s. */
static void add(const struct trend_history *history, int64_t first, int64_t end, int64_t moment_s,
                float *weight)
{
    for (int64_t i = first; i < end; i++) {
        weight[history->item[i]] += (float)fade(history, moment_s - history->time_s[i]);
    }
}

static void make_marks(struct trend_history *out)
{
    size_t films = (size_t)out->films;
    out->marks = (int32_t)(out->count / TREND_MARK_RATINGS);
    out->mark = mem_zalloc((size_t)out->marks * films + 1, sizeof *out->mark);
    for (int32_t m = 0; m < out->marks; m++) {
        float *mark = out->mark + (size_t)m * films;
        int64_t first = (int64_t)m * TREND_MARK_RATINGS, last = first + TREND_MARK_RATINGS - 1;
        if (m > 0) {
            memcpy(mark, mark - films, films * sizeof *mark);
            scale(mark, out->films, fade(out, out->time_s[last] - out->time_s[first - 1]));
        }
        add(out, first, last + 1, out->time_s[last], mark);
    }
}

void trend_history_init(struct trend_history *out, const struct ratings *ratings,
                        double half_life_s)
{
    assert(half_life_s > 0);
    *out = (struct trend_history){
        .films = ratings->items, .count = ratings->count, .half_life_s = half_life_s};
    order_ratings(out, ratings);
    make_marks(out);
}

void trend_history_deinit(struct trend_history *history)
{
    mem_free(history->item);
    mem_free(history->time_s);
    mem_free(history->mark);
    memset(history, 0, sizeof *history);
}

/* Number of ratings given before moment_s. */
static int64_t count_before(const struct trend_history *history, int64_t moment_s)
{
    int64_t low = 0, high = history->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (history->time_s[middle] < moment_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void trend_history_at(const struct trend_history *history, int64_t moment_s, float *weight)
{
    size_t films = (size_t)history->films;
    int64_t end = count_before(history, moment_s), marks = end / TREND_MARK_RATINGS;
    int64_t first = marks * TREND_MARK_RATINGS;
    if (marks > 0) {
        memcpy(weight, history->mark + (size_t)(marks - 1) * films, films * sizeof *weight);
        scale(weight, history->films, fade(history, moment_s - history->time_s[first - 1]));
    } else {
        memset(weight, 0, films * sizeof *weight);
    }
    add(history, first, end, moment_s, weight);
}
