/*
 * Why pauses shrink and sessions do not: what a recommender or a metric can feel of a history is
 * its order and the bursts of ratings in a sitting; whether somebody came back after a month or a
 * year is lost anyway once all lies in one quarter.
 */
#include "population/redate.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* Length of histories that are too long, as shares of the window: drawn between the first two. Most
 * people of MovieLens come within a small part of its years, so that what is rated late is rated
 * by newcomers; whoever comes often gets room for it. */
#define LONGEST_LEAST .08
#define LONGEST_MOST .25
#define LONGEST_EVER .97
#define SESSION_ROOM_S 10800.

#define SESSION_RATINGS 15 /* mean ratings a session of an invented history */
#define SESSIONS_MAX 16
#define GAP_LOG_MEAN 2.65 /* ln seconds */
#define GAP_LOG_SD 1.33

static int by_start(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static int32_t find_sessions(const int64_t *time_s, int32_t count, int32_t *first)
{
    int32_t sessions = 0;
    for (int32_t k = 0; k < count; k++) {
        if (k == 0 || time_s[k] - time_s[k - 1] > REDATE_SESSION_GAP_S) {
            first[sessions++] = k;
        }
    }
    first[sessions] = count;
    return sessions;
}

/* Starts of the sessions, rising, counted from the midnight before the first: each on its own hour
 * of the day, the days between them multiplied by `factor`. */
static void move_starts(const int64_t *time_s, const int32_t *first, int32_t sessions,
                        double factor, int64_t *start_s)
{
    int64_t midnight_s = time_s[0] - time_s[0] % REDATE_DAY_S;
    for (int32_t s = 0; s < sessions; s++) {
        int64_t since_s = time_s[first[s]] - midnight_s;
        int64_t days = since_s / REDATE_DAY_S, day = (int64_t)((double)days * factor);
        start_s[s] = day * REDATE_DAY_S + since_s % REDATE_DAY_S;
    }
    /* Days that become one day mix their sessions. */
    qsort(start_s, (size_t)sessions, sizeof *start_s, by_start);
}

/* Times of all ratings from the starts of sessions; a session that would begin before the pause
 * after the one before has passed waits. */
static void place_sessions(const int64_t *time_s, const int32_t *first, int32_t sessions,
                           const int64_t *start_s, int64_t *out_s)
{
    int64_t free_s = start_s[0];
    for (int32_t s = 0; s < sessions; s++) {
        int64_t begin_s = start_s[s] > free_s ? start_s[s] : free_s;
        for (int32_t k = first[s]; k < first[s + 1]; k++) {
            out_s[k] = begin_s + time_s[k] - time_s[first[s]];
        }
        free_s = out_s[first[s + 1] - 1] + REDATE_SESSION_GAP_S + 1;
    }
}

void redate_history(const int64_t *time_s, int32_t count, int64_t begin_s, int64_t end_s,
                    struct rng *rng, int64_t *out_s)
{
    int64_t window_s = end_s - begin_s;
    double wanted = LONGEST_LEAST + (LONGEST_MOST - LONGEST_LEAST) * rng_uniform(rng);
    double place = rng_uniform(rng);
    if (count == 0) {
        return;
    }
    int32_t *first = mem_array((size_t)count + 1, sizeof *first);
    int64_t *start_s = mem_array((size_t)count, sizeof *start_s);
    int32_t sessions = find_sessions(time_s, count, first);
    double longest = fmax(wanted * (double)window_s, (double)sessions * SESSION_ROOM_S);
    longest = fmin(longest, LONGEST_EVER * (double)window_s);
    double length = (double)(time_s[count - 1] - time_s[0]);
    move_starts(time_s, first, sessions, length > longest ? longest / length : 1, start_s);
    place_sessions(time_s, first, sessions, start_s, out_s);
    /* Whole days, so that hours stay; what does not fit even so is squeezed. */
    int64_t used_s = out_s[count - 1], days = (window_s - used_s) / REDATE_DAY_S;
    double squeeze = used_s > window_s ? (double)window_s / (double)used_s : 1;
    int64_t day = days > 0 ? (int64_t)(place * (double)(days + 1)) : 0;
    day = day < days ? day : days > 0 ? days : 0;
    for (int32_t k = 0; k < count; k++) {
        int64_t moved_s = squeeze < 1 ? (int64_t)((double)out_s[k] * squeeze) : out_s[k];
        out_s[k] = begin_s + day * REDATE_DAY_S + moved_s;
    }
    mem_free(first);
    mem_free(start_s);
}

void redate_sessions(int32_t count, int64_t begin_s, int64_t end_s, struct rng *rng, int64_t *out_s)
{
    int32_t sessions = 1 + count / SESSION_RATINGS;
    sessions = sessions < SESSIONS_MAX ? sessions : SESSIONS_MAX;
    int64_t start[SESSIONS_MAX];
    for (int32_t s = 0; s < sessions; s++) {
        int64_t drawn = begin_s + (int64_t)(rng_uniform(rng) * (double)(end_s - begin_s));
        int32_t place = s;
        for (; place > 0 && start[place - 1] > drawn; place--) {
            start[place] = start[place - 1];
        }
        start[place] = drawn;
    }
    int64_t now = begin_s;
    for (int32_t k = 0, s = -1; k < count; k++) {
        double gap = exp(GAP_LOG_MEAN + GAP_LOG_SD * rng_normal(rng));
        now += k > 0 ? (int64_t)gap : 0;
        /* Rating k belongs to session k * sessions / count; a new one never starts in the past. */
        int32_t session = (int32_t)((int64_t)k * sessions / count);
        if (session != s) {
            s = session;
            now = now > start[s] ? now : start[s];
        }
        now = now < end_s ? now : end_s;
        out_s[k] = now;
    }
}
