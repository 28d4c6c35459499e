/*
 * Samples of series in memory, as far back as the longest range needs. One thread at a time.
 */
#ifndef OBSERVE_SAMPLES_H
#define OBSERVE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct samples;

struct samples_slice { /* stale markers are left out; valid until the next call */
    const int64_t *t_ms;
    const double *value;
    size_t count;
};

struct samples *samples_new(void);
void samples_free(struct samples *samples);
void samples_clear(struct samples *samples); /* the series stay */

/* Samples this much older than the newest of their series may be forgotten. */
void samples_horizon(struct samples *samples, int64_t horizon_ms);

/* The series of a label set, made if it is new. Series are numbered from 0. */
int samples_series(struct samples *samples, int set);
size_t samples_series_count(const struct samples *samples);
int samples_labels(const struct samples *samples, int series);

/* Drops what is not newer than the last sample. */
void samples_append(struct samples *samples, int series, int64_t t_ms, double value);
void samples_append_stale(struct samples *samples, int series, int64_t t_ms);

/* The newest sample in (from_ms, until_ms]; false if there is none or it is a stale marker. */
bool samples_newest(const struct samples *samples, int series, int64_t from_ms, int64_t until_ms,
                    int64_t *t_ms, double *value);
/* All samples in (from_ms, until_ms]. */
struct samples_slice samples_between(struct samples *samples, int series, int64_t from_ms,
                                     int64_t until_ms);

#endif
