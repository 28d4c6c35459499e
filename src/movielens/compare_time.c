/* Sessions, gaps, hours of the day, and what the stream of ratings looks like in order of time. */
#include "movielens/compare_int.h"

#include "base/mem.h"
#include "movielens/sort.h"

#include <math.h>
#include <string.h>

#define DAY_S 86400
#define BLOCK 1000 /* ratings */
/* Shorter data cannot hold the pauses of people who come back after months. */
#define PAUSES_SPAN_MIN_S (INT64_C(180) * DAY_S)

struct visits {
    double *first, *later; /* lengths of sessions */
    double *gap, *pause;   /* logarithms of seconds, gaps above 0 */
    int64_t laters, gaps, pauses;
    int32_t single;
};

static void walk(const struct ratings *r, int32_t user, struct visits *v)
{
    int64_t opened = r->start[user];
    bool first = true;
    for (int64_t i = r->start[user] + 1; i <= r->start[user + 1]; i++) {
        bool end = i == r->start[user + 1];
        double gap = end ? 0 : (double)(r->time_s[i] - r->time_s[i - 1]);
        if (!end && gap <= COMPARE_SESSION_BREAK_S) {
            if (gap > 0) {
                v->gap[v->gaps++] = log(gap);
            }
            continue;
        }
        if (!end) {
            v->pause[v->pauses++] = log(gap);
        }
        if (first) {
            v->first[user] = (double)(i - opened);
            v->single += end;
        } else {
            v->later[v->laters++] = (double)(i - opened);
        }
        first = false;
        opened = i;
    }
}

static int64_t span_s(const struct ratings *r)
{
    int64_t first = r->time_s[0], last = r->time_s[0];
    for (int64_t i = 0; i < r->count; i++) {
        first = r->time_s[i] < first ? r->time_s[i] : first;
        last = r->time_s[i] > last ? r->time_s[i] : last;
    }
    return last - first;
}

void compare_sessions(const struct compare_data *data, double *value)
{
    const struct ratings *r = data->ratings;
    size_t count = (size_t)r->count;
    struct visits v = {.first = mem_zalloc((size_t)r->users, sizeof *v.first),
                       .later = mem_array(count, sizeof *v.later),
                       .gap = mem_array(count, sizeof *v.gap),
                       .pause = mem_array(count, sizeof *v.pause)};
    for (int32_t u = 0; u < r->users; u++) {
        walk(r, u, &v);
    }
    value[COMPARE_ONE_SESSION] = (double)v.single / r->users;
    value[COMPARE_FIRST_SHARE] =
        compare_mean(v.first, r->users) * (double)r->users / (double)r->count;
    value[COMPARE_FIRST_SESSION] = compare_quantile(v.first, r->users, 0.5);
    value[COMPARE_LATER_SESSION] = compare_quantile(v.later, v.laters, 0.5);
    value[COMPARE_GAP_MU] = compare_mean(v.gap, v.gaps);
    value[COMPARE_GAP_SIGMA] = compare_sd(v.gap, v.gaps);
    if (span_s(r) >= PAUSES_SPAN_MIN_S) {
        value[COMPARE_PAUSE_MU] = compare_mean(v.pause, v.pauses);
        value[COMPARE_PAUSE_SIGMA] = compare_sd(v.pause, v.pauses);
    }
    mem_free(v.first);
    mem_free(v.later);
    mem_free(v.gap);
    mem_free(v.pause);
}

void compare_hours(const struct compare_data *data, double *value)
{
    const struct ratings *r = data->ratings;
    double starts[24] = {0}, all = 0, most = 0, fewest = INFINITY;
    for (int32_t u = 0; u < r->users; u++) {
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            if (i == r->start[u] || r->time_s[i] - r->time_s[i - 1] > COMPARE_SESSION_BREAK_S) {
                starts[r->time_s[i] % DAY_S / 3600] += 1;
                all += 1;
            }
        }
    }
    for (int h = 0; h < 24; h++) {
        if (starts[h] > most) {
            most = starts[h];
            value[COMPARE_PEAK_HOUR] = h;
        }
        fewest = fmin(fewest, starts[h]);
    }
    value[COMPARE_PEAK_TO_TROUGH] = fewest > 0 ? most / fewest : INFINITY;
    value[COMPARE_NIGHT_SHARE] = (starts[9] + starts[10] + starts[11]) / (all / 8);
}

/* Places of all ratings in order of time, of equal times in order of people. */
static uint64_t *in_order_of_time(const struct ratings *r)
{
    size_t count = (size_t)r->count;
    uint64_t *keys = mem_array(count, sizeof *keys), *scratch = mem_array(count, sizeof *scratch);
    int64_t first = r->time_s[0];
    for (int64_t i = 0; i < r->count; i++) {
        first = r->time_s[i] < first ? r->time_s[i] : first;
    }
    for (int64_t i = 0; i < r->count; i++) {
        keys[i] = (uint64_t)(r->time_s[i] - first) << 32 | (uint64_t)i;
    }
    sort_u64(keys, scratch, count);
    mem_free(scratch);
    for (size_t i = 0; i < count; i++) {
        keys[i] &= UINT32_MAX;
    }
    return keys;
}

void compare_stream(const struct compare_data *data, double *value)
{
    const struct ratings *r = data->ratings;
    int64_t blocks = r->count / BLOCK, cut = r->count - r->count / 10, unseen = 0;
    if (r->count > UINT32_MAX) {
        return;
    }
    uint64_t *order = in_order_of_time(r);
    double *mean = mem_zalloc((size_t)blocks + 1, sizeof *mean);
    bool *known = mem_zalloc((size_t)r->users, sizeof *known);
    int32_t *user = mem_array((size_t)r->count, sizeof *user);
    for (int32_t u = 0; u < r->users; u++) {
        for (int64_t i = r->start[u]; i < r->start[u + 1]; i++) {
            user[i] = u;
        }
    }
    for (int64_t k = 0; k < r->count; k++) {
        if (k < blocks * BLOCK) {
            mean[k / BLOCK] += 0.5 * r->half_stars[order[k]] / BLOCK;
        }
        if (k < cut) {
            known[user[order[k]]] = true;
        } else {
            unseen += !known[user[order[k]]];
        }
    }
    value[COMPARE_BLOCK_SD] = compare_sd(mean, blocks);
    value[COMPARE_UNSEEN_USERS] = (double)unseen / (double)(r->count - cut);
    mem_free(order);
    mem_free(mean);
    mem_free(known);
    mem_free(user);
}

/* ---- order ---- */

/* Correlation of the residuals of ratings `lag` places apart in one session. */
static double autocorrelation(const struct compare_data *data, int64_t lag)
{
    const struct ratings *r = data->ratings;
    int64_t pairs = 0;
    double *x = mem_array((size_t)r->count, sizeof *x), *y = mem_array((size_t)r->count, sizeof *y);
    for (int32_t u = 0; u < r->users; u++) {
        int64_t opened = r->start[u];
        for (int64_t i = r->start[u] + 1; i < r->start[u + 1]; i++) {
            if (r->time_s[i] - r->time_s[i - 1] > COMPARE_SESSION_BREAK_S) {
                opened = i;
            }
            if (i - lag >= opened) {
                x[pairs] = data->residual[i - lag];
                y[pairs++] = data->residual[i];
            }
        }
    }
    double result = compare_correlation(x, y, pairs);
    mem_free(x);
    mem_free(y);
    return result;
}

void compare_order(const struct compare_data *data, double *value)
{
    const struct ratings *r = data->ratings;
    double *early = mem_array((size_t)r->count, sizeof *early);
    double *late = mem_array((size_t)r->count, sizeof *late);
    int64_t earlies = 0, lates = 0, firsts = 0, lasts = 0;
    double first = 0, last = 0;
    for (int32_t u = 0; u < r->users; u++) {
        int64_t n = r->start[u + 1] - r->start[u];
        for (int64_t k = 0; k < n; k++) {
            int64_t i = r->start[u] + k;
            int32_t fame = data->film_count[r->item[i]];
            if (k * 10 < n) {
                first += 0.5 * r->half_stars[i];
                firsts++;
            } else if (k * 10 >= 9 * n) {
                last += 0.5 * r->half_stars[i];
                lasts++;
            }
            if (k >= 5 && k < 10) {
                early[earlies++] = fame;
            } else if (k >= 200 && k < 500) {
                late[lates++] = fame;
            }
        }
    }
    value[COMPARE_RATING_FALL] = first / (double)firsts - last / (double)lasts;
    value[COMPARE_FAME_FALL] =
        compare_quantile(early, earlies, 0.5) / compare_quantile(late, lates, 0.5);
    value[COMPARE_LAG_ONE] = autocorrelation(data, 1);
    value[COMPARE_LAG_TEN] = autocorrelation(data, 10);
    mem_free(early);
    mem_free(late);
}
