/*
 * A series is one piece of memory that is written at its end and moved to its beginning when the
 * end is reached, rather than a ring: a range is then always one piece too, and range functions
 * need not know about a seam. Half of the piece is free after a move, so a sample is moved once on
 * average.
 */
#include "observe/samples.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define FIRST_CAPACITY 32
#define NO_SERIES (-1)
#define STALE_BITS UINT64_C(0x7ff0000000000002) /* the NaN Prometheus marks a series' end with */

struct series {
    int set;
    size_t start, end, capacity, stale_count;
    int64_t *t_ms;
    double *value;
};

struct samples {
    struct series *series;
    size_t count, capacity;
    int *of_set; /* by label set */
    size_t of_set_count;
    int64_t horizon_ms;
    int64_t *scratch_t;
    double *scratch_value;
    size_t scratch_capacity;
};

static bool is_stale(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits == STALE_BITS;
}

struct samples *samples_new(void)
{
    return mem_zalloc(1, sizeof(struct samples));
}

void samples_free(struct samples *samples)
{
    if (samples == NULL) {
        return;
    }
    for (size_t i = 0; i < samples->count; i++) {
        mem_free(samples->series[i].t_ms);
        mem_free(samples->series[i].value);
    }
    mem_free(samples->series);
    mem_free(samples->of_set);
    mem_free(samples->scratch_t);
    mem_free(samples->scratch_value);
    mem_free(samples);
}

void samples_clear(struct samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        struct series *series = &samples->series[i];
        series->start = series->end = series->stale_count = 0;
    }
}

void samples_horizon(struct samples *samples, int64_t horizon_ms)
{
    samples->horizon_ms = horizon_ms;
}

static void make_room_for_set(struct samples *samples, int set)
{
    size_t wanted = (size_t)set + 1;
    if (samples->of_set_count < wanted) {
        samples->of_set = mem_resize(samples->of_set, 2 * wanted, sizeof *samples->of_set);
        for (size_t i = samples->of_set_count; i < 2 * wanted; i++) {
            samples->of_set[i] = NO_SERIES;
        }
        samples->of_set_count = 2 * wanted;
    }
}

int samples_series(struct samples *samples, int set)
{
    make_room_for_set(samples, set);
    if (samples->of_set[set] != NO_SERIES) {
        return samples->of_set[set];
    }
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? 2 * samples->capacity : FIRST_CAPACITY;
        samples->series = mem_resize(samples->series, samples->capacity, sizeof *samples->series);
    }
    samples->series[samples->count] = (struct series){.set = set};
    samples->of_set[set] = (int)samples->count;
    return (int)samples->count++;
}

size_t samples_series_count(const struct samples *samples)
{
    return samples->count;
}

int samples_labels(const struct samples *samples, int series)
{
    assert(series >= 0 && (size_t)series < samples->count);
    return samples->series[series].set;
}

/* Room for one more sample: forgets, moves and only then grows. */
static void make_room(struct series *series, int64_t oldest_ms)
{
    if (series->end < series->capacity) {
        return;
    }
    while (series->start < series->end && series->t_ms[series->start] < oldest_ms) {
        series->stale_count -= is_stale(series->value[series->start++]);
    }
    size_t count = series->end - series->start;
    if (count > 0 && series->start > 0) {
        memmove(series->t_ms, &series->t_ms[series->start], count * sizeof *series->t_ms);
        memmove(series->value, &series->value[series->start], count * sizeof *series->value);
    }
    series->start = 0;
    series->end = count;
    if (2 * count >= series->capacity) {
        series->capacity = series->capacity ? 2 * series->capacity : FIRST_CAPACITY;
        series->t_ms = mem_resize(series->t_ms, series->capacity, sizeof *series->t_ms);
        series->value = mem_resize(series->value, series->capacity, sizeof *series->value);
    }
}

void samples_append(struct samples *samples, int id, int64_t t_ms, double value)
{
    assert(id >= 0 && (size_t)id < samples->count);
    struct series *series = &samples->series[id];
    if (series->end > series->start && series->t_ms[series->end - 1] >= t_ms) {
        return;
    }
    make_room(series, t_ms - samples->horizon_ms);
    series->t_ms[series->end] = t_ms;
    series->value[series->end++] = value;
    series->stale_count += is_stale(value);
}

void samples_append_stale(struct samples *samples, int id, int64_t t_ms)
{
    uint64_t bits = STALE_BITS;
    double stale;
    memcpy(&stale, &bits, sizeof stale);
    samples_append(samples, id, t_ms, stale);
}

/* Index behind the last sample that is not after t_ms. */
static size_t end_at(const struct series *series, int64_t t_ms)
{
    size_t low = series->start, high = series->end;
    if (high > low && series->t_ms[high - 1] <= t_ms) {
        return high; /* by far the usual case */
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->t_ms[middle] <= t_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool samples_newest(const struct samples *samples, int id, int64_t from_ms, int64_t until_ms,
                    int64_t *t_ms, double *value)
{
    const struct series *series = &samples->series[id];
    size_t end = end_at(series, until_ms);
    if (end == series->start || series->t_ms[end - 1] <= from_ms ||
        is_stale(series->value[end - 1])) {
        return false;
    }
    *t_ms = series->t_ms[end - 1];
    *value = series->value[end - 1];
    return true;
}

static struct samples_slice without_stale(struct samples *samples, const struct series *series,
                                          size_t start, size_t end)
{
    size_t count = 0;
    if (samples->scratch_capacity < end - start) {
        size_t capacity = samples->scratch_capacity = 2 * (end - start);
        samples->scratch_t = mem_resize(samples->scratch_t, capacity, sizeof(int64_t));
        samples->scratch_value = mem_resize(samples->scratch_value, capacity, sizeof(double));
    }
    for (size_t i = start; i < end; i++) {
        if (!is_stale(series->value[i])) {
            samples->scratch_t[count] = series->t_ms[i];
            samples->scratch_value[count++] = series->value[i];
        }
    }
    return (struct samples_slice){samples->scratch_t, samples->scratch_value, count};
}

struct samples_slice samples_between(struct samples *samples, int id, int64_t from_ms,
                                     int64_t until_ms)
{
    const struct series *series = &samples->series[id];
    size_t end = end_at(series, until_ms);
    size_t start = end_at(series, from_ms);
    if (start >= end) {
        return (struct samples_slice){NULL, NULL, 0};
    }
    if (series->stale_count > 0) {
        return without_stale(samples, series, start, end);
    }
    return (struct samples_slice){&series->t_ms[start], &series->value[start], end - start};
}
