/*
 * Log-linear buckets. Below 2048 a value is its own bucket. Above, a value keeps its 11 leading
 * bits: `shift` low bits are dropped so that 1024 <= value >> shift < 2048, and each power of two
 * has 1024 buckets. A bucket's width is at most 1/1024 of the values in it, which bounds the
 * relative error of a quantile by 0.1 %. Finding the bucket costs one count-leading-zeros.
 */
#include "base/histogram.h"

#include "base/mem.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define EXACT UINT64_C(2048)
#define PER_POWER UINT64_C(1024)
#define PER_POWER_BITS 10

struct histogram {
    uint64_t max_value;
    size_t buckets;
    uint64_t total, lost;
    uint64_t sum_high, sum_low; /* a 128-bit sum cannot overflow and does not depend on order */
    uint64_t min, max;          /* min is UINT64_MAX while empty */
    uint64_t count[];
};

static size_t bucket_of(uint64_t value)
{
    if (value < EXACT) {
        return (size_t)value;
    }
    unsigned shift = 63U - (unsigned)__builtin_clzll(value) - PER_POWER_BITS;
    return (size_t)(EXACT + (shift - 1) * PER_POWER + ((value >> shift) - PER_POWER));
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_top(size_t bucket)
{
    if (bucket < EXACT) {
        return bucket;
    }
    uint64_t above = bucket - EXACT;
    unsigned shift = (unsigned)(above / PER_POWER) + 1;
    uint64_t lead = above % PER_POWER + PER_POWER;
    return (lead << shift) + ((UINT64_C(1) << shift) - 1);
}

struct histogram *histogram_new(uint64_t max_value)
{
    size_t buckets = bucket_of(max_value) + 1;
    struct histogram *histogram =
        mem_alloc(sizeof *histogram + buckets * sizeof histogram->count[0]);
    histogram->max_value = max_value;
    histogram->buckets = buckets;
    histogram_reset(histogram);
    return histogram;
}

void histogram_free(struct histogram *histogram)
{
    mem_free(histogram);
}

void histogram_reset(struct histogram *histogram)
{
    histogram->total = 0;
    histogram->lost = 0;
    histogram->sum_high = 0;
    histogram->sum_low = 0;
    histogram->min = UINT64_MAX;
    histogram->max = 0;
    memset(histogram->count, 0, histogram->buckets * sizeof histogram->count[0]);
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    if (value > histogram->max_value) {
        histogram->lost++;
        return;
    }
    histogram->count[bucket_of(value)]++;
    histogram->total++;
    histogram->sum_low += value;
    histogram->sum_high += histogram->sum_low < value;
    if (value < histogram->min) {
        histogram->min = value;
    }
    if (value > histogram->max) {
        histogram->max = value;
    }
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    assert(into->max_value == from->max_value);
    for (size_t i = 0; i < from->buckets; i++) {
        into->count[i] += from->count[i];
    }
    into->total += from->total;
    into->lost += from->lost;
    into->sum_low += from->sum_low;
    into->sum_high += from->sum_high + (into->sum_low < from->sum_low);
    if (from->min < into->min) {
        into->min = from->min;
    }
    if (from->max > into->max) {
        into->max = from->max;
    }
}

uint64_t histogram_count(const struct histogram *histogram)
{
    return histogram->total;
}

uint64_t histogram_lost(const struct histogram *histogram)
{
    return histogram->lost;
}

double histogram_mean(const struct histogram *histogram)
{
    if (histogram->total == 0) {
        return 0.0;
    }
    double sum = (double)histogram->sum_high * 0x1p64 + (double)histogram->sum_low;
    return sum / (double)histogram->total;
}

uint64_t histogram_min(const struct histogram *histogram)
{
    return histogram->total > 0 ? histogram->min : 0;
}

uint64_t histogram_max(const struct histogram *histogram)
{
    return histogram->max;
}

uint64_t histogram_quantile(const struct histogram *histogram, double q)
{
    assert(q >= 0.0 && q <= 1.0);
    /* The rank is a whole number; without the slack 0.07 * 100 = 7.000000000000001 would be 8. */
    double rank = ceil(q * (double)histogram->total * (1.0 - 4.0 * DBL_EPSILON));
    uint64_t wanted = rank > 1.0 ? (uint64_t)rank : 1;
    uint64_t below = 0;
    for (size_t i = 0; i < histogram->buckets; i++) {
        below += histogram->count[i];
        if (below >= wanted) {
            uint64_t top = bucket_top(i);
            return top < histogram->max ? top : histogram->max;
        }
    }
    return histogram->max;
}
