/*
 * High-dynamic-range histogram of non-negative integers (nanoseconds here): buckets are exact up
 * to 2048 and then 1024 a power of two, so any quantile is within 0.1 %. Fixed memory, mergeable.
 * One writer; readers only after the writer is done. Values beyond the range are counted as lost.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include "base/error.h"

#include <stdint.h>

struct buf;
struct histogram;

struct histogram *histogram_new(uint64_t max_value);
void histogram_free(struct histogram *histogram);
void histogram_reset(struct histogram *histogram);
void histogram_record(struct histogram *histogram, uint64_t value);
/* Adds `from` to `into`; both made with the same max_value. */
void histogram_merge(struct histogram *into, const struct histogram *from);
uint64_t histogram_count(const struct histogram *histogram); /* without the lost */
uint64_t histogram_lost(const struct histogram *histogram);
double histogram_mean(const struct histogram *histogram);
uint64_t histogram_min(const struct histogram *histogram); /* 0 if empty */
uint64_t histogram_max(const struct histogram *histogram);
/* Smallest recorded-bucket value v such that a share >= q of the values is <= v; q in [0,1]. */
uint64_t histogram_quantile(const struct histogram *histogram, double q);
uint64_t histogram_max_value(const struct histogram *histogram); /* as given to histogram_new */
/* How many recorded values lie in buckets wholly above `value`: those over it, but for the ones
 * within 0.1 % of it. */
uint64_t histogram_above(const struct histogram *histogram, uint64_t value);

/*
 * Text that says everything, so that histograms of several processes merge without loss: one line
 * of ASCII without quotes or backslashes, a few bytes a bucket in use. Words apart by one space:
 *
 *     h1 MAX_VALUE LOST SUM_HIGH SUM_LOW MIN MAX BUCKET:COUNT ...
 *
 * All are decimal; SUM_HIGH * 2^64 + SUM_LOW is the sum of the values; MIN and MAX are 0 if there
 * are none; buckets rise and each is given as its distance from the one before (the first from 0).
 */
void histogram_write_text(const struct histogram *histogram, struct buf *out);
/* Makes a histogram of such a text; the reader of untrusted input. */
enum err histogram_read_text(const char *text, struct histogram **out, struct error *error)
    __attribute__((warn_unused_result));

#endif
