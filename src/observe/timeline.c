/*
 * The moments of a group are its heartbeat's samples, all series merged. An alert sample belongs to
 * the moment nearest to it, if that is closer than half the gap to the neighbouring moments: the
 * stamps of one evaluation are equal in principle, but they pass through text and doubles. A sample
 * far from every heartbeat proves an evaluation whose heartbeat is missing, and becomes a moment of
 * its own. Between two moments nothing is known, so nothing changes: a skipped evaluation shows
 * neither a heartbeat nor alert samples, and the state goes on.
 */
#include "observe/timeline.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

enum state { QUIET, PENDING, FIRING };

struct moment {
    double time_s;
    enum state state;
};

static size_t count_points(const struct prometheus_matrix *matrix)
{
    size_t count = 0;
    for (size_t i = 0; i < matrix->count; i++) {
        count += matrix->series[i].count;
    }
    return count;
}

static int compare_moments(const void *a, const void *b)
{
    const struct moment *one = a;
    const struct moment *other = b;
    return (one->time_s > other->time_s) - (one->time_s < other->time_s);
}

/* Appends all points of the matrix behind the first `count` moments; returns the new count. */
static size_t append_points(const struct prometheus_matrix *matrix, enum state state,
                            struct moment *list, size_t count)
{
    for (size_t i = 0; i < matrix->count; i++) {
        const struct prometheus_series *series = &matrix->series[i];
        for (size_t k = 0; k < series->count; k++) {
            list[count++] = (struct moment){series->point[k].time_s, state};
        }
    }
    return count;
}

/* Sorts, and makes one moment of equal times. */
static size_t sort_and_merge(struct moment *list, size_t count)
{
    if (count == 0) {
        return 0;
    }
    qsort(list, count, sizeof *list, compare_moments);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        if (list[i].time_s > list[kept - 1].time_s) {
            list[kept++] = list[i];
        } else if (list[i].state > list[kept - 1].state) {
            list[kept - 1].state = list[i].state;
        }
    }
    return kept;
}

/* Index of the beat that `time_s` belongs to, `count` if none. Beats rise strictly. */
static size_t beat_of(const struct moment *beat, size_t count, double time_s)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (beat[middle].time_s < time_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool before =
        low > 0 && (low == count || time_s - beat[low - 1].time_s < beat[low].time_s - time_s);
    size_t nearest = before ? low - 1 : low;
    if (nearest == count) {
        return count;
    }
    double gap = INFINITY;
    if (nearest > 0) {
        gap = beat[nearest].time_s - beat[nearest - 1].time_s;
    }
    if (nearest + 1 < count) {
        gap = fmin(gap, beat[nearest + 1].time_s - beat[nearest].time_s);
    }
    double distance = fabs(time_s - beat[nearest].time_s);
    return distance == 0 || (isfinite(gap) && distance < gap / 2) ? nearest : count;
}

/* All moments with the alert's state at each; heap. */
static struct moment *merge_moments(const struct prometheus_matrix *pending,
                                    const struct prometheus_matrix *firing,
                                    const struct prometheus_matrix *heartbeat, size_t *count)
{
    size_t samples = count_points(pending) + count_points(firing);
    struct moment *sample = mem_array(samples, sizeof *sample);
    struct moment *list = mem_array(samples + count_points(heartbeat), sizeof *list);
    (void)append_points(firing, FIRING, sample, append_points(pending, PENDING, sample, 0));

    size_t beats = sort_and_merge(list, append_points(heartbeat, QUIET, list, 0));
    size_t total = beats;
    for (size_t i = 0; i < samples; i++) {
        size_t beat = beat_of(list, beats, sample[i].time_s);
        if (beat == beats) {
            list[total++] = sample[i];
        } else if (sample[i].state > list[beat].state) {
            list[beat].state = sample[i].state;
        }
    }
    mem_free(sample);
    *count = sort_and_merge(list, total);
    return list;
}

/* A new episode in which nothing has happened yet. */
static struct timeline_episode *open_episode(struct timeline *timeline, size_t *capacity)
{
    if (timeline->count == *capacity) {
        *capacity = *capacity ? 2 * *capacity : 4;
        timeline->episode = mem_resize(timeline->episode, *capacity, sizeof *timeline->episode);
    }
    struct timeline_episode *episode = &timeline->episode[timeline->count++];
    *episode = (struct timeline_episode){NAN, NAN, NAN};
    return episode;
}

void timeline_build(const struct prometheus_matrix *pending, const struct prometheus_matrix *firing,
                    const struct prometheus_matrix *heartbeat, struct timeline *out)
{
    size_t moments = 0;
    size_t capacity = 0;
    struct moment *list = merge_moments(pending, firing, heartbeat, &moments);
    enum state state = QUIET;
    *out = (struct timeline){0};
    for (size_t i = 0; i < moments; i++) {
        enum state now = list[i].state;
        if (state == FIRING && now != FIRING) {
            out->episode[out->count - 1].resolved_s = list[i].time_s;
            state = QUIET;
        }
        if (state == QUIET && now != QUIET) {
            (void)open_episode(out, &capacity);
        }
        if (now == PENDING && state == QUIET) {
            out->episode[out->count - 1].pending_s = list[i].time_s;
        } else if (now == FIRING && state != FIRING) {
            out->episode[out->count - 1].firing_s = list[i].time_s;
        }
        state = now;
    }
    mem_free(list);
}

void timeline_deinit(struct timeline *timeline)
{
    mem_free(timeline->episode);
    *timeline = (struct timeline){0};
}

/* Points outside the span count neither way: what is asked is what was seen inside it. */
double timeline_longest_gap(const struct prometheus_series *series, double from_s, double to_s)
{
    double longest = 0;
    double before = from_s;
    for (size_t i = 0; i < series->count; i++) {
        double time_s = series->point[i].time_s;
        if (time_s >= from_s && time_s <= to_s) {
            longest = fmax(longest, time_s - before);
            before = time_s;
        }
    }
    return fmax(longest, to_s - before);
}
