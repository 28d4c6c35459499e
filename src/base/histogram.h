/*
 * High-dynamic-range histogram of non-negative integers (nanoseconds here): buckets are exact up
 * to 2048 and then 1024 a power of two, so any quantile is within 0.1 %. Fixed memory, mergeable.
 * One writer; readers only after the writer is done. Values beyond the range are counted as lost.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

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

#endif
