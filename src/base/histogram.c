/*
 * Log-linear buckets. Below 2048 a value is its own bucket. Above, a value keeps its 11 leading
 * bits: `shift` low bits are dropped so that 1024 <= value >> shift < 2048, and each power of two
 * has 1024 buckets. A bucket's width is at most 1/1024 of the values in it, which bounds the
 * relative error of a quantile by 0.1 %. Finding the bucket costs one count-leading-zeros.
 */
#include "base/histogram.h"

#include "base/buf.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
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

static uint64_t bucket_bottom(size_t bucket)
{
    return bucket == 0 ? 0 : bucket_top(bucket - 1) + 1;
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

uint64_t histogram_max_value(const struct histogram *histogram)
{
    return histogram->max_value;
}

uint64_t histogram_above(const struct histogram *histogram, uint64_t value)
{
    uint64_t above = 0;
    size_t first = value < histogram->max_value ? bucket_of(value) + 1 : histogram->buckets;
    for (size_t i = first; i < histogram->buckets; i++) {
        above += histogram->count[i];
    }
    return above;
}

/* ---- text ---- */

void histogram_write_text(const struct histogram *histogram, struct buf *out)
{
    size_t before = 0;
    buf_printf(out, "h1 %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
               histogram->max_value, histogram->lost, histogram->sum_high, histogram->sum_low,
               histogram_min(histogram), histogram->max);
    for (size_t i = 0; i < histogram->buckets; i++) {
        if (histogram->count[i] > 0) {
            buf_printf(out, " %zu:%" PRIu64, i - before, histogram->count[i]);
            before = i;
        }
    }
}

/* Reads a whole number that begins right here; moves *text behind it. */
static bool read_number(const char **text, uint64_t *out)
{
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    errno = 0;
    *out = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* What was wrong, or NULL. */
static const char *read_buckets(const char *text, struct histogram *histogram)
{
    uint64_t bucket = 0, step, count;
    for (bool first = true; *text == ' '; first = false) {
        text++;
        if (!read_number(&text, &step) || *text++ != ':' || !read_number(&text, &count)) {
            return "a bucket is 'distance:count'";
        }
        if ((step == 0 && !first) || step >= histogram->buckets ||
            bucket + step >= histogram->buckets) {
            return "buckets rise and stay within the range";
        }
        bucket += step;
        if (count == 0 || histogram->total > UINT64_MAX - count) {
            return "a count is positive and all of them fit into 64 bits";
        }
        histogram->count[bucket] = count;
        histogram->total += count;
    }
    return *text == '\0' ? NULL : "buckets stand apart by one space";
}

/* Do minimum, maximum and sum go with the buckets? */
static bool is_consistent(const struct histogram *histogram, uint64_t min)
{
    __extension__ typedef unsigned __int128 wide;
    wide least = 0, most = 0;
    wide sum = ((wide)histogram->sum_high << 64) + histogram->sum_low;
    if (histogram->total == 0) {
        return min == 0 && histogram->max == 0 && sum == 0;
    }
    if (min > histogram->max || histogram->max > histogram->max_value ||
        histogram->count[bucket_of(min)] == 0 || histogram->count[bucket_of(histogram->max)] == 0) {
        return false;
    }
    for (size_t i = 0; i < histogram->buckets; i++) {
        if (histogram->count[i] > 0 && (bucket_top(i) < min || bucket_bottom(i) > histogram->max)) {
            return false;
        }
        least += (wide)bucket_bottom(i) * histogram->count[i];
        most += (wide)bucket_top(i) * histogram->count[i];
    }
    return least <= sum && sum <= most;
}

enum err histogram_read_text(const char *text, struct histogram **out, struct error *error)
{
    enum { MAX_VALUE, LOST, SUM_HIGH, SUM_LOW, MIN, MAX, NUMBERS };
    uint64_t number[NUMBERS];
    bool good = text[0] == 'h' && text[1] == '1';
    text += good ? 2 : 0;
    for (int i = 0; i < NUMBERS && good; i++) {
        good = *text++ == ' ' && read_number(&text, &number[i]);
    }
    if (!good) {
        return error_set(error, ERR_INPUT, NULL, 0,
                         "a histogram begins with 'h1' and six whole numbers");
    }
    struct histogram *histogram = histogram_new(number[MAX_VALUE]);
    histogram->lost = number[LOST];
    histogram->sum_high = number[SUM_HIGH];
    histogram->sum_low = number[SUM_LOW];
    histogram->max = number[MAX];
    const char *wrong = read_buckets(text, histogram);
    if (wrong == NULL && !is_consistent(histogram, number[MIN])) {
        wrong = "minimum, maximum and sum do not go with the buckets";
    }
    if (wrong != NULL) {
        histogram_free(histogram);
        return error_set(error, ERR_INPUT, NULL, 0, "a histogram's text is wrong: %s", wrong);
    }
    histogram->min = histogram->total > 0 ? number[MIN] : UINT64_MAX;
    *out = histogram;
    return ERR_OK;
}
